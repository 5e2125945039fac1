"""The worklist of a store: what a reader should open first, in the forms that programs read."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ..ground.atomic import write_file, write_text
from ..ground.errors import UsageError
from ..ground.plain import from_plain, to_plain
from ..ground.text import visible
from ..reporting.tables import Value, csv_text
from ..worklist import WORKLIST_FILE, Facts, Progress, Row, Urgency, Worklist, ordered, urgency_of, write_worklist
from .store import Store
from .tables import Result, Study

COLUMNS = (
    *("urgency", "state", "patient_id", "patient_sex", "patient_age_years", "scan_date"),
    *("mean_bmd_mg_cm3", "category", "limited", "fractures_confirmed", "fractures_to_check", "uncertain", "findings"),
    *("signed_by", "code", "reason", "study_uid", "series_uid", "folder", "scan"),
)


def store_worklist(store: Store) -> Worklist:
    """Return the list of everything in the store that ever ended; what readers signed meanwhile is taken in first."""
    store.take_signed()
    return ordered(_row(study, result) for study, result in store.database.newest())


def _row(study: Study, result: Result) -> Row:
    scan = study.place
    if result.folder is None:
        facts = Facts(patient_id=study.patient, scan_date=study.date or None, reason=result.sentence, code=result.code)
        return Row(None, Progress(result.state), Urgency.NONE, facts, scan)
    facts = from_plain(Facts, result.facts["row"])
    return Row(result.folder, Progress(result.state), urgency_of(facts), facts, scan)


def write_list(worklist: Worklist, path: Path) -> None:
    """Write the list as CSV, Parquet or JSON, by the ending of ``path``; UsageError for another ending."""
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UsageError("screen.list_ending", file=path.name, endings=tuple(_WRITERS))
    writer(worklist, path)


def publish(store: Store, worklist: Worklist) -> Path:
    """Write the list into the store, where the panel looks for it; return the file."""
    path = store.folder / WORKLIST_FILE
    write_worklist(worklist, path)
    return path


def _values(row: Row) -> Mapping[str, Value]:
    facts = {name: " ".join(value) if isinstance(value, list) else value for name, value in to_plain(row.facts).items()}
    scan = None if row.scan is None else visible(row.scan)
    return {"urgency": row.urgency.value, "state": row.state.value, "folder": row.folder, "scan": scan, **facts}


def _write_csv(worklist: Worklist, path: Path) -> None:
    write_text(path, csv_text(COLUMNS, map(_values, worklist.rows)))


def _write_parquet(worklist: Worklist, path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    numbers = ("patient_age_years", "mean_bmd_mg_cm3")
    kinds = [(name, pyarrow.float64() if name in numbers else pyarrow.string()) for name in COLUMNS]
    table = pyarrow.Table.from_pylist([dict(_values(row)) for row in worklist.rows], schema=pyarrow.schema(kinds))
    write_file(path, lambda partial: parquet.write_table(table, partial))


_WRITERS: dict[str, Callable[[Worklist, Path], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".json": write_worklist,
}
