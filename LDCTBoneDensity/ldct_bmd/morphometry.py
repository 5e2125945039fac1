"""Heights of a vertebral body, measured from its mask, and what they say about fracture."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .anatomy import order
from .scan import Geometry

# Genant 1993 (semiquantitative grading, T4-L4): a loss of 20 % or more of a height is a fracture, grade 1 up to 25 %.
FRACTURE_LOSS = 0.20
GRADED_FROM, GRADED_TO = "T4", "L4"
# Posterior height rises by about 4 % a level from T10 to L2 (Panjabi 1991, 1992).
GROWTH_PER_LEVEL = 0.04
# A loss must also be beyond twice its own uncertainty, so that thick slices don't make fractures.
COVERAGE_FACTOR = 2.0
EDGE_UNCERTAINTY_MM = 0.5  # where a segmentation sets an endplate

_REGIONS = ((0.05, 0.20), (0.425, 0.575), (0.80, 0.95))  # of the depth, front to back; the rounded rims left out
_BAND = 0.25  # of the width to each side of the middle
_INNER_FRACTION = 0.5  # of the footprint's radius: where a column meets both endplates even in a tilted body
_AXIS_ITERATIONS = 3
_LEAST_VOXELS = 50
_CELL_MM = 2.0
_FINE_MM = 0.1


@dataclass(frozen=True)
class BodyHeights:
    """Heights of a vertebral body along its own axis, at its front wall, middle and back wall.

    Attributes:
        uncertainty_mm: standard uncertainty of each height, from the slice spacing and the segmentation's edge.
    """

    anterior_mm: float
    middle_mm: float
    posterior_mm: float
    uncertainty_mm: float


def body_heights(body: NDArray[np.bool_], box: tuple[slice, slice, slice], geometry: Geometry) -> BodyHeights | None:
    """Measure a complete vertebral body.

    The body's axis bisects its endplates. A height is the body's volume in the middle half of its width over the area
    it stands on, so that it is finer than a slice; a straight line through the front and back values carries them to
    the walls.

    Args:
        body: (z, y, x) inside ``box``.
        box: where ``body`` lies on the grid of ``geometry``.

    Returns:
        None where the mask is too small to tell.
    """
    axes = body_axes_lps(body, box, geometry)
    if axes is None:
        return None
    points = _points_lps_mm(body, box, geometry)
    left, back, up = axes
    frame = np.stack([back, left, up])
    return _heights((points - points.mean(axis=0)) @ frame.T, frame, geometry)


def body_axes_lps(
    body: NDArray[np.bool_], box: tuple[slice, slice, slice], geometry: Geometry
) -> NDArray[np.float64] | None:
    """Return rows in LPS: to the left, to the back, up along the body's axis, which bisects its endplates.

    Arguments as for :func:`body_heights`; None where the mask is too small to tell.
    """
    points = _points_lps_mm(body, box, geometry)
    if len(points) < _LEAST_VOXELS:
        return None
    # The first and last voxel of every column along z hold the endplates, whatever the tilt.
    padded = np.pad(body, ((1, 1), (0, 0), (0, 0)))
    surface = _points_lps_mm(body & ~(padded[:-2] & padded[2:]), box, geometry) - points.mean(axis=0)
    frame = upright_frame(np.array([0.0, 0.0, 1.0]))
    for _ in range(_AXIS_ITERATIONS):
        normal = endplate_normal(surface @ frame.T, geometry)
        if normal is None:
            return None
        frame = upright_frame(normal @ frame)
    back, left, up = frame
    return np.stack([left, back, up])


def _points_lps_mm(mask: NDArray[np.bool_], box: tuple[slice, slice, slice], geometry: Geometry) -> NDArray[np.float64]:
    index_zyx = np.argwhere(mask) + [axis.start for axis in box]
    return geometry.to_lps_mm(index_zyx[:, ::-1].astype(np.float64))


def smallest_loss(spacing_z_mm: float, height_mm: float = 25.0) -> float:
    """Return the part of a height (T12 and L1 are about 25 mm high) that must be lost to be told at such slices."""
    return max(FRACTURE_LOSS, _least_loss_mm(_uncertainty_mm(spacing_z_mm)) / height_mm)


def height_losses(levels: Sequence[tuple[str, BodyHeights]]) -> dict[str, str]:
    """Return what looks like a fracture, as a phrase by level.

    Args:
        levels: complete vertebral bodies with their level, top to bottom.
    """
    by_level = dict(levels)
    losses: dict[str, str] = {}
    for level, heights in levels:
        if not order(GRADED_FROM) <= order(level) <= order(GRADED_TO):
            continue
        phrase = _own_loss(heights) or _loss_against_neighbours(level, by_level)
        if phrase is not None:
            losses[level] = phrase
    return losses


def upright_frame(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows: backwards, leftwards, upwards along ``axis``."""
    up = axis / np.linalg.norm(axis)
    back = np.array([0.0, 1.0, 0.0]) - up[1] * up
    back /= np.linalg.norm(back)
    return np.stack([back, np.cross(back, up), up])


def endplate_normal(uvw: NDArray[np.float64], geometry: Geometry) -> NDArray[np.float64] | None:
    """Return the mean of the endplates' normals in the frame of ``uvw``; None where there is too little to fit."""
    cell = max(_CELL_MM, 1.5 * max(geometry.spacing_mm[:2]))
    cells = np.round(uvw[:, :2] / cell).astype(np.int64)
    cells -= cells.min(axis=0)
    keys, inverse = np.unique(cells[:, 0] * 10_000 + cells[:, 1], return_inverse=True)
    top = np.full(len(keys), -np.inf)
    bottom = np.full(len(keys), np.inf)
    np.maximum.at(top, inverse, uvw[:, 2])
    np.minimum.at(bottom, inverse, uvw[:, 2])
    uv = np.column_stack([keys // 10_000, keys % 10_000]) * cell
    uv = uv - uv.mean(axis=0)
    covariance = np.cov(uv.T) if len(uv) > 2 else np.zeros((2, 2))
    if np.linalg.det(covariance) <= 0:
        return None
    # A uniform ellipse has its rim at a squared Mahalanobis distance of 4.
    squared_distance = np.einsum("ij,jk,ik->i", uv, np.linalg.inv(covariance), uv)
    inner = squared_distance <= 4.0 * _INNER_FRACTION**2
    if inner.sum() < 6:
        return None
    design = np.column_stack([uv[inner], np.ones(inner.sum())])
    gradients = [np.linalg.lstsq(design, surface[inner], rcond=None)[0][:2] for surface in (top, bottom)]
    normals = [np.array([-g[0], -g[1], 1.0]) / math.sqrt(1.0 + g[0] ** 2 + g[1] ** 2) for g in gradients]
    return normals[0] + normals[1]


def _heights(uvw: NDArray[np.float64], frame: NDArray[np.float64], geometry: Geometry) -> BodyHeights | None:
    # A voxel counts for the part of it that lies in a region, as a box as wide as its shadow on that axis.
    sides = (np.asarray(geometry.direction) * np.asarray(geometry.spacing_mm)).T
    shadow_u, shadow_v = (float(np.linalg.norm(sides @ frame[i])) for i in (0, 1))
    low_v, high_v = np.percentile(uvw[:, 1], [1.0, 99.0])
    middle_v, half_v = (low_v + high_v) / 2.0, (high_v - low_v) * _BAND
    if half_v <= 0.0:
        return None
    in_band = _overlap(uvw[:, 1], shadow_v, middle_v - half_v, middle_v + half_v)
    bins = np.arange(uvw[:, 0].min() - 3.0 - shadow_u, uvw[:, 0].max() + 3.0 + shadow_u, _FINE_MM)
    volume = np.histogram(uvw[:, 0], bins, weights=in_band)[0] * geometry.voxel_volume_mm3
    below = np.concatenate([[0.0], np.cumsum(volume)])
    below_integral = np.concatenate([[0.0], np.cumsum((below[1:] + below[:-1]) * _FINE_MM / 2.0)])

    def volume_below(u: float) -> float:
        start, end = np.interp([u - shadow_u / 2.0, u + shadow_u / 2.0], bins, below_integral)
        return float(end - start) / shadow_u

    def height(start: float, end: float) -> float:
        return (volume_below(end) - volume_below(start)) / (2.0 * half_v * (end - start))

    edges = np.arange(uvw[:, 0].min() - 1.0, uvw[:, 0].max() + 1.0)
    profile = np.array([height(edge, edge + 1.0) for edge in edges])
    if not (profile > 0).any():
        return None
    inside = np.flatnonzero(profile > 0.5 * np.median(profile[profile > 0]))
    front, depth = float(edges[inside[0]]), float(edges[inside[-1]] + 1.0 - edges[inside[0]])
    if depth < 8.0:
        return None
    at_front, middle, at_back = (height(front + a * depth, front + b * depth) for a, b in _REGIONS)
    centers = [sum(region) / 2.0 for region in _REGIONS]
    gradient = (at_back - at_front) / (centers[2] - centers[0])
    return BodyHeights(
        anterior_mm=float(at_front - gradient * centers[0]),
        middle_mm=float(middle),
        posterior_mm=float(at_back + gradient * (1.0 - centers[2])),
        uncertainty_mm=_uncertainty_mm(geometry.spacing_mm[2]),
    )


def _overlap(center: NDArray[np.float64], width: float, start: float, end: float) -> NDArray[np.float64]:
    """Return the part of each interval of ``width`` about ``center`` that lies between ``start`` and ``end``."""
    inside = np.minimum(center + width / 2.0, end) - np.maximum(center - width / 2.0, start)
    return np.asarray(np.clip(inside / width, 0.0, 1.0))


def _is_lost(height_mm: float, reference_mm: float, uncertainty_mm: float) -> bool:
    loss_mm = reference_mm - height_mm
    return loss_mm >= FRACTURE_LOSS * reference_mm and loss_mm > _least_loss_mm(uncertainty_mm)


def _least_loss_mm(uncertainty_mm: float) -> float:
    return COVERAGE_FACTOR * math.sqrt(2.0) * uncertainty_mm


def _uncertainty_mm(spacing_z_mm: float) -> float:
    # Rounding to whole slices, with both endplates off the same way.
    return math.hypot(2.0 * spacing_z_mm / math.sqrt(12.0), EDGE_UNCERTAINTY_MM)


def _own_loss(heights: BodyHeights) -> str | None:
    candidates = (
        ("anterior", heights.anterior_mm, "posterior", heights.posterior_mm),
        ("middle", heights.middle_mm, "posterior", heights.posterior_mm),
        ("posterior", heights.posterior_mm, "anterior", heights.anterior_mm),
    )
    for name, height, reference_name, reference in candidates:
        if _is_lost(height, reference, heights.uncertainty_mm):
            return _phrase(name, height, reference, f"the {reference_name} height")
    return None


def _loss_against_neighbours(level: str, by_level: dict[str, BodyHeights]) -> str | None:
    """Compare the posterior height, which wedge and biconcave fractures spare, with what the neighbours suggest.

    A crushed body is lower in front too (McCloskey 1993 asks for both); a corner that a mask lacks at the back is not.
    """
    own = by_level[level]
    back = _expected(level, by_level, lambda heights: heights.posterior_mm)
    front = _expected(level, by_level, lambda heights: heights.anterior_mm)
    if back is None or front is None or not _is_lost(own.posterior_mm, back, own.uncertainty_mm):
        return None
    if front - own.anterior_mm <= _least_loss_mm(own.uncertainty_mm):
        return None
    return _phrase("posterior", own.posterior_mm, back, "that expected from its neighbours")


def _expected(level: str, by_level: dict[str, BodyHeights], height: Callable[[BodyHeights], float]) -> float | None:
    """Return the height that the neighbours suggest; None without a neighbour."""
    levels = list(by_level)
    place = levels.index(level)
    expected = []
    for other in levels[max(place - 1, 0) : place] + levels[place + 1 : place + 2]:
        steps = order(level) - order(other)
        if abs(steps) == 1 or {level, other} == {"T12", "L1"}:
            expected.append(height(by_level[other]) * (1.0 + math.copysign(GROWTH_PER_LEVEL, steps)))
    return sum(expected) / len(expected) if expected else None


def _phrase(name: str, height_mm: float, reference_mm: float, reference: str) -> str:
    loss = 100.0 * (1.0 - height_mm / reference_mm)
    return f"its {name} height, {height_mm:.1f} mm, is {loss:.0f} % below {reference}, {reference_mm:.1f} mm"
