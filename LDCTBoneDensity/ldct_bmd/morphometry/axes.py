"""The axes of a vertebral body, from its mask."""

import math

import numpy as np
from numpy.typing import NDArray

from ..scan import Geometry
from ..voi import Box

_INNER_FRACTION = 0.5  # of the footprint's radius: where a column meets both endplates even in a tilted body
_AXIS_ITERATIONS = 3
_LEAST_VOXELS = 50
_CELL_MM = 2.0


def body_axes_lps(body: NDArray[np.bool_], box: Box, geometry: Geometry) -> NDArray[np.float64] | None:
    """Return rows in LPS: to the left, to the back, up along the body's axis, which bisects its endplates.

    Args:
        body: (z, y, x) inside ``box``.
        box: where ``body`` lies on the grid of ``geometry``.

    Returns:
        None where the mask is too small to tell.
    """
    points = points_lps_mm(body, box, geometry)
    if len(points) < _LEAST_VOXELS:
        return None
    # The first and last voxel of every column along z hold the endplates, whatever the tilt.
    padded = np.pad(body, ((1, 1), (0, 0), (0, 0)))
    surface = points_lps_mm(body & ~(padded[:-2] & padded[2:]), box, geometry) - points.mean(axis=0)
    frame = upright_frame(np.array([0.0, 0.0, 1.0]))
    for _ in range(_AXIS_ITERATIONS):
        normal = endplate_normal(surface @ frame.T, geometry)
        if normal is None:
            return None
        frame = upright_frame(normal @ frame)
    back, left, up = frame
    return np.stack([left, back, up])


def points_lps_mm(mask: NDArray[np.bool_], box: Box, geometry: Geometry) -> NDArray[np.float64]:
    """Return the centres of the voxels of ``mask``, (n, 3) in LPS mm; arguments as for :func:`body_axes_lps`."""
    index_zyx = np.argwhere(mask) + [axis.start for axis in box]
    return geometry.to_lps_mm(index_zyx[:, ::-1].astype(np.float64))


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
