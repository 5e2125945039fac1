"""The rules about vertebral bodies: loss of height, and outlines that may be wrong."""

from collections.abc import Mapping, Sequence

from ..anatomy import order
from ..findings import Finding, FindingCode
from ..morphometry import HeightLoss, suggested_grade
from ..words import Fact, Phrase
from .facts import FractureReading, LevelOutline

FRACTURE_REASON = "fracture"  # the reader's reason for excluding a level; see ldct_bmd.corrections
# Limits of doubt, set on eight real scans (20 outlines of T12 to L2, slices of 2 to 5 mm): holes took at most 0.7 % of
# a body, and at most 38 % of a surface had no edge near it.
LARGEST_HOLE = 0.02
LARGEST_FAR = 0.5
# There the SD of a VOI was at most about a fourth above the mean of the others'.
LARGEST_SD_RATIO, LEAST_SD_MORE_HU = 1.5, 20.0


def confirmed_fractures(readings: Sequence[FractureReading], excluded: Mapping[str, str]) -> tuple[str, ...]:
    """Return the levels that a reader has called fractured, top to bottom; ``excluded``: readers' reasons by level."""
    fractured = {level for level, reason in excluded.items() if reason == FRACTURE_REASON}
    return tuple(sorted(fractured | {reading.level for reading in readings if reading.fractured}, key=order))


def fracture_findings(
    losses: Sequence[HeightLoss], confirmed: Sequence[str], readings: Sequence[FractureReading]
) -> list[Finding]:
    """Return the fractures that a reader confirmed, and the losses of height that nobody has judged yet.

    Args:
        losses: the largest loss of each body.
        confirmed: as of :func:`confirmed_fractures`.
        readings: what readers said.
    """
    grades = {reading.level: reading.grade for reading in readings if reading.grade is not None}
    found = [
        Finding(FindingCode.FRACTURE, level, {"case": "graded", "grade": grades[level]} if level in grades else {})
        for level in confirmed
    ]
    judged = {reading.level for reading in readings} | set(confirmed)
    found += [
        Finding(FindingCode.SUSPECTED_FRACTURE, loss.level, _suspicion(loss))
        for loss in losses
        if loss.suspected and loss.level not in judged
    ]
    return found


def _suspicion(loss: HeightLoss) -> dict[str, Fact]:
    measured: dict[str, Fact] = {"loss": loss.loss, "uncertainty": loss.uncertainty}
    suggestion = suggested_grade(loss)
    if suggestion is None:
        return {"case": loss.height, **measured}
    grades: dict[str, Fact] = {"least": suggestion.least, "most": suggestion.most}
    grade = Phrase("genant.grade" if suggestion.least == suggestion.most else "genant.grades", grades)
    return {"case": f"{loss.height}_graded", **measured, "grade": grade}


def doubtful_outlines(
    outlines: Sequence[LevelOutline], sd_hu: Mapping[str, float], by_hand: Sequence[str] = ()
) -> dict[str, dict[str, Fact]]:
    """Return why an outline is doubtful, by level; a reader's word settles it.

    Args:
        outlines: of the measured levels.
        sd_hu: of the VOI of every measured level.
        by_hand: levels whose VOI a reader placed, so that it does not rest on the outline.
    """
    found = {}
    for one in outlines:
        if one.confirmed_by is not None or one.level in by_hand or one.level not in sd_hu:
            continue
        others = [sd for level, sd in sd_hu.items() if level != one.level]
        doubt = _doubt(one, sd_hu[one.level], sum(others) / len(others) if others else None)
        if doubt is not None:
            found[one.level] = doubt
    return found


def outline_findings(doubts: Mapping[str, dict[str, Fact]]) -> list[Finding]:
    """Return a finding for each level of :func:`doubtful_outlines`."""
    return [Finding(FindingCode.OUTLINE_DOUBTFUL, level, doubt) for level, doubt in doubts.items()]


def _doubt(one: LevelOutline, sd_hu: float, others_hu: float | None) -> dict[str, Fact] | None:
    if one.outline.hole_fraction > LARGEST_HOLE:
        return {"case": "hole", "part": one.outline.hole_fraction}
    if one.outline.far_fraction > LARGEST_FAR:
        return {"case": "far", "part": one.outline.far_fraction}
    if others_hu is not None and sd_hu > max(LARGEST_SD_RATIO * others_hu, others_hu + LEAST_SD_MORE_HU):
        return {"case": "spread", "sd_hu": sd_hu, "others_hu": others_hu}
    return None
