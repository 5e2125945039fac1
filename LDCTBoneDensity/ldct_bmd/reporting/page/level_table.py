"""The table with a row for each measured level."""

from ...anatomy import ASSESSED_LEVELS
from ...assessment import format_bmd
from ...examination import Examination, Measurement, unused_levels
from ...words import Catalogue
from .report import Column, Table
from .words import DASH, number, visible


def shown_level(level: str, examination: Examination, say: Catalogue) -> str:
    """Return the name of a level, with a question mark where it is uncertain."""
    return level if examination.quality.certain(level) else say("levels.uncertain", level=level)


def level_table(examination: Examination, say: Catalogue) -> Table:
    """Return the table; the automatic values have columns only where a reader changed any."""
    measurements = examination.measurements
    corrected = any(m.automatic is not None for m in measurements)
    headings = ["levels.level", "levels.bmd", "levels.uncertainty", "levels.hu", "levels.sd", "levels.volume"]
    if corrected:
        headings += ["levels.automatic_bmd", "levels.automatic_hu"]
    columns = [Column(say(key), "left" if key == "levels.level" else "right") for key in headings]
    rows, muted, noise_alone = [], [], False
    for number_of_row, measurement in enumerate(measurements):
        uncertainty, alone = _uncertainty(measurement, say)
        noise_alone |= alone
        row = [
            shown_level(measurement.level, examination, say),
            _bmd(measurement.bmd_mg_cm3),
            uncertainty,
            number(measurement.mean_hu),
            number(measurement.sd_hu),
            number(measurement.volume_mm3 / 1000.0, 2),
        ]
        if corrected:
            automatic = measurement.automatic
            row += [DASH, DASH] if automatic is None else [_bmd(automatic.bmd_mg_cm3), number(automatic.mean_hu)]
        row.append(_use(measurement, examination, say))
        rows.append(tuple(row))
        if measurement.excluded is not None or measurement.level in unused_levels(examination):
            muted.append(number_of_row)
    remark = visible(str(examination.quality.names_remark))
    placed = [m.bmd_error is None or m.bmd_error.placement_mg_cm3 is not None for m in measurements]
    interval = "levels.note.interval" if all(placed) else "levels.note.interval_before"
    notes = [say(interval)] if rows else []
    if noise_alone:
        notes.append(say("levels.note.noise"))
    if corrected:
        notes.append(say("levels.note.automatic"))
    key = "levels.note.names" if examination.quality.names_certain else "levels.note.uncertain"
    notes.append(say(key, remark=remark))
    return Table((*columns, Column(say("levels.use"))), tuple(rows), tuple(notes), tuple(muted))


def _bmd(bmd_mg_cm3: float) -> str:
    return format_bmd(bmd_mg_cm3).replace("-", "−")


def _uncertainty(measurement: Measurement, say: Catalogue) -> tuple[str, bool]:
    error = measurement.bmd_error
    if error is None:
        return DASH, False
    half = number(error.half_interval_mg_cm3)
    return (half, False) if error.total_mg_cm3 is not None else (say("levels.noise_mark", half=half), True)


def _use(measurement: Measurement, examination: Examination, say: Catalogue) -> str:
    words = []
    unused = unused_levels(examination).get(measurement.level)
    if measurement.excluded is not None:
        words.append(say("levels.excluded", reason=visible(measurement.excluded.text, 120)))
    elif unused is not None:
        words.append(say("levels.unused", reason=visible(unused.words, 120)))
    elif measurement.level in examination.assessment.levels:
        words.append(say("levels.in_mean"))
    elif measurement.level not in ASSESSED_LEVELS:
        words.append(say("levels.reference"))
    facts = examination.quality.voi(measurement.level)
    if facts.placed_by is not None:
        key = "levels.added_by" if facts.automatic is None else "levels.placed_by"
        words.append(say(key, reader=visible(facts.placed_by, 60)))
    return say("semicolon").join(words)
