"""A result folder while it is read: where its scan is, and whether someone else changed it."""

from pathlib import Path

from ..examination import Examination
from ..ground.errors import UsageError
from ..reporting.opened import record_in


def files_of(scan: Path) -> tuple[Path, ...]:
    """Return the DICOM files of a scan's folder; none if it is a file."""
    return tuple(sorted(path for path in scan.rglob("*") if path.is_file())) if scan.is_dir() else ()


def demand_unchanged(folder: Path, opened: Examination) -> None:
    """Raise UsageError if the record in ``folder`` is no longer the one that was opened."""
    if record_in(folder) != opened:
        raise UsageError("result.changed_meanwhile", folder=folder)
