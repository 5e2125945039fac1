"""What of a record waits for a reader's verdict, level by level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ldct_bmd.findings import FindingCode
from ldct_bmd.morphometry import suggested_grade
from ldct_bmd.words import text

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination


def fractureOf(examination: Examination | None, level: str | None) -> FindingCode | None:
    """Return whether ``level`` is fractured as a reader said, or suspected of it and not judged yet; else None."""
    if examination is None:
        return None
    codes = {finding.code for finding in examination.findings if finding.level == level}
    return next((code for code in (FindingCode.FRACTURE, FindingCode.SUSPECTED_FRACTURE) if code in codes), None)


def suggestedGrades(examination: Examination | None, level: str | None) -> range:
    """Return Genant's grades that an open suspicion at ``level`` leaves possible; none where any is."""
    if fractureOf(examination, level) is not FindingCode.SUSPECTED_FRACTURE or examination is None:
        return range(0)
    loss = next((one for one in examination.height_losses if one.level == level), None)
    suggestion = None if loss is None else suggested_grade(loss)
    return range(0) if suggestion is None else range(suggestion.least, suggestion.most + 1)


def hasDoubtfulOutline(examination: Examination | None, level: str | None) -> bool:
    """Whether the outline of ``level`` is doubtful and no reader has confirmed it."""
    return examination is not None and any(
        finding.code is FindingCode.OUTLINE_DOUBTFUL and finding.level == level for finding in examination.findings
    )


def fractureWord(examination: Examination, level: str) -> str:
    """Return what is said, or to be decided, about a fracture of ``level``; "" if nothing is."""
    code = fractureOf(examination, level)
    reading = next((one for one in examination.quality.fracture_readings if one.level == level), None)
    if code is FindingCode.SUSPECTED_FRACTURE:
        loss = next((one.loss for one in examination.height_losses if one.level == level), 0.0)
        return text("verdict.open", loss=loss)
    if code is FindingCode.FRACTURE:
        grade = None if reading is None else reading.grade
        return text("verdict.confirmed") if grade is None else text("verdict.confirmed_grade", grade=grade)
    return "" if reading is None else text("verdict.dismissed")
