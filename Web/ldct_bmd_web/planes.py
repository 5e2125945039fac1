"""The grid that the views lie on: the scan's own, or one along the endplates of a vertebra.

For the eye alone: nothing is measured here. Of the scan's own grid the voxels are shown as they are, of another one as
linear interpolation has them.
"""

import math
from collections.abc import Mapping

import numpy as np
import scipy
from contourpy import contour_generator
from numpy.typing import NDArray

from ldct_bmd.examination import BodyMask, Examination
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.morphometry import body_axes_lps
from ldct_bmd.reading.outlines import body_outlines, plane_axes
from ldct_bmd.scan import CTScan, Geometry

_HALF_MM = 100.0  # from the middle of the body: more than is in sight at the zoom that views begin with
_LEAST_MM = 0.5  # between the points of a tilted picture
_AIR_HU = -1000.0


def grid_along(examination: Examination, bodies: Mapping[str, BodyMask], level: str, geometry: Geometry) -> Geometry:
    """Return the grid along the endplates of ``level``, about the middle of its body: to the left, to the back, up.

    Raises:
        UsageError: there is no such body, or its endplates cannot be told.
    """
    vertebrae = {one.level: one for one in examination.vertebrae}
    vertebrae |= {one.key: one.vertebra for one in examination.unnamed}
    body = bodies.get(level)
    axes = None if body is None else body_axes_lps(body.inside, body.box, geometry)
    if axes is None or level not in vertebrae:
        raise UsageError("voi_section.no_endplates", level=level)
    step = max(min(geometry.spacing_mm), _LEAST_MM)
    half = math.ceil(_HALF_MM / step)
    origin = np.asarray(vertebrae[level].centroid_lps_mm) - half * step * axes.sum(axis=0)
    (a, b, c), (x, y, z) = axes.T.tolist(), origin.tolist()
    return Geometry((2 * half + 1,) * 3, (step,) * 3, (x, y, z), (tuple(a), tuple(b), tuple(c)))


def hu_in(scan: CTScan, grid: Geometry, across: int, index: int) -> NDArray[np.floating]:
    """Return the slice ``index`` of ``grid`` across axis ``across``; its rows are the later one of the other axes."""
    if grid == scan.geometry:
        return np.asarray(np.take(scan.hu, index, axis=2 - across))
    at = _points(grid, across, index, _all_of(grid, across), scan.geometry)
    return np.asarray(scipy.ndimage.map_coordinates(scan.hu, at, np.float32, order=1, cval=_AIR_HU))


def outlines_in(
    body: BodyMask, geometry: Geometry, grid: Geometry, across: int, index: int
) -> list[NDArray[np.float64]]:
    """Return the outlines (n, 2) of a body in a slice of ``grid``, in mm along it; as :func:`.body_outlines` does."""
    if grid == geometry:
        return body_outlines(body, geometry, across, index)
    starts, stops = (np.array([getattr(one, end) for one in body.box[::-1]]) for end in ("start", "stop"))
    corners = np.array(np.meshgrid(*zip(starts - 1, stops, strict=True))).reshape(3, -1).T
    there = grid.to_index_xyz(geometry.to_lps_mm(corners))
    low = np.clip(np.floor(there.min(axis=0)).astype(int), 0, np.array(grid.size) - 1)
    high = np.clip(np.ceil(there.max(axis=0)).astype(int) + 1, 1, grid.size)
    first, second = plane_axes(across)
    if not low[across] <= index < high[across] or min(high[first] - low[first], high[second] - low[second]) < 2:
        return []
    window = (slice(low[first], high[first]), slice(low[second], high[second]))
    at = _points(grid, across, index, window, geometry) - (starts[::-1] - 1)[:, None, None]
    inside = scipy.ndimage.map_coordinates(np.pad(body.inside, 1).astype(np.float32), at, order=1)
    spacing = np.array([grid.spacing_mm[first], grid.spacing_mm[second]])
    lines = contour_generator(z=np.pad(inside, 1)).lines(0.5)
    start = np.array([low[first], low[second]]) - 1
    return [(np.asarray(line) + start) * spacing for line in lines]


def _all_of(grid: Geometry, across: int) -> tuple[slice, slice]:
    first, second = plane_axes(across)
    return slice(0, grid.size[first]), slice(0, grid.size[second])


def _points(
    grid: Geometry, across: int, index: int, window: tuple[slice, slice], geometry: Geometry
) -> NDArray[np.float64]:
    """Return where the points of a slice are on ``geometry``: indices (z, y, x), each of rows by columns."""
    first, second = plane_axes(across)
    rows, columns = np.mgrid[window[1], window[0]].astype(np.float64)
    index_xyz = np.empty((*rows.shape, 3))
    index_xyz[..., first], index_xyz[..., second], index_xyz[..., across] = columns, rows, index
    return np.moveaxis(geometry.to_index_xyz(grid.to_lps_mm(index_xyz)), -1, 0)[::-1]
