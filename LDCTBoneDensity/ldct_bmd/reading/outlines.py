"""Outlines in one slice of the scan: of the vertebral bodies, and of a VOI, however it is turned.

Millimetres along the scan's own axes, counted from the centre of the first voxel; see :mod:`.reporting.reformat`.
"""

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray

from ..examination import BodyMask
from ..reporting.reformat import grid_mm
from ..scan import Geometry
from ..voi import CylinderVOI

_CORNERS = 96  # off the ellipse by 0.007 mm at a semi-axis of 12.5 mm


def plane_axes(across: int) -> tuple[int, int]:
    """Return the index axes (0: x, 1: y, 2: z) that lie in a slice across axis ``across``."""
    first, second = (axis for axis in range(3) if axis != across)
    return first, second


def body_outlines(body: BodyMask, geometry: Geometry, across: int, index: int) -> list[NDArray[np.float64]]:
    """Return the outlines (n, 2) of a body in the slice ``index`` across axis ``across``, in mm; none if it misses it.

    The two columns are along the axes of :func:`plane_axes`.
    """
    axis = 2 - across  # of the array
    own = body.box[axis]
    if not own.start <= index < own.stop:
        return []
    inside = np.pad(np.take(body.inside, index - own.start, axis=axis), 1).astype(np.float32)
    first, second = plane_axes(across)
    start = np.array([body.box[2 - first].start, body.box[2 - second].start]) - 1
    spacing = np.array([geometry.spacing_mm[first], geometry.spacing_mm[second]])
    return [(np.asarray(line) + start) * spacing for line in contour_generator(z=inside).lines(0.5)]


def voi_rims(voi: CylinderVOI) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rims (96, 3) of the top and of the bottom of ``voi``, in LPS mm."""
    along, beside, up = np.asarray(voi.axes_lps)
    turn = np.arange(_CORNERS) * (2 * np.pi / _CORNERS)
    long_mm, short_mm = voi.semi_axes_mm
    ring = long_mm * np.cos(turn)[:, None] * along + short_mm * np.sin(turn)[:, None] * beside
    center, half = np.asarray(voi.center_lps_mm), voi.height_mm / 2 * up
    return center + ring + half, center + ring - half


def voi_outline(voi: CylinderVOI, geometry: Geometry, across: int, at_mm: float) -> NDArray[np.float64]:
    """Return the outline (n, 2) of ``voi`` in the plane at ``at_mm`` along axis ``across``; (0, 2) if it misses it.

    The plane cuts the edges of a prism of 96 sides in the place of the cylinder; a convex solid is cut in a convex
    outline.
    """
    first, second = plane_axes(across)
    top, bottom = (grid_mm(rim, geometry) for rim in voi_rims(voi))
    starts = np.concatenate([top, bottom, bottom])
    ends = np.concatenate([np.roll(top, -1, axis=0), np.roll(bottom, -1, axis=0), top])
    before, after = starts[:, across] - at_mm, ends[:, across] - at_mm
    cut = (before < 0) != (after < 0)
    if not cut.any():
        return np.empty((0, 2))
    part = (before[cut] / (before[cut] - after[cut]))[:, None]
    points = (starts[cut] + part * (ends[cut] - starts[cut]))[:, [first, second]]
    middle = points.mean(axis=0)
    angles = np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0])
    return np.asarray(points[np.argsort(angles, kind="stable")])
