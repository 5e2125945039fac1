"""From a segmentation, whatever made it, to the vertebral column."""

from dataclasses import replace

import numpy as np
import scipy

from ..anatomy import LEVEL_OF_VERSE_VALUE, order
from ..ground.errors import CannotMeasure
from ..ground.progress import Progress, silent
from ..scan import CTScan
from ..segmentation import ClassBodies, NamedBodies, Segmentation
from ..words import Phrase
from .column import VertebralColumn, make_vertebra
from .field import cut_by_field
from .gaps import odd_gaps
from .lying import lies_on_side
from .name import odd_place
from .second_opinion import doubted

PIECE = 0.05  # parts of a ready label smaller than this share of it are crumbs


def label(segmentation: Segmentation, scan: CTScan, progress: Progress = silent) -> VertebralColumn:
    """Return the named vertebral bodies of ``scan``; CannotMeasure if there is none."""
    column = cut_by_field(_labelled(segmentation, scan, progress), scan)
    if column.names_certain or not lies_on_side(column, scan):
        return column
    return replace(column, remark=Phrase("names.uncertain", {"reasons": (Phrase("names.on_side"),)}))


def _labelled(segmentation: Segmentation, scan: CTScan, progress: Progress) -> VertebralColumn:
    if isinstance(segmentation, NamedBodies):
        return _from_names(segmentation, scan, progress)
    # Not above: where a review is only read and corrected nothing of it is needed.
    if isinstance(segmentation, ClassBodies):
        from .counted import column_by_counting

        return column_by_counting(segmentation, scan, progress)
    from .assemble import column_from_networks

    return column_from_networks(segmentation, scan, progress)


def _from_names(segmentation: NamedBodies, scan: CTScan, progress: Progress) -> VertebralColumn:
    """Take the names that a ready label map gives; of each label its largest part and whatever is not a crumb.

    Names that this software's own, where they are certain, contradict are uncertain.
    """
    bodies = segmentation.labels.copy()
    vertebrae = []
    for value, box in enumerate(scipy.ndimage.find_objects(bodies), start=1):
        if box is None or value not in LEVEL_OF_VERSE_VALUE:
            continue
        parts, count = scipy.ndimage.label(bodies[box] == value)
        if count > 1:
            sizes = np.bincount(parts.ravel())
            sizes[0] = 0
            crumbs = (sizes < PIECE * sizes.sum())[parts] & (parts > 0)
            bodies[box][crumbs] = 0
        vertebra = make_vertebra(LEVEL_OF_VERSE_VALUE[value], bodies[box] == value, box, scan.geometry, 1.0)
        # What the label map's own edge cut away looks like the body's end on the scan.
        vertebrae.append(replace(vertebra, complete=False) if value in segmentation.cut else vertebra)
    if not vertebrae:
        raise CannotMeasure("labeling.no_vertebra")
    vertebrae.sort(key=lambda v: order(v.level))
    whole = [v for v in vertebrae if v.complete]
    centres = np.array([v.centroid_lps_mm for v in whole]).reshape(-1, 3)
    odd = odd_gaps([v.level for v in whole], np.linalg.norm(np.diff(centres, axis=0), axis=1))
    if odd:
        remark = Phrase("names.uncertain", {"reasons": (odd_place(*odd[0]),)})
        return VertebralColumn(tuple(vertebrae), bodies, False, remark)
    given = VertebralColumn(tuple(vertebrae), bodies, True, Phrase("names.given"))
    if segmentation.seen is None:
        return given
    try:
        return doubted(given, label(segmentation.seen, scan, progress))
    except CannotMeasure:
        return given  # the networks see no spine to count
