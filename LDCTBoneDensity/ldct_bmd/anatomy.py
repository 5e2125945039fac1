"""Vertebral levels: their order, codes and colours.

Levels are plain strings ("T12"). Label values are VerSe's, codes are SNOMED CT's, as in pydicom's ``codes.SCT``.
"""

import re

# Top to bottom. T13 and L6 are for a reader with transitional anatomy; the automatic labelling never gives them.
LEVELS: tuple[str, ...] = (
    "C7",
    *(f"T{i}" for i in range(1, 14)),
    *(f"L{i}" for i in range(1, 7)),
)
TARGET_LEVELS: tuple[str, ...] = ("T12", "L1", "L2")  # Pan et al. 2020
ASSESSED_LEVELS: tuple[str, ...] = ("L1", "L2")  # ISCD 2007: L1-L2 is what QCT reports

VERSE_VALUE: dict[str, int] = {
    "C7": 7,
    **{f"T{i}": 7 + i for i in range(1, 13)},
    **{f"L{i}": 19 + i for i in range(1, 7)},
    "T13": 28,
}
LEVEL_OF_VERSE_VALUE: dict[int, str] = {value: level for level, value in VERSE_VALUE.items()}

# (code, meaning); None where SNOMED CT has no code for the level.
SNOMED_CODE: dict[str, str | None] = {
    "C7": "87391001",
    "T1": "64864005",
    "T2": "53733008",
    "T3": "1626008",
    "T4": "73071006",
    "T5": "56401006",
    "T6": "45296009",
    "T7": "62487009",
    "T8": "11068009",
    "T9": "82687006",
    "T10": "7610001",
    "T11": "12989004",
    "T12": "23215003",
    "T13": None,
    "L1": "66794005",
    "L2": "14293000",
    "L3": "36470004",
    "L4": "11994002",
    "L5": "49668003",
    "L6": None,
}

COLOR_RGB: dict[str, tuple[int, int, int]] = {
    "C7": (241, 214, 145),
    "T1": (0, 2, 145),
    "T2": (141, 186, 216),
    "T3": (30, 128, 188),
    "T4": (73, 228, 202),
    "T5": (8, 82, 73),
    "T6": (88, 119, 255),
    "T7": (109, 0, 145),
    "T8": (164, 216, 199),
    "T9": (96, 188, 62),
    "T10": (26, 97, 228),
    "T11": (16, 164, 144),
    "T12": (166, 89, 255),
    "T13": (222, 60, 60),
    "L1": (255, 255, 1),
    "L2": (255, 144, 32),
    "L3": (157, 126, 0),
    "L4": (255, 255, 128),
    "L5": (117, 78, 55),
    "L6": (230, 100, 180),
}


def order(level: str) -> int:
    """Return the position of ``level`` in the column, counted from the top; ValueError if it is none."""
    return LEVELS.index(level)


def region(level: str) -> int:
    """Return the class of the segmentation network: 1 for T1-T6, 2 for T7-T12 (and T13), 3 for lumbar, 0 for C7."""
    if level.startswith("L"):
        return 3
    if level.startswith("T"):
        return 1 if int(level[1:]) <= 6 else 2
    return 0


# "L1", "vertebrae_L1", "L1 vertebra", "Th12", "T 12 body"; not "L1-L2", "L5-S", "L1-2", nor "L10".
_NAME = re.compile(
    r"(?<![A-Za-z0-9])(C7|TH?\s?(?:1[0-3]|[1-9])|L\s?[1-6])(?![0-9])(?!\s?[-/]\s?(?:\d|S\d?\b))", re.IGNORECASE
)
# What is named after a vertebra and is none.
_OTHER = re.compile(r"\b(disc|disk|ivd|endplates?|ribs?|costa|nerve|root|cord|canal|facet|voi)\b", re.IGNORECASE)


def level_in_name(name: str) -> str | None:
    """Return the one level that the name of a segment holds, or None.

    >>> level_in_name("vertebrae_L1"), level_in_name("Th 12"), level_in_name("L1-L2 disc"), level_in_name("rib_T12")
    ('L1', 'T12', None, None)
    """
    if _OTHER.search(name.replace("_", " ")):
        return None
    found = {match.upper().replace(" ", "").replace("TH", "T") for match in _NAME.findall(name.replace("_", " "))}
    level = found.pop() if len(found) == 1 else None
    return level if level in LEVELS else None
