"""A reader's verdicts on fractures, outlines and contrast agent. Pure functions, like the corrections."""

from dataclasses import replace

from .corrections import Correction, concluded, with_bmd_anew
from .examination import Examination, Exclusion, ExclusionReason
from .examination.conclude import contrast_of
from .ground.errors import UsageError
from .quality import FractureReading, shows_contrast

GRADES = (1, 2, 3)  # Genant 1993: mild (a height is lower by 20 to 25 %), moderate (25 to 40 %), severe (over 40 %)


def confirm_fracture(
    examination: Examination, level: str, reader: str, time: str, grade: int | None = None
) -> Examination:
    """Call a vertebra fractured, suspected or not: its level is left out, and the fracture leads the statement.

    ``grade`` is Genant's, as the reader sees it; another grade may be given later.
    """
    if grade is not None and (type(grade) is not int or grade not in GRADES):  # True and 1.0 are in GRADES too
        raise UsageError("verdict.no_grade", grade=grade)
    old = _reading(examination, level)
    if old is not None and old.fractured and old.grade == grade:
        raise UsageError("verdict.fracture_confirmed_already", level=level)
    new = FractureReading(level, True, reader, time, grade)
    excluded = Exclusion(ExclusionReason.FRACTURE, reader, time)
    measurements = tuple(
        replace(m, excluded=excluded) if m.level == level and m.excluded is None else m
        for m in examination.measurements
    )
    corrected = replace(_with_reading(examination, new), measurements=measurements)
    return concluded(examination, corrected, Correction.FRACTURE_CONFIRMED, level, old, new, reader, time)


def dismiss_suspicion(examination: Examination, level: str, reader: str, time: str) -> Examination:
    """Say that a vertebra is not fractured: it limits nothing any more, and an exclusion as fractured ends."""
    old = _reading(examination, level)
    suspected = any(one.level == level and one.suspected for one in examination.height_losses)
    measurement = examination.measurement(level)
    exclusion = None if measurement is None else measurement.excluded
    as_fractured = exclusion is not None and exclusion.reason is ExclusionReason.FRACTURE
    if old is not None and not old.fractured:
        raise UsageError("verdict.dismissed_already", level=level)
    if old is None and not suspected and not as_fractured:
        raise UsageError("verdict.not_suspected", level=level)
    new = FractureReading(level, False, reader, time)
    measurements = tuple(
        replace(m, excluded=None) if m.level == level and as_fractured else m for m in examination.measurements
    )
    corrected = replace(_with_reading(examination, new), measurements=measurements)
    return concluded(examination, corrected, Correction.SUSPICION_DISMISSED, level, old, new, reader, time)


def confirm_outline(examination: Examination, level: str, reader: str, time: str) -> Examination:
    """Take the reader's word that the outline of a measured level is good, so that the level may be used."""
    outlines = {one.level: one for one in examination.quality.outlines}
    old = outlines.get(level)
    if old is None:
        raise UsageError("verdict.no_outline", level=level)
    if old.confirmed_by is not None:
        raise UsageError("verdict.outline_confirmed_already", level=level, reader=old.confirmed_by)
    new = replace(old, confirmed_by=reader)
    quality = replace(examination.quality, outlines=tuple((outlines | {level: new}).values()))
    corrected = replace(examination, quality=quality)
    return concluded(examination, corrected, Correction.OUTLINE_CONFIRMED, level, old, new, reader, time)


def deny_contrast(examination: Examination, reader: str, time: str) -> Examination:
    """Say that a scan was made without contrast agent, whatever header and aorta say: nothing is taken off for it."""
    made, quality = examination.scan.acquisition, examination.quality
    if quality.contrast_denied_by is not None:
        raise UsageError("verdict.contrast_denied_already", reader=quality.contrast_denied_by)
    if not shows_contrast(made.contrast_agent, quality.tissue):
        raise UsageError("verdict.no_contrast")
    denied = replace(examination, contrast=None, quality=replace(quality, contrast_denied_by=reader))
    old = examination.contrast
    return concluded(examination, with_bmd_anew(denied), Correction.CONTRAST_DENIED, None, old, None, reader, time)


def admit_contrast(examination: Examination, reader: str, time: str) -> Examination:
    """Take back that the scan was made without contrast agent: what it adds is taken off again."""
    quality = examination.quality
    if quality.contrast_denied_by is None:
        raise UsageError("verdict.contrast_not_denied")
    new = contrast_of(examination.scan.acquisition, quality.tissue)
    admitted = replace(examination, contrast=new, quality=replace(quality, contrast_denied_by=None))
    return concluded(examination, with_bmd_anew(admitted), Correction.CONTRAST_ADMITTED, None, None, new, reader, time)


def _reading(examination: Examination, level: str) -> FractureReading | None:
    if level not in {vertebra.level for vertebra in examination.vertebrae}:
        raise UsageError("correction.no_vertebra", level=level)
    return next((one for one in examination.quality.fracture_readings if one.level == level), None)


def _with_reading(examination: Examination, new: FractureReading) -> Examination:
    others = tuple(one for one in examination.quality.fracture_readings if one.level != new.level)
    return replace(examination, quality=replace(examination.quality, fracture_readings=(*others, new)))
