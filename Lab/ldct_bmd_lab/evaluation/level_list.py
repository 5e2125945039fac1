"""Tables about the levels of a scan: a line a level, read from beside the scan."""

import csv
import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from ldct_bmd.anatomy import LEVELS, order
from ldct_bmd.ground.errors import UsageError

LEVELS_FILE, BODIES_FILE = "levels_z.csv", "bodies.nii.gz"


def read_levels(path: Path) -> dict[str, float]:
    """Return z in LPS mm of the middle of each listed body, from the top; none where there is no such file.

    UsageError says what is wrong with the list.

    Args:
        path: a CSV with the columns level and z_mm.
    """
    levels: dict[str, float] = {}
    for line, row in rows(path, ("level", "z_mm")):
        level = level_of(path, line, row)
        if level in levels:
            raise UsageError.of_text(f"{_where(path)} lists {level} twice: leave one of the two lines out.")
        levels[level] = number(path, line, row["z_mm"])
    for upper, lower in pairwise(sorted(levels, key=order)):
        if levels[upper] <= levels[lower]:
            raise UsageError.of_text(f"{_where(path)} sets {upper} no higher than {lower}: z rises towards the head.")
    return {level: levels[level] for level in sorted(levels, key=order)}


def rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield number and cells of each line of a table, if it is there."""
    if not path.is_file():
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError.of_text(f"The table {_where(path)} can't be read: give a CSV in UTF-8.") from error
    if missing:
        raise UsageError.of_text(f"The table {_where(path)} lacks the column {missing[0]}.")
    for line, row in enumerate(lines, start=2):
        if any(row[name] is None for name in needed):
            raise UsageError.of_text(f"Line {line} of {_where(path)} is too short.")
        yield line, row


def level_of(path: Path, line: int, row: Mapping[str, str]) -> str:
    """Return the level of a line; UsageError if it is none."""
    level = row["level"].strip()
    if level not in LEVELS:
        raise UsageError.of_text(
            f"Line {line} of {_where(path)} names {level!r}, which is not a level: write T12, L1, ..."
        )
    return level


def number(path: Path, line: int, text: str) -> float:
    """Return the number of mm in a cell; UsageError if it is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError.of_text(f"Line {line} of {_where(path)} holds {text!r}, where a number of mm belongs.")
    return value


def _where(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
