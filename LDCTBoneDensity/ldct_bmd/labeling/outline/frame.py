"""Sampling volumes along a body's own axes."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ...scan import Geometry


@dataclass(frozen=True)
class Frame:
    """A body's own axes.

    Attributes:
        center_lps_mm: (3,).
        axes_lps: (3, 3), rows: to the left, to the back, up.
    """

    center_lps_mm: NDArray[np.float64]
    axes_lps: NDArray[np.float64]

    def to_index_xyz(self, uvw: NDArray[np.floating], geometry: Geometry) -> NDArray[np.float32]:
        """Map points (..., 3) in mm along the axes to continuous indices (x, y, z) of a grid."""
        turn = self.axes_lps @ np.asarray(geometry.direction) / np.asarray(geometry.spacing_mm)
        start = geometry.to_index_xyz(self.center_lps_mm)
        return (uvw.astype(np.float32) @ turn.astype(np.float32)) + start.astype(np.float32)


@dataclass(frozen=True)
class Part:
    """A box of a volume.

    Attributes:
        values: (z, y, x) float32.
        start_xyz: index of its first voxel in the whole volume.
    """

    values: NDArray[np.float32]
    start_xyz: NDArray[np.intp]

    def at(self, index_xyz: NDArray[np.float32], padding: str = "border") -> NDArray[np.float32]:
        """Interpolate at continuous indices (..., 3) of the whole volume; ``padding`` as torch's grid_sample has it."""
        size = np.asarray(self.values.shape[::-1], dtype=np.float32)
        normalized = (2 * (index_xyz - self.start_xyz.astype(np.float32)) + 1) / size - 1
        sampled = functional.grid_sample(
            torch.from_numpy(self.values)[None, None],
            torch.from_numpy(np.ascontiguousarray(normalized.reshape(1, 1, 1, -1, 3), dtype=np.float32)),
            mode="bilinear",
            padding_mode=padding,
            align_corners=False,
        )
        return sampled.numpy().reshape(index_xyz.shape[:-1])
