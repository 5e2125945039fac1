"""Pictures of calibrations: the rods that were found, the residuals of paired data, the quality series."""

import io
from collections.abc import Sequence
from datetime import date

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from ..calibration.drift import ControlChart, DriftSeries
from ..calibration.paired_bmd import PairedFit
from ..calibration.phantom.measure import PhantomMeasurement, RodMeasurement
from ..scan import CTScan
from ..words import text
from .chinese import drawable, drawn_words

WINDOW_HU = (-200.0, 700.0)
_ROD_COLOR, _ALARM_COLOR, _LINE_COLOR = "#ff9020", "#d02020", "#3060a0"
_DPI = 110


def phantom_picture(measured: PhantomMeasurement, scan: CTScan) -> bytes:
    """Return a PNG: the rods in the first, middle and last slice in which all are measured, and the fitted line."""
    with drawn_words(" ".join([measured.phantom.name, *(rod.name for rod in measured.rods)])):
        return _png(_phantom_figure(measured, scan))


def pairs_picture(fitted: PairedFit) -> bytes:
    """Return a PNG: the pairs with their line, and the residuals; influential pairs are named."""
    with drawn_words(" ".join(map(str, fitted.influential))):
        return _png(_pairs_figure(fitted))


def drift_picture(series: DriftSeries) -> bytes:
    """Return a PNG: slope, intercept and the BMD of the reference vertebra over time, with control limits."""
    with drawn_words():
        return _png(_drift_figure(series))


def _phantom_figure(measured: PhantomMeasurement, scan: CTScan) -> Figure:
    figure = Figure(figsize=(11.0, 7.0), layout="constrained")
    axes = figure.subplot_mosaic([["first", "middle", "last"], ["fit", "fit", "residuals"]])
    low, high = _common_slices(measured.rods, scan)
    for name, k in (("first", low), ("middle", (low + high) // 2), ("last", high)):
        _slice(axes[name], measured, scan, k)
    hu = np.array([rod.mean_hu for rod in measured.rods])
    residuals = np.array(measured.fit.residuals_hu)
    densities = [rod.mineral_mg_cm3 for rod in measured.phantom.rods]
    axes["fit"].plot(densities, hu, "o", color=_ROD_COLOR)
    for x, y, rod in zip(densities, hu, measured.rods, strict=True):
        axes["fit"].annotate(text("plot.rod", name=drawable(rod.name), hu=y), (x, y), fontsize=8)
    axes["fit"].set_xlabel(text("plot.density", material=measured.phantom.material))
    axes["fit"].set_ylabel(text("plot.measured_hu"))
    fit = measured.fit
    line = text("plot.line_of_rods", slope=fit.slope, intercept=fit.intercept_mg_cm3, r2=fit.quality.r_squared)
    axes["fit"].set_title(line, fontsize=9)
    axes["residuals"].bar([drawable(rod.name) for rod in measured.rods], residuals, color=_LINE_COLOR)
    limit = measured.phantom.residual_limit_hu
    for side in (-limit, limit):
        axes["residuals"].axhline(side, color=_ALARM_COLOR, lw=0.8, ls="--")
    axes["residuals"].set_ylabel(text("plot.off_the_line"))
    title = text("plot.tilt", phantom=drawable(measured.phantom.name), degrees=measured.tilt_deg)
    figure.suptitle(title, fontsize=10)
    return figure


def _pairs_figure(fitted: PairedFit) -> Figure:
    figure = Figure(figsize=(11.0, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    hu = np.array([pair.mean_hu for pair in fitted.pairs])
    bmd = np.array([pair.reference_bmd_mg_cm3 for pair in fitted.pairs])
    ends = np.array([hu.min(), hu.max()])
    left.plot(hu, bmd, ".", color=_LINE_COLOR)
    left.plot(ends, fitted.line.slope * ends + fitted.line.intercept, color="black", lw=1)
    right.plot(hu, fitted.line.residuals, ".", color=_LINE_COLOR)
    right.axhline(0.0, color="black", lw=1)
    places = {pair.row: k for k, pair in enumerate(fitted.pairs)}
    for pair in fitted.influential:
        k = places[pair.row]
        right.plot(hu[k], fitted.line.residuals[k], "o", mfc="none", color=_ALARM_COLOR)
        right.annotate(f" {drawable(str(pair))}", (hu[k], fitted.line.residuals[k]), fontsize=7)
    line = text("plot.line", slope=fitted.line.slope, intercept=fitted.line.intercept)
    left.set_title(line, fontsize=9)
    right.set_title(text("plot.residuals", sd=fitted.line.residual_sd), fontsize=9)
    for axes in (left, right):
        axes.set_xlabel(text("plot.mean_hu"))
    left.set_ylabel(text("plot.reference_bmd"))
    right.set_ylabel(text("plot.unit"))
    return figure


def _drift_figure(series: DriftSeries) -> Figure:
    figure = Figure(figsize=(9.0, 8.0), layout="constrained")
    days = [point.day for point in series.points]
    for axes, chart in zip(figure.subplots(len(series.charts), 1, sharex=True), series.charts, strict=True):
        _chart(axes, days, chart)
    if series.missed_months:
        figure.supxlabel(text("plot.missed", months=series.missed_months), fontsize=8)
    return figure


def _chart(axes: Axes, days: Sequence[date], chart: ControlChart) -> None:
    values = np.array(chart.values)
    alarmed = np.array([bool(alarms) for alarms in chart.alarms])
    axes.plot(np.array(days), values, "-o", color=_LINE_COLOR, ms=4, lw=0.8)
    axes.plot(np.array(days)[alarmed], values[alarmed], "o", color=_ALARM_COLOR, ms=7, mfc="none")
    axes.axhline(chart.centre, color="black", lw=0.8)
    for multiple, style in ((1, ":"), (2, ":"), (3, "--")):
        for side in (-1, 1):
            axes.axhline(chart.centre + side * multiple * chart.sigma, color="gray", lw=0.7, ls=style)
    axes.set_ylabel(text("plot.chart", quantity=chart.name, unit=chart.unit), fontsize=8)


def _slice(axes: Axes, measured: PhantomMeasurement, scan: CTScan, k: int) -> None:
    spacing_x, spacing_y, spacing_z = scan.geometry.spacing_mm
    axes.imshow(
        scan.hu[k],
        cmap="gray",
        vmin=WINDOW_HU[0],
        vmax=WINDOW_HU[1],
        extent=(
            -0.5 * spacing_x,
            (scan.geometry.size[0] - 0.5) * spacing_x,
            (scan.geometry.size[1] - 0.5) * spacing_y,
            -0.5 * spacing_y,
        ),
    )
    centres = []
    for rod, described in zip(measured.rods, measured.phantom.rods, strict=True):
        ends = scan.geometry.to_index_xyz(np.array([rod.start_lps_mm, rod.end_lps_mm])) * scan.geometry.spacing_mm
        rise = ends[1] - ends[0]
        x, y, _ = ends[0] + rise * (k * spacing_z - ends[0, 2]) / rise[2]
        size = described.diameter_mm - 2 * measured.phantom.wall_margin_mm
        axes.add_patch(Ellipse((x, y), size, size, fill=False, color=_ROD_COLOR, lw=1.2))
        axes.annotate(
            drawable(rod.name), (x, y - described.diameter_mm * 0.7), color=_ROD_COLOR, ha="center", fontsize=8
        )
        centres.append((x, y))
    middle, reach = np.mean(centres, axis=0), np.ptp(centres, axis=0).max() / 2 + 35.0
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] + reach * 0.6, middle[1] - reach * 0.6)
    axes.set_title(text("plot.slice", number=k + 1), fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])


def _common_slices(rods: Sequence[RodMeasurement], scan: CTScan) -> tuple[int, int]:
    ends = np.array([[rod.start_lps_mm, rod.end_lps_mm] for rod in rods])
    z = np.rint(scan.geometry.to_index_xyz(ends)[..., 2]).astype(int)
    low, high = int(z.min(axis=1).max()), int(z.max(axis=1).min())
    return (low, high) if low <= high else (high, high)


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
