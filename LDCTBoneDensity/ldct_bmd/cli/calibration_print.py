"""What the ``calibrate`` commands print."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from ..calibration import Calibration
from ..calibration.described import added_words, described, retired_words
from ..calibration.drift import DriftSeries
from ..calibration.paired_bmd import PairedFit
from ..calibration.phantom.measure import PhantomMeasurement
from ..calibration.store import StoredCalibration
from ..words import text
from .terminal import pairs, safe, say, say_block


def print_rods(console: Console, measured: PhantomMeasurement) -> None:
    """Print what was measured in each rod, and how far it lies off the line."""
    table = _table([f"rods.{one}" for one in ("name", "hu", "error", "slices", "mineral", "residual")])
    for rod, known, residual in zip(measured.rods, measured.phantom.rods, measured.fit.residuals_hu, strict=True):
        cells = (f"{rod.mean_hu:.1f}", f"{rod.standard_error_hu:.2f}", str(rod.slices))
        table.add_row(safe(rod.name), *cells, f"{known.mineral_mg_cm3:g}", f"{residual:+.1f}")
    console.print(table)
    say(console, text("rods.tilt", degrees=measured.tilt_deg))
    if measured.phantom.example:
        say(console, text("rods.example"), "yellow")


def print_pairs(console: Console, fitted: PairedFit) -> None:
    """Print the line with its intervals, the cross-validated error and the influential pairs."""
    (slope_low, slope_high), (low, high) = fitted.line.confidence_interval()
    say(console, text("pairs.slope", slope=fitted.line.slope, low=slope_low, high=slope_high))
    say(console, text("pairs.intercept", intercept=fitted.line.intercept, low=low, high=high))
    quality = text(
        "pairs.fit_of_subjects" if fitted.subjects else "pairs.fit",
        pairs=len(fitted.pairs),
        r2=fitted.line.r_squared,
        sd=fitted.line.residual_sd,
        error=fitted.cross_validated_rmse_mg_cm3,
        subjects=fitted.subjects,
    )
    say(console, quality)
    for pair in fitted.influential:
        distance = fitted.cooks_distance[fitted.pairs.index(pair)]
        say(console, text("pairs.influential", pair=str(pair), distance=distance), "yellow")


def print_list(console: Console, stored: Sequence[StoredCalibration]) -> None:
    """Print a block per calibration."""
    for one in stored:
        calibration, provenance = one.calibration, one.calibration.provenance
        dates = (None, None) if provenance is None else (provenance.date, provenance.valid_until)
        scanner = None if provenance is None else provenance.scanner
        method = "-" if provenance is None else text(f"store.method.{provenance.method.value}")
        state = text("store.in_use" if one.retired is None else "store.is_retired")
        lines = (
            (("date", dates[0] or "-"), ("valid_until", dates[1] or "-"), ("method", method)),
            (
                ("slope", f"{calibration.slope:.4f}"),
                ("intercept", f"{calibration.intercept_mg_cm3:+.2f}"),
                ("kvp", "-" if calibration.kvp is None else f"{calibration.kvp:g}"),
            ),
            (("scanner", "-" if scanner is None else str(scanner)),),
        )
        said = (pairs(*((text(f"store.{name}"), value) for name, value in line)) for line in lines)
        say_block(console, f"{calibration.identifier}   {state}", *said)


def print_one(console: Console, stored: StoredCalibration) -> None:
    """Print all that is known of one calibration."""
    print_calibration(console, stored.calibration)
    say(console, added_words(stored))
    if stored.retired is not None:
        say(console, retired_words(stored), "yellow")


def print_calibration(console: Console, calibration: Calibration) -> None:
    """Print a calibration's line, errors and origin."""
    line, *errors_and_origin, source = described(calibration)
    say(console, line, "bold")
    for sentence in errors_and_origin:
        say(console, sentence)
    say(console, source, "dim")


def print_drift(console: Console, series: DriftSeries) -> None:
    """Print the points, what is out of control, and which months have none."""
    table = _table(("store.date", "store.id", "store.slope", "store.intercept", "series_chart.bmd_at_100"))
    for point in series.points:
        one = point.calibration
        cells = (f"{one.slope:.4f}", f"{one.intercept_mg_cm3:+.2f}", f"{point.reference_bmd_mg_cm3:.2f}")
        table.add_row(point.day.isoformat(), one.identifier, *cells)
    console.print(table)
    if not series.charts:
        say(console, str(series.too_short), "yellow")
    for chart in series.charts:
        low, high = chart.limits
        say(console, text("series_chart.limits", quantity=chart.name, low=low, high=high, unit=chart.unit))
    for point in series.points:
        for alarm in series.alarms(point.calibration.identifier):
            say(console, str(alarm), "red")
    if series.missed_months:
        say(console, text("series_chart.missed", months=series.missed_months), "yellow")


def _table(headings: Sequence[str]) -> Table:
    """Return a table whose headings have these keys."""
    table = Table(box=box.SIMPLE_HEAD)
    for key in headings:
        table.add_column(text(key), overflow="fold", no_wrap=key == "store.id")
    return table
