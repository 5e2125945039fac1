"""A list of results for a reader: what to open first. Screening writes it, the panel works through it."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .examination import Examination, is_intact
from .findings import FindingCode
from .ground.atomic import is_unfinished, settle, write_bytes
from .ground.clock import now
from .ground.errors import UsageError
from .ground.files import read_text
from .ground.plain import PlainError, from_plain, read_json, to_plain
from .rules import Category
from .words import Phrase

SCHEMA = "ldct-bmd-worklist/1"
WORKLIST_FILE = "worklist.json"
_RECORD_FILE = "measurement.json"
_WHAT = Phrase("worklist.what")


class Progress(str, Enum):
    """Where a row stands."""

    MEASURED = "measured"
    SIGNED = "signed"
    REFUSED = "refused"  # the scan cannot be measured
    FAILED = "failed"  # a defect


class Urgency(str, Enum):
    """What a reader should open first, in this order."""

    FRACTURE = "fracture"  # confirmed, or to be checked
    OSTEOPOROSIS = "osteoporosis"
    UNCERTAIN = "uncertain"  # a level that was measured has no certain name
    ROUTINE = "routine"
    NONE = "none"  # there is nothing to read


@dataclass(frozen=True)
class Facts:
    """What a row says of a result, so that the list can be read without opening it.

    Attributes:
        patient_id: as the site gave it.
        patient_sex: as DICOM codes it.
        patient_age_years: at the scan.
        scan_date: as the header writes it (DICOM DA).
        study_uid: DICOM's Study Instance UID.
        series_uid: by which an archive or a database finds the scan.
        mean_bmd_mg_cm3: unrounded mean of L1 and L2; None without one.
        category: by the mean; None without one.
        fractures_confirmed: levels, top to bottom.
        fractures_to_check: levels, top to bottom.
        uncertain: levels whose names are not certain, top to bottom.
        limited: codes of the findings that limit the category, or forbid one.
        findings: codes.
        signed_by: who signed.
        reason: why there is no result, in a sentence.
        code: of the reason.
    """

    patient_id: str | None = None
    patient_sex: str | None = None
    patient_age_years: float | None = None
    scan_date: str | None = None
    study_uid: str | None = None
    series_uid: str | None = None
    mean_bmd_mg_cm3: float | None = None
    category: str | None = None
    limited: tuple[str, ...] = ()
    fractures_confirmed: tuple[str, ...] = ()
    fractures_to_check: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    signed_by: str | None = None
    reason: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Row:
    """One result, or one scan that has none.

    Attributes:
        folder: the result folder, relative to the worklist's own or absolute; None without a result.
        state: whether it is measured, signed, refused or failed.
        urgency: how soon a reader should open it.
        facts: what can be said of it without opening it.
        scan: the scan's folder or file, absolute; None if the list does not know it.
    """

    folder: str | None
    state: Progress
    urgency: Urgency
    facts: Facts
    scan: str | None = None


@dataclass(frozen=True)
class Worklist:
    """All rows, the most urgent first; ``made_at`` is ISO 8601.

    Attributes:
        rows: the most urgent first.
        made_at: when, ISO 8601.
    """

    made_at: str
    rows: tuple[Row, ...]


def facts_of(examination: Examination) -> Facts:
    """Return what a row says of a record."""
    scan, assessment = examination.scan, examination.assessment
    measured = [m.level for m in examination.measurements]
    return Facts(
        patient_id=scan.patient.patient_id,
        patient_sex=scan.patient.sex,
        patient_age_years=scan.patient.age_years,
        scan_date=scan.acquisition.acquisition_date or scan.acquisition.study_date,
        study_uid=scan.source.study_uid,
        series_uid=scan.source.series_uid,
        mean_bmd_mg_cm3=assessment.mean_bmd_mg_cm3,
        category=assessment.category,
        limited=assessment.limited,
        fractures_confirmed=_levels_of(FindingCode.FRACTURE, examination),
        fractures_to_check=_levels_of(FindingCode.SUSPECTED_FRACTURE, examination),
        uncertain=tuple(level for level in measured if not examination.quality.certain(level)),
        findings=tuple(dict.fromkeys(finding.code.value for finding in examination.findings)),
        signed_by=None if examination.signature is None else examination.signature.reader,
    )


def urgency_of(facts: Facts) -> Urgency:
    """Return how soon a reader should open a result."""
    if facts.fractures_confirmed or facts.fractures_to_check:
        return Urgency.FRACTURE
    if facts.category is not None and Category(facts.category).is_osteoporosis:
        return Urgency.OSTEOPOROSIS
    return Urgency.UNCERTAIN if facts.uncertain else Urgency.ROUTINE


def row_of(examination: Examination, folder: str, scan: str | None = None) -> Row:
    """Return the row of a result; one that was changed after it was signed counts as none."""
    if not is_intact(examination):
        return Row(None, Progress.FAILED, Urgency.NONE, _refused(UsageError("worklist.changed", folder=folder)), scan)
    facts = facts_of(examination)
    state = Progress.MEASURED if examination.signature is None else Progress.SIGNED
    return Row(folder, state, urgency_of(facts), facts, scan)


def ordered(rows: Iterable[Row]) -> Worklist:
    """Return the list of ``rows``: by urgency, what is signed last, the older scan first."""
    urgencies = list(Urgency)

    def key(row: Row) -> tuple[bool, int, str, str]:
        signed = row.state is Progress.SIGNED
        return (signed, urgencies.index(row.urgency), row.facts.scan_date or "", row.folder or row.scan or "")

    return Worklist(now(), tuple(sorted(rows, key=key)))


def write_worklist(worklist: Worklist, path: Path) -> None:
    """Write ``worklist`` to ``path``; UsageError if it cannot be written."""
    made = json.dumps({"schema": SCHEMA, **to_plain(worklist)}, indent=1, ensure_ascii=False) + "\n"
    # Of a name that is not UTF-8, such as an old disc's, JSON escapes what UTF-8 cannot hold.
    write_bytes(path, made.encode("utf-8", "backslashreplace"))


def read_worklist(path: Path) -> Worklist:
    """Read a worklist's file at ``path``, or make the list of the results in a folder that has none.

    Raises:
        UsageError: there is no such file or folder, no result in the folder, or the file is no worklist.
    """
    if path.is_dir():
        inside = path / WORKLIST_FILE
        return read_worklist(inside) if inside.is_file() else _of_folder(path)
    values = read_json(path, _WHAT)
    schema = values.pop("schema", None) if isinstance(values, dict) else None
    if schema != SCHEMA:
        raise UsageError("worklist.other_schema", file=path.name, known=SCHEMA)
    try:
        return from_plain(Worklist, values, _WHAT)
    except PlainError as error:
        raise UsageError("file.wrong", problem=error.phrase) from error


def _of_folder(folder: Path) -> Worklist:
    rows = list(_rows_in(folder))
    if not rows:
        raise UsageError("worklist.no_results", folder=folder.name or str(folder))
    return ordered(rows)


def _rows_in(folder: Path) -> Iterator[Row]:
    for root, folders, names in os.walk(folder):
        if any(is_unfinished(name) for name in folders):
            settle(Path(root))  # a killed process may have moved a result out of its place
            folders[:] = [path.name for path in Path(root).iterdir() if path.is_dir()]
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if _RECORD_FILE not in names:
            continue
        folders.clear()  # a result's own copies are not further results
        try:
            examination = Examination.from_json(read_text(Path(root) / _RECORD_FILE))
        except (UsageError, OSError, UnicodeDecodeError) as error:
            yield Row(None, Progress.FAILED, Urgency.NONE, _refused(error))
            continue
        yield row_of(examination, Path(root).relative_to(folder).as_posix())


def _refused(error: Exception) -> Facts:
    return Facts(reason=str(error), code=error.code if isinstance(error, UsageError) else None)


def _levels_of(code: FindingCode, examination: Examination) -> tuple[str, ...]:
    return tuple(f.level for f in examination.findings if f.code is code and f.level is not None)
