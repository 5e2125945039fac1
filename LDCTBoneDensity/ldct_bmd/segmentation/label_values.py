"""Whose label values a label map has: which value is which level."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..anatomy import LEVEL_OF_VERSE_VALUE, LEVELS, level_in_name, order
from ..ground.errors import UsageError
from ..ground.plain import read_json
from ..words import Phrase

Values = Literal["verse", "totalsegmentator"]  # those that the lab trains and evaluates on too
AnyValues = Literal["verse", "totalsegmentator", "spineps", "cads", "cads-552", "totalspineseg", "list"]
Parts = Literal["body", "whole"]  # of the vertebra
LIST = "list"

# Cervical vertebrae are background, as for the network.
MEASURED_LEVELS = tuple(level for level in LEVELS if level != "C7")
_VERSE = {value: level for value, level in LEVEL_OF_VERSE_VALUE.items() if level in MEASURED_LEVELS}
LEVEL_OF_VALUE: dict[str, dict[int, str]] = {
    "verse": _VERSE,
    # TotalSegmentator 2, task "total": 26 S1, 27 L5 up to 31 L1, 32 T12 up to 43 T1, 44 C7.
    "totalsegmentator": {
        **{32 - i: f"L{i}" for i in range(1, 6)},
        **{44 - i: f"T{i}" for i in range(1, 13)},
    },
    # SPINEPS with its labeling model VERIDAH (README, "Labels"): VerSe's, T13 is 28, L6 25; 100 + X is the disc below,
    # 200 + X its endplate.
    "spineps": _VERSE,
    # CADS (cads/dataset_utils/bodyparts_labelmaps.py): all structures in one map, and task 552 alone.
    "cads": {**{23 - i: f"L{i}" for i in range(1, 6)}, **{35 - i: f"T{i}" for i in range(1, 13)}},
    "cads-552": {**{6 - i: f"L{i}" for i in range(1, 6)}, **{18 - i: f"T{i}" for i in range(1, 13)}},
    # TotalSpineSeg (resources/labels_maps/tss_map.json): 21 T1 to 32 T12, 41 L1 to 46 L6; discs from 63 on.
    "totalspineseg": {**{20 + i: f"T{i}" for i in range(1, 13)}, **{40 + i: f"L{i}" for i in range(1, 7)}},
}
NAME_OF_VALUES = {
    "verse": "VerSe",
    "totalsegmentator": "TotalSegmentator",
    "spineps": "SPINEPS",
    "cads": "CADS",
    "cads-552": "CADS 552",
    "totalspineseg": "TotalSpineSeg",
    LIST: "listed",
}
KNOWN_VALUES = tuple(LEVEL_OF_VALUE)
_LARGEST = 65_535


@dataclass(frozen=True)
class ListedLevel:
    """One line of a list of label values."""

    value: int
    level: str


def read_list(path: Path) -> tuple[ListedLevel, ...]:
    """Read which value is which level: nnU-Net's dataset.json, or an own file of {"name": value} or {"value": "name"}.

    What names no vertebra (organs, discs, ribs) is left out. Top to bottom.

    Raises:
        UsageError: it can't be read, names no vertebra, or one twice, or one of several values.
    """
    read = read_json(path, Phrase("segmentation.the_list", {"file": str(path)}))
    labels = read.get("labels", read) if isinstance(read, dict) else None
    if not isinstance(labels, dict):
        raise UsageError("segmentation.no_list", file=path)
    found: dict[str, int] = {}
    for name, value in map(_named, labels.items()):
        level = level_in_name(name)
        if level not in MEASURED_LEVELS:
            continue
        if level in found:
            raise UsageError("segmentation.listed_twice", file=path, level=level)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LARGEST:
            raise UsageError("segmentation.listed_value", file=path, level=level)
        found[level] = value
    if not found:
        raise UsageError("segmentation.no_list", file=path)
    twice = [level for level, value in found.items() if list(found.values()).count(value) > 1]
    if twice:
        raise UsageError("segmentation.listed_value", file=path, level=twice[0])
    return tuple(ListedLevel(found[level], level) for level in sorted(found, key=order))


def levels_of(values: str, listed: tuple[ListedLevel, ...]) -> Mapping[int, str]:
    """Return the level of each value."""
    return {one.value: one.level for one in listed} if values == LIST else LEVEL_OF_VALUE[values]


def _named(item: tuple[str, Any]) -> tuple[str, Any]:
    """Return (name, value), whichever of the two is the key: nnU-Net 1 has {"1": "L1"}, nnU-Net 2 {"L1": 1}."""
    key, value = item
    if isinstance(value, str) and re.fullmatch(r"\d{1,5}", key):
        return value, int(key)
    if isinstance(value, str) and re.fullmatch(r"\d{1,5}", value):
        return key, int(value)
    return key, value
