"""The pictures of the report: the spine from the front and the side, each VOI in an axial and a sagittal slice."""

import io
import math
import struct

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from ..examination import Examination, Measurement
from ..labeling import VertebralColumn
from ..scan import CTScan
from ..words import Catalogue, catalogue, current_language
from .drawing import draw_letters, draw_pill, draw_section, draw_vessel, voi_ellipse, voi_outline, voi_style
from .page.report import Picture
from .reformat import Section, axial, coronal, grid_mm, sagittal, sagittal_at

SPINE_IN = 5.6  # height of a view along the spine
TILE_IN = 2.1
LETTERS_IN = 0.2
DPI = 130
_AXIAL_FILL_OPACITY = 0.10
_PILL_MARGIN_MM = 5.0


def draw_pictures(
    scan: CTScan, column: VertebralColumn, examination: Examination, language: str | None = None
) -> tuple[Picture, ...]:
    """Draw all pictures; they name no patient."""
    say = catalogue(language or current_language())
    pictures = [
        _along(name, section, across, scan, column, examination, say)
        for name, section, across in (
            ("coronal", coronal(scan, column), 0),
            ("sagittal", sagittal(scan, column), 1),
        )
    ]
    for measurement in examination.measurements:
        pictures += [_axial_tile(measurement, scan, column, say), _sagittal_tile(measurement, scan, column, say)]
    return tuple(pictures)


def _along(
    name: str,
    section: Section,
    across: int,
    scan: CTScan,
    column: VertebralColumn,
    examination: Examination,
    say: Catalogue,
) -> Picture:
    left, right, bottom, top = section.extent_mm
    figure, axes = _figure((right - left) / (top - bottom) * SPINE_IN, SPINE_IN)
    draw_section(axes, section)
    draw_vessel(axes, examination, scan.geometry, across)
    for measurement in examination.measurements:
        outline = voi_outline(measurement, scan.geometry, across)
        axes.add_patch(Polygon(outline, fill=False, **voi_style(measurement)))
    for vertebra in column.vertebrae:
        height = float(grid_mm(np.asarray(vertebra.centroid_lps_mm), scan.geometry)[2])
        height = min(max(height, bottom + _PILL_MARGIN_MM), top - _PILL_MARGIN_MM)
        text = vertebra.level if column.certain(vertebra.level) else f"{vertebra.level}?"
        draw_pill(axes, right - 0.02 * (right - left), height, text, vertebra.level, "right", fontsize=8)
    draw_letters(axes, *(("R", "L") if across == 0 else ("A", "P")))
    caption = say(f"picture.{name}")
    if examination.aorta:
        caption = say("picture.with_aorta", caption=caption)
    return _picture(figure, name, "spine", caption)


def _axial_tile(measurement: Measurement, scan: CTScan, column: VertebralColumn, say: Catalogue) -> Picture:
    section = axial(scan, column, measurement.voi)
    figure, axes = _tile(section)
    axes.add_patch(voi_ellipse(measurement, scan.geometry))
    axes.invert_yaxis()  # the front of the patient is up
    draw_letters(axes, "R", "L")
    level = measurement.level
    return _picture(figure, f"{level}-axial", "voi", say("picture.axial_voi", level=level))


def _sagittal_tile(measurement: Measurement, scan: CTScan, column: VertebralColumn, say: Catalogue) -> Picture:
    section = sagittal_at(scan, column, measurement.voi)
    figure, axes = _tile(section)
    axes.add_patch(Polygon(voi_outline(measurement, scan.geometry, 1), fill=False, **voi_style(measurement)))
    draw_letters(axes, "A", "P")
    level = measurement.level
    return _picture(figure, f"{level}-sagittal", "voi", say("picture.sagittal_voi", level=level))


def _tile(section: Section) -> tuple[Figure, Axes]:
    left, right, bottom, top = section.extent_mm
    width, height = right - left, top - bottom
    scale = TILE_IN / math.sqrt(width * height)
    figure, axes = _figure(width * scale, height * scale)
    draw_section(axes, section, fill=_AXIAL_FILL_OPACITY)
    return figure, axes


def _figure(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """Return a white figure with one view and room above it for the letters of the sides."""
    whole_in = height_in + LETTERS_IN
    figure = Figure(figsize=(width_in, whole_in), facecolor="white", dpi=DPI)
    FigureCanvasAgg(figure)
    return figure, figure.add_axes((0.0, 0.0, 1.0, height_in / whole_in))


def _picture(figure: Figure, name: str, group: str, caption: str) -> Picture:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    png = stream.getvalue()
    width, height = struct.unpack(">II", png[16:24])  # of the header chunk, which comes first
    return Picture(name, group, caption, png, width, height)
