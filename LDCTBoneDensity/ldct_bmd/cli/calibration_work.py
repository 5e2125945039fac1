"""What the ``calibrate`` commands do."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ..calibration import Calibration
from ..calibration.drift import DriftSeries, all_series, quality_series
from ..calibration.files import calibration_to_dict
from ..calibration.make import calibration_from_pairs, calibration_from_phantom
from ..calibration.paired_bmd import PairedFit, fit_pairs, read_pairs
from ..calibration.phantom.description import load_phantom
from ..calibration.phantom.find import find_phantom, measure_at_points
from ..calibration.phantom.measure import PhantomMeasurement
from ..calibration.phantom.points import read_points
from ..calibration.store import CalibrationStore
from ..examination.conclude import conditions
from ..ground.atomic import write_bytes, write_text
from ..ground.errors import UsageError
from ..ground.progress import Progress
from ..reporting.tables import Value, csv_text
from ..scan import read_scan
from ..words import text
from .calibration_print import print_calibration
from .terminal import say

CHART_ENDINGS = (".png", ".csv")
DRIFT_COLUMNS = ("date", "identifier", "slope", "intercept_mg_cm3", "reference_bmd_mg_cm3", "alarms")


def check_outputs(files: Sequence[Path | None], overwrite: bool) -> None:
    """Raise UsageError if a file can't be written. Look before the work, not after it."""
    for file in files:
        if file is None:
            continue
        if not file.absolute().parent.is_dir():
            raise UsageError("output.no_parent_folder", folder=file.absolute().parent)
        if file.is_dir():
            raise UsageError("output.is_a_folder", file=file)
        if file.exists() and not overwrite:
            raise UsageError("output.file_there", file=file)


def from_phantom(
    scan_path: Path,
    description: str,
    series: str | None,
    points: Path | None,
    operator: str,
    valid_days: int,
    with_picture: bool,
    progress: Progress,
) -> tuple[PhantomMeasurement, Calibration, bytes | None]:
    """Read the scan, measure the phantom and make its calibration, and a picture if one is wanted."""
    phantom = load_phantom(description)
    marked = None if points is None else read_points(points)
    scan = read_scan(scan_path, series, progress, of_patient=False)
    measured = find_phantom(scan, phantom, progress) if marked is None else measure_at_points(scan, phantom, marked)
    calibration = calibration_from_phantom(measured, conditions(scan.acquisition), operator, valid_days)
    image = None
    if with_picture:
        from ..reporting.calibration_plots import phantom_picture

        image = phantom_picture(measured, scan)
    return measured, calibration, image


def from_pairs(
    file: Path, like: Path, material: str, operator: str, scanner: str | None, valid_days: int, with_picture: bool
) -> tuple[PairedFit, Calibration, bytes | None]:
    """Fit the pairs and make their calibration, and a picture if one is wanted."""
    fitted = fit_pairs(read_pairs(file, scanner))
    made = conditions(read_scan(like).acquisition)
    calibration = calibration_from_pairs(fitted, material, made, operator, valid_days)
    image = None
    if with_picture:
        from ..reporting.calibration_plots import pairs_picture

        image = pairs_picture(fitted)
    return fitted, calibration, image


def keep(
    console: Console,
    calibration: Calibration,
    file: Path | None,
    picture: Path | None,
    image: bytes | None,
    store: Path | None,
    operator: str,
    now: str,
) -> None:
    """Print the calibration and write it to where it is wanted."""
    print_calibration(console, calibration)
    if store is not None:
        CalibrationStore(store).add([calibration], now, operator)
        say(console, text("store.kept", path=store, identifier=calibration.identifier))
    if file is not None:
        write_text(file, json.dumps(calibration_to_dict(calibration), indent=2) + "\n")
        say(console, text("terminal.written", path=file))
    if picture is not None and image is not None:
        write_bytes(picture, image)
        say(console, text("store.picture", path=picture))


def series_in(store: Path, like: str | None) -> DriftSeries:
    """Return a series of the store; UsageError if there is none, or it must be said which."""
    opened = CalibrationStore(store)
    active = [one.calibration for one in opened.all() if one.retired is None]
    if like is not None:
        return quality_series(active, opened.get(like).calibration)
    found = all_series(active)
    if not found:
        raise UsageError("drift.no_series")
    if len(found) > 1:
        raise UsageError("drift.several_series")
    return found[0]


def drift_file(series: DriftSeries, file: Path) -> bytes:
    """Return the chart as PNG or its numbers as CSV, by the file's ending."""
    ending = file.suffix.lower()
    if ending not in CHART_ENDINGS:
        raise UsageError("drift.chart_ending", endings=CHART_ENDINGS)
    if ending == ".png":
        if series.too_short is not None:
            raise series.too_short
        from ..reporting.calibration_plots import drift_picture

        return drift_picture(series)
    rows: list[dict[str, Value]] = [
        {
            "date": point.day.isoformat(),
            "identifier": point.calibration.identifier,
            "slope": point.calibration.slope,
            "intercept_mg_cm3": point.calibration.intercept_mg_cm3,
            "reference_bmd_mg_cm3": point.reference_bmd_mg_cm3,
            "alarms": " ".join(map(str, series.alarms(point.calibration.identifier))),
        }
        for point in series.points
    ]
    return csv_text(DRIFT_COLUMNS, rows).encode()
