"""Vertebral bodies by level, cut out of a label map and put back into one."""

from collections.abc import Mapping

import numpy as np
import scipy
from numpy.typing import NDArray

from ..anatomy import LEVEL_OF_VERSE_VALUE, VERSE_VALUE
from ..voi import Box
from .measured_voi import BodyMask

Bodies = Mapping[str, BodyMask]


def bodies_in(labels: NDArray[np.uint8]) -> dict[str, BodyMask]:
    """Return each body of a label map (z, y, x) in VerSe values, in its box, a voxel wider where the scan allows."""
    masks = {}
    for value, tight in enumerate(scipy.ndimage.find_objects(labels), start=1):
        level = LEVEL_OF_VERSE_VALUE.get(value)
        if tight is None or level is None:
            continue
        box = widened(tight, labels.shape)
        masks[level] = BodyMask(box, labels[box] == value)
    return masks


def label_map(bodies: Bodies, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return the bodies as a label map (z, y, x) in VerSe values; those without a name are not in it."""
    labels = np.zeros(shape, dtype=np.uint8)
    for level, body in bodies.items():
        if level in VERSE_VALUE:
            labels[body.box][body.inside] = VERSE_VALUE[level]
    return labels


def widened(box: tuple[slice, ...], shape: tuple[int, ...]) -> Box:
    """Return ``box`` a voxel wider on all sides, inside ``shape``."""
    z, y, x = (slice(max(0, s.start - 1), min(n, s.stop + 1)) for s, n in zip(box, shape, strict=True))
    return z, y, x


def box_around(bodies: Bodies) -> Box:
    """Return the smallest box (z, y, x) that holds all of ``bodies``, of which there is at least one."""
    z, y, x = (
        slice(min(b.box[a].start for b in bodies.values()), max(b.box[a].stop for b in bodies.values()))
        for a in range(3)
    )
    return z, y, x


def same_voxels(one: BodyMask, other: BodyMask) -> bool:
    """Return whether two masks hold the same voxels, however wide their boxes are."""
    (box_a, a), (box_b, b) = (tight(mask) for mask in (one, other))
    return box_a == box_b and bool(np.array_equal(a, b))


def tight(mask: BodyMask) -> tuple[tuple[tuple[int, int], ...], NDArray[np.bool_]]:
    """Return the first and one past the last voxel (z, y, x) of the box that just holds a mask, and the mask in it."""
    found = scipy.ndimage.find_objects(mask.inside.astype(np.uint8))
    if not found:
        return (), np.zeros((0, 0, 0), dtype=bool)
    box = found[0]
    return tuple((o.start + s.start, o.start + s.stop) for o, s in zip(mask.box, box, strict=True)), mask.inside[box]
