"""The table of what readers did."""

import math
from typing import Any

from ...calibration import Calibration
from ...calibration.described import name_words
from ...examination import Examination, HistoryEntry, exclusion_text
from ...ground.errors import UsageError
from ...ground.plain import PlainError, from_plain
from ...rules import RuleSet
from ...words import Catalogue
from .report import Column, Table
from .words import number, time, visible

_COLUMNS = ("history.time", "history.reader", "history.what", "history.level", "history.change")


def history_table(examination: Examination, say: Catalogue) -> Table:
    """Return a row for each entry of the history, oldest first."""
    rows = tuple(
        (
            time(entry.time),
            visible(entry.reader, 80),
            say(f"history.{entry.what}") if f"history.{entry.what}" in say else visible(entry.what, 80),
            entry.level or "",
            visible(_change(entry, say), 160),
        )
        for entry in examination.history
    )
    notes: tuple[str, ...] = () if rows else (say("history.none"),)
    if examination.automatic is not None:
        statement = visible(examination.automatic.assessment.statement, 1000)
        notes = (say("history.automatic_mean", statement=statement),)
    return Table(tuple(Column(say(key)) for key in _COLUMNS), rows, notes)


def _change(entry: HistoryEntry, say: Catalogue) -> str:
    """Return what an entry changed, as far as it can be said in a few words."""
    old, new = entry.old, entry.new
    if entry.what in ("voi_moved", "voi_reset"):
        return _moved(old, new, say)
    if entry.what == "level_excluded" and isinstance(new, dict):
        return _reason(new)
    if entry.what == "fracture_confirmed" and isinstance(new, dict) and isinstance(new.get("grade"), int):
        return say("history.grade", grade=new["grade"])
    if entry.what == "signed" and isinstance(new, dict) and isinstance(new.get("acknowledged"), list):
        return say("history.acknowledged", codes=", ".join(map(str, new["acknowledged"])))
    if entry.what == "level_renamed":
        return say("history.from_to", old=old, new=new)
    if entry.what == "names_shifted" and isinstance(old, list) and isinstance(new, list) and old and new:
        return say("history.from_to", old=_ends(old), new=_ends(new))
    if entry.what == "calibration_changed" and isinstance(old, dict) and isinstance(new, dict):
        return say("history.from_to", old=_named(old), new=_named(new))
    if entry.what == "rules_changed" and isinstance(old, dict) and isinstance(new, dict):
        return say("history.from_to", old=_titled(old), new=_titled(new))
    return ""


def _titled(rules: dict[str, Any]) -> str:
    try:
        return str(from_plain(RuleSet, rules).title)
    except ValueError:
        return str(rules.get("name", ""))


def _named(calibration: dict[str, Any]) -> str:
    try:
        return name_words(from_plain(Calibration, calibration))
    except (PlainError, UsageError):
        return str(calibration.get("name", ""))


def _reason(exclusion: dict[str, Any]) -> str:
    try:
        return exclusion_text(exclusion["reason"], exclusion.get("words"))
    except (KeyError, ValueError):
        return ""


def _moved(old: Any, new: Any, say: Catalogue) -> str:
    try:
        distance = math.dist(old["center_lps_mm"], new["center_lps_mm"])
        resized = (old["semi_axes_mm"], old["height_mm"]) != (new["semi_axes_mm"], new["height_mm"])
    except (TypeError, KeyError, ValueError):
        return ""
    words = [say("history.moved_mm", mm=number(distance))]
    if resized:
        words.append(say("history.resized"))
    return say("comma").join(words)


def _ends(levels: list[Any]) -> str:
    return f"{levels[0]}-{levels[-1]}"
