"""HU to network input, the same in training and in use."""

import numpy as np
from numpy.typing import NDArray

LOW_HU, HIGH_HU, UNIT_HU = -500.0, 900.0, 300.0


def normalize(hu: NDArray[np.floating]) -> NDArray[np.float32]:
    """Clip to what matters for bone and soft tissue and scale to about unit size; any shape, float32."""
    return np.clip(hu, LOW_HU, HIGH_HU).astype(np.float32, copy=False) / np.float32(UNIT_HU)
