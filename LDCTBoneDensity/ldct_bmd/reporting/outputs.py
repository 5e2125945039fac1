"""All outputs of one examination, written as a set: page, tables and DICOM objects."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from ..errors import UsageError
from ..examination import Examination, identify, record_sha256
from ..labeling import VertebralColumn
from ..scan import CTScan
from .deidentify import deidentified
from .dicom import SourceSeries, make_objects, read_source
from .dicom.deidentify import deidentified_source
from .dicom.objects import FILE_NAMES, make_context
from .files import (
    DEIDENTIFIED_FOLDER,
    DICOM_FOLDER,
    HTML_FILE,
    LEVELS_FILE,
    PATIENT_FILE,
    PDF_FILE,
    RECORD_FILE,
    write_folder,
)
from .overview import overview_png
from .page import compose, to_html, to_pdf
from .page.compose import refuse_changed
from .pictures import draw_pictures
from .priors import Comparison
from .tables import levels_csv, patient_csv


@dataclass(frozen=True, eq=False)
class Pixels:
    """What the pictures and the DICOM objects need beside the record; ``source`` is None where the input was a file."""

    scan: CTScan
    column: VertebralColumn
    source: SourceSeries | None


def source_of(input_path: Path, scan: CTScan) -> SourceSeries | None:
    """Return the headers that DICOM objects of ``scan`` refer to; None where it was read from a file.

    Raises:
        UsageError: no DICOM object can be made for this patient or order.
    """
    return read_source(input_path, identify(scan)) if scan.source.kind == "dicom" else None


def fill_report(
    folder: Path,
    examination: Examination,
    pixels: Pixels | None = None,
    comparisons: Sequence[Comparison] = (),
    earlier_report: Path | None = None,
    is_deidentified: bool = False,
) -> None:
    """Write the report's files into ``folder``.

    Args:
        pixels: None leaves out what needs them.
        earlier_report: the structured report that the new one replaces.
        is_deidentified: ``examination`` and ``pixels.source`` are de-identified.

    Raises:
        UsageError: the record was changed after it was signed.
    """
    pictures = () if pixels is None else draw_pictures(pixels.scan, pixels.column, examination)
    report = compose(examination, pictures, comparisons, deidentified=is_deidentified)
    pdf = to_pdf(report)
    (folder / HTML_FILE).write_text(to_html(report), encoding="utf-8", newline="\n")
    (folder / PDF_FILE).write_bytes(pdf)
    (folder / LEVELS_FILE).write_text(levels_csv(examination), encoding="utf-8", newline="")
    (folder / PATIENT_FILE).write_text(patient_csv(examination), encoding="utf-8", newline="")
    if pixels is None or pixels.source is None:
        return
    context = make_context(examination, pixels.source, earlier_report, is_deidentified)
    picture = overview_png(pixels.scan, pixels.column, examination)
    objects = make_objects(context, pixels.scan, pixels.column, pdf, report.title, picture)
    (folder / DICOM_FOLDER).mkdir()
    objects.write(folder / DICOM_FOLDER)


def update_report(
    folder: Path, examination: Examination, pixels: Pixels | None = None, comparisons: Sequence[Comparison] = ()
) -> None:
    """Make the report in the record's own folder anew: each file appears whole, in the place of the one before.

    Raises:
        UsageError: the folder can't be written to; or it holds DICOM objects of another state of the record, which
            can't be made again without the scan.
    """
    earlier = folder / DICOM_FOLDER / "sr.dcm"
    has_source = pixels is not None and pixels.source is not None
    if not has_source and earlier.is_file() and record_sha256(examination).encode() not in earlier.read_bytes():
        raise UsageError(
            f"{folder / DICOM_FOLDER} holds objects of an earlier state of the record: give the scan with --input, so "
            "that they are made again, or another folder with -o."
        )
    with _staging(folder) as partial:
        fill_report(partial, examination, pixels, comparisons, earlier if has_source else None)
        files = sorted(path for path in partial.rglob("*") if path.is_file())
        for path in files:
            place = folder / path.relative_to(partial)
            place.parent.mkdir(exist_ok=True)
            path.replace(place)


def write_report(
    folder: Path, examination: Examination, pixels: Pixels | None = None, comparisons: Sequence[Comparison] = ()
) -> None:
    """Write the record and its report to a new folder; UsageError if there is something already."""

    def fill(partial: Path) -> None:
        (partial / RECORD_FILE).write_text(examination.to_json() + "\n", encoding="utf-8")
        fill_report(partial, examination, pixels, comparisons)

    write_folder(folder, False, fill)


def write_deidentified(
    folder: Path, examination: Examination, pixels: Pixels | None = None, comparisons: Sequence[Comparison] = ()
) -> None:
    """Write a de-identified copy of the record and its report to ``folder``, in the place of an earlier one."""
    refuse_changed(examination)
    copy = deidentified(examination)
    if pixels is not None and pixels.source is not None:
        pixels = Pixels(pixels.scan, pixels.column, deidentified_source(pixels.source))

    def fill(partial: Path) -> None:
        (partial / RECORD_FILE).write_text(copy.to_json() + "\n", encoding="utf-8")
        fill_report(partial, copy, pixels, comparisons, is_deidentified=True)

    write_folder(folder, True, fill)


def deidentified_folder(folder: Path) -> Path:
    """Return where the de-identified copy of the record in ``folder`` goes unless told otherwise."""
    return folder / DEIDENTIFIED_FOLDER


def dicom_files(folder: Path) -> tuple[Path, ...]:
    """Return the DICOM objects in a result folder; UsageError if one is missing."""
    files = tuple(folder / DICOM_FOLDER / name for name in FILE_NAMES)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise UsageError(f"{folder / DICOM_FOLDER} lacks {missing[0]}: make the report with the DICOM scan first.")
    return files


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Give a hidden folder on the same disk, and take it away again."""
    partial = folder / f".{uuid4().hex}.partial"
    try:
        try:
            partial.mkdir()
            yield partial
        except OSError as error:
            raise UsageError(f"Can't write to {folder}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
