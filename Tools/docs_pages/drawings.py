"""The drawings of the explanations: made by the engine's own functions from a body of simple shape."""

import io

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyBboxPatch, Rectangle
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ldct_bmd.morphometry import body_heights
from ldct_bmd.rules import ACR
from ldct_bmd.scan import Geometry
from ldct_bmd.voi import CORTEX_MARGIN_MM, CylinderVOI, place_voi

SPACING_MM = 0.5
# Half sizes of an L1 of an average adult.
HALF_WIDTH_MM, HALF_DEPTH_MM, HALF_HEIGHT_MM = 21.0, 15.0, 13.0
SPUR_HALF_WIDTH_MM = 31.0
BONE, VOI, INK = "#c9b79c", "#c2410c", "#444444"
_ARROW = {"arrowstyle": "<->", "color": "black", "shrinkA": 0, "shrinkB": 0}


def _body() -> tuple[NDArray[np.bool_], Geometry]:
    """Return a vertebral body, (z, y, x), with a concave back and waist, and its grid."""
    size = (64, 84, 140)
    z, y, x = np.meshgrid(*((np.arange(n) - (n - 1) / 2) * SPACING_MM for n in size), indexing="ij")
    waist = 1.0 - 0.08 * (1.0 - (z / HALF_HEIGHT_MM) ** 2)
    oval = (np.abs(x / (HALF_WIDTH_MM * waist)) ** 2.4 + np.abs(y / (HALF_DEPTH_MM * waist)) ** 2.4) < 1
    canal = (x / 13.0) ** 2 + ((y - 18.0) / 7.0) ** 2 < 1
    origin = tuple(-(n - 1) / 2 * SPACING_MM for n in size[::-1])
    geometry = Geometry(size[::-1], (SPACING_MM,) * 3, origin, np.eye(3))  # type: ignore[arg-type]
    return oval & ~canal & (np.abs(z) < HALF_HEIGHT_MM), geometry


def _placed() -> tuple[NDArray[np.bool_], CylinderVOI, Geometry]:
    inside, geometry = _body()
    box = tuple(slice(0, n) for n in inside.shape)
    return inside, place_voi(inside, box, geometry), geometry  # type: ignore[arg-type]


def voi() -> bytes:
    """Draw the cylinder in a vertebral body, from above and from the side."""
    inside, cylinder, _ = _placed()
    figure = Figure(figsize=(8.4, 3.6))
    above, side = figure.subplots(1, 2)
    middle = inside.shape[0] // 2
    _outline(above, inside[middle])
    long_mm, short_mm = cylinder.semi_axes_mm
    x, y, z = cylinder.center_lps_mm
    above.add_patch(Ellipse((x, y), 2 * long_mm, 2 * short_mm, color=VOI, alpha=0.55, lw=0))
    _arrow(above, (x, y), (x + long_mm, y), f"{long_mm:.1f} mm", (0.0, 1.9))
    _arrow(above, (x, y), (x, y - short_mm), f"{short_mm:.1f} mm", (-4.6, 0.0))
    above.set_title("from above: area 0.30 A, short semi-axis 0.20 W", fontsize=9)
    above.set_ylim(20, -18)
    _outline(side, inside[:, :, inside.shape[2] // 2])
    half = cylinder.height_mm / 2
    side.add_patch(Rectangle((y - short_mm, z - half), 2 * short_mm, 2 * half, color=VOI, alpha=0.55, lw=0))
    _arrow(side, (y, z - half), (y, z + half), f"{cylinder.height_mm:g} mm", (3.4, 0.0))
    side.set_title("from the left: the middle 9 mm", fontsize=9)
    for axes in (above, side):
        axes.set_aspect("equal")
        axes.axis("off")
    return svg(figure)


def heights() -> bytes:
    """Draw where the three heights of a body are taken."""
    inside, geometry = _body()
    box = tuple(slice(0, n) for n in inside.shape)
    measured = body_heights(inside, box, geometry)  # type: ignore[arg-type]
    if measured is None:
        raise RuntimeError("the drawn body has no heights")
    figure = Figure(figsize=(4.6, 3.6))
    axes = figure.subplots()
    _outline(axes, inside[:, :, inside.shape[2] // 2])
    drawn = zip(("front", "middle", "back"), measured.each_mm, measured.lines_lps_mm, strict=True)
    for name, height_mm, ((_, y, top), (_, y_below, bottom)) in drawn:
        axes.annotate("", (y, top), (y_below, bottom), arrowprops={**_ARROW, "color": VOI})
        axes.text(y, bottom - 1.5, f"{name}\n{height_mm:.0f} mm", ha="center", va="top", fontsize=9, color=INK)
    axes.set_xlim(-20, 20)
    axes.set_ylim(-22, 16)
    axes.set_aspect("equal")
    axes.axis("off")
    return svg(figure)


def findings() -> bytes:
    """Draw four findings about a VOI in a vertebral body, as they look from above or from the side."""
    inside, cylinder, geometry = _placed()
    middle, (x, y, _) = inside.shape[0] // 2, cylinder.center_lps_mm
    figure = Figure(figsize=(10.5, 3.0))
    leaves, swapped, vein, edge = figure.subplots(1, 4)
    _outline(leaves, inside[middle])
    _ellipse(leaves, (x + 8.0, y - 2.0), cylinder)
    leaves.set_title("voi_leaves_trabecular_bone", fontsize=9)
    spurred, (_, rows, columns) = inside.copy(), inside.shape
    half = round(SPUR_HALF_WIDTH_MM / SPACING_MM)
    spurred[inside.any(axis=(1, 2)), rows // 2 - 4 : rows // 2 + 2, columns // 2 - half : columns // 2 + half] = True
    box = tuple(slice(0, n) for n in inside.shape)
    wide = place_voi(spurred, box, geometry)  # type: ignore[arg-type]
    _outline(swapped, spurred[middle])
    _ellipse(swapped, (wide.center_lps_mm[0], wide.center_lps_mm[1]), wide)
    swapped.set_title("voi_axes_swapped", fontsize=9)
    _outline(vein, inside[middle])
    _ellipse(vein, (x, y), cylinder)
    vein.add_patch(Ellipse((x, y + 5.0), 5.0, 8.0, color=INK, alpha=0.8, lw=0))
    vein.set_title("basivertebral_vein", fontsize=9)
    _outline(edge, inside[: middle + 10, :, inside.shape[2] // 2], below=True)
    edge.axhline(0.0, color=VOI, lw=2)
    edge.set_title("cut_by_edge", fontsize=9)
    for axes in (leaves, swapped, vein):
        axes.set_ylim(20, -18)
    for axes in (leaves, swapped, vein, edge):
        axes.set_aspect("equal")
        axes.axis("off")
    return svg(figure)


def categories() -> bytes:
    """Draw the ranges of BMD of the rule set that holds if none is chosen."""
    below, above = ACR.osteoporosis_below_mg_cm3, ACR.normal_above_mg_cm3 or 200.0
    figure = Figure(figsize=(8.4, 1.5))
    axes = figure.subplots()
    ranges = {
        "osteoporosis": (40.0, below, "#e07a5f"),
        "osteopenia": (below, above, "#f2cc8f"),
        "normal": (above, 200.0, "#81b29a"),
    }
    for name, (low, high, color) in ranges.items():
        axes.barh(0, high - low, left=low, color=color, height=0.8)
        axes.text((low + high) / 2, 0, name, ha="center", va="center", fontsize=10)
    axes.set_xticks([below, above])
    axes.set_xlabel("mean BMD of L1 and L2, mg/cm³ (K2HPO4 equivalent); both limits are osteopenia", fontsize=9)
    axes.set_yticks([])
    axes.set_xlim(40, 200)
    for edge in axes.spines.values():
        edge.set_visible(False)
    return svg(figure)


def flow() -> bytes:
    """Draw the stages of a measurement."""
    stages = {
        "read": "CT in HU,\nchecked",
        "segment": "bodies and\nlevels, voxelwise",
        "label": "one column,\nnamed, outlined",
        "place VOI": "an elliptic\ncylinder a level",
        "measure": "mean HU,\noriginal voxels",
        "calibrate": "BMD in\nmg/cm³",
        "assess": "category and\nfindings",
    }
    figure = Figure(figsize=(10.5, 1.7))
    axes = figure.subplots()
    for place, (name, what) in enumerate(stages.items()):
        axes.add_patch(FancyBboxPatch((place + 0.06, 0.05), 0.8, 0.9, boxstyle="round,pad=0.03", fc="#eef2f7", ec=INK))
        axes.text(place + 0.46, 0.73, name, ha="center", va="center", fontsize=10, weight="bold")
        axes.text(place + 0.46, 0.34, what, ha="center", va="center", fontsize=8)
        if place:
            axes.annotate("", (place + 0.03, 0.5), (place - 0.11, 0.5), arrowprops={"arrowstyle": "->", "color": INK})
    axes.set_xlim(0, len(stages))
    axes.set_ylim(0, 1)
    axes.axis("off")
    return svg(figure)


def _ellipse(axes: Axes, center: tuple[float, float], cylinder: CylinderVOI) -> None:
    long_mm, short_mm = cylinder.semi_axes_mm
    axes.add_patch(Ellipse(center, 2 * long_mm, 2 * short_mm, color=VOI, alpha=0.55, lw=0))


def _outline(axes: Axes, section: NDArray[np.bool_], below: bool = False) -> None:
    """Draw a section filled, and dashed where the VOI must stay inside: rows are the second axis shown.

    ``below``: the last row is at 0, and the others below it.
    """
    across, along = (np.arange(n) - (n - 1) / 2 for n in section.shape[::-1])
    if below:
        along = np.arange(len(along)) - len(along) + 1.0
    grid = (across * SPACING_MM, along * SPACING_MM)
    axes.contourf(*grid, section.astype(float), levels=[0.5, 1.5], colors=[BONE])
    axes.contour(*grid, section.astype(float), levels=[0.5], colors=[INK], linewidths=1)
    depth_mm = distance_transform_edt(np.pad(section, 1))[1:-1, 1:-1] * SPACING_MM
    axes.contour(*grid, depth_mm, levels=[CORTEX_MARGIN_MM], colors=[INK], linewidths=0.8, linestyles="dashed")


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], words: str, shift: tuple[float, float]
) -> None:
    axes.annotate("", end, start, arrowprops=_ARROW)
    x, y = (float(np.mean(pair)) + by for pair, by in zip(zip(start, end, strict=True), shift, strict=True))
    axes.text(x, y, words, ha="center", va="center", fontsize=9)


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG, the same each time."""
    written = io.BytesIO()
    with rc_context({"svg.hashsalt": "ldct-bmd", "svg.fonttype": "path"}):
        figure.savefig(written, format="svg", bbox_inches="tight", metadata={"Date": None})
    return written.getvalue()
