"""The engine's values in words: one place for how the panel writes them. Numbers keep the record's units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ldct_bmd.assessment import format_bmd
from ldct_bmd.findings import Finding, Severity

from .Verdicts import fractureWord

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination, Measurement

NONE = "-"


def categoryWord(category: str | None) -> str:
    """Return the category as the panel says it."""
    words = {"normal": _("normal"), "osteopenia": _("osteopenia"), "osteoporosis": _("osteoporosis")}
    return words[category] if category is not None else _("no category")


def reasonWords() -> dict[str, str]:
    """Return the reasons to exclude a level, by the engine's name; "other" is followed by own words."""
    return {
        "fracture": _("Fracture"),
        "surgery_or_implant": _("Surgery or implant"),
        "tumour": _("Tumour"),
        "sclerosis_or_degeneration": _("Sclerosis or degeneration"),
        "cyst": _("Cyst"),
        "outside_scan": _("Outside the scan"),
        "other": _("Other ..."),
    }


def stageWord(stage: str) -> str:
    """Return what the engine is doing."""
    words = {
        "read": _("Reading the scan"),
        "segment": _("Finding the vertebrae"),
        "label": _("Naming the vertebrae"),
        "measure": _("Measuring"),
        "write": _("Writing"),
        "phantom search": _("Finding the rods"),
        "send": _("Sending"),
    }
    return words.get(stage, stage)


def severityWord(finding: Finding) -> str:
    """Return how much a finding matters, in a word."""
    words = {Severity.ERROR: _("Error"), Severity.WARNING: _("Warning"), Severity.INFO: _("Note")}
    return words[finding.severity]


def levelWord(examination: Examination, level: str) -> str:
    """Return the level, with a question mark where its name is not certain."""
    return level if examination.quality.certain(level) else f"{level}?"


def huWords(measurement: Measurement) -> str:
    """Return mean and standard deviation in HU."""
    return f"{measurement.mean_hu:.1f} \u00b1 {measurement.sd_hu:.1f}"


def bmdWord(value: float | None) -> str:
    """Return a BMD in mg/cm3, on its side of a threshold."""
    return NONE if value is None else format_bmd(value)


def stateWord(examination: Examination, measurement: Measurement) -> str:
    """Return whether a measurement is the software's, a reader's, or left out."""
    from ldct_bmd.examination import ExclusionReason, unused_levels

    if measurement.excluded is not None:
        isFracture = measurement.excluded.reason is ExclusionReason.FRACTURE
        reason = fractureWord(examination, measurement.level) if isFracture else measurement.excluded.text
        return _("excluded: {reason}").format(reason=reason)
    unused = unused_levels(examination).get(measurement.level)
    if unused is not None:
        return _("not used: {reason}").format(reason=unused.words)
    facts = examination.quality.voi(measurement.level)
    if facts.placed_by is not None and facts.automatic is None:
        return _("added")
    if measurement.automatic is not None or facts.placed_by is not None:
        return _("corrected")
    return _("automatic")


def withUnit(value: float | None) -> str:
    """Return a BMD with its unit."""
    return NONE if value is None else _("{bmd} mg/cm3").format(bmd=bmdWord(value))
