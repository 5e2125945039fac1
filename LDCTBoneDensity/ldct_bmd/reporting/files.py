"""The result folder: written whole or not at all."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..examination import SCHEMA, Examination, FileReference, with_mask_files
from ..ground import atomic
from ..ground.errors import OutOfReach, UsageError
from ..ground.files import read_regular, read_text
from ..ground.plain import plain_json
from ..ground.progress import Progress, silent
from ..pipeline import MeasuredScan
from ..scan import CTScan
from ..words import Phrase
from .markups import write_markups
from .segmentation_file import bodies_image, write_nifti, write_seg_nrrd

RECORD_FILE = "measurement.json"
BODIES_FILE = "vertebrae.nii.gz"
SEGMENTATION_FILE = "vertebrae.seg.nrrd"
MARKUPS_FILE = "vois.mrk.json"
OVERVIEW_FILE = "overview.png"
Written = TypeVar("Written")
RESULT_FILES = (RECORD_FILE, BODIES_FILE, SEGMENTATION_FILE, MARKUPS_FILE, OVERVIEW_FILE)
HTML_FILE = "report.html"
FHIR_FILE = "report.fhir.json"
PDF_FILE = "report.pdf"
LEVELS_FILE = "report.csv"
PATIENT_FILE = "report_patient.csv"
DICOM_FOLDER = "dicom"
CHECKSUMS_FILE = "dicom.sha256"
COMPARED_FILE = "compared.json"
DEIDENTIFIED_FOLDER = "deidentified"
SR_FILE = "sr.dcm"
SEG_FILE = "seg.dcm"
VOIS_FILE = "vois.dcm"
DICOM_FILES = (SR_FILE, SEG_FILE, VOIS_FILE, "report.dcm", "overview.dcm")


@dataclass(frozen=True)
class ResultKind:
    """What a folder of results holds, so that nothing else is ever overwritten.

    Attributes:
        record: the file whose schema tells what the folder is.
        schema: of that file, in any version.
        files: all that such a folder may hold, by path; a folder that is named may hold anything.
    """

    record: str
    schema: str
    files: frozenset[str]


_IN_ONE = (
    *(*RESULT_FILES, HTML_FILE, PDF_FILE, LEVELS_FILE, PATIENT_FILE, FHIR_FILE, CHECKSUMS_FILE),
    *(f"{DICOM_FOLDER}/{name}" for name in DICOM_FILES),
)
MEASUREMENT = ResultKind(
    RECORD_FILE, SCHEMA, frozenset({*_IN_ONE, COMPARED_FILE, *(f"{DEIDENTIFIED_FOLDER}/{name}" for name in _IN_ONE)})
)


def check_output_folder(folder: Path, overwrite: bool, kind: ResultKind = MEASUREMENT) -> None:
    """Raise UsageError, with what to do, if a result can't go to ``folder``. Look before the work, not after it."""
    if not folder.parent.is_dir():
        raise UsageError("output.no_parent_folder", folder=folder.parent)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError("output.no_folder", path=folder)
    # The folder is written next to its place and renamed into it: neither works on a mount point.
    if folder.is_dir() and os.path.ismount(folder):
        raise UsageError("output.mount_point", folder=folder)
    if not os.access(folder.absolute().parent, os.W_OK | os.X_OK):
        raise OutOfReach("output.not_writable", folder=folder.absolute().parent)
    if folder.exists():
        check_content(folder, overwrite, kind)


def check_content(folder: Path, overwrite: bool, kind: ResultKind = MEASUREMENT, held: Path | None = None) -> None:
    """Raise UsageError if ``folder`` holds what must not be deleted; ``held``: where its content is, if elsewhere."""
    held = folder if held is None else held
    if not any(held.iterdir()):
        return
    if not overwrite:
        raise UsageError("output.not_empty", folder=folder)
    if not _is_own_record(held, kind):
        raise UsageError("output.no_own_result", folder=folder)
    foreign = sorted(_foreign(held, kind))
    if foreign:
        raise UsageError("output.foreign_files", folder=folder, files=_some(foreign))


def check_dicom_folder(folder: Path, held: Path) -> None:
    """Raise UsageError if the DICOM folder of a result, whose content is in ``held``, holds other than its objects."""
    foreign = sorted(path.name for path in held.iterdir() if path.name not in DICOM_FILES)
    if foreign:
        raise UsageError("output.foreign_files", folder=folder, files=_some(foreign))


def write_result(
    measured: MeasuredScan,
    scan: CTScan,
    folder: Path,
    overwrite: bool = False,
    progress: Progress = silent,
    also: Callable[[Path, Examination], None] | None = None,
    may_go: Callable[[Path], None] | None = None,
) -> Examination:
    """Write the record, the bodies, the VOIs and the overview to ``folder``; UsageError if that can't be done.

    Args:
        also: writes more into the folder that will become ``folder``.
        may_go: see :func:`write_folder`.

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

    return write_folder(folder, overwrite, fill, may_go=may_go)


def fill_result(partial: Path, measured: MeasuredScan, scan: CTScan, progress: Progress) -> Examination:
    """Write the record, the bodies, the VOIs and the overview into ``partial``; return the record as written."""
    from .overview import write_overview  # matplotlib, which nothing before needs

    column = measured.column
    progress("write", 0.0)
    bodies = bodies_image(column, scan)
    write_nifti(bodies, partial / BODIES_FILE)
    progress("write", 0.2)
    write_seg_nrrd(bodies, column, partial / SEGMENTATION_FILE)
    del bodies  # as large as half the scan
    progress("write", 0.4)
    masks = tuple(_reference(partial / name) for name in (BODIES_FILE, SEGMENTATION_FILE))
    examination = with_mask_files(measured.examination, masks)
    write_markups({m.level: m.voi for m in examination.measurements}, partial / MARKUPS_FILE)
    write_overview(scan, column, examination, partial / OVERVIEW_FILE)
    (partial / RECORD_FILE).write_text(examination.to_json() + "\n", encoding="utf-8")
    return examination


def write_folder(
    folder: Path,
    overwrite: bool,
    fill: Callable[[Path], Written],
    kind: ResultKind = MEASUREMENT,
    may_go: Callable[[Path], None] | None = None,
) -> Written:
    """Let ``fill`` write what then becomes ``folder``, whole or not at all; return what ``fill`` returns.

    What the folder held is looked at before, and again when it goes: someone may have put a file there meanwhile.

    Args:
        may_go: looks at what the folder held, wherever that is, and raises if it must stay.

    Raises:
        UsageError: the folder can't be written, or holds what is not replaced.
    """
    folder = folder.absolute()

    def look(held: Path) -> None:
        check_content(folder, overwrite, kind, held)
        if may_go is not None:
            may_go(held)

    check_output_folder(folder, overwrite, kind)
    return atomic.write_folder(folder, fill, look)


def _reference(path: Path) -> FileReference:
    return FileReference(path.name, hashlib.sha256(read_regular(path)).hexdigest())


def _is_own_record(folder: Path, kind: ResultKind) -> bool:
    try:
        record = plain_json(read_text(folder / kind.record))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and str(record.get("schema", "")).startswith(kind.schema.split("/")[0] + "/")


def _foreign(held: Path, kind: ResultKind) -> Iterator[str]:
    """Return the paths of files that no result of this kind holds; a link is one wherever it leads."""
    for path in held.rglob("*"):
        inner = path.relative_to(held)
        if atomic.is_unfinished(inner.parts[0]):
            continue
        is_own = inner.as_posix() in kind.files or (len(inner.parts) > 1 and inner.parts[0] in kind.files)
        if not is_own and (path.is_symlink() or not path.is_dir()):
            yield inner.as_posix()


def _some(names: list[str]) -> str | Phrase:
    return names[0] if len(names) == 1 else Phrase("output.and_more", {"file": names[0], "more": len(names) - 1})
