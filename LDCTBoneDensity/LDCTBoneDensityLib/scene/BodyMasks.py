"""Vertebral bodies by level, cut out of a label map and put back into one."""

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from ldct_bmd.anatomy import LEVEL_OF_VERSE_VALUE, VERSE_VALUE
from ldct_bmd.examination import BodyMask

Bodies = Mapping[str, BodyMask]


class BodyMasks:
    """Converts between a label map (z, y, x) in VerSe values on the engine's grid and one mask per level."""

    @staticmethod
    def fromLabels(labels: np.ndarray) -> dict[str, BodyMask]:
        """Return each body in its box, a voxel wider where the scan allows, as the pipeline hands it on."""
        masks = {}
        for value, tight in enumerate(ndimage.find_objects(labels), start=1):
            level = LEVEL_OF_VERSE_VALUE.get(value)
            if tight is None or level is None:
                continue
            box = BodyMasks.widened(tight, labels.shape)
            masks[level] = BodyMask(box, labels[box] == value)
        return masks

    @staticmethod
    def toLabels(bodies: Bodies, shape: tuple[int, int, int]) -> np.ndarray:
        """Return the label map, uint8."""
        labels = np.zeros(shape, dtype=np.uint8)
        for level, body in bodies.items():
            labels[body.box][body.inside] = VERSE_VALUE[level]
        return labels

    @staticmethod
    def widened(box: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
        """Return ``box`` a voxel wider on all sides, inside ``shape``."""
        z, y, x = (slice(max(0, s.start - 1), min(n, s.stop + 1)) for s, n in zip(box, shape, strict=True))
        return z, y, x

    @staticmethod
    def same(one: BodyMask, other: BodyMask) -> bool:
        """Whether two masks hold the same voxels, however wide their boxes are."""
        (boxA, a), (boxB, b) = (_tight(mask) for mask in (one, other))
        return boxA == boxB and bool(np.array_equal(a, b))


def _tight(mask: BodyMask) -> tuple[tuple[tuple[int, int], ...], np.ndarray]:
    found = ndimage.find_objects(mask.inside.astype(np.uint8))
    if not found:
        return (), np.zeros((0, 0, 0), dtype=bool)
    box = found[0]
    return tuple((o.start + s.start, o.start + s.stop) for o, s in zip(mask.box, box, strict=True)), mask.inside[box]
