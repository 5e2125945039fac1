"""The spinal canal of a skeleton, as one tube from its first to its last closed ring."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import tissues as t

LAMINAR_GAP_MM = 13  # laminae leave gaps in the ring that are lower than this
RING_GAP_MM = 61  # a vertebra whose ring never closes, as a gap in a long lamina leaves it, lies between two others
BEFORE_MM, BEHIND_MM, ASIDE_MM = 25, 60, 35  # of the bodies' middle, what is looked at
CANAL_BEHIND_MM, CANAL_ASIDE_MM = 5, 18  # the canal lies further back, and no further to the side


def fill_canal(skeleton: NDArray[np.uint8], axis_zyx: NDArray[np.float64]) -> None:
    """Name the holes between bodies or discs and arches the canal, cleared of all else; in place, (z, y, x) at 1 mm.

    Args:
        axis_zyx: (n, 3) centres of the bodies from the lowest to the highest.
    """
    # The column is straightened slice by slice, so that what lies above each other in it does so in the array.
    z = np.arange(len(skeleton))
    middle = np.rint([np.interp(z, axis_zyx[:, 0], axis_zyx[:, axis]) for axis in (1, 2)]).astype(int)
    padded_yx = max(BEFORE_MM, BEHIND_MM, ASIDE_MM)
    rows = middle[0][:, None] + np.arange(-BEFORE_MM, BEHIND_MM)
    columns = middle[1][:, None] + np.arange(-ASIDE_MM, ASIDE_MM + 1)
    index = z[:, None, None], rows[:, :, None] + padded_yx, columns[:, None, :] + padded_yx
    padded = np.pad(skeleton, ((0, 0), (padded_yx, padded_yx), (padded_yx, padded_yx)))
    part = padded[index]
    part[part == t.CANAL] = 0
    ring = t.member((*t.BODIES, *t.ARCHES, *t.DISCS))[part]
    closed = _closed(ring, LAMINAR_GAP_MM)
    hole = np.stack([ndimage.binary_fill_holes(plane) & ~plane for plane in closed])
    hole[:, : BEFORE_MM + CANAL_BEHIND_MM] = False
    hole[:, :, np.abs(np.arange(-ASIDE_MM, ASIDE_MM + 1)) > CANAL_ASIDE_MM] = False
    part[hole] = t.CANAL
    part[_closed(hole, RING_GAP_MM) & (part == 0)] = t.CANAL
    padded[index] = part
    skeleton[:] = padded[:, padded_yx:-padded_yx, padded_yx:-padded_yx]


def _closed(mask: NDArray[np.bool_], height: int) -> NDArray[np.bool_]:
    """Return ``mask`` with gaps along z closed that are lower than ``height`` voxels; its ends go on."""
    half = height // 2
    longer = np.pad(mask, ((half, half), (0, 0), (0, 0)), mode="edge")
    return np.asarray(ndimage.binary_closing(longer, np.ones((height, 1, 1)))[half:-half])
