"""Points in the rods that a user set, where the search fails."""

import csv
from pathlib import Path

from ...errors import UsageError

COLUMNS = ("rod", "x", "y", "z")


def read_points(path: Path) -> dict[str, list[tuple[float, float, float]]]:
    """Read points from a CSV file with the columns rod, x, y, z (LPS, mm); UsageError if it is none."""
    points: dict[str, list[tuple[float, float, float]]] = {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True, skipinitialspace=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise UsageError(f"The file of points must have the columns {', '.join(COLUMNS)} in its first line.")
            for row in reader:
                try:
                    point = (float(row["x"]), float(row["y"]), float(row["z"]))
                except (TypeError, ValueError):
                    raise UsageError(f"The file of points has no three numbers in row {reader.line_num}.") from None
                points.setdefault(row["rod"].strip(), []).append(point)
    except OSError as error:
        raise UsageError(f"The file of points can't be read ({error.strerror}); check its path.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The file of points is not a CSV file in UTF-8 ({error}).") from error
    return points
