"""The uncertainty budget as a table: a row for each part, a column for each level and for the mean."""

import math

from ...calibration import BMDError, Part
from ...examination import Examination
from ...words import Catalogue
from ..priors import LSC_FACTOR
from .level_table import shown_level
from .report import Column, Table
from .words import DASH, number


def uncertainty_table(examination: Examination, say: Catalogue) -> Table | None:
    """Return the table; None if the record states no error."""
    assessment = examination.assessment
    errors = {
        shown_level(m.level, examination, say): m.bmd_error for m in examination.measurements if m.bmd_error is not None
    }
    if not errors:
        return None
    if len(assessment.levels) > 1 and assessment.mean_bmd_error is not None:
        errors[say("uncertainty.mean", levels=say.listed(assessment.levels))] = assessment.mean_bmd_error
    known = [part for part in Part if any(part in error.parts for error in errors.values())]
    rows = [
        (say(f"uncertainty.{part.value}"), *(_shown(error.parts.get(part)) for error in errors.values()))
        for part in known
    ]
    totals = [(error.known_mg_cm3, error.half_interval_mg_cm3, error) for error in errors.values()]
    rows.append((say("uncertainty.total"), *(_marked(known, error, say) for known, _, error in totals)))
    rows.append((say("uncertainty.interval"), *(_marked(half, error, say) for _, half, error in totals)))
    columns = (Column(say("uncertainty.part")), *(Column(name, "right") for name in errors))
    return Table(columns, tuple(rows), _notes(examination, list(errors.values()), say))


def _notes(examination: Examination, errors: list[BMDError], say: Catalogue) -> tuple[str, ...]:
    notes = [say("uncertainty.note.units")]
    if any(error.total_mg_cm3 is None for error in errors):
        notes.append(say("levels.note.noise"))
    sizes = {one.level: one.size for one in examination.quality.vois if one.size is not None}
    for level, size in sizes.items():
        if level == min(sizes, key=lambda one: one != "L1"):
            key = "uncertainty.note.size_cut" if size.cut else "uncertainty.note.size"
            notes.append(say(key, level=level, mm=number(size.water_equivalent_mm, 0)))
    error = examination.assessment.mean_bmd_error
    if error is not None and error.placement_mg_cm3 is not None:
        change = LSC_FACTOR * math.sqrt(2.0) * error.repeated_mg_cm3
        notes.append(say("uncertainty.note.change", change=number(change)))
    return tuple(notes)


def _shown(value: float | None) -> str:
    return DASH if value is None else number(value)


def _marked(value: float, error: BMDError, say: Catalogue) -> str:
    """Return the value, marked where the calibration's part is not in it."""
    shown = number(value)
    return shown if error.total_mg_cm3 is not None else say("levels.noise_mark", half=shown)
