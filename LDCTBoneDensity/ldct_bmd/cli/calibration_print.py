"""What the ``calibrate`` commands print."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..calibration import Calibration
from ..calibration.described import added_words, described, retired_words
from ..calibration.drift import DriftSeries
from ..calibration.pairs import PairsFit
from ..calibration.phantom.measure import PhantomMeasurement
from ..calibration.store import StoredCalibration
from .terminal import safe, say


def print_rods(console: Console, measured: PhantomMeasurement) -> None:
    """Print what was measured in each rod, and how far it lies off the line."""
    table = _table(("rod", "HU", "SE", "slices", "mineral mg/cm3", "off the line HU"))
    for rod, known, residual in zip(measured.rods, measured.phantom.rods, measured.fit.residuals_hu, strict=True):
        cells = (f"{rod.mean_hu:.1f}", f"{rod.standard_error_hu:.2f}", str(rod.slices))
        table.add_row(safe(rod.name), *cells, f"{known.mineral_mg_cm3:g}", f"{residual:+.1f}")
    console.print(table)
    say(console, f"The rods are tilted by {measured.tilt_deg:.1f} degrees.")
    if measured.phantom.example:
        say(
            console, "The densities are those of an example, not of your phantom: the calibration is nominal.", "yellow"
        )


def print_pairs(console: Console, fitted: PairsFit) -> None:
    """Print the line with its intervals, the cross-validated error and the influential pairs."""
    (slope_low, slope_high), (low, high) = fitted.line.confidence_interval()
    say(console, f"Slope {fitted.line.slope:.4f} mg/cm3 per HU (95 % interval {slope_low:.4f} to {slope_high:.4f}).")
    say(console, f"Intercept {fitted.line.intercept:.2f} mg/cm3 (95 % interval {low:.2f} to {high:.2f}).")
    left_out = f"all of one of {fitted.subjects} subjects" if fitted.subjects else "one pair"
    say(
        console,
        f"{len(fitted.pairs)} pairs, R2 {fitted.line.r_squared:.4f}, residual SD {fitted.line.residual_sd:.2f} mg/cm3; "
        f"cross-validated error {fitted.cross_validated_rmse_mg_cm3:.2f} mg/cm3 ({left_out} left out at a time).",
    )
    for pair in fitted.influential:
        distance = fitted.cooks_distance[fitted.pairs.index(pair)]
        say(console, f"Influential: {pair}, Cook's distance {distance:.2f}.", "yellow")


def print_list(console: Console, stored: Sequence[StoredCalibration]) -> None:
    """Print one line per calibration."""
    table = _table(("id", "date", "valid until", "slope", "intercept", "kVp", "scanner", "made by", "state"))
    for one in stored:
        calibration, provenance = one.calibration, one.calibration.provenance
        scanner = "-" if provenance is None or provenance.scanner is None else str(provenance.scanner)
        table.add_row(
            Text(calibration.identifier, "bold"),
            safe(provenance.date or "-" if provenance else "-"),
            safe(provenance.valid_until or "-" if provenance else "-"),
            f"{calibration.slope:.4f}",
            f"{calibration.intercept_mg_cm3:+.2f}",
            "-" if calibration.kvp is None else f"{calibration.kvp:g}",
            safe(scanner),
            safe(provenance.method.value if provenance else "-"),
            "in use" if one.retired is None else "retired",
        )
    console.print(table)


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
    table = _table(("date", "id", "slope", "intercept", "BMD at 100"))
    for point in series.points:
        one = point.calibration
        cells = (f"{one.slope:.4f}", f"{one.intercept_mg_cm3:+.2f}", f"{point.reference_bmd_mg_cm3:.2f}")
        table.add_row(point.day.isoformat(), one.identifier, *cells)
    console.print(table)
    if not series.charts:
        say(console, str(series.too_short), "yellow")
    for chart in series.charts:
        low, high = chart.limits
        say(console, f"{chart.name}: control limits {low:.4g} to {high:.4g} {chart.unit}.")
    for point in series.points:
        for alarm in series.alarms(point.calibration.identifier):
            say(console, alarm, "red")
    if series.missed_months:
        say(console, f"No phantom scan in {', '.join(series.missed_months)}.", "yellow")


def _table(headings: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading == "id")
    return table
