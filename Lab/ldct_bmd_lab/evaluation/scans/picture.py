"""The picture of a scan: a sagittal cut through the bodies, what was found and what is known."""

import base64
import io
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ldct_bmd.labeling import VertebralColumn
from ldct_bmd.reporting.drawing import draw_letters, draw_pill, draw_section
from ldct_bmd.reporting.reformat import grid_mm, sagittal
from ldct_bmd.scan import CTScan

from .names import certainty

BACKGROUND, KNOWN = "#14171c", "#ffffff"
HEIGHT_IN, WIDEST_IN, MARGIN_IN, DPI = 6.2, 5.0, 0.25, 100
QUALITY = 85  # of the JPEG
PILL_MARGIN_MM = 5.0


def draw_scan(
    scan: CTScan, column: VertebralColumn, known_z_mm: Mapping[str, float], reference: NDArray[np.uint8] | None
) -> str:
    """Return a JPEG in base64: found bodies in colour with their names, known levels and reference outlines in white.

    Args:
        known_z_mm: z (LPS) of known levels, named at the left edge.
        reference: (z, y, x) reference bodies, VerSe values.
    """
    section = sagittal(scan, column)
    left, right, bottom, top = section.extent_mm
    mm_per_in = max((top - bottom) / (HEIGHT_IN - 2 * MARGIN_IN), (right - left) / WIDEST_IN)
    width_in = (right - left) / mm_per_in + 2 * MARGIN_IN
    figure = Figure(figsize=(width_in, HEIGHT_IN), facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    across, up = MARGIN_IN / width_in, MARGIN_IN / HEIGHT_IN
    axes = figure.add_axes((across, up, 1 - 2 * across, 1 - 2 * up), facecolor=BACKGROUND)
    draw_section(axes, section, fill=0.15)
    if reference is not None and min(section.labels.shape) > 1:
        true = sagittal(scan, replace(column, bodies=reference)).labels
        for value in (int(one) for one in np.unique(true) if one):
            inside = (true == value).astype(np.float32)
            axes.contour(inside, [0.5], colors=[KNOWN], linewidths=0.7, origin="lower", extent=section.extent_mm)
    centres_mm = grid_mm(np.array([v.centroid_lps_mm for v in column.vertebrae]), scan.geometry)
    for vertebra, centre in zip(column.vertebrae, centres_mm, strict=True):
        said = certainty(column, vertebra)
        name = f"{vertebra.level}{'' if said.certain else '?'} {said.probability:.2f}"
        height = float(np.clip(centre[2], bottom + PILL_MARGIN_MM, top - PILL_MARGIN_MM))
        draw_pill(axes, right - 0.02 * (right - left), height, name, vertebra.level, "right", fontsize=7.5)
    middle = np.asarray(column.vertebrae[0].centroid_lps_mm)
    for level, z in known_z_mm.items():
        height = float(grid_mm(np.array([middle[0], middle[1], z]), scan.geometry)[2])
        if bottom <= height <= top:
            axes.plot((left, left + 0.06 * (right - left)), (height, height), color=KNOWN, linewidth=1.0)
            axes.text(left + 0.07 * (right - left), height, level, color=KNOWN, fontsize=7.5, va="center")
    draw_letters(axes, "A", "P")
    stream = io.BytesIO()
    figure.savefig(stream, format="jpeg", dpi=DPI, facecolor=BACKGROUND, pil_kwargs={"quality": QUALITY})
    return base64.b64encode(stream.getvalue()).decode("ascii")
