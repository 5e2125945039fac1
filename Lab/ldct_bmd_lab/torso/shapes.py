"""Scenes of no anatomy: tubes, balls and rows of discs, bare or with a shell, in soft tissue, plastic or air.

They stand for limbs, phantoms and implants, so that a network learns that bone alone makes no spine.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
AIR_HU = -1000.0
MOST_SOLIDS, MOST_DISCS = 10, 12


def draw_shapes(
    rng: np.random.Generator, shape: tuple[int, int, int], spacing_zyx_mm: tuple[float, float, float]
) -> Array:
    """Draw one scene; return HU (z, y, x) without blur and noise. The same ``rng`` state gives the same scene."""
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    z, y, x = ((a - (n - 1) / 2) * d for a, n, d in zip(axes, shape, spacing_zyx_mm, strict=True))
    points = np.stack(np.broadcast_arrays(z, y, x)).astype(np.float32)
    extent = np.asarray(shape) * spacing_zyx_mm / 2
    hu = np.full(shape, AIR_HU, dtype=np.float32)
    # One trunk, or two limbs side by side.
    apart = rng.uniform(40, 100) if rng.random() < 0.3 else 0.0
    radii = rng.uniform((80, 30, 30), (600, 110, apart or 150))
    middle = rng.normal(0, (60, 15, 15))
    axis_point = np.stack([points[0], points[1], np.abs(points[2]) - apart if apart else points[2]])
    inside = np.sqrt((((axis_point - _column(middle)) / _column(radii)) ** 2).sum(axis=0))
    hu[inside < 1] = rng.uniform(-120, 150)
    hu[inside < rng.uniform(0.75, 1)] = rng.uniform(-20, 80)
    for _ in range(rng.integers(0, MOST_SOLIDS + 1)):
        _draw_solid(rng, hu, points, extent)
    if rng.random() < 0.4:
        _draw_row(rng, hu, points, extent)
    return hu


def _column(values: NDArray[np.float64]) -> Array:
    return values.astype(np.float32)[:, None, None, None]


def _draw_solid(rng: np.random.Generator, hu: Array, points: Array, extent: NDArray[np.float64]) -> None:
    """Draw a tube between two points, or a ball."""
    start = rng.uniform(-0.7, 0.7, 3) * extent
    if rng.random() < 0.6:
        # Most lie along the scan, as long bones do.
        way = rng.normal(0, (1.0, 0.3, 0.3)) * rng.uniform(40, 400)
        share = np.tensordot(way, points - _column(start), axes=1) / max(float(way @ way), 1.0)
        nearest = _column(start) + _column(way) * np.clip(share, 0, 1)[None]
        depth = rng.uniform(5, 28) - np.linalg.norm(points - nearest, axis=0)
    else:
        radii = rng.uniform(8, 45, 3)
        depth = (1 - np.sqrt((((points - _column(start)) / _column(radii)) ** 2).sum(axis=0))) * radii.min()
    _fill(rng, hu, depth)


def _draw_row(rng: np.random.Generator, hu: Array, points: Array, extent: NDArray[np.float64]) -> None:
    """Draw discs one behind the other along z, all of one make."""
    at_y, at_x = rng.uniform(-0.5, 0.5, 2) * extent[1:]
    pitch = rng.uniform(18, 50)
    length = pitch * rng.uniform(0.4, 0.9)
    radius = rng.uniform(7, 28)
    first = rng.uniform(-extent[0], 0)
    number = np.floor((points[0] - first) / pitch)
    along = length / 2 - np.abs((points[0] - first) - (number + 0.5) * pitch)
    across = radius - np.hypot(points[1] - at_y, points[2] - at_x)
    known = (number >= 0) & (number < rng.integers(2, MOST_DISCS + 1))
    _fill(rng, hu, np.where(known, np.minimum(along, across), -1.0))


def _fill(rng: np.random.Generator, hu: Array, depth: NDArray[np.floating]) -> None:
    """Fill where ``depth``, mm below the surface, is positive: of one density, or marrow in a cortex."""
    if rng.random() < 0.5:
        hu[depth > 0] = rng.uniform(-800, 500)
    else:
        hu[depth > 0] = rng.uniform(300, 1300)
        hu[depth > rng.uniform(1, 6)] = rng.uniform(-80, 350)
