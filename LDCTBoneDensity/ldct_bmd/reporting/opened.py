"""A result folder opened again, with the scan that it was measured on."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..examination import Examination
from ..ground.atomic import settle
from ..ground.errors import CannotMeasure, UsageError
from ..ground.files import read_text
from ..ground.progress import Progress, silent
from ..labeling import VertebralColumn
from ..scan import CTScan, list_series, read_scan
from .bodies import read_bodies
from .files import RECORD_FILE
from .unchanged import refuse_other_pixels


@dataclass(frozen=True, eq=False)
class OpenedResult:
    """A record, the scan that it is of, and the bodies that were measured in it."""

    examination: Examination
    scan: CTScan
    column: VertebralColumn


def open_result(folder: Path, scan: Path, progress: Progress = silent) -> OpenedResult:
    """Read a result and its scan, a folder or a file.

    Raises:
        UsageError: there is no record, or scan or bodies are not those that were measured.
        CannotMeasure: the scan cannot be read.
    """
    examination = record_in(folder)
    found = measured_scan(scan, examination, progress)
    column = read_bodies(folder, examination, found)
    refuse_other_pixels(examination, found, column)
    return OpenedResult(examination, found, column)


def record_in(folder: Path) -> Examination:
    """Return the record in a result folder; UsageError if there is none.

    A folder that a killed process had moved out of its place is put back first.
    """
    if not (folder / RECORD_FILE).exists():
        settle(folder)
    try:
        return Examination.from_json(read_text(folder / RECORD_FILE))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("result.no_record", folder=folder) from error


def measured_scan(path: Path, examination: Examination, progress: Progress = silent) -> CTScan:
    """Read the series, or the acquisition of a series, that the record is of.

    Raises:
        UsageError: ``path`` does not hold it.
        CannotMeasure: it cannot be read.
    """
    uid, expected = examination.scan.source.series_uid, examination.scan.source.sop_instance_uids
    if uid is not None:
        # Mostly the series is there and holds one acquisition: its headers are then read once. Else the list says more.
        with suppress(UsageError, CannotMeasure):
            found = read_scan(path, uid, progress)
            if found.source.sop_instance_uids == expected:
                return found
    addresses = [one.series_uid for one in list_series(path) if one.series_uid.partition("#")[0] == uid]
    if len(addresses) < 2:
        if uid is not None and not addresses:
            raise UsageError("report.other_series", place=path.name or path)
        return read_scan(path, uid if addresses else None, progress)
    scans = (read_scan(path, address, progress) for address in addresses)
    same = next((scan for scan in scans if scan.source.sop_instance_uids == expected), None)
    if same is None:
        raise UsageError("report.other_images", place=path.name or path)
    return same
