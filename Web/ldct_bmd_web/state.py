"""All that the page shows but slices, as plain values: words are chosen by the engine, nothing is concluded here."""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from ldct_bmd.anatomy import TARGET_LEVELS
from ldct_bmd.column import names_confirmed
from ldct_bmd.examination import Examination, open_points
from ldct_bmd.findings import Severity
from ldct_bmd.ground.plain import to_plain
from ldct_bmd.reading.concluded import automatic_line, lines_beside, signature_line
from ldct_bmd.reading.going import Going, Shown, row_cells
from ldct_bmd.reading.offers import offers_of
from ldct_bmd.reading.rows import level_row, levels_in
from ldct_bmd.reading.values import bmd_word, category_word, reason_words, with_unit
from ldct_bmd.reading.verdicts import suggested_grades
from ldct_bmd.reporting.page.about import calibration_facts, patient_facts, scan_facts
from ldct_bmd.reporting.page.report import BAR_HIGH, BAR_LOW, Fact
from ldct_bmd.rules import rules_of
from ldct_bmd.verdicts import GRADES
from ldct_bmd.words import LANGUAGES, catalogue, current_language, text

from .case import Case
from .door import PAGE
from .slices import aorta, middles, views

if TYPE_CHECKING:
    from .session import Session


def state_of(session: "Session") -> dict[str, Any]:
    """Return the state of a session."""
    case = session.case
    return {
        "revision": session.revision,
        "language": current_language(),
        "languages": LANGUAGES,
        "texts": {key: _label(key) for key in page_keys()},
        "reader": session.reader,
        "note": session.note,
        "pacs": bool(session.served.pacs),
        "worklist": None if session.going is None else _worklist(session.going),
        "case": None if case is None else {"number": session.opened, **_case(case)},
    }


@cache
def page_keys() -> tuple[str, ...]:
    """Return the keys of the texts that the page names, and of its own."""
    known = catalogue()
    named = {word for path in PAGE.iterdir() for word in re.findall(r'"([\w.]+)"', path.read_text(encoding="utf-8"))}
    return tuple(sorted(key for key in known if key in named or key.startswith("web.")))


def _label(key: str) -> str:
    """Return a text without the mark of a shortcut, which a page has no use for: "&Sign", "签署(&G)"."""
    words = re.sub(r"\(&\w\)", "", catalogue(current_language()).template(key))
    return words.replace("&", "")


def _worklist(going: Going) -> dict[str, Any]:
    return {
        "counts": going.counts(),
        "more": going.after(going.current) is not None,
        "shown": [[shown.value, text(f"worklist_section.show.{shown.value}")] for shown in Shown],
    }


def rows_of(going: Going, shown: Shown) -> list[dict[str, Any]]:
    """Return the rows of a worklist that are shown, each with whether it is the open one and can be opened."""
    return [
        {
            "number": number,
            "cells": row_cells(row),
            "reason": row.facts.reason or "",
            "is_current": number == going.current,
            "can_open": row.folder is not None,
        }
        for number, row in going.rows(shown)
    ]


def _case(case: Case) -> dict[str, Any]:
    examination, say = case.examination, catalogue(current_language())
    patient, levels = case.scan.patient, levels_in(examination)
    return {
        "signed": examination.signature is not None,
        "changed": case.is_changed,
        "patient": _facts(patient_facts(patient, say)),
        "scan": _facts(scan_facts(examination, say)),
        "calibration": _facts(calibration_facts(examination, say)),
        "views": views(case.scan.geometry),
        "middles": middles(case, case.scan.geometry),
        "aorta": aorta(case, case.scan.geometry),
        "rows": [_row(case, level) for level in levels],
        "others": text("vertebra_table.count", count=sum(level not in TARGET_LEVELS for level in levels)),
        "assessment": assessment(examination),
        "findings": findings(examination),
        "reasons": reason_words(),
        "column": to_plain(offers_of(case.review, None)),
        "names_confirmed": names_confirmed(examination),
        "comment": examination.comment or "",
        "signature": signature_line(examination),
        "open_points": _open_points(examination),
        "history": len(examination.history),
    }


def assessment(examination: Examination) -> dict[str, Any]:
    """Return what a record concludes, in the words of the panel."""
    found, automatic = examination.assessment, examination.automatic
    rules = rules_of(found.rules)
    category = category_word(found.category)
    return {
        "statement": found.statement,
        "lines": [*lines_beside(examination), *filter(None, [automatic_line(examination)])],
        "bar": {
            "mean": found.mean_bmd_mg_cm3,
            "value": bmd_word(found.mean_bmd_mg_cm3),
            "words": text("assessment.bar", bmd=with_unit(found.mean_bmd_mg_cm3), category=category),
            # The scale is one of K2HPO4 equivalents: pale under another number.
            "category": found.category if found.k2hpo4_parts is None else None,
            "automatic": None if automatic is None else automatic.assessment.mean_bmd_mg_cm3,
            "limits": [BAR_LOW, *rules.limits_mg_cm3, BAR_HIGH],
            "categories": [[category.value, category_word(category.value)] for category in rules.categories],
        },
    }


def findings(examination: Examination) -> list[dict[str, str]]:
    """Return what was noticed, each with how much it matters."""
    return [note(finding.severity, finding.message) for finding in examination.findings]


def note(severity: Severity, message: str) -> dict[str, str]:
    """Return a sentence with how much it matters, in a word and for the eye."""
    return {"severity": severity.value, "text": text(f"note.{severity.value}", message=message)}


def _row(case: Case, level: str) -> dict[str, Any]:
    examination = case.examination
    measurement = examination.measurement(level)
    suggested = suggested_grades(examination, level)
    grades = {
        grade: text(
            "verdict.fracture_of_suggested_grade" if grade in suggested else "verdict.fracture_of_grade", grade=grade
        )
        for grade in GRADES
    }
    return {
        **to_plain(level_row(examination, level)),
        "is_target": level in TARGET_LEVELS,
        # Unrounded, for who compares them with the record.
        "mean_hu": None if measurement is None else measurement.mean_hu,
        "bmd_mg_cm3": None if measurement is None else measurement.bmd_mg_cm3,
        "offers": to_plain(offers_of(case.review, level)),
        "grades": grades,
    }


def _open_points(examination: Examination) -> dict[str, Any]:
    if examination.signature is not None:
        return {"notes": [], "errors": []}
    points = open_points(examination)
    notes = [note(Severity.WARNING, text("signing.decide", level=level)) for level in points.suspected]
    notes += [note(Severity.ERROR, one.message) for one in points.errors]
    return {"notes": notes, "errors": error_codes(examination)}


def error_codes(examination: Examination) -> list[str]:
    """Return the codes of the errors that a reader must have seen who signs, in their order."""
    return sorted(finding.code.value for finding in open_points(examination).errors)


def _facts(facts: tuple[Fact, ...]) -> list[list[str]]:
    return [[fact.label, fact.value] for fact in facts]
