"""How the surfaces of a body are stored: endplates as heights, walls as radii, the back wall as depths.

All in the body's own frame: u to the left, v to the back, w up along its axis, in mm from its centre.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

CELL_MM = 2.0
U_MM = np.arange(-32.0, 32.1, CELL_MM)
V_MM = np.arange(-26.0, 26.1, CELL_MM)
ANGLE_STEP = 5.0
DEGREES = np.arange(0.0, 360.0, ANGLE_STEP)  # from the left over the back
ANGLE = np.deg2rad(DEGREES)
LEVEL = np.linspace(0.04, 0.96, 13)  # of the height, from the lower endplate: the rims themselves are endplate and wall


@dataclass(frozen=True)
class Surfaces:
    """The surfaces of bodies.

    Attributes:
        bottom: (bodies, U_MM, V_MM), heights of the lower endplates.
        top: the same of the upper ones.
        radius: (bodies, ANGLE, LEVEL), of the walls about the body's axis.
        back: (bodies, U_MM, LEVEL), v of the back wall.
    """

    bottom: Array
    top: Array
    radius: Array
    back: Array


def heights_at(plates: NDArray[np.floating], u: NDArray[np.floating], v: NDArray[np.floating]) -> Array:
    """Return the heights of endplates (bodies, U_MM, V_MM) at u and v (bodies, ...)."""
    return np.stack(
        [
            ndimage.map_coordinates(
                plate, [(x - U_MM[0]) / CELL_MM, (y - V_MM[0]) / CELL_MM], output=np.float32, order=1, mode="nearest"
            )
            for plate, x, y in zip(plates, u, v, strict=True)
        ]
    )


def between_plates(
    bottom: NDArray[np.floating], top: NDArray[np.floating], u: NDArray[np.floating], v: NDArray[np.floating]
) -> Array:
    """Return w of all LEVELs (last axis of the result) at u and v (bodies, ..., LEVEL or 1)."""
    low, high = (heights_at(plate, u, v) for plate in (bottom, top))
    return low + LEVEL.astype(np.float32) * (high - low)


def polynomial(order: int) -> NDArray[np.float64]:
    """Return the terms (U_MM, V_MM, n) of a polynomial over an endplate."""
    u, v = np.meshgrid(U_MM / 15.0, V_MM / 15.0, indexing="ij")
    return np.stack([u**i * v**j for i in range(order + 1) for j in range(order + 1 - i)], axis=-1)


def robust_fit(
    terms: NDArray[np.floating],
    values: NDArray[np.floating],
    below: float,
    above: float,
    guess: float | None = None,
    rounds: int = 6,
) -> NDArray[np.float64]:
    """Return the coefficients of a least-squares fit in which outliers count less (Cauchy weights).

    Args:
        terms: (n, coefficients).
        values: (n,).
        below: how far under the fit a value may be to count half.
        above: how far above it.
        guess: a constant to start at; without it, at plain least squares.
    """
    off: NDArray[np.floating] = np.zeros(len(values)) if guess is None else values - guess
    coefficients: NDArray[np.float64] = np.zeros(terms.shape[1])
    for _ in range(rounds):
        weighted = terms / (1.0 + (off / np.where(off > 0, above, below)) ** 2)[:, None]
        ridge = 1e-6 * np.eye(terms.shape[1])
        coefficients = np.asarray(np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ values), dtype=np.float64)
        off = values - terms @ coefficients
    return coefficients


def spread(values: NDArray[np.floating], known: Mask) -> NDArray[np.floating]:
    """Return values (n0, n1) in which each cell that is not known has the value of the nearest that is."""
    near = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(values[near[0], near[1]])
