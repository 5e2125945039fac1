"""Genant's semiquantitative grade and shape, as a loss of height suggests them: a reader confirms or corrects them."""

from dataclasses import dataclass

from .losses import ANTERIOR, COVERAGE_FACTOR, FRACTURE_LOSS, MIDDLE, WHOLE, HeightLoss

# Genant 1993, J Bone Miner Res 8:1137-1148, doi:10.1002/jbmr.5650080915: mild from 20 to 25 %, moderate from 25 to
# 40 %, severe over 40 %.
_MODERATE_FROM, _SEVERE_FROM = 0.25, 0.40
MILD, MODERATE, SEVERE = 1, 2, 3
SHAPES = {ANTERIOR: "wedge", MIDDLE: "biconcave", WHOLE: "crush"}


@dataclass(frozen=True)
class GenantSuggestion:
    """What a loss of height suggests.

    Attributes:
        shape: "wedge", "biconcave" or "crush".
        least: the lowest grade that the loss leaves possible, 1 to 3.
        most: the highest one.
    """

    shape: str
    least: int
    most: int


def suggested_grade(loss: HeightLoss) -> GenantSuggestion | None:
    """Return the grades within twice the uncertainty of a suspected loss; None if that may be any or none is suspected.

    That is so where the slices are too thick for the loss to be graded.
    """
    if not loss.suspected:
        return None
    margin = COVERAGE_FACTOR * loss.uncertainty
    least, most = _grade(max(loss.loss - margin, FRACTURE_LOSS)), _grade(loss.loss + margin)
    return None if (least, most) == (MILD, SEVERE) else GenantSuggestion(SHAPES[loss.height], least, most)


def _grade(loss: float) -> int:
    if loss > _SEVERE_FROM:
        return SEVERE
    return MODERATE if loss > _MODERATE_FROM else MILD
