"""The engine's values in words: one place for how the panel writes them. Numbers keep the record's units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ldct_bmd.assessment import format_bmd
from ldct_bmd.words import text

from .Verdicts import fractureWord

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination, Measurement

NONE = "-"


def categoryWord(category: str | None) -> str:
    """Return the category as the panel says it."""
    return text(f"category_word.{category or 'none'}")


def reasonWords() -> dict[str, str]:
    """Return the reasons to exclude a level, by the engine's name; "other" is followed by own words."""
    from ldct_bmd.examination import ExclusionReason

    words = {reason.value: text(f"exclusion.{reason.value}") for reason in ExclusionReason}
    words[ExclusionReason.OTHER.value] = text("level_actions.other_reason")
    return {reason: word[0].upper() + word[1:] for reason, word in words.items()}


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
        return text("result.excluded", reason=reason)
    unused = unused_levels(examination).get(measurement.level)
    if unused is not None:
        return text("result.unused", reason=unused.words)
    facts = examination.quality.voi(measurement.level)
    if facts.placed_by is not None and facts.automatic is None:
        return text("state_word.added")
    if measurement.automatic is not None or facts.placed_by is not None:
        return text("state_word.corrected")
    return text("state_word.automatic")


def withUnit(value: float | None) -> str:
    """Return a BMD with its unit."""
    return NONE if value is None else text("bar.value", bmd=bmdWord(value))
