"""Sampling volumes along a body's own axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ground.threads import in_threads
from ...scan import Geometry
from ...segmentation.resample import sampled
from .surfaces import Array, Mask

METAL_HU = 1500.0  # cortical bone stays below it


@dataclass(frozen=True)
class Frame:
    """A body's own axes.

    Attributes:
        center_lps_mm: (3,).
        axes_lps: (3, 3), rows: to the left, to the back, up.
    """

    center_lps_mm: NDArray[np.float64]
    axes_lps: NDArray[np.float64]

    def to_index_xyz(self, uvw: NDArray[np.floating], geometry: Geometry) -> Array:
        """Map points (..., 3) in mm along the axes to continuous indices (x, y, z) of a grid."""
        turn = self.axes_lps @ np.asarray(geometry.direction) / np.asarray(geometry.spacing_mm)
        start = geometry.to_index_xyz(self.center_lps_mm)
        return (uvw.astype(np.float32) @ turn.astype(np.float32)) + start.astype(np.float32)


@dataclass(frozen=True)
class Part:
    """A box of a volume.

    Attributes:
        values: (z, y, x).
        start_xyz: index of its first voxel in the whole volume.
    """

    values: Array
    start_xyz: NDArray[np.intp]

    def at(self, index_xyz: Array) -> Array:
        """Interpolate at continuous indices (..., 3) of the whole volume; the box's outer voxels go on beyond it."""
        return sampled(self.values, index_xyz - self.start_xyz.astype(np.float32))


@dataclass(frozen=True)
class Sight:
    """The scan about bodies, seen along their own axes.

    Attributes:
        hu: the scan about them all.
        geometry: the whole scan's grid.
        frames: one a body.
    """

    hu: Part
    geometry: Geometry
    frames: Sequence[Frame]

    def along(self, u: Array, v: Array, w: Array, low_hu: float, high_hu: float) -> tuple[Array, Mask]:
        """Sample lines: points (bodies, n0, n1, labels), the last axis outwards.

        Returns:
            HU within the limits given, and which lines (bodies, n0, n1) can be used: those that leave the scan or meet
            metal can't.
        """
        profile = np.empty(np.broadcast_shapes(u.shape, v.shape, w.shape), dtype=np.float32)
        usable = np.empty(profile.shape[:-1], dtype=np.bool_)
        last = np.asarray(self.geometry.size, dtype=np.float32) - 0.5

        def look(body: int, frame: Frame) -> None:
            points = np.stack(np.broadcast_arrays(u[body], v[body], w[body]), axis=-1)
            index = frame.to_index_xyz(points, self.geometry)
            hu = self.hu.at(index)
            outside = ((index < -0.5) | (index > last)).reshape(*usable.shape[1:], -1).any(axis=-1)
            usable[body] = ~(outside | (hu > METAL_HU).any(axis=-1))
            profile[body] = np.clip(hu, low_hu, high_hu)

        in_threads(look, range(len(self.frames)), self.frames)
        return profile, usable
