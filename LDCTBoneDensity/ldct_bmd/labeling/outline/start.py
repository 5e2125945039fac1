"""The surfaces that the search begins at: those of the network's outline, without its notches, lobes and round rims."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...scan import Geometry
from .frame import Frame, Part

CELL_MM = 2.0
U_MM = np.arange(-32.0, 32.1, CELL_MM)  # to the left
V_MM = np.arange(-26.0, 26.1, CELL_MM)  # to the back
W_MM = np.arange(-24.0, 24.1, 0.5)  # up
ANGLE = np.deg2rad(np.arange(0.0, 360.0, 5.0))  # from left over the back
LEVEL = np.linspace(0.04, 0.96, 13)  # of the height, from the lower endplate
RADIUS_MM = np.arange(4.0, 36.1, 0.5)
BACK = (np.sin(ANGLE) > 0.3)


@dataclass(frozen=True)
class Surfaces:
    """The surfaces of bodies, in their own frames.

    Attributes:
        bottom, top: (bodies, U_MM, V_MM), heights.
        radius: (bodies, ANGLE, LEVEL), of the walls about the body's axis.
        back: (bodies, U_MM, LEVEL), how far back the back wall is.
    """

    bottom: NDArray[np.float32]
    top: NDArray[np.float32]
    radius: NDArray[np.float32]
    back: NDArray[np.float32]


@dataclass(frozen=True)
class Start:
    """Where the search begins, and what the network's own outline is.

    Attributes:
        surfaces: smooth, without notches.
        outline: the network's own; nan where it has none.
    """

    surfaces: Surfaces
    outline: Surfaces


def plate_at(plate: NDArray[np.float32], u: NDArray[np.floating], v: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return heights of endplates (bodies, U_MM, V_MM) at u and v (bodies, ...)."""
    return np.stack(
        [
            ndimage.map_coordinates(p, [(x - U_MM[0]) / CELL_MM, (y - V_MM[0]) / CELL_MM], order=1, mode="nearest")
            for p, x, y in zip(plate, u, v, strict=True)
        ]
    )


def start_of(mask: Part, frame: Frame, geometry: Geometry) -> Start:
    """Return where the search begins for a body's mask."""
    inside = mask.at(frame.to_index_xyz(_points(U_MM, V_MM, W_MM), geometry), "zeros") > 0.5
    filled = inside.sum(axis=-1) * 0.5
    has = filled > 0.5 * np.percentile(filled[filled > 0], 90)
    last = len(W_MM) - 1 - np.argmax(inside[..., ::-1], axis=-1)
    top_raw = np.where(has, W_MM[last] + 0.25, np.nan)
    bottom_raw = np.where(has, W_MM[np.argmax(inside, axis=-1)] - 0.25, np.nan)
    inner = ndimage.binary_erosion(has, iterations=1)
    top, bottom = (smooth_plate(raw, inner) for raw in (top_raw, bottom_raw))
    radius_raw = _outermost(mask, frame, geometry, bottom, top)
    radius = fourier(radius_raw)
    back_raw = _hindmost(mask, frame, geometry, bottom, top, radius)
    back = _smooth_back(back_raw)
    pack = lambda *arrays: Surfaces(*(a.astype(np.float32)[None] for a in arrays))  # noqa: E731
    return Start(pack(bottom, top, radius, back), pack(bottom_raw, top_raw, radius_raw, back_raw))


def _points(u: NDArray[np.floating], v: NDArray[np.floating], w: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(u, v, w, indexing="ij"), axis=-1)


def robust_fit(
    design: NDArray[np.floating],
    values: NDArray[np.floating],
    low: float,
    high: float,
    guess: float | None = None,
    rounds: int = 6,
) -> NDArray[np.float64]:
    """Return coefficients of a fit in which what is farther off than ``low`` (below) or ``high`` (above) counts less."""
    off = np.zeros(len(values)) if guess is None else values - guess
    normal = None
    for _ in range(rounds):
        weight = 1.0 / (1.0 + (off / np.where(off > 0, high, low)) ** 2)
        weighted = design * weight[:, None]
        normal = np.linalg.solve(weighted.T @ design + 1e-6 * np.eye(design.shape[1]), weighted.T @ values)
        off = values - design @ normal
    assert normal is not None
    return normal


def polynomial(x: NDArray[np.floating], y: NDArray[np.floating], order: int) -> NDArray[np.float64]:
    """Return the terms (..., n) of a polynomial of two variables."""
    return np.stack([x**i * y**j for i in range(order + 1) for j in range(order + 1 - i)], axis=-1)


def smooth_plate(raw: NDArray[np.floating], inner: NDArray[np.bool_], order: int = 2) -> NDArray[np.float64]:
    """Return an endplate all over U_MM and V_MM: a robust polynomial of its inner part, carried on flat beyond it."""
    u, v = np.meshgrid(U_MM / 15.0, V_MM / 15.0, indexing="ij")
    terms = polynomial(u, v, order)
    fit = terms @ robust_fit(terms[inner], raw[inner], 0.7, 0.7)
    near = ndimage.distance_transform_edt(~ndimage.binary_dilation(inner, iterations=2), return_distances=False, return_indices=True)
    return fit[near[0], near[1]]


def _outermost(mask: Part, frame: Frame, geometry: Geometry, bottom, top) -> NDArray[np.float64]:
    """Return the radius (ANGLE, LEVEL) at which the mask ends."""
    a, r = np.meshgrid(ANGLE, RADIUS_MM, indexing="ij")
    u, v = r * np.cos(a), r * np.sin(a)
    low, high = (plate_at(p[None], u[None], v[None])[0][:, None] for p in (bottom, top))
    w = low + LEVEL[:, None] * (high - low)
    points = np.stack([np.broadcast_to(u[:, None], w.shape), np.broadcast_to(v[:, None], w.shape), w], axis=-1)
    inside = mask.at(frame.to_index_xyz(points, geometry), "zeros") > 0.5
    last = inside.shape[-1] - 1 - np.argmax(inside[..., ::-1], axis=-1)
    return np.where(inside.any(axis=-1), RADIUS_MM[last] + 0.25, np.nan)


def fourier(radius: NDArray[np.floating], order: int = 6) -> NDArray[np.float64]:
    """Return a robust Fourier series in the angle of (ANGLE, LEVEL): what bulges outwards (ribs, spurs) counts less."""
    terms = np.stack([np.ones_like(ANGLE)] + [f(k * ANGLE) for k in range(1, order + 1) for f in (np.cos, np.sin)], axis=1)
    radius = np.where(np.isnan(radius), np.nanmedian(radius, axis=1, keepdims=True), radius)
    radius = ndimage.gaussian_filter1d(radius, 1.0, axis=1, mode="nearest")
    fits = [terms @ robust_fit(terms, column, 0.8, 0.4) for column in radius.T]
    return ndimage.gaussian_filter1d(np.stack(fits, axis=1), 1.0, axis=1, mode="nearest")


def _hindmost(mask: Part, frame: Frame, geometry: Geometry, bottom, top, radius) -> NDArray[np.float64]:
    """Return how far back (U_MM, LEVEL) the mask reaches."""
    behind = float(np.median(radius[np.argmin(np.abs(ANGLE - np.pi / 2))]))
    v = np.arange(behind - 12.0, behind + 6.0, 0.5)
    at = np.full_like(U_MM, behind)
    low, high = (plate_at(p[None], U_MM[None], at[None])[0][:, None] for p in (bottom, top))
    w = low + LEVEL * (high - low)
    points = np.stack(
        np.broadcast_arrays(U_MM[:, None, None], v[None, None], w[..., None]), axis=-1
    )
    inside = mask.at(frame.to_index_xyz(points, geometry), "zeros") > 0.5
    last = inside.shape[-1] - 1 - np.argmax(inside[..., ::-1], axis=-1)
    return np.where(inside.any(axis=-1), v[last] + 0.25, np.nan)


LOWB, HIGHB = 0.5, 0.8


def _smooth_back(raw: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the back wall all over: a robust surface through it, which bridges the foramen of the vein."""
    u, t = np.meshgrid(U_MM / 15.0, LEVEL - 0.5, indexing="ij")
    near = np.isfinite(raw) & (np.abs(U_MM) <= 9.0)[:, None]
    terms = np.stack([np.ones_like(u), u, t, u * u, t * t], axis=-1)
    flat = np.stack([np.ones_like(u), u, t, np.minimum(u * u, 0.36), t * t], axis=-1)
    return flat @ robust_fit(terms[near], raw[near], LOWB, HIGHB, guess=float(np.percentile(raw[near], 80)))
