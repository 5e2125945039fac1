"""From the options of ``ldct-bmd measure`` to the result folder."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast, get_args

from ..anatomy import LEVELS, TARGET_LEVELS
from ..calibration import NOMINAL, Calibration, entered_calibration, load_calibration
from ..calibration.choose import choose_calibration
from ..calibration.match import CalibrationChoice
from ..calibration.store import CalibrationStore, StoredCalibration
from ..examination import Examination
from ..examination.conclude import conditions
from ..ground.clock import now
from ..ground.errors import CannotMeasure, UsageError
from ..ground.progress import Progress
from ..labeling import VertebralColumn
from ..pipeline import measure
from ..reporting.files import check_output_folder, write_result
from ..reporting.replacing import check_replaceable
from ..scan import CTScan, read_scan
from ..segmentation import Segmenter
from ..segmentation.label_map import LabelMapSegmenter, Parts, Values
from ..segmentation.network_segmenter import NetworkSegmenter
from .methods import is_pan2020, pan2020_segmenter


def _unheard(_: str) -> None:
    pass


@dataclass(frozen=True)
class Request:
    """What the user asked for, as typed; :func:`measure_scan` says what is wrong with it."""

    input_path: Path
    folder: Path
    series_uid: str | None = None
    calibration_file: Path | None = None
    slope: float | None = None
    intercept: float | None = None
    material: str | None = None
    calibration_kvp: float | None = None
    calibration_store: Path | None = None
    later_calibration: bool = False
    levels: tuple[str, ...] = TARGET_LEVELS
    segmentation_file: Path | None = None
    segmentation_values: str | None = None
    segmentation_parts: str | None = None
    weights: Path | None = None
    method: str | None = None
    device: str = "auto"
    overwrite: bool = False
    report: bool = False


def measure_scan(request: Request, progress: Progress, remark: Callable[[str], None] = _unheard) -> Examination:
    """Read, measure and write the folder; UsageError or CannotMeasure says what stands against it.

    Everything that can be wrong with the request is looked at before the scan is read.

    Args:
        remark: gets a sentence on what was left out, such as DICOM objects that the scan's headers do not allow.
    """
    check_output_folder(request.folder, request.overwrite)
    levels = _levels(request)
    calibration = _calibration(request)
    stored = _stored(request)
    segmenter = _segmenter(request)
    start = time.perf_counter()
    scan = read_scan(request.input_path, request.series_uid, progress)
    read_s = time.perf_counter() - start
    check_replaceable(request.folder, scan.description)
    report = None if not request.report else _reporter(request, scan, remark)
    choice: CalibrationChoice | None = None
    if stored is not None:
        calibration, choice = choose_calibration(stored, conditions(scan.acquisition), request.later_calibration)
    measured = measure(scan, segmenter, calibration, levels, progress, read_s, calibration_choice=choice)
    measured = replace(measured, examination=replace(measured.examination, measured_at=now()))
    also = None if report is None else partial(report, measured.column)
    return write_result(measured, scan, request.folder, request.overwrite, progress, also)


def _reporter(
    request: Request, scan: CTScan, remark: Callable[[str], None]
) -> Callable[[VertebralColumn, Path, Examination], None]:
    """Return what writes the report into the result; what stands against one is said before the scan is measured."""
    from ..reporting.dicom import NoDICOMObjects
    from ..reporting.outputs import Pixels, earlier_in, fill_report, source_of

    try:
        source = source_of(request.input_path, scan)
    except NoDICOMObjects as refusal:
        source = None
        remark(str(refusal))
    earlier = None if source is None else earlier_in(request.folder)

    def write(column: VertebralColumn, folder: Path, examination: Examination) -> None:
        fill_report(folder, examination, Pixels(scan, column, source), earlier=earlier)

    return write


def _levels(request: Request) -> tuple[str, ...]:
    for level in request.levels:
        if level not in LEVELS:
            raise UsageError("cli.no_level", level=level)
    # In the order of the spine, each once, however they were typed.
    return tuple(level for level in LEVELS if level in request.levels)


def _calibration(request: Request) -> Calibration:
    entered = (request.slope, request.intercept, request.material, request.calibration_kvp)
    slope, intercept, material, kvp = entered
    if request.calibration_file is not None:
        if entered != (None,) * 4:
            raise UsageError("cli.calibration_given_twice")
        return load_calibration(request.calibration_file)
    if slope is not None and intercept is not None and material is not None and kvp is not None:
        return entered_calibration(slope, intercept, material, kvp)
    if entered != (None,) * 4:
        raise UsageError("cli.calibration_incomplete")
    return NOMINAL


def _stored(request: Request) -> list[StoredCalibration] | None:
    """Return what the store holds, read before the scan is; None where none is asked for."""
    if request.calibration_store is None:
        if request.later_calibration:
            raise UsageError("cli.later_without_store")
        return None
    others = (request.calibration_file, request.slope, request.intercept, request.material, request.calibration_kvp)
    if others != (None,) * 5:
        raise UsageError("cli.store_and_calibration")
    return CalibrationStore(request.calibration_store).all()


def network_segmenter(device: str, weights: Path | None) -> NetworkSegmenter:
    """Load the networks, with the weights of a file or those that ship; UsageError if these can't be used."""
    try:
        return NetworkSegmenter(device=device, weights=weights)
    except CannotMeasure as error:
        raise UsageError.of(error.phrase) from error


def _segmenter(request: Request) -> Segmenter:
    described = (request.segmentation_values, request.segmentation_parts)
    values, parts = described
    if request.segmentation_file is None:
        if described != (None, None):
            raise UsageError("cli.described_without_segmentation")
        load = pan2020_segmenter if is_pan2020(request.method) else network_segmenter
        return load(request.device, request.weights)
    if request.weights is not None:
        raise UsageError("cli.weights_and_segmentation")
    if request.method is not None:
        raise UsageError("cli.method_and_segmentation")
    if values is None or parts is None:
        raise UsageError("cli.segmentation_not_described")
    if values not in get_args(Values):
        raise UsageError("cli.segmentation_values", values=values, known=get_args(Values))
    if parts not in get_args(Parts):
        raise UsageError("cli.segmentation_parts", parts=parts, known=get_args(Parts))
    if not request.segmentation_file.is_file():
        raise UsageError("cli.no_segmentation_file", file=request.segmentation_file)
    segmenter = LabelMapSegmenter(request.segmentation_file, values=cast(Values, values), parts=cast(Parts, parts))
    try:
        _ = segmenter.identity  # hashed now: an unreadable file is told before the scan is read
    except CannotMeasure as error:
        raise UsageError.of(error.phrase) from error
    return segmenter
