"""All DICOM objects of one export."""

from dataclasses import dataclass, fields
from pathlib import Path

from pydicom.dataset import Dataset

from ...examination import Examination
from ...labeling import VertebralColumn
from ...scan import CTScan
from ..output import EarlierReport
from .context import Context
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
