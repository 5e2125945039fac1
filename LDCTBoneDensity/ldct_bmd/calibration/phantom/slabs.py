"""A scan in thick coarse slabs, in which noise is low enough to see what a place holds, and whether it is even."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...scan import CTScan

SLAB_MM = 8.0  # tilted by 15 degrees a rod moves 2 mm within it
MOST_SLABS = 48
PIXELS_PER_RADIUS = 5.0
DISC_PER_RADIUS = 0.5  # so that a disc stays in its rod when the pattern is off by half a radius
OBJECT_HU = -300.0
# Of the disc's own standard deviation, against that of even places: noise alone scatters up to about half more.
_EVEN_FACTOR, _EVEN_EXTRA_HU = 1.8, 8.0


@dataclass(frozen=True)
class Slab:
    """One slab, seen from its end.

    Attributes:
        mean_hu: (y, x), mean over a small disc about each pixel.
        even: (y, x), whether the disc holds nothing but noise.
        image: (y, x), the pixels themselves.
        noise_hu: standard deviation of a pixel of ``image``.
        z_index: its middle on the scan's grid.
    """

    mean_hu: NDArray[np.float64]
    even: NDArray[np.bool_]
    image: NDArray[np.float32]
    noise_hu: float
    z_index: float


@dataclass(frozen=True)
class Coarse:
    """The slabs' common grid: pixels of ``pitch_mm`` (x, y), the first one at ``first_index`` (x, y) of the scan."""

    pitch_mm: tuple[float, float]
    first_index: tuple[float, float]
    factors: tuple[int, int]
    slabs: tuple[Slab, ...]

    def to_index_xy(self, pixel_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map coarse pixels (..., 2) to continuous (x, y) indices of the scan."""
        return np.asarray(pixel_xy * np.asarray(self.factors) + np.asarray(self.first_index))


def coarse_slabs(scan: CTScan, radius_mm: float) -> Coarse:
    """Divide a scan into slabs for rods of ``radius_mm``."""
    spacing_x, spacing_y, spacing_z = scan.geometry.spacing_mm
    target = radius_mm / PIXELS_PER_RADIUS
    factor_x, factor_y = (max(1, round(target / d)) for d in (spacing_x, spacing_y))
    pitch = (spacing_x * factor_x, spacing_y * factor_y)
    disc = _disc(DISC_PER_RADIUS * radius_mm, pitch)
    slabs = tuple(
        _slab(block, z, disc, factor_x, factor_y) for block, z in _blocks(scan, max(1, round(SLAB_MM / spacing_z)))
    )
    return Coarse(pitch, ((factor_x - 1) / 2, (factor_y - 1) / 2), (factor_x, factor_y), slabs)


def _blocks(scan: CTScan, thickness: int) -> Iterator[tuple[NDArray[np.float32], float]]:
    count = max(len(scan.hu) // thickness, 1)
    every = math.ceil(count / MOST_SLABS)
    for number in range(0, count, every):
        first = number * thickness
        block = scan.hu[first : first + thickness]
        yield block.mean(axis=0, dtype=np.float32), first + (len(block) - 1) / 2


def _slab(plane: NDArray[np.float32], z_index: float, disc: NDArray[np.float64], fx: int, fy: int) -> Slab:
    rows, columns = plane.shape[0] // fy, plane.shape[1] // fx
    image = plane[: rows * fy, : columns * fx].reshape(rows, fy, columns, fx).mean(axis=(1, 3))
    wide = image.astype(np.float64)
    mean = ndimage.convolve(wide, disc, mode="nearest")
    spread = np.sqrt(np.maximum(ndimage.convolve(wide**2, disc, mode="nearest") - mean**2, 0.0))
    inside = spread[mean > OBJECT_HU]
    # Edges are in the upper half, whatever is in view.
    noise = 1.2 * float(np.quantile(inside, 0.3)) if inside.size else 0.0
    even = (spread <= _EVEN_FACTOR * noise + _EVEN_EXTRA_HU) & (mean > OBJECT_HU)
    return Slab(mean, even, image, noise, z_index)


def _disc(radius_mm: float, pitch_mm: tuple[float, float]) -> NDArray[np.float64]:
    reach_x, reach_y = (max(1, math.floor(radius_mm / d)) for d in pitch_mm)
    y, x = np.ogrid[-reach_y : reach_y + 1, -reach_x : reach_x + 1]
    inside = np.hypot(y * pitch_mm[1], x * pitch_mm[0]) <= max(radius_mm, *pitch_mm)
    return np.asarray(inside / inside.sum())
