"""Padding: what a scanner did not reconstruct, which counts as air."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .dicom_volume import AIR_HU

Voxels = NDArray[np.int16] | NDArray[np.float32]


def with_air(hu: Voxels, air: Sequence[float] | None) -> Voxels:
    """Return ``hu`` with the values of the range ``air`` (low, high) turned into air; ``hu`` if there is none."""
    if air is None:
        return hu
    low, high = air
    return np.where((hu >= low) & (hu <= high), hu.dtype.type(AIR_HU), hu)
