"""The result folder: written whole or not at all."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..examination import SCHEMA, Examination, FileReference
from ..ground import atomic
from ..ground.errors import UsageError
from ..ground.files import read_regular, read_text
from ..ground.plain import plain_json
from ..ground.progress import Progress, silent
from ..pipeline import MeasuredScan
from ..scan import CTScan
from ..words import Phrase
from .markups import write_markups
from .overview import write_overview
from .segmentation_file import bodies_image, write_nifti, write_seg_nrrd

RECORD_FILE = "measurement.json"
BODIES_FILE = "vertebrae.nii.gz"
SEGMENTATION_FILE = "vertebrae.seg.nrrd"
MARKUPS_FILE = "vois.mrk.json"
OVERVIEW_FILE = "overview.png"
Written = TypeVar("Written")
RESULT_FILES = (RECORD_FILE, BODIES_FILE, SEGMENTATION_FILE, MARKUPS_FILE, OVERVIEW_FILE)
HTML_FILE = "report.html"
PDF_FILE = "report.pdf"
LEVELS_FILE = "report.csv"
PATIENT_FILE = "report_patient.csv"
DICOM_FOLDER = "dicom"
DEIDENTIFIED_FOLDER = "deidentified"
# What reporting adds to a result.
REPORT_FILES = (HTML_FILE, PDF_FILE, LEVELS_FILE, PATIENT_FILE, DICOM_FOLDER, DEIDENTIFIED_FOLDER)


@dataclass(frozen=True)
class ResultKind:
    """What a folder of results holds, so that nothing else is ever overwritten.

    Attributes:
        record: the file whose schema tells what the folder is.
        schema: of that file, in any version.
        files: all that such a folder may hold.
    """

    record: str
    schema: str
    files: frozenset[str]


MEASUREMENT = ResultKind(RECORD_FILE, SCHEMA, frozenset({*RESULT_FILES, *REPORT_FILES}))


def check_output_folder(folder: Path, overwrite: bool, kind: ResultKind = MEASUREMENT) -> None:
    """Raise UsageError, with what to do, if a result can't go to ``folder``. Look before the work, not after it."""
    if not folder.parent.is_dir():
        raise UsageError("output.no_parent_folder", folder=folder.parent)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError("output.no_folder", path=folder)
    # The folder is written beside its place and renamed into it: neither works on a mount point.
    if folder.is_dir() and os.path.ismount(folder):
        raise UsageError("output.mount_point", folder=folder)
    if not os.access(folder.absolute().parent, os.W_OK | os.X_OK):
        raise UsageError("output.not_writable", folder=folder.absolute().parent)
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise UsageError("output.not_empty", folder=folder)
    if not _is_own_record(folder, kind):
        raise UsageError("output.no_own_result", folder=folder)
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in kind.files)
    if foreign:
        raise UsageError("output.foreign_files", folder=folder, files=_some(foreign))


def write_result(
    measured: MeasuredScan,
    scan: CTScan,
    folder: Path,
    overwrite: bool = False,
    progress: Progress = silent,
    also: Callable[[Path, Examination], None] | None = None,
) -> Examination:
    """Write the record, the bodies, the VOIs and the overview to ``folder``; UsageError if that can't be done.

    Args:
        also: writes more into the folder that will become ``folder``.

    Returns:
        The record as it was written: that of ``measured``, with the mask files and their SHA-256.
    """

    def fill(partial: Path) -> Examination:
        examination = fill_result(partial, measured, scan, progress)
        if also is not None:
            progress("write", 0.8)
            also(partial, examination)
        progress("write", 1.0)
        return examination

    return write_folder(folder, overwrite, fill)


def fill_result(partial: Path, measured: MeasuredScan, scan: CTScan, progress: Progress) -> Examination:
    """Write the record, the bodies, the VOIs and the overview into ``partial``; return the record as written."""
    column = measured.column
    progress("write", 0.0)
    bodies = bodies_image(column, scan)
    write_nifti(bodies, partial / BODIES_FILE)
    progress("write", 0.2)
    write_seg_nrrd(bodies, column, partial / SEGMENTATION_FILE)
    progress("write", 0.4)
    masks = tuple(_reference(partial / name) for name in (BODIES_FILE, SEGMENTATION_FILE))
    examination = replace(measured.examination, files=masks)
    write_markups({m.level: m.voi for m in examination.measurements}, partial / MARKUPS_FILE)
    write_overview(scan, column, examination, partial / OVERVIEW_FILE)
    (partial / RECORD_FILE).write_text(examination.to_json() + "\n", encoding="utf-8")
    return examination


def write_folder(
    folder: Path, overwrite: bool, fill: Callable[[Path], Written], kind: ResultKind = MEASUREMENT
) -> Written:
    """Let ``fill`` write what then becomes ``folder``, whole or not at all; return what ``fill`` returns.

    Raises:
        UsageError: the folder can't be written, or holds what is not replaced.
    """
    folder = folder.absolute()
    check_output_folder(folder, overwrite, kind)
    return atomic.write_folder(folder, fill)


def _reference(path: Path) -> FileReference:
    return FileReference(path.name, hashlib.sha256(read_regular(path)).hexdigest())


def _is_own_record(folder: Path, kind: ResultKind) -> bool:
    try:
        record = plain_json(read_text(folder / kind.record))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and str(record.get("schema", "")).startswith(kind.schema.split("/")[0] + "/")


def _some(names: list[str]) -> str | Phrase:
    return names[0] if len(names) == 1 else Phrase("output.and_more", {"file": names[0], "more": len(names) - 1})
