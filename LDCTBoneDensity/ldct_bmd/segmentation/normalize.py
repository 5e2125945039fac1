"""HU to network input, the same in training and in use."""

import torch
from torch import Tensor

LOW_HU, HIGH_HU, UNIT_HU = -500.0, 900.0, 300.0


def normalize(hu: Tensor) -> Tensor:
    """Clip to what matters for bone and soft tissue and scale to about unit size; any shape, float32."""
    return torch.clamp(hu, LOW_HU, HIGH_HU) / UNIT_HU
