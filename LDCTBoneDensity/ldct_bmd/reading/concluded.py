"""What stands next to the statement of a record: the mean, whom it is meant for, T12, what was before, who signed."""

from ..examination import Examination
from ..reporting.page.about import age_caveat, mean_line
from ..reporting.page.words import time
from ..reporting.signed import is_as_signed
from ..words import catalogue, current_language, text
from .values import category_word, level_word, with_unit


def lines_beside(examination: Examination) -> tuple[str, ...]:
    """Return the mean with its interval and whom it is meant for, then T12."""
    say = catalogue(current_language())
    reference = examination.measurement("T12")
    words = ""
    if reference is not None:
        words = text(
            "assessment.reference" if reference.excluded is None else "assessment.reference_excluded",
            level=level_word(examination, "T12"),
            bmd=with_unit(reference.bmd_mg_cm3),
        )
    return tuple(filter(None, (mean_line(examination, say), age_caveat(examination.scan.patient, say), words)))


def automatic_line(examination: Examination) -> str:
    """Return what the software said before a reader corrected it; "" where nobody did."""
    automatic = examination.automatic
    if automatic is None:
        return ""
    return text(
        "assessment.automatic",
        bmd=with_unit(automatic.assessment.mean_bmd_mg_cm3),
        category=category_word(automatic.assessment.category),
        count=len(examination.history),
    )


def signature_line(examination: Examination) -> str:
    """Return who signed and when, or that nobody did."""
    signature = examination.signature
    if signature is None:
        return text("report_section.unsigned")
    key = "report_section.signed" if is_as_signed(examination) else "report_section.changed_since"
    return text(key, reader=signature.reader, time=time(signature.time))
