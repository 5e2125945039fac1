"""What a result folder holds, so that whatever writes it again loses nothing that somebody chose."""

from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from ..ground.errors import UsageError
from ..ground.files import open_regular, read_regular, read_text
from ..scan.dicom_headers import DAMAGED
from ..words import LANGUAGES, catalogue
from .files import (
    DEIDENTIFIED_FOLDER,
    DICOM_FOLDER,
    FHIR_FILE,
    HTML_FILE,
    LEVELS_FILE,
    PDF_FILE,
    RECORD_FILE,
    SEG_FILE,
    SR_FILE,
)
from .output import DICOM_OUTPUTS, LABEL_MAP_SEGMENTATION_STORAGE, EarlierReport, Output, Predecessor

PRIORS, REFERENCE = "section.priors", "section.reference"  # the headings of a report's comparisons
# What a result folder may hold besides the record, and what makes it.
_FILES = {
    HTML_FILE: Output.HTML,
    PDF_FILE: Output.PDF,
    LEVELS_FILE: Output.TABLES,
    f"{DICOM_FOLDER}/{SEG_FILE}": Output.SEG,
    f"{DICOM_FOLDER}/{SR_FILE}": Output.SR,
    f"{DICOM_FOLDER}/report.dcm": Output.DICOM_PDF,
    f"{DICOM_FOLDER}/overview.dcm": Output.DICOM_OVERVIEW,
}


def outputs_in(folder: Path, with_dicom: bool) -> tuple[Output, ...]:
    """Return what makes again all that a result folder holds, the record first; DICOM objects if they can be."""
    found = tuple(output for name, output in _FILES.items() if (folder / name).is_file())
    return (Output.RECORD, *(output for output in found if with_dicom or output not in DICOM_OUTPUTS))


def holds_label_maps(segmentation: Path) -> bool:
    """Whether the segmentation at a path is one of label maps; False if none can be read there."""
    try:
        with open_regular(segmentation) as stream:
            return str(pydicom.dcmread(stream, stop_before_pixels=True).SOPClassUID) == LABEL_MAP_SEGMENTATION_STORAGE
    except (*DAMAGED, OSError):
        return False


def asked_for_in(folder: Path) -> frozenset[Output]:
    """Return what a result folder has because somebody asked for it, so that it can be made again with the rest."""
    fhir = {Output.FHIR} if (folder / FHIR_FILE).is_file() else set()
    label_map = {Output.LABEL_MAP} if holds_label_maps(folder / DICOM_FOLDER / SEG_FILE) else set()
    return frozenset(fhir | label_map)


def copy_in(folder: Path) -> Path | None:
    """Return the de-identified copy that a result folder holds; None if it holds none."""
    copy = folder / DEIDENTIFIED_FOLDER
    return copy if (copy / RECORD_FILE).is_file() else None


def compares(folder: Path) -> frozenset[str]:
    """Return what the folder's report compares with and does not hold: :data:`PRIORS`, :data:`REFERENCE`."""
    report = folder / HTML_FILE
    if not report.is_file():
        return frozenset()
    page = read_text(report)
    headings = {key: [f"<h2>{catalogue(one)(key)}</h2>" for one in LANGUAGES] for key in (PRIORS, REFERENCE)}
    return frozenset(key for key, words in headings.items() if any(one in page for one in words))


def no_longer_compared(folder: Path, with_priors: bool, with_reference: bool) -> bool:
    """Whether the folder's report compares with more than one that takes its place and has these."""
    has = {key for key, given in ((PRIORS, with_priors), (REFERENCE, with_reference)) if given}
    return bool(compares(folder) - has)


def earlier_in(folder: Path) -> EarlierReport | None:
    """Return the structured report that a result folder holds; UsageError if it can't be read."""
    return read_earlier(folder.absolute() / DICOM_FOLDER / SR_FILE)


def read_earlier(path: Path) -> EarlierReport | None:
    """Read which structured report lies at ``path``; None if none does, UsageError if it can't be read."""
    if not path.is_file():
        return None
    try:
        return _earlier(pydicom.dcmread(BytesIO(read_regular(path))))
    except (*DAMAGED, OSError) as error:
        raise UsageError("dicom.predecessor_not_read", file=path) from error


def _earlier(report: Dataset) -> EarlierReport:
    replaced = None
    if "PredecessorDocumentsSequence" in report:
        study = report.PredecessorDocumentsSequence[0]
        series = study.ReferencedSeriesSequence[0]
        item = series.ReferencedSOPSequence[0]
        replaced = Predecessor(
            str(study.StudyInstanceUID),
            str(series.SeriesInstanceUID),
            str(item.ReferencedSOPClassUID),
            str(item.ReferencedSOPInstanceUID),
        )
    own = Predecessor(
        str(report.StudyInstanceUID),
        str(report.SeriesInstanceUID),
        str(report.SOPClassUID),
        str(report.SOPInstanceUID),
    )
    return EarlierReport(own, replaced)
