"""Scans whose levels a reader has listed: the tool's own bodies, named by the list.

Outlines are good where names are wrong, so that a list of heights, which takes a reader a minute, is enough to teach
the coarse network names.
"""

import csv
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy import VERSE_VALUE, order
from ..errors import CannotMeasure
from ..scan import Geometry
from ..segmentation.label_map import MEASURED_LEVELS

COLUMNS = ("level", "z_mm")
MOST = (15, 85)  # percentiles of a body's heights between which it certainly is
NEAR = 0.5  # of the distance to the next listed body: a body's middle nearer than this to a listed one's is it
LONG = 1.3  # times that distance: two bodies joined, one of them not listed
OVERLAP = 0.2  # of a body's voxels; a body that covers more of a reference is the same vertebra


def read_levels(path: Path) -> dict[str, float]:
    """Return z in LPS mm of each listed body's middle, from the top; CannotMeasure says what is wrong.

    Args:
        path: a CSV with the columns level and z_mm.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        levels = {row["level"].strip(): float(row["z_mm"]) for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CannotMeasure(f"The list of levels {path} cannot be read: give a CSV in UTF-8.") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CannotMeasure(f"The list of levels {path} needs the columns level and z_mm, a number in mm.") from error
    unknown = [level for level in levels if level not in MEASURED_LEVELS]
    if unknown or len(levels) < 2 or len(levels) < len(rows):
        what = f"{unknown[0]!r} is not a level from T1 to L6" if unknown else "it needs two levels, each of them once"
        raise CannotMeasure(f"The list of levels {path} cannot be used: {what}.")
    listed = dict(sorted(levels.items(), key=lambda item: order(item[0])))
    if not all(np.isfinite(list(listed.values()))) or any(a <= b for a, b in pairwise(listed.values())):
        raise CannotMeasure(f"In the list of levels {path} z does not fall from level to level.")
    return listed


def named_by_list(
    bodies: NDArray[np.uint8], geometry: Geometry, levels: Mapping[str, float]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Name bodies by a list.

    A body is the listed one whose middle lies nearest to its own. Pieces of one vertebra get its name; one that covers
    two listed middles, or is as long as two, is two joined; it and one that is near to none are left without a name.

    Args:
        bodies: (z, y, x), a value for each body, 0 background.
        levels: z in LPS mm of the middle of each, as from :func:`read_levels`.

    Returns:
        The bodies (z, y, x) in VerSe values, and where (z, y, x) the bodies without a name are.
    """
    named = np.zeros(bodies.shape, dtype=np.uint8)
    nameless = np.zeros(bodies.shape, dtype=bool)
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
