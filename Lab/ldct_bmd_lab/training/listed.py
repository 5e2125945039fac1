"""Scans whose levels a reader has listed: the tool's own bodies, named by the list.

Outlines are good where names are wrong, so that a list of heights, which takes a reader a minute, is enough to teach
the coarse network names.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan import Geometry

MOST = (15, 85)  # percentiles of a body's heights between which it certainly is
NEAR = 0.5  # of the distance to the next listed body: a body's middle nearer than this to a listed one's is it
LONG = 1.3  # times that distance: two bodies joined, one of them not listed
OVERLAP = 0.2  # of a body's voxels; a body that covers more of a reference is the same vertebra


def named_by_list(
    bodies: NDArray[np.uint8], geometry: Geometry, levels: Mapping[str, float]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Name bodies by a list.

    A body is the listed one whose middle lies nearest to its own. Pieces of one vertebra get its name; one that covers
    two listed middles, or is as long as two, is two joined; it and one that is near to none are left without a name.

    Args:
        bodies: (z, y, x), a value for each body, 0 background.
        levels: z in LPS mm of the middle of each, from the top.

    Returns:
        The bodies (z, y, x) in VerSe values, and where (z, y, x) the bodies without a name are.

    Raises:
        CannotMeasure: the list is too short.
    """
    named = np.zeros(bodies.shape, dtype=np.uint8)
    nameless = np.zeros(bodies.shape, dtype=bool)
    if len(levels) < 2:
        raise CannotMeasure.of_text("its list of levels needs two levels to tell how far bodies are apart.")
    names, middles = list(levels), np.array(list(levels.values()))
    distance = np.abs(np.gradient(middles))
    for value, box in enumerate(ndimage.find_objects(bodies), start=1):
        if box is None:
            continue
        inside = bodies[box] == value
        z_mm = _heights_mm(inside, box, geometry)
        away = np.abs(middles - z_mm.mean())
        nearest = int(np.argmin(away))
        low, high = np.percentile(z_mm, MOST)
        covered = np.count_nonzero((middles > low) & (middles < high))
        length = (high - low) / (MOST[1] - MOST[0]) * 100
        if covered > 1 or length > LONG * distance[nearest] or away[nearest] > NEAR * distance[nearest]:
            nameless[box] |= inside
        else:
            named[box][inside] = VERSE_VALUE[names[nearest]]
    return named, nameless


def fill_in(
    reference: NDArray[np.uint8], named: NDArray[np.uint8], nameless: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return ``reference`` with the levels that it lacks taken from ``named``, and what stays without a name.

    All (z, y, x); a body that overlaps one of the reference is not taken twice.
    """
    filled = reference.copy()
    present = set(np.unique(reference).tolist())
    for value, box in enumerate(ndimage.find_objects(named), start=1):
        if box is None or value in present:
            continue
        inside = named[box] == value
        if (reference[box][inside] > 0).mean() <= OVERLAP:
            filled[box][inside & (reference[box] == 0)] = value
    return filled, nameless & (filled == 0)


def _heights_mm(inside: NDArray[np.bool_], box: tuple[slice, ...], geometry: Geometry) -> NDArray[np.float64]:
    index = np.argwhere(inside) + [axis.start for axis in box]
    return geometry.to_lps_mm(index[:, ::-1].astype(np.float64))[:, 2]
