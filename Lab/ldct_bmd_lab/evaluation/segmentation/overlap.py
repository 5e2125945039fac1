"""How far two masks agree: overlap, matching, distances between surfaces."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.labeling import VertebralColumn

FOUND_DICE = 0.5  # each of two merged bodies can have more than that with their union, but only one is matched with it


def dice_matrix(reference: VertebralColumn, found: VertebralColumn) -> NDArray[np.float64]:
    """Return (n, m) the Dice coefficient of every reference body with every automatic one, top to bottom."""
    values = [VERSE_VALUE[v.level] for v in found.vertebrae]
    sizes = np.array([np.count_nonzero(found.mask(v.level)[1]) for v in found.vertebrae])
    dice = np.zeros((len(reference.vertebrae), len(values)))
    if not values:
        return dice
    for row, vertebra in enumerate(reference.vertebrae):
        box, inside = reference.mask(vertebra.level)
        shared = np.bincount(found.bodies[box][inside], minlength=max(values) + 1)[values]
        dice[row] = 2.0 * shared / (np.count_nonzero(inside) + sizes)
    return dice


def match(dice: NDArray[np.float64]) -> dict[int, int]:
    """Return the automatic body (column) of each reference body (row) that was found: one to one, most Dice in sum."""
    rows, columns = optimize.linear_sum_assignment(dice, maximize=True)
    return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if dice[r, c] >= FOUND_DICE}


def surface_distances(
    one: NDArray[np.bool_], other: NDArray[np.bool_], spacing_zyx_mm: tuple[float, float, float]
) -> tuple[float, float]:
    """Return the symmetric mean surface distance and the 95 % Hausdorff distance of two masks (z, y, x), in mm.

    Distances are between the centres of surface voxels (a voxel with a face on the outside). The mean is over both
    surfaces together; of the two 95th percentiles the larger is taken (Maier-Hein et al. 2024, Metrics Reloaded).

    Raises:
        ValueError: a mask is empty.
    """
    if not (one.any() and other.any()):
        raise ValueError("an empty mask has no surface")
    box = ndimage.find_objects((one | other).astype(np.uint8))[0]
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (one[box], other[box])]
    to_surface = [ndimage.distance_transform_edt(~surface, sampling=spacing_zyx_mm) for surface in surfaces]
    there, back = to_surface[1][surfaces[0]], to_surface[0][surfaces[1]]
    mean = float(np.concatenate([there, back]).mean())
    return mean, float(max(np.percentile(there, 95.0), np.percentile(back, 95.0)))
