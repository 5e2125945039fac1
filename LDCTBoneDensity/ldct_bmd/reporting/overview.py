"""One picture of a measurement: the spine from the front and from the side, and each VOI in its axial slice."""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from ..assessment import NotUsed, format_bmd
from ..calibration.described import name_words
from ..examination import Examination, Measurement, unused_levels
from ..labeling import VertebralColumn
from ..scan import CTScan, Geometry
from ..words import Catalogue, catalogue, current_language
from .chinese import drawable, drawn_words, wrapped
from .drawing import (
    FRAME,
    MUTED,
    draw_letters,
    draw_pill,
    draw_section,
    draw_vessel,
    voi_ellipse,
    voi_outline,
    voi_style,
)
from .reformat import Section, axial, coronal, grid_mm, sagittal

BACKGROUND = "#14171c"
PALE = "#e8ebef"
WARNING = "#ffb454"
HEIGHT_IN = 9.6
HEADER_IN, FOOTER_IN, GAP_IN = 0.95, 0.95, 0.3
BODY_IN = HEIGHT_IN - HEADER_IN - FOOTER_IN
WIDEST_IN = 4.9  # of a view along the spine
AXIAL_FILL_OPACITY = 0.10
PILL_MARGIN_MM = 5.0  # keeps the name of a body at the edge inside the view
TEXT_IN = 2.15
DPI = 130
PNG_OPTIONS = {"compress_level": 3}  # half the time of 6, a tenth more bytes


def write_overview(scan: CTScan, column: VertebralColumn, examination: Examination, path: Path) -> None:
    """Draw the overview and write it as PNG."""
    path.write_bytes(overview_png(scan, column, examination))


def overview_png(scan: CTScan, column: VertebralColumn, examination: Examination) -> bytes:
    """Draw the overview and return it as PNG."""
    stream = io.BytesIO()
    with drawn_words(examination.calibration.name + examination.assessment.statement):
        figure = draw_overview(scan, column, examination)
        figure.savefig(
            stream, format="png", dpi=DPI, facecolor=BACKGROUND, metadata={"Software": None}, pil_kwargs=PNG_OPTIONS
        )
    return stream.getvalue()


def draw_overview(scan: CTScan, column: VertebralColumn, examination: Examination) -> Figure:
    """Return the overview as a matplotlib figure, drawn without a screen."""
    say = catalogue(current_language())
    front, side = coronal(scan, column), sagittal(scan, column)
    mm_per_in = max(_height(front) / BODY_IN, _width(front) / WIDEST_IN, _width(side) / WIDEST_IN)
    front_in, side_in = _width(front) / mm_per_in, _width(side) / mm_per_in
    levels = examination.quality.requested_levels
    rows = max(3, math.ceil(len(levels) / 2)) if len(levels) > 3 else 3
    columns = math.ceil(len(levels) / rows)
    tile_in = (BODY_IN - GAP_IN * (rows - 1)) / rows
    width_in = 4 * GAP_IN + front_in + side_in + columns * (tile_in + TEXT_IN)

    figure = Figure(figsize=(width_in, HEIGHT_IN), facecolor=BACKGROUND)
    FigureCanvasAgg(figure)

    def place(left_in: float, top_in: float, wide_in: float, high_in: float) -> Axes:
        bottom_in = HEIGHT_IN - HEADER_IN - top_in - high_in
        return figure.add_axes(
            (left_in / width_in, bottom_in / HEIGHT_IN, wide_in / width_in, high_in / HEIGHT_IN), facecolor=BACKGROUND
        )

    high_in = _height(front) / mm_per_in
    _draw_along(place(GAP_IN, 0, front_in, high_in), say, front, scan.geometry, column, examination, across=0)
    left_in = 2 * GAP_IN + front_in
    _draw_along(place(left_in, 0, side_in, high_in), say, side, scan.geometry, column, examination, across=1)

    left_in += side_in + GAP_IN
    for number, level in enumerate(levels):
        at_column, at_row = divmod(number, rows)
        tile_left = left_in + at_column * (tile_in + TEXT_IN)
        tile_top = at_row * (tile_in + GAP_IN)
        measurement = examination.measurement(level)
        picture = place(tile_left, tile_top, tile_in, tile_in)
        beside = place(tile_left + tile_in, tile_top, TEXT_IN, tile_in)
        if measurement is None:
            _draw_nothing(picture, beside, say, level, [f.message for f in examination.findings if f.level == level])
        else:
            _draw_tile(picture, scan, column, measurement)
            unused = unused_levels(examination).get(level)
            _draw_values(beside, say, measurement, examination.calibration.nominal, column.certain(level), unused)
    _draw_header_and_footer(figure, say, scan, column, examination, width_in)
    return figure


def _draw_along(
    axes: Axes,
    say: Catalogue,
    section: Section,
    geometry: Geometry,
    column: VertebralColumn,
    examination: Examination,
    across: int,
) -> None:
    """Draw one view along the spine; ``across`` is the picture's horizontal axis (0: x, 1: y)."""
    draw_section(axes, section)
    draw_vessel(axes, examination, geometry, across)
    for measurement in examination.measurements:
        axes.add_patch(Polygon(voi_outline(measurement, geometry, across), fill=False, **voi_style(measurement)))
    values = {m.level: m for m in examination.measurements}
    left, right, bottom, top = section.extent_mm
    for vertebra in column.vertebrae:
        height = grid_mm(np.asarray(vertebra.centroid_lps_mm), geometry)[2]
        height = float(np.clip(height, bottom + PILL_MARGIN_MM, top - PILL_MARGIN_MM))
        name = vertebra.level if column.certain(vertebra.level) else f"{vertebra.level}?"
        measured = values.get(vertebra.level)
        if across == 1:
            draw_pill(axes, right - 0.02 * (right - left), height, name, vertebra.level, "right")
        elif measured is None or measured.excluded is not None:
            draw_pill(axes, left + 0.02 * (right - left), height, name, vertebra.level, "left")
        else:
            text = f"{name}  {say('overview.bmd', bmd=format_bmd(measured.bmd_mg_cm3))}"
            draw_pill(axes, left + 0.02 * (right - left), height, text, vertebra.level, "left")
    draw_letters(axes, *(("R", "L") if across == 0 else ("A", "P")))


def _draw_tile(axes: Axes, scan: CTScan, column: VertebralColumn, measurement: Measurement) -> None:
    """Draw the axial slice through the middle of a VOI."""
    voi = measurement.voi
    section = axial(scan, column, voi)
    draw_section(axes, section, fill=AXIAL_FILL_OPACITY)
    axes.add_patch(voi_ellipse(measurement, scan.geometry))
    axes.invert_yaxis()  # the front of the patient is up
    draw_letters(axes, "R", "L")


def _draw_nothing(picture: Axes, beside: Axes, say: Catalogue, level: str, messages: list[str]) -> None:
    picture.set_xticks([])
    picture.set_yticks([])
    for spine in picture.spines.values():
        spine.set_edgecolor(FRAME)
    picture.text(0.5, 0.5, say("overview.not_measured"), color=MUTED, fontsize=11, ha="center", va="center")
    beside.axis("off")
    draw_pill(beside, 0.09, 0.93, level, level, "left", fontsize=12)
    lines = [line for message in messages for line in wrapped(message, 30, 12, " …")]
    beside.text(0.07, 0.8, drawable("\n".join(lines[:12])), color=PALE, fontsize=9.5, va="top", linespacing=1.35)


def _draw_values(
    axes: Axes, say: Catalogue, measurement: Measurement, nominal: bool, name_certain: bool, unused: NotUsed | None
) -> None:
    axes.axis("off")
    lines = [
        (say("overview.bmd", bmd=format_bmd(measurement.bmd_mg_cm3)), 15, PALE, "bold"),
        (
            say("overview.bmd_label_nominal" if nominal else "overview.bmd_label"),
            8.5,
            WARNING if nominal else MUTED,
            "normal",
        ),
        (say("overview.hu", mean=f"{measurement.mean_hu:.1f}", sd=f"{measurement.sd_hu:.1f}"), 11, PALE, "normal"),
        (say("overview.hu_label"), 8.5, MUTED, "normal"),
        (say("overview.volume", ml=f"{measurement.volume_mm3 / 1000:.2f}"), 9.5, MUTED, "normal"),
    ]
    if measurement.excluded is not None:
        lines.append((say("overview.excluded"), 9.5, WARNING, "bold"))
    elif unused is not None:
        lines.append((say("levels.unused", reason=unused.words), 9.5, WARNING, "bold"))
    name = measurement.level if name_certain else f"{measurement.level}?"
    draw_pill(axes, 0.09, 0.93, name, measurement.level, "left", fontsize=12)
    for line, (text, size, color, weight) in enumerate(lines):
        axes.text(0.07, 0.74 - 0.125 * line, drawable(text), color=color, fontsize=size, fontweight=weight, va="center")


def _draw_header_and_footer(
    figure: Figure, say: Catalogue, scan: CTScan, column: VertebralColumn, examination: Examination, width_in: float
) -> None:
    def write(from_left_in: float, from_top_in: float, text: str, **style: Any) -> None:
        figure.text(from_left_in / width_in, 1 - from_top_in / HEIGHT_IN, drawable(text), va="top", **style)

    write(GAP_IN, 0.2, say("report.title"), color=PALE, fontsize=16, fontweight="bold")
    calibration = examination.calibration
    kind = "overview.calibration_nominal" if calibration.nominal else "overview.calibration"
    facts = [say(kind, name=name_words(calibration), material=calibration.material), *_scan_facts(scan, say)]
    if not column.names_certain:
        facts.insert(0, say("overview.names_uncertain"))
    write(GAP_IN, 0.57, "   ·   ".join(facts), color=MUTED, fontsize=9.5)
    figure.text(
        1 - GAP_IN / width_in,
        1 - 0.24 / HEIGHT_IN,
        say("report.research_use"),
        color=WARNING,
        fontsize=12,
        fontweight="bold",
        ha="right",
        va="top",
    )
    characters = int((width_in - 2 * GAP_IN) * 12.5)
    lines = wrapped(examination.assessment.statement, characters, 4, say("overview.rest"))
    statement = "\n".join(lines)
    write(GAP_IN, HEIGHT_IN - FOOTER_IN + 0.14, statement, color=PALE, fontsize=10.5, linespacing=1.35)


def _scan_facts(scan: CTScan, say: Catalogue) -> list[str]:
    facts = []
    if scan.acquisition.kvp is not None:
        facts.append(say("scan.kvp", kvp=f"{scan.acquisition.kvp:g}"))
    dx, dy, dz = scan.geometry.spacing_mm
    size = say("scan.voxel_size", x=f"{dx:.2f}", y=f"{dy:.2f}", z=f"{dz:.2f}")
    facts.append(say("overview.voxels", size=size))
    return facts


def _width(section: Section) -> float:
    return section.extent_mm[1] - section.extent_mm[0]


def _height(section: Section) -> float:
    return section.extent_mm[3] - section.extent_mm[2]
