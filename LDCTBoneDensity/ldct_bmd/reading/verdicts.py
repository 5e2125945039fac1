"""What of a record waits for the reader's verdict, level by level."""

from ..examination import Examination
from ..findings import FindingCode
from ..morphometry import suggested_grade
from ..words import text


def fracture_of(examination: Examination | None, level: str | None) -> FindingCode | None:
    """Return whether ``level`` is fractured as a reader said, or suspected of it and not judged yet; else None."""
    if examination is None:
        return None
    codes = {finding.code for finding in examination.findings if finding.level == level}
    return next((code for code in (FindingCode.FRACTURE, FindingCode.SUSPECTED_FRACTURE) if code in codes), None)


def suggested_grades(examination: Examination | None, level: str | None) -> range:
    """Return Genant's grades that an open suspicion at ``level`` leaves possible; none where any is."""
    if fracture_of(examination, level) is not FindingCode.SUSPECTED_FRACTURE or examination is None:
        return range(0)
    loss = next((one for one in examination.height_losses if one.level == level), None)
    suggestion = None if loss is None else suggested_grade(loss)
    return range(0) if suggestion is None else range(suggestion.least, suggestion.most + 1)


def has_doubtful_outline(examination: Examination | None, level: str | None) -> bool:
    """Whether the outline of ``level`` is doubtful and no reader has confirmed it."""
    return examination is not None and any(
        finding.code is FindingCode.OUTLINE_DOUBTFUL and finding.level == level for finding in examination.findings
    )


def fracture_word(examination: Examination, level: str) -> str:
    """Return what is said, or to be decided, about a fracture of ``level``; "" if nothing is."""
    code = fracture_of(examination, level)
    reading = next((one for one in examination.quality.fracture_readings if one.level == level), None)
    if code is FindingCode.SUSPECTED_FRACTURE:
        loss = next((one.loss for one in examination.height_losses if one.level == level), 0.0)
        return text("verdict.open", loss=loss)
    if code is FindingCode.FRACTURE:
        grade = None if reading is None else reading.grade
        return text("verdict.confirmed") if grade is None else text("verdict.confirmed_grade", grade=grade)
    return "" if reading is None else text("verdict.dismissed")
