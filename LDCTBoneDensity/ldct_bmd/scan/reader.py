"""The two verbs of reading: list the series of an input, read one of them as a CT scan."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..ground.errors import CannotMeasure, UsageError
from ..ground.progress import Progress, silent
from ..words import Phrase
from .ct_scan import CTScan, OtherSeries, SeriesChoice, SeriesSummary, Source
from .dicom_acquisition import acquisition, patient
from .dicom_headers import SliceHeader, read_header, read_header_files, read_headers, refuse_folder
from .dicom_series import Series, continues, find_series
from .dicom_stack import Stack, UnfitStack, build_stack
from .dicom_volume import read_volume
from .frame import axes_to_lps
from .image_files import FILE_ENDINGS, is_detached_header, is_image_file, read_image_file
from .passed_over import passed_over
from .plausibility import check_size, check_values
from .series_choice import choose, pick
from .slice_content import check_slices
from .value_range import check_brightest


def list_series(path: Path, progress: Progress = silent) -> list[SeriesSummary]:
    """List the DICOM series under a folder, or the one a DICOM file belongs to; empty for a NIfTI, NRRD or MHA file.

    A series that holds several acquisitions is listed once for each, as "<SeriesInstanceUID>#1", "#2", ...

    Args:
        path: a folder, or one file.
        progress: called with a stage and a fraction from 0 to 1; may raise to cancel.

    Raises:
        UsageError: there is nothing at the path.
    """
    path = Path(path)
    if _is_volume_file(path):
        return []
    return [series.summary() for series in _series_of(path, progress)]


def read_scan(
    path: Path | Sequence[Path],
    series_uid: str | None = None,
    progress: Progress = silent,
    of_patient: bool = True,
) -> CTScan:
    """Read the scan to measure in the engine's frame, by permuting and flipping axes only.

    Args:
        path: a folder of DICOM files (recursively, any names), one DICOM file (its series in its own folder is read),
            or one NIfTI, NRRD or MHA file; or DICOM files by name, wherever they lie.
        series_uid: a series, as :func:`list_series` names it; without it the rules of :func:`.series_choice.choose` do.
        progress: told of "read"; may cancel.
        of_patient: else of a phantom, which need not hold soft tissue.

    Raises:
        UsageError: there is nothing at ``path``, or no such series.
        CannotMeasure: the input can't be measured; the message says why.
    """
    if not isinstance(path, (str, os.PathLike)):
        return _read_files(path, series_uid, progress, of_patient)
    path = Path(path)
    if _is_volume_file(path):
        if series_uid is not None:
            raise UsageError("scan.file_has_no_series", file=path.name)
        return read_image_file(path, progress, of_patient)
    series = _series_of(path, progress)
    return _read_chosen(
        series, series_uid, path.name or str(path), path if path.is_dir() else None, progress, of_patient
    )


def _read_files(files: Sequence[Path], series_uid: str | None, progress: Progress, of_patient: bool) -> CTScan:
    if not files:
        raise ValueError("no file is named")
    series = find_series(read_header_files(sorted(files), progress))
    where = Path(os.path.commonpath([file.absolute().parent for file in files]))
    return _read_chosen(series, series_uid, where.name or str(where), where, progress, of_patient)


def _read_chosen(
    series: list[Series],
    series_uid: str | None,
    where: str,
    top: Path | None,
    progress: Progress,
    of_patient: bool,
) -> CTScan:
    """Read the series that is named, or the best one; lost slices are looked for under ``top``, if it is given."""
    if series_uid is None:
        chosen, choice = choose(series, where)
    else:
        chosen, choice = pick(series, series_uid, where)
    everywhere = [header.path for one in series for header in one.slices]
    lost = passed_over([header.path for header in chosen.slices], everywhere, top) if top is not None else ()
    scan = read_series(chosen, series, choice, progress, of_patient)
    return replace(scan, source=replace(scan.source, passed_over=lost))


def _is_volume_file(path: Path) -> bool:
    """Tell a volume file from a DICOM input; UsageError if there is nothing, CannotMeasure for any other file."""
    if not path.exists():
        raise UsageError("scan.nothing_there", path=path)
    if path.is_dir():
        return False
    if not path.is_file():
        raise UsageError("scan.no_regular_file", path=path)
    if is_image_file(path):
        return True
    if is_detached_header(path):
        raise CannotMeasure("scan.detached_header", file=path.name)
    return False


def _series_of(path: Path, progress: Progress) -> list[Series]:
    if path.is_dir():
        return find_series(read_headers(path, progress))
    header = read_header(path)
    if header is None:
        raise CannotMeasure("scan.neither_dicom_nor_volume", file=path.name, endings=FILE_ENDINGS)
    try:
        beside = sorted(other for other in path.parent.iterdir() if other.is_file() and not is_image_file(other))
    except OSError as error:
        refuse_folder(error)
    headers = read_header_files(beside, progress)
    return find_series([other for other in headers if other.series_uid == header.series_uid])


def read_series(
    chosen: Series, series: list[Series], choice: SeriesChoice, progress: Progress, of_patient: bool = True
) -> CTScan:
    """Read one of ``series``; ``choice`` says why this one. CannotMeasure if it can't be."""
    stack = _stack(chosen)
    check_size(axes_to_lps(stack.geometry).geometry(stack.geometry))
    hu, geometry = read_volume(stack, progress)
    check_values(hu, of_patient)
    slices = _along_final_axis(stack)
    if axes_to_lps(stack.geometry).axes[2] == 2:
        check_slices(hu, lambda place: slices[place].name)
    first = slices[0]
    source = Source(
        kind="dicom",
        series_uid=first.series_uid,
        study_uid=first.text("StudyInstanceUID"),
        frame_of_reference_uid=first.text("FrameOfReferenceUID"),
        accession_number=first.text("AccessionNumber"),
        sop_instance_uids=tuple(header.text("SOPInstanceUID") or "" for header in slices),
        choice=choice,
        other_series=tuple(_other(other, chosen) for other in series if other is not chosen),
    )
    made = replace(acquisition(slices), values_cut_at_hu=check_brightest(hu) if of_patient else None)
    return CTScan(hu, geometry, made, patient(first), source, stack.geometry)


def _other(other: Series, chosen: Series) -> OtherSeries:
    """Return what is kept of a series that is not measured: of another patient's nothing that could name them."""
    own = other.first.text("PatientID") == chosen.first.text("PatientID")
    why = None if other.unsuitable is None else other.unsuitable.reason
    if not own:
        why = Phrase("unsuitable.unspecified") if why is not None and why.facts else why
        return OtherSeries("", "", len(other.slices), why)
    description = other.first.text("SeriesDescription") or ""
    return OtherSeries(other.address, description, len(other.slices), why, continues(chosen, other) or None)


def _stack(chosen: Series) -> Stack:
    if chosen.stack is not None:
        return chosen.stack
    try:
        return build_stack(chosen.slices)
    except UnfitStack as fault:
        raise CannotMeasure("scan.series_unfit", series=chosen.label, why=fault.reason) from fault


def _along_final_axis(stack: Stack) -> tuple[SliceHeader, ...]:
    """Order the slices along the axis of the engine's frame that they follow (z for axial slices)."""
    axis_map = axes_to_lps(stack.geometry)
    against = axis_map.flipped[axis_map.axes.index(2)]
    return stack.slices[::-1] if against else stack.slices
