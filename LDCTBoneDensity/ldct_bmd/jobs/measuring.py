"""Measuring as a spec says: in a job's folder, for a command line, in this process or another."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..calibration import Calibration
from ..calibration.choose import choose_calibration
from ..calibration.match import CalibrationChoice
from ..calibration.store import CalibrationStore, StoredCalibration
from ..examination import Examination
from ..examination.conclude import conditions
from ..ground.atomic import write_text, writing
from ..ground.clock import now
from ..ground.errors import CannotMeasure, UsageError
from ..ground.files import read_text, spelled
from ..ground.memory import give_back
from ..ground.progress import Progress
from ..labeling import VertebralColumn
from ..pipeline import MeasuredScan, measure
from ..reference import reference_for
from ..reporting.compared import Named, compared_for, tell_compared
from ..reporting.files import check_output_folder, write_result
from ..reporting.output import REPORT_OUTPUTS, Output
from ..reporting.priors import compare
from ..reporting.replacing import check_replaceable
from ..scan import CTScan, Geometry, read_scan
from ..scan.volume import Volume, VolumeScan, scan_of_volume
from ..segmentation import NetworkBodies, Segmenter
from ..segmentation.label_map import LabelMapSegmenter
from ..words import Phrase
from .earlier import known_in
from .folder import BODIES, LABELS, RECORD_FILE, VOXELS, MeasureResult, array, lay_result
from .spec import InputScan, MeasureSpec, Networks, StoreChoice

_LABEL_FILE = "segmentation.nrrd"


def measure_in(folder: Path, spec: MeasureSpec, progress: Progress) -> None:
    """Do the job in ``folder``; record and bodies come next to the spec unless it names a result folder."""
    done = measure_as(spec, progress, folder)
    if spec.result is None:
        np.save(folder / BODIES, done.measured.column.bodies)
        write_text(folder / RECORD_FILE, done.measured.examination.to_json() + "\n")
    read = done.read
    lay_result(folder, MeasureResult(read.scan.stored_geometry, read.air, read.remark, done.left_out))


@dataclass(frozen=True, eq=False)
class Done:
    """What was measured, and what it was measured on.

    Attributes:
        left_out: why the result has no DICOM objects, if it has a report and they are not allowed.
    """

    measured: MeasuredScan
    read: VolumeScan
    left_out: Phrase | None = None


def measure_as(
    spec: MeasureSpec, progress: Progress, folder: Path | None = None, segmenter: Segmenter | None = None
) -> Done:
    """Read, measure and write the result folder, if ``spec`` names one.

    All that can be wrong with the spec is looked at before the scan is read.

    Args:
        folder: where the arrays lie that the spec needs.
        segmenter: that of the spec, if it is loaded already.

    Raises:
        UsageError, CannotMeasure: what prevents it.
    """
    if spec.result is None:
        return _measured(spec, progress, folder, segmenter)
    # From the first look to the last write: whoever else measures into the folder or signs its record is refused.
    with writing(Path(spec.result.path)):
        return _measured(spec, progress, folder, segmenter)


def _measured(spec: MeasureSpec, progress: Progress, folder: Path | None, segmenter: Segmenter | None) -> Done:
    if spec.result is not None:
        check_output_folder(Path(spec.result.path), spec.result.overwrite)
    stored = _stored(spec.calibration)
    _named_population(spec)
    segmenter = segmenter or _segmenter(spec, folder)
    start = time.perf_counter()
    read = read_source(spec.source, progress, folder)
    read_s = time.perf_counter() - start
    report, left_out = _reporter(spec, read.scan)
    calibration, choice = _calibration(spec.calibration, stored, read.scan)
    measured = measure(
        read.scan, segmenter, calibration, spec.levels, progress, read_s, calibration_choice=choice, rules=spec.rules
    )
    del segmenter  # its networks take the memory that writing needs
    give_back()
    measured = replace(measured, examination=replace(measured.examination, measured_at=now()))
    if spec.result is None:
        return Done(measured, read)

    def also(partial: Path, examination: Examination) -> None:
        if report is not None:
            report(measured.column, partial, examination)

    place = Path(spec.result.path)

    def may_go(held: Path) -> None:
        check_replaceable(place, read.scan.description, held=held)

    written = write_result(measured, read.scan, place, spec.result.overwrite, progress, also, may_go)
    return Done(replace(measured, examination=written), read, left_out)


def read_source(
    source: Volume | InputScan, progress: Progress, folder: Path | None, of_patient: bool = True
) -> VolumeScan:
    """Read the scan of a job."""
    if isinstance(source, InputScan):
        place = [Path(file) for file in source.files] or Path(source.path)
        return VolumeScan(read_scan(place, source.series, progress, of_patient))
    return scan_of_volume(source, array(_needed(folder), VOXELS), progress, of_patient)


def network_segmenter(networks: Networks) -> Segmenter:
    """Load the networks; UsageError if there is no such method, or their weights cannot be used."""
    from ..segmentation.network_segmenter import NetworkSegmenter
    from ..segmentation.pan2020 import Pan2020Segmenter
    from ..segmentation.weights import METHODS, PAN2020

    if networks.method is not None and networks.method not in METHODS:
        raise UsageError("weights.no_method", method=networks.method, known=tuple(METHODS))
    weights = None if networks.weights is None else Path(networks.weights)
    try:
        if networks.method is None or METHODS[networks.method] != PAN2020:
            return NetworkSegmenter(networks.device, weights)
        if weights is None:
            raise UsageError("weights.pan2020_ships_none")
        return Pan2020Segmenter(networks.device, weights)
    except CannotMeasure as error:
        raise UsageError.of(error.phrase) from error


def _segmenter(spec: MeasureSpec, folder: Path | None) -> Segmenter:
    wanted = spec.segmentation
    if isinstance(wanted, Networks):
        return network_segmenter(wanted)
    path = Path(wanted.path) if wanted.path is not None else _laid_labels(spec, _needed(folder))
    segmenter = LabelMapSegmenter(path, wanted.values, wanted.parts, witness=_witness(), listed=wanted.listed)
    try:
        _ = segmenter.identity  # hashed now: an unreadable file is told before the scan is read
    except CannotMeasure as error:
        raise UsageError.of(error.phrase) from error
    return segmenter


def _witness() -> Callable[[CTScan], NetworkBodies] | None:
    """Return the networks, whose own names may doubt those of a ready label map; None if they cannot run here."""
    from ..segmentation.network_segmenter import NetworkSegmenter

    try:
        return NetworkSegmenter()
    except CannotMeasure as error:
        raise UsageError.of(error.phrase) from error
    except UsageError as error:
        if error.code == "segmentation.no_runtime":
            return None  # what a map needs is installed, and no more
        raise


def _laid_labels(spec: MeasureSpec, folder: Path) -> Path:
    """Return the labels next to the spec as an image file on the grid of its volume."""
    if not isinstance(spec.source, Volume):
        raise ValueError("labels next to a spec lie on the grid of its volume, and it has none")
    path = folder / _LABEL_FILE
    _write_image(array(folder, LABELS), spec.source.geometry, path)
    return path


def _write_image(labels: np.ndarray, geometry: Geometry, path: Path) -> None:
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetDirection([value for row in geometry.direction for value in row])
    with spelled(path) as name:
        sitk.WriteImage(image, name)


def _stored(wanted: Calibration | StoreChoice) -> list[StoredCalibration]:
    return CalibrationStore(Path(wanted.path)).all() if isinstance(wanted, StoreChoice) else []


def _calibration(
    wanted: Calibration | StoreChoice, stored: list[StoredCalibration], scan: CTScan
) -> tuple[Calibration, CalibrationChoice | None]:
    """Return the calibration and, if it was chosen from a store, why."""
    if isinstance(wanted, Calibration):
        return wanted, None
    return choose_calibration(stored, conditions(scan.acquisition), wanted.allow_later)


def _named_population(spec: MeasureSpec) -> Path | None:
    """Return the file of the population that the report compares with, if one is named; UsageError if it is none."""
    named = None if spec.result is None else spec.result.reference
    file = None if named is None else Path(named)
    reference_for(file, deidentify=False)
    return file


def _reporter(
    spec: MeasureSpec, scan: CTScan
) -> tuple[Callable[[VertebralColumn, Path, Examination], None] | None, Phrase | None]:
    """Return what writes the report into the result, and why it makes no DICOM objects.

    What prevents a report is said before the scan is measured.
    """
    if spec.result is None:
        return None, None
    folder = Path(spec.result.path)
    check_replaceable(folder, scan.description)
    if not spec.result.report:
        return None, None
    if not isinstance(spec.source, InputScan):
        raise ValueError("a report needs the scan's own files")
    from ..reporting.dicom import NoDICOMObjects

    if Output.FHIR in spec.result.on_request:
        from ..reporting import fhir  # noqa: F401 - a package that is missing is told before the scan is measured
    from ..reporting.held import earlier_in
    from ..reporting.outputs import Pixels, fill_report, source_of

    source = left_out = None
    try:
        source = source_of(Path(spec.source.path), scan, [Path(file) for file in spec.source.files])
    except NoDICOMObjects as refusal:
        left_out = refusal.phrase
    earlier = None if source is None else earlier_in(folder)
    on_request = spec.result.on_request

    def write(column: VertebralColumn, partial: Path, examination: Examination) -> None:
        compared = compared_for(examination, _named(spec, examination, scan, column), folder, (scan, column))
        fill_report(
            partial,
            examination,
            Pixels(scan, column, source),
            compared.comparisons,
            earlier,
            wanted=REPORT_OUTPUTS | set(on_request),
            reference=compared.curve,
            compared=compared.file_for(folder),
        )
        tell_compared(compared)

    return write, left_out


def _named(spec: MeasureSpec, examination: Examination, scan: CTScan, column: VertebralColumn) -> Named:
    """Return what the report compares with; an earlier record that cannot be compared does not cost the report."""
    earlier = []
    scans = spec.prior_scans or (None,) * len(spec.priors)
    for path, source in zip(map(Path, spec.priors), scans, strict=True):
        with suppress(OSError, UnicodeDecodeError, UsageError):
            prior = Examination.from_json(read_text(path))
            compare(examination, prior)
            earlier.append(known_in(examination, prior, scan, column, path, source))
    return Named(tuple(earlier), None, _named_population(spec))


def _needed(folder: Path | None) -> Path:
    if folder is None:
        raise ValueError("the job's arrays lie next to its spec: name the folder")
    return folder
