"""The current VOIs in the scan of an earlier examination, whose record, scan and bodies are at hand."""

from contextlib import suppress
from pathlib import Path

from ..examination import Examination
from ..followup import Carried, NotCarried, Seen, carry_all
from ..ground.errors import CannotMeasure, UsageError
from ..ground.progress import Progress, silent
from ..labeling import VertebralColumn
from ..scan import CTScan, read_scan
from .bodies import read_bodies
from .opened import OpenedResult, measured_scan, record_in
from .priors import comparable_levels
from .unchanged import refuse_other_pixels


def follow(
    current: Examination, scan: CTScan, column: VertebralColumn, prior: OpenedResult
) -> tuple[Carried | NotCarried, ...]:
    """Carry the current VOIs of the levels that may be compared into the scan of ``prior``."""
    vois = {}
    for level in comparable_levels(current, prior.examination):
        measured = current.measurement(level)
        if measured is not None:
            vois[level] = measured.voi
    return carry_all(vois, Seen(scan, column.bodies), Seen(prior.scan, prior.column.bodies))


def follow_at_hand(
    current: Examination, scan: CTScan, column: VertebralColumn, folder: Path, files: tuple[Path, ...], place: Path
) -> tuple[Carried | NotCarried, ...] | None:
    """Return what the VOIs find in the scan of the result in ``folder``; None if it is not there, or not as it was.

    Arguments as of :func:`follow` and :func:`open_prior`.
    """
    with suppress(OSError, UsageError, CannotMeasure):
        return follow(current, scan, column, open_prior(folder, files, place))
    return None


def open_prior(folder: Path, files: tuple[Path, ...], place: Path, progress: Progress = silent) -> OpenedResult:
    """Read an earlier result and its scan from the very files that it was measured on.

    Args:
        files: DICOM files; empty: ``place`` is their folder, or a volume file.

    Raises:
        UsageError: they are no longer there, or not those.
        CannotMeasure: they cannot be read.
    """
    examination = record_in(folder)
    uid = examination.scan.source.series_uid
    scan = read_scan(files, uid, progress) if files else measured_scan(place, examination, progress)
    column = read_bodies(folder, examination, scan)
    refuse_other_pixels(examination, scan, column)
    return OpenedResult(examination, scan, column)
