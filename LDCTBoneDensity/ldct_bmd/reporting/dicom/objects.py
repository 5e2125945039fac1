"""All DICOM objects of one export, and finding the report that they replace."""

from dataclasses import dataclass, fields
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from ...errors import UsageError
from ...examination import Examination
from ...labeling import VertebralColumn
from ...scan import CTScan
from .context import Context, Predecessor
from .documents import capture, encapsulate_pdf
from .seg import make_segmentation
from .source import SourceSeries
from .sr import make_report


@dataclass(frozen=True, eq=False)
class DICOMObjects:
    """The objects by the names of their files."""

    sr: Dataset
    seg: Dataset
    report: Dataset
    overview: Dataset

    def write(self, folder: Path) -> None:
        """Write the four files into ``folder``."""
        for field in fields(self):
            dataset: Dataset = getattr(self, field.name)
            dataset.save_as(folder / f"{field.name}.dcm", enforce_file_format=True)


FILE_NAMES = tuple(f"{field.name}.dcm" for field in fields(DICOMObjects))


def make_objects(
    context: Context, scan: CTScan, column: VertebralColumn, pdf: bytes, title: str, overview_png: bytes
) -> DICOMObjects:
    """Make all objects of one export."""
    segmentation = make_segmentation(context, scan, column)
    report = make_report(context, segmentation)
    return DICOMObjects(
        sr=report,
        seg=segmentation.dataset,
        report=encapsulate_pdf(context, pdf, title, [report]),
        overview=capture(context, overview_png),
    )


def make_context(
    examination: Examination, source: SourceSeries, earlier: Path | None = None, deidentified: bool = False
) -> Context:
    """Return the context of an export that takes the place of the one whose structured report is at ``earlier``.

    A re-export of the same record keeps its predecessor, and with it its UIDs.
    """
    previous = None if earlier is None or not earlier.is_file() else _read_report(earlier)
    if previous is None:
        return Context(examination, source, None, deidentified)
    kept = None
    if "PredecessorDocumentsSequence" in previous:
        study = previous.PredecessorDocumentsSequence[0]
        series = study.ReferencedSeriesSequence[0]
        item = series.ReferencedSOPSequence[0]
        kept = Predecessor(
            study.StudyInstanceUID,
            series.SeriesInstanceUID,
            item.ReferencedSOPClassUID,
            item.ReferencedSOPInstanceUID,
        )
    again = Context(examination, source, kept, deidentified)
    if again.series("sr")[3] == previous.SOPInstanceUID:
        return again
    replaced = Predecessor(
        previous.StudyInstanceUID, previous.SeriesInstanceUID, previous.SOPClassUID, previous.SOPInstanceUID
    )
    return Context(examination, source, replaced, deidentified)


def _read_report(path: Path) -> Dataset:
    try:
        return pydicom.dcmread(path)
    except (InvalidDicomError, OSError, EOFError) as error:
        raise UsageError(f"{path} can't be read, so it can't be named as the predecessor; move it away.") from error
