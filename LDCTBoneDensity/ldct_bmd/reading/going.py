"""Going through a worklist: its rows in words, the one that is open, and where each one's files are."""

from collections.abc import Collection
from dataclasses import replace
from enum import Enum
from pathlib import Path

from ..examination import Examination
from ..ground.errors import UsageError
from ..reporting.page.words import date
from ..words import text
from ..worklist import Progress, Row, Urgency, read_worklist, row_of
from .values import NONE, bmd_word, category_word


class Shown(Enum):
    """Which rows are shown."""

    TO_READ = "to_read"
    SIGNED = "signed"
    WITHOUT_RESULT = "without_result"
    ALL = "all"


_STATES: dict[Shown, Collection[Progress]] = {
    Shown.TO_READ: {Progress.MEASURED},
    Shown.SIGNED: {Progress.SIGNED},
    Shown.WITHOUT_RESULT: {Progress.REFUSED, Progress.FAILED},
    Shown.ALL: set(Progress),
}


class Going:
    """Rows by urgency, and the one that is open.

    Args:
        path: a worklist's file, or a folder of results; UsageError if it is neither.
    """

    def __init__(self, path: Path) -> None:
        self._home = path if path.is_dir() else path.parent
        self._rows: list[Row] = list(read_worklist(path).rows)
        self.current: int | None = None

    def rows(self, shown: Shown) -> list[tuple[int, Row]]:
        """Return numbers and rows of those that are shown, the most urgent first."""
        return [(number, row) for number, row in enumerate(self._rows) if row.state in _STATES[shown]]

    def row(self, number: int) -> Row:
        """Return a row."""
        return self._rows[number]

    def after(self, number: int | None) -> int | None:
        """Return the next row that is to be read after ``number`` (None: from the start); None if there is none.

        After the last one come those that were passed over.
        """
        waiting = [n for n, row in enumerate(self._rows) if row.state is Progress.MEASURED and row.folder is not None]
        others = [n for n in waiting if n != number]
        return next((n for n in others if number is None or n > number), others[0] if others else None)

    def count(self, shown: Shown) -> int:
        """Return how many rows are shown."""
        return len(self.rows(shown))

    def counts(self) -> str:
        """Return how far the list is, in a sentence."""
        return text(
            "worklist_section.counts",
            to_read=self.count(Shown.TO_READ),
            signed=self.count(Shown.SIGNED),
            without=self.count(Shown.WITHOUT_RESULT),
        )

    def folder(self, number: int) -> Path:
        """Return the result folder of a row; UsageError if it has none."""
        row = self._rows[number]
        if row.folder is None:
            raise UsageError("worklist_section.no_result", reason=row.facts.reason or "")
        return self._home / row.folder

    def scan(self, number: int) -> Path:
        """Return where the scan of a row is, as the list says; UsageError if it is not there."""
        row = self._rows[number]
        if row.scan is not None and Path(row.scan).exists():
            return Path(row.scan)
        raise UsageError("worklist_section.no_scan", folder=row.folder or "")

    def follow(self, number: int, examination: Examination) -> None:
        """Bring a row up to the record as it is now; its place stays."""
        old = self._rows[number]
        new = row_of(examination, old.folder or "", old.scan)
        self._rows[number] = replace(new, urgency=old.urgency)


def row_cells(row: Row) -> tuple[str, ...]:
    """Return urgency, patient, date, BMD and state of a row in words."""
    facts = row.facts
    bmd = NONE
    if facts.mean_bmd_mg_cm3 is not None:
        bmd = f"{bmd_word(facts.mean_bmd_mg_cm3)}, {category_word(facts.category)}"
    urgency = NONE if row.urgency is Urgency.NONE else text(f"worklist_section.urgency.{row.urgency.value}")
    return (
        urgency,
        facts.patient_id or NONE,
        date(facts.scan_date) or NONE,
        bmd,
        text(f"worklist_section.state.{row.state.value}"),
    )
