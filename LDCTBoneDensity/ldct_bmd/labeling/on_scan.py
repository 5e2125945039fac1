"""One body of the networks' grid on the scan's own grid."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..scan import Geometry
from ..voi import Box

MARGIN = 2  # voxels about a body, so that its outline is interpolated on all sides


class BodyOnScan(NamedTuple):
    """A body on the scan's grid.

    Attributes:
        box: (z, y, x) of the scan.
        mask: in ``box``, the largest part of what is seen; empty if the body lies outside the scan.
        share: how large a part that is, 0 to 1.
    """

    box: Box
    mask: NDArray[np.bool_]
    share: float


def on_scan(
    foreground: NDArray[np.float32],
    numbers: NDArray[np.uint8],
    number: int,
    tight: Box,
    fine: Geometry,
    target: Geometry,
) -> BodyOnScan:
    """Return a body on the grid ``target`` of the scan.

    Args:
        foreground: (z, y, x) on ``fine``, probability of body.
        numbers: (z, y, x) on ``fine``, which body each voxel is of.
        tight: the box about those of ``number``.
    """
    box = tuple(
        slice(max(0, s.start - MARGIN), min(n, s.stop + MARGIN)) for s, n in zip(tight, numbers.shape, strict=True)
    )
    near = numbers[box]
    own = np.where((near == number) | (near == 0), foreground[box], 0.0)
    # Voxels that belong to no body are its margin only where they are less than half likely.
    own = np.where((near == 0) & (own > 0.5), 0.5, own)
    corner = fine.to_lps_mm(np.array([s.start for s in box], dtype=np.float64)[::-1])
    far = fine.to_lps_mm(np.array([s.stop - 1 for s in box], dtype=np.float64)[::-1])
    first, last = target.to_index_xyz(corner)[::-1], target.to_index_xyz(far)[::-1]
    start = np.maximum(np.ceil(first - 1), 0).astype(int)
    stop = np.minimum(np.floor(last + 1), np.array(target.shape) - 1).astype(int) + 1
    out = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    # Both grids share their axes, so each axis is interpolated on its own.
    for axis, (a, b, f, g) in enumerate(zip(start, stop, first, last, strict=True)):
        where = (np.arange(a, b) - f) / (g - f) * (own.shape[axis] - 1)
        own = _interpolate(own, where, axis)
    body = ndimage.binary_fill_holes(own > 0.5)
    parts, count = ndimage.label(body)
    share = 1.0
    if count > 1:
        sizes = np.bincount(parts.ravel())[1:]
        body, share = parts == 1 + int(np.argmax(sizes)), float(sizes.max() / sizes.sum())
    return BodyOnScan(out, body, share)  # type: ignore[arg-type]


def _interpolate(values: NDArray[np.floating], where: NDArray[np.float64], axis: int) -> NDArray[np.floating]:
    where = np.clip(where, 0, values.shape[axis] - 1)
    low = np.minimum(where.astype(int), values.shape[axis] - 2)
    shape = [1, 1, 1]
    shape[axis] = -1
    part = (where - low).reshape(shape)
    return np.take(values, low, axis) * (1 - part) + np.take(values, low + 1, axis) * part
