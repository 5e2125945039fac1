"""What the findings rest on. It stays in the record, so that a correction can be judged again without the pixels."""

from dataclasses import dataclass

from ..calibration.size import BodySize
from ..calibration.tissue import TissueHU
from ..densitometry import HUPattern, MidlineContrast
from ..morphometry import BodyHeights, Outline
from ..words import Phrase


@dataclass(frozen=True)
class VOIFacts:
    """What is known of a measured VOI beyond its mean and spread.

    Attributes:
        standard_error_hu: of the mean, from image noise; see :class:`ldct_bmd.densitometry.HUStatistics`.
        midline: how the HU differ where the basivertebral vein runs; None where the VOI is too small to tell.
        fraction_outside_trabecular: part of the VOI outside the body eroded by 2 mm; None where no mask was at hand.
        placed_by: the reader who placed this VOI; None where the paper's method did.
        automatic: the facts of the automatic VOI, where a reader's took its place.
        placement_hu: standard deviation of the mean over where the VOI may lie; None in records of before.
        size: the patient's, in the slice through the middle of the VOI; None if no body is seen there, and in records
            of before.
    """

    level: str
    standard_error_hu: float
    pattern: HUPattern
    midline: MidlineContrast | None
    fraction_outside_trabecular: float | None
    placed_by: str | None = None
    automatic: "VOIFacts | None" = None
    placement_hu: float | None = None
    size: BodySize | None = None


@dataclass(frozen=True)
class LevelHeights:
    """The heights of one complete vertebral body."""

    level: str
    heights: BodyHeights


@dataclass(frozen=True)
class LevelOutline:
    """What the mask of one measured level looks like; ``confirmed_by``: the reader who found it good, or drew it."""

    level: str
    outline: Outline
    confirmed_by: str | None = None


@dataclass(frozen=True)
class FractureReading:
    """A reader's word on one level: whether it is fractured. ``time`` is ISO 8601.

    ``grade``: Genant's of a fracture, 1 to 3; None if the reader gave none.
    """

    level: str
    fractured: bool
    reader: str
    time: str
    grade: int | None = None


@dataclass(frozen=True)
class Unmeasured:
    """A vertebra in view whose VOI could not be placed or measured, and why."""

    level: str
    reason: Phrase


@dataclass(frozen=True)
class QualityFacts:
    """All that the findings rest on and that the rest of the record does not hold.

    Attributes:
        requested_levels: the levels that were to be measured.
        names_certain: whether the names of the levels that the measurement is about are; False forbids a category.
        names_remark: what the names rest on, or why they are uncertain.
        heights: of the complete bodies, top to bottom.
        vois: one for each measurement.
        uncertain_levels: the levels whose names are uncertain; if empty, ``names_certain`` holds for all.
        tissue: HU of the patient's own tissues; None where there was no VOI to look around.
        outlines: of the levels that were measured on a mask.
        fracture_readings: one for each level that a reader has judged.
        cut_by_field: the levels that the reconstructed field cuts, inside the scan's edges.
        contrast_denied_by: the reader who found no contrast agent in the scan.
    """

    requested_levels: tuple[str, ...]
    names_certain: bool
    names_remark: Phrase
    heights: tuple[LevelHeights, ...] = ()
    vois: tuple[VOIFacts, ...] = ()
    unmeasured: tuple[Unmeasured, ...] = ()
    tissue: TissueHU | None = None
    uncertain_levels: tuple[str, ...] = ()
    outlines: tuple[LevelOutline, ...] = ()
    fracture_readings: tuple[FractureReading, ...] = ()
    cut_by_field: tuple[str, ...] = ()
    contrast_denied_by: str | None = None

    def certain(self, level: str) -> bool:
        """Return whether the name of ``level`` is certain."""
        return level not in self.uncertain_levels if self.uncertain_levels else self.names_certain

    def voi(self, level: str) -> VOIFacts:
        """Return the facts of the VOI of ``level``; KeyError if it is not measured."""
        for facts in self.vois:
            if facts.level == level:
                return facts
        raise KeyError(level)
