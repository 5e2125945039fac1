"""What the pictures of a measurement share: a section with coloured bodies, the outlines of VOIs, names."""

from typing import Any

import numpy as np
from contourpy import contour_generator
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle, Ellipse
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ..anatomy import COLOR_RGB, LEVEL_OF_VERSE_VALUE
from ..examination import Examination, Measurement
from ..scan import Geometry
from .reformat import Section, grid_mm

BONE_WINDOW_HU = (-200.0, 550.0)
MUTED = "#9aa4b1"
FRAME = "#343b45"
VESSEL_COLOR = "#ff5a5f"
FILL_OPACITY = 0.28  # the bone shows through


def draw_section(axes: Axes, section: Section, fill: float = FILL_OPACITY) -> None:
    """Draw the HU in the bone window, the bodies tinted and outlined in their colours."""
    low, high = BONE_WINDOW_HU
    axes.imshow(
        section.hu, cmap="gray", vmin=low, vmax=high, origin="lower", extent=section.extent_mm, interpolation="bilinear"
    )
    overlay = np.zeros((*section.labels.shape, 4), dtype=np.float32)
    levels = [LEVEL_OF_VERSE_VALUE[int(value)] for value in np.unique(section.labels) if value]
    values = {value: level for value, level in LEVEL_OF_VERSE_VALUE.items() if level in levels}
    for value, level in values.items():
        overlay[section.labels == value] = (*level_color(level), fill)
    axes.imshow(overlay, origin="lower", extent=section.extent_mm, interpolation="nearest")
    if min(section.labels.shape) > 1:
        outlines = [(line, level_color(level)) for value, level in values.items() for line in _outlines(section, value)]
        lines, colors = zip(*outlines, strict=True) if outlines else ((), ())
        axes.add_collection(LineCollection(lines, colors=colors, linewidths=1.1))
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_edgecolor(FRAME)
    left, right, bottom, top = section.extent_mm
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)


def _outlines(section: Section, value: int) -> list[NDArray[np.float64]]:
    """Return the outlines (n, 2) of a body in a section, in mm."""
    left, right, bottom, top = section.extent_mm
    rows, columns = section.labels.shape
    pixel_mm = np.array([(right - left) / columns, (top - bottom) / rows])
    outlines = contour_generator(z=(section.labels == value).astype(np.float32)).lines(0.5)
    return [(np.asarray(line) + 0.5) * pixel_mm + (left, bottom) for line in outlines]


def voi_outline(measurement: Measurement, geometry: Geometry, across: int) -> NDArray[np.float64]:
    """Return the corners (4, 2) of the cylinder's lengthwise section: the long axis from the front, else the short."""
    voi = measurement.voi
    axes = np.asarray(voi.axes_lps) @ np.asarray(geometry.direction)
    center = grid_mm(np.asarray(voi.center_lps_mm), geometry)
    half_width = voi.semi_axes_mm[across] * axes[across]
    half_height = voi.height_mm / 2 * axes[2]
    corners = [center + i * half_width + j * half_height for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return np.array(corners)[:, [across, 2]]


def voi_ellipse(measurement: Measurement, geometry: Geometry) -> Ellipse:
    """Return the VOI's outline in an axial slice."""
    voi = measurement.voi
    center = grid_mm(np.asarray(voi.center_lps_mm), geometry)
    long_axis = np.asarray(voi.axes_lps[0]) @ np.asarray(geometry.direction)
    angle = float(np.degrees(np.arctan2(long_axis[1], long_axis[0])))
    long_mm, short_mm = voi.semi_axes_mm
    return Ellipse((center[0], center[1]), 2 * long_mm, 2 * short_mm, angle=angle, fill=False, **voi_style(measurement))


def voi_style(measurement: Measurement) -> dict[str, Any]:
    """Return how a VOI is outlined: dotted where its level is excluded."""
    return {
        "edgecolor": "white",
        "linewidth": 1.6,
        "linestyle": "-" if measurement.excluded is None else ":",
        "path_effects": [withStroke(linewidth=3.2, foreground="black")],
    }


def draw_vessel(axes: Axes, examination: Examination, geometry: Geometry, across: int) -> None:
    """Draw where the aorta was measured, as seen along the other axis, if contrast agent is named or seen."""
    for disc in examination.aorta:
        center = grid_mm(np.asarray(disc.center_lps_mm), geometry)
        place = float(center[across]), float(center[2])
        axes.add_patch(Circle(place, disc.radius_mm, fill=False, edgecolor=VESSEL_COLOR, linewidth=1.0))


def draw_pill(axes: Axes, x: float, y: float, text: str, level: str, align: str, fontsize: float = 9.0) -> None:
    """Write ``text`` on the colour of ``level``."""
    color = level_color(level)
    bright = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 0.5
    axes.text(
        x,
        y,
        text,
        color="black" if bright else "white",
        fontsize=fontsize,
        fontweight="bold",
        ha=align,
        va="center",
        bbox={"boxstyle": "round,pad=0.28", "facecolor": color, "edgecolor": "black", "linewidth": 0.6},
    )


def draw_letters(axes: Axes, left: str, right: str) -> None:
    """Name the sides of the patient, above the view, where nothing else is."""
    for x, letter, align in ((0.0, left, "left"), (1.0, right, "right")):
        axes.annotate(
            letter,
            (x, 1.0),
            (0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            color=MUTED,
            fontsize=9,
            fontweight="bold",
            ha=align,
            va="bottom",
        )


def level_color(level: str) -> tuple[float, float, float]:
    """Return the colour of ``level``, 0 to 1."""
    red, green, blue = COLOR_RGB[level]
    return red / 255, green / 255, blue / 255
