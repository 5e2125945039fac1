"""From the rows of a study to its patients: pairs by level, the mean of L1 and L2, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ldct_bmd.anatomy import ASSESSED_LEVELS, order

from .agreement import Pairs
from .readings import MEAN_LEVEL, Reading

# A mean given directly may be rounded; further from the mean of its levels, it is something else.
ROUNDING_MG_CM3 = 0.5


@dataclass(frozen=True)
class Patient:
    """One patient of the study, from the scan of its lowest repeat.

    Attributes:
        mean: predicted and reference mean of L1 and L2 in mg/cm3; None unless both levels have both values.
        single: the same of the one level that has both, where the other hasn't.
        note: what a reader should know of the values; "" if nothing.
    """

    name: str
    sex: str | None
    age_years: float | None
    scanner: str | None
    kvp: float | None
    names_certain: bool | None
    readings: tuple[Reading, ...]
    mean: tuple[float, float] | None
    single: tuple[float, float] | None
    note: str = ""


@dataclass(frozen=True)
class MissingValue:
    """A value that a row lacks, or a row that a scan lacks."""

    patient: str
    level: str
    repeat: str
    line: int | None
    missing: str


def gather(readings: Sequence[Reading]) -> tuple[Patient, ...]:
    """Return the patients in the order of the file. Of repeated scans the lowest repeat counts, whatever it lacks."""
    rows: dict[str, list[Reading]] = {}
    for reading in readings:
        rows.setdefault(reading.patient, []).append(reading)
    return tuple(_patient(name, of_patient) for name, of_patient in rows.items())


def pairs_by_level(patients: Sequence[Patient]) -> dict[str, Pairs]:
    """Return the complete pairs of each level that the study has rows of, top to bottom, the mean of levels last."""
    levels = {reading.level for patient in patients for reading in patient.readings}
    return {level: pairs_of(patients, {level}) for level in sorted(levels, key=level_order)}


def pairs_of(patients: Sequence[Patient], levels: set[str]) -> Pairs:
    """Return the complete pairs of some levels."""
    found = [
        (reading.reference, reading.predicted, number)
        for number, patient in enumerate(patients)
        for reading in patient.readings
        if reading.level in levels and reading.reference is not None and reading.predicted is not None
    ]
    return _pairs(found)


def pooled_levels(patients: Sequence[Patient]) -> set[str]:
    """Return the levels that a study pools: its vertebrae; the mean of L1 and L2 only where it has nothing else.

    The mean beside its own levels would count them twice.
    """
    return {reading.level for patient in patients for reading in patient.readings} - {MEAN_LEVEL} or {MEAN_LEVEL}


def mean_pairs(patients: Sequence[Patient]) -> Pairs:
    """Return the means of L1 and L2 of the patients who have them."""
    return _pairs([(p.mean[1], p.mean[0], number) for number, p in enumerate(patients) if p.mean is not None])


def missing_values(readings: Sequence[Reading]) -> tuple[MissingValue, ...]:
    """Return every value that is missing, by row, and by scan the rows that are not there at all.

    A scan should have L1, L2 and whatever vertebra any other scan of the study has; one that gives the mean of L1 and
    L2 directly lacks no row.
    """
    out = [
        MissingValue(r.patient, r.level, r.repeat, r.line, name)
        for r in readings
        for name, value in (("bmd_predicted", r.predicted), ("bmd_reference", r.reference))
        if value is None
    ]
    scans: dict[tuple[str, str], set[str]] = {}
    for reading in readings:
        scans.setdefault((reading.patient, reading.repeat), set()).add(reading.level)
    expected = sorted({*ASSESSED_LEVELS, *(r.level for r in readings)} - {MEAN_LEVEL}, key=level_order)
    for (patient, repeat), levels in scans.items():
        if MEAN_LEVEL not in levels:
            out += [MissingValue(patient, level, repeat, None, "row") for level in expected if level not in levels]
    return tuple(out)


def level_order(level: str) -> tuple[int, int]:
    """Return a key that sorts levels top to bottom, the mean of L1 and L2 last."""
    return (1, 0) if level == MEAN_LEVEL else (0, order(level))


def _patient(name: str, rows: list[Reading]) -> Patient:
    lowest = min((row.repeat for row in rows), key=_repeat_order)
    first = tuple(row for row in rows if row.repeat == lowest)
    complete = {
        row.level: (row.predicted, row.reference)
        for row in first
        if row.predicted is not None and row.reference is not None
    }
    both = [complete[level] for level in ASSESSED_LEVELS if level in complete]
    mean, single = complete.get(MEAN_LEVEL), None
    notes = []
    if len(both) == len(ASSESSED_LEVELS):
        of_levels = (sum(p for p, _ in both) / len(both), sum(r for _, r in both) / len(both))
        if mean is None:
            mean = of_levels
        elif max(abs(a - b) for a, b in zip(mean, of_levels, strict=True)) > ROUNDING_MG_CM3:
            notes.append(f"the row {MEAN_LEVEL} is not the mean of the rows L1 and L2; it was used as it stands")
    elif both and mean is None:
        single = both[0]
    zeros = [str(row.line) for row in rows if 0.0 in (row.predicted, row.reference)]
    if zeros:
        notes.append(
            f"a BMD of exactly 0 (line {', '.join(zeros)}) may stand for a missing one; it was used as it stands"
        )
    return Patient(
        name=name,
        sex=next((row.sex for row in rows if row.sex is not None), None),
        age_years=next((row.age_years for row in first if row.age_years is not None), None),
        scanner=next((row.scanner for row in first if row.scanner is not None), None),
        kvp=next((row.kvp for row in first if row.kvp is not None), None),
        # Names are those of the whole scan: uncertain at one level, uncertain at all.
        names_certain=min((row.names_certain for row in first if row.names_certain is not None), default=None),
        readings=first,
        mean=mean,
        single=single,
        note="; ".join(notes),
    )


def _repeat_order(repeat: str) -> tuple[bool, int, str]:
    """Return a key that sorts numbers as numbers, and what is no number after them."""
    return (False, int(repeat), repeat) if repeat.isdecimal() else (True, 0, repeat)


def _pairs(found: list[tuple[float, float, int]]) -> Pairs:
    reference, predicted, numbers = np.array(found, dtype=np.float64).reshape(-1, 3).T
    patients = np.unique(numbers, return_inverse=True)[1]
    return Pairs(reference.copy(), predicted.copy(), patients.astype(np.int64))
