"""The names of Pan et al. 2020: counted from where thoracic and lumbar bodies meet, by image processing alone.

Bodies that are apart are bodies of their own, as in the paper; those that touch, as thick slices let them, are cut
where the section is narrowest. Each is thoracic or lumbar as most of its voxels are. Lumbar ones are L1, L2, ... from
the top down, thoracic ones T12, T11, ... from the bottom up. Nothing else is looked at, so one body of the wrong class
shifts the names of all on the other side of it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy import VERSE_VALUE
from ..ground.errors import CannotMeasure
from ..ground.progress import Progress
from ..scan import CTScan
from ..segmentation import ClassBodies
from ..segmentation.levels import REGIONS
from ..words import Phrase
from .assemble import LEAST_BODIES
from .column import VertebralColumn, make_vertebra
from .on_scan import on_scan
from .separate import SEPARATION, SeparationTuning, separate

LUMBAR = REGIONS.index("lumbar")
THORACIC_NAMES = tuple(f"T{i}" for i in range(12, 0, -1))  # from the bottom
LUMBAR_NAMES = tuple(f"L{i}" for i in range(1, 6))  # from the top
MAJORITY = 0.5  # of a body's voxels


def column_by_counting(
    segmentation: ClassBodies, scan: CTScan, progress: Progress, tuning: SeparationTuning = SEPARATION
) -> VertebralColumn:
    """Return the bodies of ``scan``, none of whose names is certain.

    Raises:
        CannotMeasure: there are fewer than two bodies, or lumbar ones above thoracic ones.
    """
    progress("label", 0.0)
    probability = segmentation.class_probability.astype(np.float32)
    foreground = 1.0 - probability[0]
    numbers, extents, _, _ = separate(foreground, segmentation.geometry.spacing_mm[::-1], tuning=tuning)
    if not len(extents):
        raise CannotMeasure("labeling.no_vertebra")
    if len(extents) < LEAST_BODIES:
        raise CannotMeasure("labeling.one_body")
    progress("label", 0.5)
    lumbar = _lumbar_share(probability, numbers, len(extents))
    names = counted_names(lumbar > MAJORITY)
    confidence = _confidence(lumbar)
    bodies = np.zeros(scan.hu.shape, dtype=np.uint8)
    boxes = ndimage.find_objects(numbers)
    vertebrae = []
    for number, level in enumerate(names, start=1):
        progress("label", 0.5 + 0.5 * number / len(names))
        if level is None:
            continue
        box, body, _ = on_scan(foreground, numbers, number, boxes[number - 1], segmentation.geometry, scan.geometry)
        if not body.any():
            continue
        bodies[box][body & (bodies[box] == 0)] = VERSE_VALUE[level]
        vertebrae.append(make_vertebra(level, body, box, scan.geometry, confidence))
    if not vertebrae:
        raise CannotMeasure("labeling.no_vertebra")
    return VertebralColumn(tuple(vertebrae), bodies, names_certain=False, remark=_remark(lumbar > MAJORITY))


def counted_names(lumbar: Sequence[bool] | NDArray[np.bool_]) -> list[str | None]:
    """Return the name of each body from the top; None where the count goes beyond T1 or L5.

    Args:
        lumbar: whether each body is lumbar, and not thoracic, from the top.

    Raises:
        CannotMeasure: a lumbar one lies above a thoracic one.
    """
    thoracic = int(np.count_nonzero(~np.asarray(lumbar, dtype=bool)))
    if any(lumbar[:thoracic]):
        raise CannotMeasure("labeling.out_of_order")
    upwards = [THORACIC_NAMES[i] if i < len(THORACIC_NAMES) else None for i in range(thoracic)]
    downwards = [LUMBAR_NAMES[i] if i < len(LUMBAR_NAMES) else None for i in range(len(lumbar) - thoracic)]
    return [*upwards[::-1], *downwards]


def _lumbar_share(probability: NDArray[np.float32], numbers: NDArray[np.uint8], count: int) -> NDArray[np.float64]:
    """Return for each body which share of its voxels is lumbar rather than thoracic."""
    voxels = np.argwhere(numbers)
    lumbar = probability[1:, voxels[:, 0], voxels[:, 1], voxels[:, 2]].argmax(axis=0) + 1 == LUMBAR
    owner = numbers[tuple(voxels.T)].astype(int) - 1
    return np.asarray(np.bincount(owner, lumbar, minlength=count) / np.bincount(owner, minlength=count))


def _confidence(lumbar: NDArray[np.float64]) -> float:
    """Return how clear the border is that all names are counted from: how far the two bodies next to it agree on it.

    0 where none is in view or the counts cannot be right; no more can be said of this method's names.

    Args:
        lumbar: share of lumbar voxels of each body from the top.
    """
    thoracic = int(np.count_nonzero(lumbar <= MAJORITY))
    if thoracic > len(THORACIC_NAMES) or not 0 < thoracic < len(lumbar):
        return 0.0
    return float(min(1.0 - lumbar[thoracic - 1], lumbar[thoracic]))


def _remark(lumbar: NDArray[np.bool_]) -> Phrase:
    reasons = [Phrase("names.by_border")]
    for kind, names, count in (
        ("thoracic", THORACIC_NAMES, np.count_nonzero(~lumbar)),
        ("lumbar", LUMBAR_NAMES, np.count_nonzero(lumbar)),
    ):
        if count > len(names):
            reasons.append(Phrase(f"names.many_{kind}", {"count": int(count)}))
        elif not count:
            reasons.append(Phrase(f"names.no_{kind}"))
    return Phrase("names.uncertain", {"reasons": tuple(reasons)})
