"""Whether three axes are what a grid of voxels can have."""

import numpy as np
from numpy.typing import NDArray

from ...ground.errors import CannotMeasure

# Directions written with two decimals are off by 0.4 degrees at most; a gantry is tilted by 1 degree or more.
MOST_SHEAR_DEG = 0.5


def lengths(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lengths of the columns of a 3 x 3 matrix."""
    length: NDArray[np.float64] = np.linalg.norm(columns, axis=0)
    return length


def check_axes(columns: NDArray[np.float64], file: str) -> None:
    """Refuse axes (the columns of a 3 x 3 matrix) that are not finite, have no length, or are not perpendicular."""
    if not np.isfinite(columns).all() or lengths(columns).min() <= 0:
        raise CannotMeasure("file.axes_vanish", file=file)
    unit = columns / lengths(columns)
    cosines = np.abs(unit.T @ unit - np.eye(3))
    shear_deg = float(np.degrees(np.arcsin(min(1.0, cosines.max()))))
    if shear_deg > MOST_SHEAR_DEG:
        raise CannotMeasure("scan.axes_not_perpendicular", file=file)
