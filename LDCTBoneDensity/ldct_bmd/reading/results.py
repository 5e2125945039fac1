"""A result folder while it is read: what it holds besides the record, and whether someone else changed it."""

from pathlib import Path

from ..examination import Examination
from ..ground.errors import UsageError
from ..reporting.files import DICOM_FOLDER, HTML_FILE, LEVELS_FILE, PDF_FILE
from ..reporting.opened import record_in
from ..reporting.output import DICOM_OUTPUTS, Output

# What a result folder may hold besides the record, and what makes it.
_FILES = {
    HTML_FILE: Output.HTML,
    PDF_FILE: Output.PDF,
    LEVELS_FILE: Output.TABLES,
    f"{DICOM_FOLDER}/seg.dcm": Output.SEG,
    f"{DICOM_FOLDER}/sr.dcm": Output.SR,
    f"{DICOM_FOLDER}/report.dcm": Output.DICOM_PDF,
    f"{DICOM_FOLDER}/overview.dcm": Output.DICOM_OVERVIEW,
}


def files_of(scan: Path) -> tuple[Path, ...]:
    """Return the DICOM files of a scan's folder; none if it is a file."""
    return tuple(sorted(path for path in scan.rglob("*") if path.is_file())) if scan.is_dir() else ()


def outputs_in(folder: Path, with_dicom: bool) -> tuple[Output, ...]:
    """Return what makes again all that a result folder holds, the record first; DICOM objects if they can be."""
    found = tuple(output for name, output in _FILES.items() if (folder / name).is_file())
    return (Output.RECORD, *(output for output in found if with_dicom or output not in DICOM_OUTPUTS))


def demand_unchanged(folder: Path, opened: Examination) -> None:
    """Raise UsageError if the record in ``folder`` is no longer the one that was opened."""
    if record_in(folder) != opened:
        raise UsageError("result.changed_meanwhile", folder=folder)
