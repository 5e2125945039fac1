"""Surfaces of bodies and VOIs for the 3D view, as triangles. For the eye: nothing is measured on them."""

import base64

import numpy as np
import scipy
from numpy.typing import NDArray

from ldct_bmd.examination import BodyMask
from ldct_bmd.reading.outlines import voi_rims
from ldct_bmd.scan import Geometry
from ldct_bmd.voi import CylinderVOI

PITCH_MM = 1.5  # of a surface's net: a vertebra then has 2,000 to 6,000 triangles
_SMOOTHED = 0.6  # of the pitch, as a Gaussian's sigma: takes the steps of the slices off
_LEVEL = 0.5

Surface = tuple[NDArray[np.float64], NDArray[np.int64]]  # points (n, 3) in LPS mm; triangles (m, 3), outside them left


def body_surface(body: BodyMask, geometry: Geometry) -> Surface:
    """Return the surface of a body."""
    spacing = np.array(geometry.spacing_mm[::-1])
    margin = np.ceil(3 * PITCH_MM / spacing).astype(int)
    inside = np.pad(body.inside.astype(np.float32), [(one, one) for one in margin])
    smooth = scipy.ndimage.gaussian_filter(inside, _SMOOTHED * PITCH_MM / spacing)
    size = np.floor((np.array(smooth.shape) - 1) * spacing / PITCH_MM).astype(int) + 1
    field = scipy.ndimage.affine_transform(smooth, PITCH_MM / spacing, output_shape=tuple(size), order=1)
    points, triangles = net(field)
    index_zyx = points * PITCH_MM / spacing - margin + [one.start for one in body.box]
    return geometry.to_lps_mm(index_zyx[:, ::-1]), triangles[:, ::-1]  # the order of the axes turned round


def net(field: NDArray[np.float32]) -> Surface:
    """Return the surface where ``field`` is a half: one point in each cell that it crosses (Gibson 1998: surface nets).

    Args:
        field: less than a half all around.

    Returns:
        Points in indices; triangles in the order in which a right-handed frame of the axes sees them from outside.
    """
    cells, crossings, flipped = [], [], []
    for axis in range(3):
        lower, upper = (np.moveaxis(field, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
        crossed = np.moveaxis((lower > _LEVEL) != (upper > _LEVEL), 0, axis)
        index = np.argwhere(crossed)
        a = field[tuple(index.T)]
        beyond = index + np.eye(3, dtype=int)[axis]
        b = field[tuple(beyond.T)]
        at = index.astype(np.float64)
        at[:, axis] += (_LEVEL - a) / (b - a)
        u, v = (np.eye(3, dtype=int)[(axis + step) % 3] for step in (1, 2))
        around = [index, index - u, index - u - v, index - v]
        cells.append(np.stack([np.ravel_multi_index(tuple(one.T), field.shape) for one in around], axis=1))
        crossings.append(at)
        flipped.append(a < _LEVEL)
    quads, points, flips = np.concatenate(cells), np.concatenate(crossings), np.concatenate(flipped)
    _, number = np.unique(quads, return_inverse=True)
    number = number.reshape(quads.shape)
    count = np.bincount(number.ravel())
    middles = np.stack([np.bincount(number.ravel(), np.repeat(points[:, k], 4)) / count for k in range(3)], axis=1)
    number[flips] = number[flips][:, ::-1]
    return middles, np.concatenate([number[:, [0, 1, 2]], number[:, [0, 2, 3]]])


def voi_surface(voi: CylinderVOI) -> Surface:
    """Return the surface of a VOI."""
    top, bottom = voi_rims(voi)
    count = len(top)
    here = np.arange(count)
    there = np.roll(here, -1)
    above, below = 2 * count, 2 * count + 1
    triangles = np.concatenate(
        [
            np.stack([here, here + count, there], axis=1),
            np.stack([there, here + count, there + count], axis=1),
            np.stack([here, there, np.full(count, above)], axis=1),
            np.stack([there + count, here + count, np.full(count, below)], axis=1),
        ]
    )
    return np.concatenate([top, bottom, [top.mean(axis=0), bottom.mean(axis=0)]]), triangles


def packed(surface: Surface) -> dict[str, str]:
    """Return a surface as the page takes it: float32 and uint32, little-endian, in base 64."""
    points, triangles = surface
    return {
        name: base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode("ascii")
        for name, values, kind in (("points", points, "<f4"), ("triangles", triangles, "<u4"))
    }
