"""The surfaces that the search begins at: those of the network's outline, without its notches, lobes and round rims."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...scan import Geometry
from ..tuned import THREE_SLICES, tuned
from .frame import Frame, Part
from .surfaces import (
    ANGLE,
    DEGREES,
    LEVEL,
    U_MM,
    V_MM,
    Array,
    Mask,
    Surfaces,
    between_plates,
    polynomial,
    robust_fit,
    spread,
)

W_MM = np.arange(-24.0, 24.1, 0.5)
RADIUS_MM = np.arange(4.0, 36.1, 0.5)


@dataclass(frozen=True)
class StartShape:
    """The smooth surfaces that are laid through the outline of the network."""

    stands: float = tuned(
        0.5,
        "lower columns of an outline are rim",
        unit="of the usual height of a column",
        source="rims are lower than the plate between them",
        data=THREE_SLICES,
    )
    least_cells: int = tuned(
        20,
        "of a smaller endplate or back wall nothing can be determined",
        unit="cells, of 2 x 2 mm on an endplate",
        source="not recorded",
        data=THREE_SLICES,
    )
    fourier_order: int = tuned(
        6,
        "order of the series in the angle that the walls are",
        unit="turns",
        source="ribs and spurs are narrower",
        data=THREE_SLICES,
    )
    back_mm: float = tuned(
        9.0,
        "there the hind end of the outline is the back wall",
        unit="mm to each side of the middle",
        source="pedicles begin beyond",
        data=THREE_SLICES,
    )


START_SHAPE = StartShape()


@dataclass(frozen=True)
class Start:
    """Where the search begins for one body, and what the network's own outline is.

    Attributes:
        surfaces: smooth ones, known everywhere.
        outline: the network's own; nan where it has none.
    """

    surfaces: Surfaces
    outline: Surfaces


def start_of(mask: Part, frame: Frame, geometry: Geometry, shape: StartShape = START_SHAPE) -> Start | None:
    """Return where the search begins for a body's mask (0 to 1, rim 0); None where it is too small to tell."""
    points = np.stack(np.meshgrid(U_MM, V_MM, W_MM, indexing="ij"), axis=-1)
    inside = _inside(mask, frame.to_index_xyz(points, geometry))
    filled = inside.sum(axis=-1)
    if not filled.any():
        return None
    stands = filled > shape.stands * np.percentile(filled[filled > 0], 90)
    inner = ndimage.binary_erosion(stands)
    if inner.sum() < shape.least_cells:
        return None
    own_bottom = np.where(stands, W_MM[np.argmax(inside, axis=-1)] - 0.25, np.nan)
    own_top = np.where(stands, _last(inside, W_MM), np.nan)
    bottom, top = (_smooth_plate(own, inner) for own in (own_bottom, own_top))
    own_radius = _outermost(mask, frame, geometry, bottom, top)
    radius = _smooth_walls(own_radius, shape.fourier_order)
    own_back = _hindmost(mask, frame, geometry, bottom, top, radius)
    near = np.isfinite(own_back) & (np.abs(U_MM) <= shape.back_mm)[:, None]
    if near.sum() < shape.least_cells:
        return None
    back = _smooth_back(own_back, near, shape.back_mm)
    return Start(_packed(bottom, top, radius, back), _packed(own_bottom, own_top, own_radius, own_back))


def _inside(mask: Part, index_xyz: Array) -> Mask:
    """Return which points (..., 3) are in the mask; most lie beyond its box, whose rim is 0, and are not looked up."""
    at = index_xyz - mask.start_xyz.astype(np.float32)
    sizes = mask.values.shape[::-1]
    near = np.logical_and.reduce([(at[..., k] > 0) & (at[..., k] < n - 1) for k, n in enumerate(sizes)])
    inside = np.zeros(near.shape, dtype=np.bool_)
    inside[near] = mask.at(index_xyz[near]) > 0.5
    return inside


def _packed(*arrays: NDArray[np.floating]) -> Surfaces:
    return Surfaces(*(array.astype(np.float32)[None] for array in arrays))


def _last(inside: Mask, at_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the mask ends along the last axis: at its outermost point, whatever notch lies before it."""
    last = inside.shape[-1] - 1 - np.argmax(inside[..., ::-1], axis=-1)
    return np.where(inside.any(axis=-1), at_mm[last] + (at_mm[1] - at_mm[0]) / 2, np.nan)


def _smooth_plate(own: NDArray[np.float64], inner: Mask) -> NDArray[np.float64]:
    """Return a robust quadric of an endplate's inner part, carried on flat beyond the rims."""
    terms = polynomial(2)
    fit = terms @ robust_fit(terms[inner], own[inner], 0.7, 0.7)
    return np.asarray(spread(fit, ndimage.binary_dilation(inner, iterations=2)), dtype=np.float64)


def _outermost(
    mask: Part, frame: Frame, geometry: Geometry, bottom: NDArray[np.float64], top: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the radius (ANGLE, LEVEL) at which the mask ends."""
    angle, radius = np.meshgrid(ANGLE, RADIUS_MM, indexing="ij")
    u, v = (radius * f(angle) for f in (np.cos, np.sin))
    w = between_plates(bottom[None], top[None], u[None, ..., None], v[None, ..., None])[0]
    points = np.stack(np.broadcast_arrays(u[..., None], v[..., None], w), axis=-1).swapaxes(1, 2)
    return _last(_inside(mask, frame.to_index_xyz(points, geometry)), RADIUS_MM)


def _smooth_walls(own: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """Return a robust Fourier series in the angle: what bulges outwards (ribs, spurs) counts less."""
    orders = range(1, order + 1)
    terms = np.stack([np.ones_like(ANGLE)] + [f(k * ANGLE) for k in orders for f in (np.cos, np.sin)], axis=1)
    usual = np.nanmedian(own, axis=1, keepdims=True) if np.isfinite(own).any() else RADIUS_MM[0]
    filled = np.nan_to_num(np.where(np.isnan(own), usual, own), nan=RADIUS_MM[0])
    filled = ndimage.gaussian_filter1d(filled, 1.0, axis=1, mode="nearest")
    fits = [terms @ robust_fit(terms, column, 0.8, 0.4) for column in filled.T]
    return np.asarray(ndimage.gaussian_filter1d(np.stack(fits, axis=1), 1.0, axis=1, mode="nearest"))


def _hindmost(
    mask: Part,
    frame: Frame,
    geometry: Geometry,
    bottom: NDArray[np.float64],
    top: NDArray[np.float64],
    radius: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how far back (U_MM, LEVEL) the mask reaches."""
    middle = float(np.median(radius[np.argmin(np.abs(DEGREES - 90.0))]))
    v = np.arange(middle - 12.0, middle + 6.0, 0.5)
    u = np.broadcast_to(U_MM[:, None], (len(U_MM), len(LEVEL)))
    w = between_plates(bottom[None], top[None], u[None], np.full_like(u, middle)[None])[0]
    points = np.stack(np.broadcast_arrays(u[..., None], v, w[..., None]), axis=-1)
    return _last(_inside(mask, frame.to_index_xyz(points, geometry)), v)


def _smooth_back(own: NDArray[np.float64], near: Mask, back_mm: float) -> NDArray[np.float64]:
    """Return the back wall all over: a robust quadric of its middle, which bridges the foramen of the vein."""

    def terms(reach_mm: float) -> NDArray[np.float64]:
        u, level = np.meshgrid(U_MM / 15.0, LEVEL - 0.5, indexing="ij")
        return np.stack([np.ones_like(u), u, level, np.minimum(u * u, (reach_mm / 15.0) ** 2), level**2], axis=-1)

    fitted = robust_fit(terms(np.inf)[near], own[near], 0.5, 0.8, guess=float(np.percentile(own[near], 80)))
    return np.asarray(terms(back_mm) @ fitted)
