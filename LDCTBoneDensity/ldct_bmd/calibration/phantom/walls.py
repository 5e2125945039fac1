"""Whether a rod ends where it should, all around: what tells it from even tissue."""

import math

import numpy as np
from numpy.typing import NDArray

from ...scan import CTScan

# Of the rod's radius: outside is pad, inside still rod. A pose that is off by a fifth of it fails in some sectors.
_OUTSIDE, _INSIDE = (1.15, 1.4), (0.6, 0.85)
SECTORS, LEAST_SECTORS = 8, 7
LEAST_CONTRAST_HU = 8.0
_LEAST_PART = 0.4  # of the rod's own contrast


def wall(
    scan: CTScan, centres: NDArray[np.float64], along: NDArray[np.float64], radius_mm: float, slices: range
) -> tuple[float, int]:
    """Return the median contrast over the sectors, and in how many of them the rod fills its circle and no more."""
    sums = np.zeros((2, 2, SECTORS))  # inside and outside; sum and count
    for k in slices:
        for place, (low, high) in enumerate((_INSIDE, _OUTSIDE)):
            values, sector = _ring(scan, k, centres[k], along, (low * radius_mm, high * radius_mm))
            sums[place, 0] += np.bincount(sector, values, SECTORS)
            sums[place, 1] += np.bincount(sector, minlength=SECTORS)
    means = np.divide(sums[:, 0], sums[:, 1], out=np.full((2, SECTORS), np.nan), where=sums[:, 1] > 0)
    inner = float(np.nanmedian(means[0]))
    steps = inner - means[1]
    contrast = float(np.nanmedian(steps))
    least = max(LEAST_CONTRAST_HU, _LEAST_PART * abs(contrast))
    # Next to a thin pad there is air or table, which differs even more, and either way.
    filled = np.abs(means[0] - inner) < least
    return contrast, int((filled & (np.abs(steps) >= least)).sum())


def _ring(
    scan: CTScan,
    k: int,
    centre_mm: NDArray[np.float64],
    along: NDArray[np.float64],
    radii_mm: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the voxels of slice ``k`` between two distances from the axis, and the sector of each."""
    spacing_x, spacing_y, _ = scan.geometry.spacing_mm
    columns, rows, _ = scan.geometry.size
    reach = radii_mm[1] / along[2]
    x = np.arange(
        max(math.ceil((centre_mm[0] - reach) / spacing_x), 0),
        min(math.floor((centre_mm[0] + reach) / spacing_x), columns - 1) + 1,
    )
    y = np.arange(
        max(math.ceil((centre_mm[1] - reach) / spacing_y), 0),
        min(math.floor((centre_mm[1] + reach) / spacing_y), rows - 1) + 1,
    )
    dx, dy = np.meshgrid(x * spacing_x - centre_mm[0], y * spacing_y - centre_mm[1])
    distance = np.sqrt(np.maximum(dx**2 + dy**2 - (dx * along[0] + dy * along[1]) ** 2, 0.0))
    inside = (distance >= radii_mm[0]) & (distance < radii_mm[1])
    part = np.arctan2(dy[inside], dx[inside]) / (2 * np.pi) + 0.5
    values = scan.hu[k, y[0] : y[-1] + 1, x[0] : x[-1] + 1] if x.size and y.size else np.zeros(inside.shape)
    return values[inside].astype(np.float64), np.minimum((part * SECTORS).astype(np.intp), SECTORS - 1)
