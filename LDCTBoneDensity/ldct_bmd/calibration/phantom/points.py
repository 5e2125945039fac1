"""Points in the rods that a user set, where the search fails."""

import csv
from pathlib import Path

import numpy as np

from ...ground.errors import UsageError
from ...ground.files import open_text
from ...scan import Geometry
from .description import PhantomDescription

COLUMNS = ("rod", "x", "y", "z")
_PART_OF_LENGTH = 0.6


def read_points(path: Path) -> dict[str, list[tuple[float, float, float]]]:
    """Read points from a CSV file with the columns rod, x, y, z (LPS, mm); UsageError if it is none."""
    points: dict[str, list[tuple[float, float, float]]] = {}
    try:
        with open_text(Path(path)) as file:
            reader = csv.DictReader(file, strict=True, skipinitialspace=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise UsageError("points.columns", columns=COLUMNS)
            for row in reader:
                try:
                    point = (float(row["x"]), float(row["y"]), float(row["z"]))
                except (TypeError, ValueError):
                    raise UsageError("points.no_numbers", row=reader.line_num) from None
                points.setdefault(row["rod"].strip(), []).append(point)
    except OSError as error:
        raise UsageError("points.not_read", reason=error.strerror) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError("points.not_csv", reason=str(error)) from error
    return points


def straight_points(phantom: PhantomDescription, geometry: Geometry) -> dict[str, list[tuple[float, float, float]]]:
    """Return two points for each rod (LPS, mm), as if the phantom lay straight in the middle of the scan.

    They are where a user starts to set points, and are in no rod but by luck.
    """
    last = np.array(geometry.size) - 1.0
    x, y, z = geometry.to_lps_mm(last / 2).tolist()
    x -= float(np.mean([rod.x_mm for rod in phantom.rods]))
    y -= float(np.mean([rod.y_mm for rod in phantom.rods]))
    half = _PART_OF_LENGTH * min(phantom.rod_length_mm, float(last[2]) * geometry.spacing_mm[2]) / 2
    return {
        rod.name: [(x + rod.x_mm, y + rod.y_mm, z - half), (x + rod.x_mm, y + rod.y_mm, z + half)]
        for rod in phantom.rods
    }
