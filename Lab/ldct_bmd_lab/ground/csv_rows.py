"""Results as the rows of a CSV file."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ldct_bmd.reporting.tables import harmless

DIGITS = 10  # significant ones: more than any measurement has


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], header: Sequence[str] = ()) -> None:
    """Write ``rows``, all with the columns of the first, or without any ``header`` alone; None is an empty cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else list(header), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    return harmless(value)
