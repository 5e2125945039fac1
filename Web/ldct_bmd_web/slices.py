"""One slice of the scan as the page draws it: the picture, the bodies' outlines, and the VOIs with their handles.

Lengths are millimetres along the axes of the grid that the views lie on; on the screen x runs to the right and y down,
as in SVG: the patient's right is on the left of axial and coronal slices, the front on the left of sagittal ones.
"""

import base64
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ldct_bmd.anatomy import COLOR_RGB
from ldct_bmd.reading.outlines import plane_axes, voi_outline
from ldct_bmd.reading.values import level_word
from ldct_bmd.reporting.reformat import grid_mm
from ldct_bmd.scan import CTScan, Geometry
from ldct_bmd.voi import CylinderVOI

from .case import Case
from .planes import hu_in, outlines_in

ACROSS = {"axial": 2, "sagittal": 0, "coronal": 1}
# Width and level in HU. Bone as radiologists set it; trabecular as in the report's pictures; soft tissue.
WINDOWS_HU = {"bone": (1800.0, 400.0), "trabecular": (750.0, 175.0), "soft": (400.0, 40.0)}
_SIZES = ("long", "short", "height")
_LEAST_MM, _MOST_MM = 1.0, 60.0  # of a VOI's semi-axes and height: what a handle may make of it
_IN_PLANE = 0.7  # of an axis's length: a handle is drawn where its axis lies nearly in the slice
_NO_NAME_RGB = (128, 128, 128)


@dataclass(frozen=True)
class Drag:
    """What a reader's hand does to a VOI in a view: moves it along the screen's axes, or gives it sizes."""

    view: str
    right_mm: float = 0.0
    down_mm: float = 0.0
    sizes_mm: tuple[tuple[str, float], ...] = ()


def dragged(voi: CylinderVOI, drag: Drag, grid: Geometry) -> CylinderVOI:
    """Return ``voi`` as ``drag`` leaves it in views that lie on ``grid``."""
    first, second = plane_axes(ACROSS[drag.view])
    direction = np.asarray(grid.direction)
    moved = drag.right_mm * direction[:, first] + _down(drag.view) * drag.down_mm * direction[:, second]
    x, y, z = (np.asarray(voi.center_lps_mm) + moved).tolist()
    old = dict(zip(_SIZES, (*voi.semi_axes_mm, voi.height_mm), strict=True))
    new = old | {name: min(max(size, _LEAST_MM), _MOST_MM) for name, size in drag.sizes_mm if name in old}
    return replace(voi, center_lps_mm=(x, y, z), semi_axes_mm=(new["long"], new["short"]), height_mm=new["height"])


def slice_shown(case: Case, grid: Geometry, view: str, index: int, window: str) -> dict[str, Any]:
    """Return the slice ``index`` of a view that lies on ``grid``, its numbers in mm."""
    across = ACROSS[view]
    index = min(max(index, 0), grid.size[across] - 1)
    first, second = plane_axes(across)
    width, height = (grid.size[axis] * grid.spacing_mm[axis] for axis in (first, second))
    half_x, half_y = grid.spacing_mm[first] / 2, grid.spacing_mm[second] / 2
    top = -half_y if _down(view) > 0 else half_y - height
    image = base64.b64encode(picture(case.scan, grid, view, index, window)).decode("ascii")
    return {
        "index": index,
        "image": "data:image/png;base64," + image,
        "box": [-half_x, top, width, height],
        "bodies": _bodies(case, grid, view, index),
        "vois": vois_shown(case, grid, view, index),
    }


def picture(scan: CTScan, grid: Geometry, view: str, index: int, window: str) -> bytes:
    """Return the slice as a PNG, whose rows run down the screen."""
    plane = hu_in(scan, grid, ACROSS[view], index)
    width, level = WINDOWS_HU[window]
    grey = np.clip((plane.astype(np.float32) - (level - width / 2)) * (255 / width), 0, 255).astype(np.uint8)
    if _down(view) < 0:
        grey = grey[::-1]
    held = BytesIO()
    Image.fromarray(np.ascontiguousarray(grey)).save(held, "PNG", compress_level=1)
    return held.getvalue()


def vois_shown(
    case: Case, grid: Geometry, view: str, index: int, other: tuple[str, CylinderVOI] | None = None
) -> list[dict[str, Any]]:
    """Return the VOIs that a slice cuts; ``other`` is shown in the place of its level's own."""
    across = ACROSS[view]
    at_mm = index * grid.spacing_mm[across]
    found = []
    for measurement in case.examination.measurements:
        level = measurement.level
        voi = other[1] if other is not None and other[0] == level else measurement.voi
        outline = voi_outline(voi, grid, across, at_mm)
        if len(outline):
            found.append(
                {
                    "level": level,
                    "color": color(level),
                    "excluded": measurement.excluded is not None,
                    "path": _path([outline], view),
                    "center": _on_screen(grid_mm(np.asarray(voi.center_lps_mm), grid)[_plane(view)], view),
                    "handles": _handles(voi, grid, view),
                }
            )
    return found


def middles(case: Case, grid: Geometry) -> list[dict[str, Any]]:
    """Return where each vertebra is, by the index of its slice in each view, and where its name stands."""
    examination = case.examination
    unnamed = [(one.key, one.vertebra) for one in examination.unnamed]
    shown = []
    for level, vertebra in [*((v.level, v) for v in examination.vertebrae), *unnamed]:
        measurement = examination.measurement(level)
        center = vertebra.centroid_lps_mm if measurement is None else measurement.voi.center_lps_mm
        at = grid_mm(np.asarray(center), grid)
        body = grid_mm(np.asarray(vertebra.centroid_lps_mm), grid)
        shown.append(
            {
                "level": level,
                "name": level_word(examination, level) if (level, vertebra) not in unnamed else "?",
                "color": color(level),
                "index": {view: _index(at, across, grid) for view, across in ACROSS.items()},
                "at": {view: _on_screen(at[_plane(view)], view) for view in ACROSS},
                "body": {view: _on_screen(body[_plane(view)], view) for view in ACROSS},
            }
        )
    return shown


def aorta(case: Case, grid: Geometry) -> list[dict[str, list[float]]]:
    """Return where the aorta was measured, in each view, if contrast agent is named or seen."""
    places = [grid_mm(np.asarray(disc.center_lps_mm), grid) for disc in case.examination.aorta]
    return [{view: _on_screen(at[_plane(view)], view) for view in ACROSS} for at in places]


def views(grid: Geometry) -> dict[str, Any]:
    """Return how many slices each view has, and how far apart they are."""
    return {view: {"count": grid.size[across], "step_mm": grid.spacing_mm[across]} for view, across in ACROSS.items()}


def color(level: str) -> str:
    """Return the colour of a level, as CSS has it."""
    red, green, blue = COLOR_RGB.get(level, _NO_NAME_RGB)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _bodies(case: Case, grid: Geometry, view: str, index: int) -> list[dict[str, Any]]:
    shown = []
    for level, body in case.review.state.bodies.items():
        lines = outlines_in(body, case.scan.geometry, grid, ACROSS[view], index)
        if lines:
            shown.append({"level": level, "color": color(level), "path": _path(lines, view)})
    return shown


def _handles(voi: CylinderVOI, grid: Geometry, view: str) -> list[dict[str, Any]]:
    axes = np.asarray(voi.axes_lps) @ np.asarray(grid.direction)
    halves = (*voi.semi_axes_mm, voi.height_mm / 2)
    handles = []
    for name, half, axis in zip(_SIZES, halves, axes, strict=True):
        along = axis[_plane(view)] * (1.0, _down(view))
        if np.hypot(*along) > _IN_PLANE:
            handles.append({"size": name, "half": half, "along": along.tolist()})
    return handles


def _plane(view: str) -> list[int]:
    return list(plane_axes(ACROSS[view]))


def _index(at_mm: NDArray[np.float64], across: int, grid: Geometry) -> int:
    return int(np.clip(np.rint(at_mm[across] / grid.spacing_mm[across]), 0, grid.size[across] - 1))


def _down(view: str) -> float:
    """Return the sign of the second axis on the screen: z rises to the head, which is up."""
    return 1.0 if view == "axial" else -1.0


def _on_screen(points_mm: NDArray[np.float64], view: str) -> list[float]:
    return np.round(points_mm * (1.0, _down(view)), 3).tolist()


def _path(lines: list[NDArray[np.float64]], view: str) -> str:
    parts = ("M" + "L".join(f"{x:.2f},{_down(view) * y:.2f}" for x, y in line) + "Z" for line in lines)
    return "".join(parts)
