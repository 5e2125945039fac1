"""What is written of one examination, all of it or some: record and masks, page, tables, DICOM objects; as one set."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..examination import Examination, missing_signature, record_sha256, signed_part
from ..ground.atomic import write_into
from ..ground.errors import UsageError
from ..ground.progress import Progress, silent
from ..ground.remarks import remark
from ..labeling import VertebralColumn
from ..pipeline import MeasuredScan
from ..reference import ReferenceCurve
from ..scan import CTScan
from ..words import text
from .checksums import is_listed, write_checksums
from .deidentify import deidentified
from .dicom import SourceSeries, make_objects, read_source, read_source_files
from .dicom.deidentify import deidentified_source
from .dicom.objects import make_context
from .files import (
    COMPARED_FILE,
    DEIDENTIFIED_FOLDER,
    DICOM_FILES,
    DICOM_FOLDER,
    FHIR_FILE,
    HTML_FILE,
    LEVELS_FILE,
    OVERVIEW_FILE,
    PATIENT_FILE,
    PDF_FILE,
    RECORD_FILE,
    SR_FILE,
    VOIS_FILE,
    check_dicom_folder,
    fill_result,
    write_folder,
)
from .held import PRIORS, asked_for_in, compares, copy_in, earlier_in, outputs_in
from .output import ALL_OUTPUTS, DICOM_OUTPUTS, ON_REQUEST, REPORT_OUTPUTS, EarlierReport, Output
from .overview import overview_png
from .page.compose import compose
from .page.html import to_html
from .page.pdf import to_pdf
from .pictures import draw_pictures
from .priors import Comparison
from .replacing import check_replaceable
from .signed import refuse_changed
from .tables import levels_csv, patient_csv
from .unchanged import refuse_other_pixels


@dataclass(frozen=True, eq=False)
class Pixels:
    """What pictures and DICOM objects need together with the record; ``source`` is None if the input was a file."""

    scan: CTScan
    column: VertebralColumn
    source: SourceSeries | None


def source_of(input_path: Path, scan: CTScan, files: Sequence[Path] = ()) -> SourceSeries | None:
    """Return the headers that DICOM objects of ``scan`` refer to; None where it was read from a file.

    Args:
        files: where to look; empty: all files in ``input_path``.

    Raises:
        UsageError: the input lacks images that were measured.
        NoDICOMObjects: its headers allow no valid DICOM object; the rest of a report can be made without them.
    """
    if scan.source.kind != "dicom":
        return None
    if files:
        return read_source_files(files, scan.description, input_path.name or str(input_path))
    return read_source(input_path, scan.description)


def fill_report(
    folder: Path,
    examination: Examination,
    pixels: Pixels | None = None,
    comparisons: Sequence[Comparison] = (),
    earlier: EarlierReport | None = None,
    is_deidentified: bool = False,
    wanted: Collection[Output] = REPORT_OUTPUTS,
    key_compared: bool = False,
    reference: ReferenceCurve | None = None,
    compared: str | None = None,
) -> None:
    """Write the report's files into ``folder``, which is being made: an overview in it is of this very record.

    Args:
        pixels: None leaves out what needs them, and ``pixels.source`` the DICOM objects.
        earlier: the structured report that the new one replaces.
        is_deidentified: ``examination`` and ``pixels.source`` are de-identified.
        key_compared: the key that signed the record was found to be the site's.
        reference: a population with whose curve the page compares the patient.
        compared: what the folder is to remember, see :meth:`.Compared.file_for`; a de-identified one names no places.

    Raises:
        UsageError: the record was changed after it was signed.
    """
    refuse_changed(examination)
    examination = signed_part(examination)
    has_source = pixels is not None and pixels.source is not None
    wanted = frozenset(wanted) if has_source else frozenset(wanted) - DICOM_OUTPUTS
    pdf, title = None, ""
    if wanted & {Output.HTML, Output.PDF, Output.DICOM_PDF}:
        pictures = () if pixels is None else draw_pictures(pixels.scan, pixels.column, examination)
        report = compose(examination, pictures, comparisons, None, is_deidentified, key_compared, reference)
        title = report.title
        if Output.HTML in wanted:
            (folder / HTML_FILE).write_text(to_html(report), encoding="utf-8", newline="\n")
        if wanted & {Output.PDF, Output.DICOM_PDF}:
            pdf = to_pdf(report)
        if Output.PDF in wanted and pdf is not None:
            (folder / PDF_FILE).write_bytes(pdf)
    if compared is not None and not is_deidentified:
        (folder / COMPARED_FILE).write_text(compared, encoding="utf-8", newline="\n")
    if Output.TABLES in wanted:
        (folder / LEVELS_FILE).write_text(levels_csv(examination), encoding="utf-8", newline="")
        (folder / PATIENT_FILE).write_text(patient_csv(examination), encoding="utf-8", newline="")
    if Output.FHIR in wanted:
        from .fhir import fhir_json  # pydantic's models, which nothing else needs

        (folder / FHIR_FILE).write_text(fhir_json(examination), encoding="utf-8", newline="\n")
    if wanted & DICOM_OUTPUTS and pixels is not None and pixels.source is not None:
        picture = None
        if Output.DICOM_OVERVIEW in wanted:
            drawn = folder / OVERVIEW_FILE
            picture = drawn.read_bytes() if drawn.is_file() else overview_png(pixels.scan, pixels.column, examination)
        objects = make_objects(
            make_context(examination, pixels.source, earlier, is_deidentified, Output.LABEL_MAP in wanted),
            pixels.scan,
            pixels.column,
            pdf=pdf if Output.DICOM_PDF in wanted else None,
            title=title,
            overview_png=picture,
            seg=Output.SEG in wanted,
            sr=Output.SR in wanted,
        )
        (folder / DICOM_FOLDER).mkdir()
        objects.write(folder / DICOM_FOLDER)
        write_checksums(folder)


def update_report(
    folder: Path,
    examination: Examination,
    pixels: Pixels | None = None,
    comparisons: Sequence[Comparison] = (),
    key_compared: bool = False,
    wanted: Collection[Output] = REPORT_OUTPUTS,
    reference: ReferenceCurve | None = None,
    kept: Collection[Output] = ON_REQUEST,
    compared: str | None = None,
) -> None:
    """Make the report in the record's own folder again: each file, and the folder of DICOM objects, appears whole.

    Args:
        kept: what is made again if the folder has it on request, so that it is of the same record.
        compared: as of :func:`fill_report`; None leaves what the folder remembers.

    Raises:
        UsageError: the pixels are not those that were measured; the folder can't be written to; or it holds DICOM
            objects of another state of the record, which can't be made again without the scan.
    """
    _refuse_other(examination, pixels)
    report = folder / DICOM_FOLDER / SR_FILE
    has_source = pixels is not None and pixels.source is not None
    if not has_source and report.is_file() and record_sha256(examination).encode() not in report.read_bytes():
        raise UsageError("output.dicom_of_earlier_state", folder=folder / DICOM_FOLDER)
    earlier = earlier_in(folder) if has_source else None
    made = {*wanted, *(asked_for_in(folder) & frozenset(kept))}

    def fill(partial: Path) -> None:
        fill_report(partial, examination, pixels, comparisons, earlier, False, made, key_compared, reference, compared)

    def may_go(held: Path) -> None:
        check_dicom_folder(folder / DICOM_FOLDER, held)

    write_into(folder, fill, may_go)


def write_outputs(
    folder: Path,
    examination: Examination,
    pixels: Pixels | None = None,
    comparisons: Sequence[Comparison] = (),
    wanted: Collection[Output] = ALL_OUTPUTS,
    earlier: EarlierReport | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
    key_compared: bool = False,
    reference: ReferenceCurve | None = None,
    compared: str | None = None,
) -> None:
    """Write what is wanted to ``folder``, whole or not at all.

    What the folder in its place has on request, and a de-identified copy in it, are made again.

    Raises:
        UsageError: the folder can't be written to, or holds something that is not replaced, as the result of another
            scan or a signed one; the record was changed after it was signed; the pixels are not those measured.
    """
    _refuse_other(examination, pixels)
    _write(
        folder,
        examination,
        pixels,
        comparisons,
        wanted,
        earlier,
        overwrite,
        progress,
        False,
        key_compared,
        reference,
        compared=compared,
    )


def write_deidentified(
    folder: Path,
    examination: Examination,
    pixels: Pixels | None = None,
    comparisons: Sequence[Comparison] = (),
    wanted: Collection[Output] = ALL_OUTPUTS,
    overwrite: bool = True,
    progress: Progress = silent,
    kept: Collection[Output] = ON_REQUEST,
) -> None:
    """Write what is wanted of a de-identified copy to ``folder``, in the place of an earlier one.

    UsageError as :func:`write_outputs`; ``kept`` as with :func:`update_report`.
    """
    refuse_changed(examination)
    if missing_signature(examination) is not None:  # the copy would say that its original is signed
        raise UsageError("report.signature_missing")
    _refuse_other(examination, pixels)
    if pixels is not None and pixels.source is not None:
        pixels = Pixels(pixels.scan, pixels.column, deidentified_source(pixels.source))
    copy = deidentified(examination)
    _write(folder, copy, pixels, comparisons, wanted, None, overwrite, progress, is_deidentified=True, kept=kept)


def _refuse_other(examination: Examination, pixels: Pixels | None) -> None:
    if pixels is not None:
        refuse_other_pixels(examination, pixels.scan, pixels.column)


def _write(
    folder: Path,
    examination: Examination,
    pixels: Pixels | None,
    comparisons: Sequence[Comparison],
    wanted: Collection[Output],
    earlier: EarlierReport | None,
    overwrite: bool,
    progress: Progress,
    is_deidentified: bool,
    key_compared: bool = False,
    reference: ReferenceCurve | None = None,
    kept: Collection[Output] = ON_REQUEST,
    compared: str | None = None,
) -> None:
    refuse_changed(examination)
    wanted = {*wanted, *(asked_for_in(folder) & frozenset(kept))}
    # A folder that held a record and comes to hold none would be a loss that nobody asked for.
    overwrite = overwrite and Output.RECORD in wanted

    def may_go(held: Path) -> None:
        if overwrite:
            check_replaceable(folder, examination.scan, examination.signature, is_deidentified, held)

    may_go(folder)
    copy = copy_in(folder) if overwrite and not is_deidentified else None

    def fill(partial: Path) -> None:
        written = examination
        if Output.RECORD in wanted and pixels is not None:
            written = fill_result(partial, MeasuredScan(examination, pixels.column), pixels.scan, progress)
        elif Output.RECORD in wanted:
            (partial / RECORD_FILE).write_text(examination.to_json() + "\n", encoding="utf-8")
        progress("write", 0.5)
        given = (is_deidentified, wanted, key_compared, reference, compared)
        fill_report(partial, written, pixels, comparisons, earlier, *given)
        if copy is not None and missing_signature(written) is None:
            held = {*outputs_in(copy, with_dicom=True), *asked_for_in(copy)}
            again = compared_in_copy(copy, comparisons)
            write_deidentified(deidentified_folder(partial), written, pixels, again, held)
        progress("write", 1.0)

    write_folder(folder, overwrite, fill, may_go=may_go)


def compared_in_copy(copy: Path, comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return what a de-identified copy that is made again compares with: if it did, what its original does.

    Tells if the original has nothing for it.
    """
    if PRIORS not in compares(copy):
        return ()
    if not comparisons:
        remark(text("output.copy_not_compared"))
    return tuple(replace(one, date=None) for one in comparisons)


def deidentified_folder(folder: Path) -> Path:
    """Return where the de-identified copy of the record in ``folder`` goes unless told otherwise."""
    return folder / DEIDENTIFIED_FOLDER


def dicom_files(folder: Path) -> tuple[Path, ...]:
    """Return the DICOM objects in a result folder; UsageError if one is missing."""
    # Where nothing was measured there are no VOIs.
    named = [name for name in DICOM_FILES if name != VOIS_FILE or is_listed(folder, name)]
    files = tuple(folder / DICOM_FOLDER / name for name in named)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise UsageError("output.dicom_missing", folder=folder / DICOM_FOLDER, file=missing[0])
    return files
