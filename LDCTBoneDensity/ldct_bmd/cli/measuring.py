"""From the options of ``ldct-bmd measure`` to a job, and its result folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from ..anatomy import LEVELS, TARGET_LEVELS
from ..calibration import NOMINAL, Calibration, entered_calibration, load_calibration
from ..examination import Examination
from ..ground.errors import UsageError
from ..ground.progress import Progress
from ..jobs.measuring import measure_as
from ..jobs.spec import InputScan, LabelMap, MeasureSpec, Networks, ResultFolder, StoreChoice
from ..rules import load_rules
from ..segmentation.label_map import Parts
from ..segmentation.label_values import KNOWN_VALUES, LIST, AnyValues, read_list
from .methods import networks
from .on_request import on_request


def _unheard(_: str) -> None:
    pass


@dataclass(frozen=True)
class Request:
    """What the user asked for, as typed; :func:`measure_spec` says what is wrong with it."""

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
    seg_form: str | None = None
    fhir: bool = False
    reference: Path | None = None
    rules: str | None = None


def measure_scan(request: Request, progress: Progress, remark: Callable[[str], None] = _unheard) -> Examination:
    """Read, measure and write the folder; UsageError or CannotMeasure says what prevents it.

    Everything that can be wrong with the request is looked at before the scan is read.

    Args:
        remark: gets a sentence on what was left out, such as DICOM objects that the scan's headers do not allow.
    """
    done = measure_as(measure_spec(request), progress)
    if done.left_out is not None:
        remark(str(done.left_out))
    if request.report:
        from .reporting import remark_on_fonts

        remark_on_fonts(remark)
    return done.measured.examination


def measure_spec(request: Request) -> MeasureSpec:
    """Return the job that was asked for; UsageError if the options do not go together."""
    return MeasureSpec(
        source=InputScan(str(request.input_path), request.series_uid),
        segmentation=_segmentation(request),
        calibration=_stored(request) or _calibration(request),
        levels=_levels(request),
        result=_result(request),
        rules=None if request.rules is None else load_rules(request.rules),
    )


def _result(request: Request) -> ResultFolder:
    asked = on_request(request.seg_form, request.fhir)
    if not request.report and (request.fhir or request.seg_form is not None or request.reference is not None):
        raise UsageError("cli.report_missing")
    reference = None if request.reference is None else str(request.reference)
    return ResultFolder(str(request.folder), request.overwrite, request.report, asked, reference)


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


def _stored(request: Request) -> StoreChoice | None:
    """Return the store to choose from; None if none is named."""
    if request.calibration_store is None:
        if request.later_calibration:
            raise UsageError("cli.later_without_store")
        return None
    others = (request.calibration_file, request.slope, request.intercept, request.material, request.calibration_kvp)
    if others != (None,) * 5:
        raise UsageError("cli.store_and_calibration")
    return StoreChoice(str(request.calibration_store), request.later_calibration)


def _segmentation(request: Request) -> Networks | LabelMap:
    described = (request.segmentation_values, request.segmentation_parts)
    values, parts = described
    if request.segmentation_file is None:
        if described != (None, None):
            raise UsageError("cli.described_without_segmentation")
        return networks(request.device, request.weights, request.method)
    if request.weights is not None:
        raise UsageError("cli.weights_and_segmentation")
    if request.method is not None:
        raise UsageError("cli.method_and_segmentation")
    if values is None or parts is None:
        raise UsageError("cli.segmentation_not_described")
    listed = read_list(Path(values)) if values not in KNOWN_VALUES and Path(values).is_file() else ()
    if values not in KNOWN_VALUES and not listed:
        raise UsageError("cli.segmentation_values", values=values, known=KNOWN_VALUES)
    if parts not in get_args(Parts):
        raise UsageError("cli.segmentation_parts", parts=parts, known=get_args(Parts))
    if not request.segmentation_file.is_file():
        raise UsageError("cli.no_segmentation_file", file=request.segmentation_file)
    named = cast(AnyValues, LIST if listed else values)
    return LabelMap(named, cast(Parts, parts), str(request.segmentation_file), listed)
