"""The VOIs as Slicer ROI markups."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..anatomy import COLOR_RGB
from ..voi import CylinderVOI

# Slicer names its schema by this identifier, whatever the address it came from.
MARKUPS_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)


def voi_markups(vois: Mapping[str, CylinderVOI]) -> dict[str, Any]:
    """Return Slicer's markups document with one ROI per level: the box that the elliptic cylinder fills."""
    return {"@schema": MARKUPS_SCHEMA, "markups": [_roi(level, voi) for level, voi in vois.items()]}


def write_markups(vois: Mapping[str, CylinderVOI], path: Path) -> None:
    """Write the markups document as ``.mrk.json``."""
    path.write_text(json.dumps(voi_markups(vois), indent=1) + "\n", encoding="utf-8")


def _roi(level: str, voi: CylinderVOI) -> dict[str, Any]:
    long_mm, short_mm = voi.semi_axes_mm
    color = [round(value / 255, 4) for value in COLOR_RGB[level]]
    center = list(voi.center_lps_mm)
    # Slicer's columns are the box's axes; ours are rows.
    orientation = [axis[row] for row in range(3) for axis in voi.axes_lps]
    name = f"VOI {level}"
    return {
        "type": "ROI",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "name": name,
        "locked": False,
        "roiType": "Box",
        "center": center,
        "orientation": orientation,
        "size": [2 * long_mm, 2 * short_mm, voi.height_mm],
        "insideOut": False,
        "controlPoints": [{"id": "1", "label": name, "position": center}],
        "display": {"visibility": True, "color": color, "selectedColor": color, "opacity": 1.0},
    }
