"""The record's values in words: one place for how a panel or a page writes them. Numbers keep the record's units."""

from ..assessment import format_bmd
from ..examination import Examination, ExclusionReason, Measurement, unused_levels
from ..words import text
from .verdicts import fracture_word

NONE = "-"


def category_word(category: str | None) -> str:
    """Return the category in one word or two."""
    return text(f"category_word.{category or 'none'}")


def reason_words() -> dict[str, str]:
    """Return the reasons to exclude a level, by the engine's name; "other" is followed by own words."""
    words = {reason.value: text(f"exclusion.{reason.value}") for reason in ExclusionReason}
    words[ExclusionReason.OTHER.value] = text("level_actions.other_reason")
    return {reason: word[0].upper() + word[1:] for reason, word in words.items()}


def level_word(examination: Examination, level: str) -> str:
    """Return the level, with a question mark where its name is not certain."""
    return level if examination.quality.certain(level) else f"{level}?"


def hu_words(measurement: Measurement) -> str:
    """Return mean and standard deviation in HU."""
    return f"{measurement.mean_hu:.1f} \u00b1 {measurement.sd_hu:.1f}"


def bmd_word(value: float | None) -> str:
    """Return a BMD in mg/cm3, on its side of a threshold."""
    return NONE if value is None else format_bmd(value)


def state_word(examination: Examination, measurement: Measurement) -> str:
    """Return whether a measurement is the software's, a reader's, or left out."""
    if measurement.excluded is not None:
        is_fracture = measurement.excluded.reason is ExclusionReason.FRACTURE
        reason = fracture_word(examination, measurement.level) if is_fracture else measurement.excluded.text
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


def with_unit(value: float | None) -> str:
    """Return a BMD with its unit."""
    return NONE if value is None else text("bar.value", bmd=bmd_word(value))
