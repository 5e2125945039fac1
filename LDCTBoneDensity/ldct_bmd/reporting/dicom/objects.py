"""All DICOM objects of one export, and finding the report that they replace."""

from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from ...examination import Examination
from ...ground.errors import UsageError
from ...ground.files import open_regular, read_regular
from ...labeling import VertebralColumn
from ...scan import CTScan
from ...scan.dicom_headers import DAMAGED
from ..output import EarlierReport, Predecessor
from .context import LABEL_MAP_SEGMENTATION_STORAGE, Context
from .documents import capture, encapsulate_pdf
from .seg import make_bodies, make_vois
from .source import SourceSeries
from .sr import make_report


@dataclass(frozen=True, eq=False)
class DICOMObjects:
    """The objects by the names of their files; None is one that was not asked for."""

    sr: Dataset | None = None
    seg: Dataset | None = None
    vois: Dataset | None = None
    report: Dataset | None = None
    overview: Dataset | None = None

    def write(self, folder: Path) -> None:
        """Write the files into ``folder``."""
        for field in fields(self):
            dataset: Dataset | None = getattr(self, field.name)
            if dataset is not None:
                dataset.save_as(folder / f"{field.name}.dcm", enforce_file_format=True)


def make_objects(
    context: Context,
    scan: CTScan,
    column: VertebralColumn,
    pdf: bytes | None,
    title: str,
    overview_png: bytes | None,
    seg: bool = True,
    sr: bool = True,
) -> DICOMObjects:
    """Make the objects of one export; each is the same whether or not the others are made too."""
    return DICOMObjects(
        sr=make_report(context) if sr else None,
        seg=make_bodies(context, scan, column) if seg else None,
        vois=make_vois(context, scan) if seg else None,
        report=None if pdf is None else encapsulate_pdf(context, pdf, title),
        overview=None if overview_png is None else capture(context, overview_png),
    )


def make_context(
    examination: Examination,
    source: SourceSeries,
    earlier: EarlierReport | None = None,
    deidentified: bool = False,
    labelmap: bool = False,
) -> Context:
    """Return the context of an export that takes the place of ``earlier``.

    A re-export of the same record keeps its predecessor, and with it its UIDs. A report of another study, as a
    de-identified copy has of its own, is nobody's predecessor here.
    """
    if earlier is None or earlier.report.study_uid != source.first.StudyInstanceUID:
        return Context(examination, source, None, deidentified, labelmap)
    again = Context(examination, source, earlier.replaced, deidentified, labelmap)
    if again.series("sr")[3] == earlier.report.sop_instance_uid:
        return again
    return Context(examination, source, earlier.report, deidentified, labelmap)


def holds_label_maps(segmentation: Path) -> bool:
    """Whether the segmentation at a path is one of label maps; False if none can be read there."""
    try:
        with open_regular(segmentation) as stream:
            return str(pydicom.dcmread(stream, stop_before_pixels=True).SOPClassUID) == LABEL_MAP_SEGMENTATION_STORAGE
    except (*DAMAGED, OSError):
        return False


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
