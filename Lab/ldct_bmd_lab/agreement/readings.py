"""Reading the paired measurements of a study from CSV; what is malformed is named by line, never dropped."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeAlias

from ldct_bmd.anatomy import LEVELS
from ldct_bmd.ground.errors import UsageError

MEAN_LEVEL = "L1-L2"
REQUIRED = ("patient", "level", "bmd_predicted", "bmd_reference")
OPTIONAL = ("sex", "age", "scanner", "kvp", "repeat", "simulated", "names_certain")
MISSING = frozenset({"", "na", "nan", "n/a"})
SEXES = {"f": "F", "female": "F", "woman": "F", "women": "F", "w": "F", "m": "M", "male": "M", "man": "M", "men": "M"}
TRUTHS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
UNKNOWN_SEX = frozenset({"o", "other", "u", "unknown"})
MOST_LISTED = 20
# Far outside what trabecular bone has (fatty marrow lies a little below 0): such a number is in another unit.
PLAUSIBLE_MG_CM3 = (-150.0, 800.0)
# No study has half of its BMD so near 0 in mg/cm3; in g/cm3 each has.
MOST_MEDIAN_OF_GRAMS, FEWEST_OF_UNIT = 5.0, 3
OLDEST_YEARS = 125.0

# What was said first of a patient, or of a scan of a patient, and in which line: by column and whose it is.
_Told: TypeAlias = dict[tuple[str, str | tuple[str, str]], tuple[str | float | bool, int]]


@dataclass(frozen=True)
class Reading:
    """One patient's BMD at one level, predicted and by the reference, in mg/cm3; None where it is missing.

    Attributes:
        line: of the file, the header being 1.
        sex: "F", "M" or None.
        repeat: which of the patient's scans this is; "" where the study has one a patient.
        simulated: whether the scan was simulated.
        names_certain: whether the software was sure of the vertebrae's names.
    """

    line: int
    patient: str
    level: str
    predicted: float | None
    reference: float | None
    sex: str | None = None
    age_years: float | None = None
    scanner: str | None = None
    kvp: float | None = None
    repeat: str = ""
    simulated: bool = False
    names_certain: bool | None = None


def read_readings(path: Path) -> tuple[Reading, ...]:
    """Return the rows of a CSV file in their order.

    Raises:
        UsageError: the file can't be read, lacks a column, or has malformed rows; these are named by line.
    """
    rows = _rows(path)
    readings: list[Reading] = []
    wrong: list[tuple[int, str]] = []
    first: dict[tuple[str, str, str], int] = {}
    told: _Told = {}
    for line, row in rows:
        if isinstance(row, str):
            wrong.append((line, row))
            continue
        try:
            reading = _reading(line, row)
            key = (reading.patient, reading.level, reading.repeat)
            if key in first:
                raise ValueError(f"the same patient, level and repeat as line {first[key]}")
            first[key] = line
            _check_repeat(reading, told)
            _check_alike(reading, told)
        except ValueError as error:
            wrong.append((line, str(error)))
        else:
            readings.append(reading)
    if wrong:
        raise UsageError.of_text(_malformed(path, wrong))
    if not readings:
        raise UsageError.of_text(f"{path.name} has a header and no rows: give one row a patient and level.")
    _check_unit(path, "bmd_predicted", [r.predicted for r in readings if r.predicted is not None])
    _check_unit(path, "bmd_reference", [r.reference for r in readings if r.reference is not None])
    return tuple(readings)


def unused_columns(path: Path) -> tuple[str, ...]:
    """Return the columns of a CSV file that :func:`read_readings` took, and made no use of."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = [name.strip() for name in next(csv.reader(file), [])]
    return tuple(name for name in header if name and name.lower() not in (*REQUIRED, *OPTIONAL))


def _rows(path: Path) -> list[tuple[int, Mapping[str, str] | str]]:
    """Return (line, row by column, or what is wrong with it)."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError.of_text(f"Can't read {path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        if path.read_bytes()[:2] == b"PK":
            raise UsageError.of_text(f"{path.name} is a workbook: save its sheet as CSV UTF-8.") from error
        raise UsageError.of_text(f"{path.name} is not UTF-8 text: save it as CSV UTF-8.") from error
    if "\0" in text:
        raise UsageError.of_text(f"{path.name} is no text file: save the table as CSV UTF-8.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1  # where a row begins: one with an open quote goes on to the end of the file
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(path, header)
        out: list[tuple[int, Mapping[str, str] | str]] = []
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                stripped = [cell.strip() for cell in cells]
                if len(cells) != len(header):
                    out.append((line, f"{len(cells)} cells under {len(header)} column names"))
                else:
                    out.append((line, dict(zip(header, stripped, strict=True))))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError.of_text(f"{path.name}, line {line}: not CSV ({error}).") from error
    return out


def _check_header(path: Path, header: list[str]) -> None:
    lacking = [name for name in REQUIRED if name not in header]
    if lacking and len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        raise UsageError.of_text(
            f"{path.name}: its cells are not separated by commas; save it with commas and decimal points."
        )
    if len(lacking) == len(REQUIRED):
        raise UsageError.of_text(
            f"{path.name} names no column in its first line that is needed: {', '.join(REQUIRED)}."
        )
    if lacking:
        raise UsageError.of_text(f"{path.name} lacks the column {', '.join(lacking)}; it needs {', '.join(REQUIRED)}.")
    twice = sorted({name for name in (*REQUIRED, *OPTIONAL) if header.count(name) > 1})
    if twice:
        raise UsageError.of_text(f"{path.name} has the column {', '.join(twice)} twice: leave one.")


def _check_unit(path: Path, column: str, values: list[float]) -> None:
    if len(values) >= FEWEST_OF_UNIT and 0.0 < (middle := median(values)) < MOST_MEDIAN_OF_GRAMS:
        raise UsageError.of_text(
            f"{path.name}: the median of {column} is {middle:.3g}, which looks like g/cm3: give it in mg/cm3, "
            "1000 times as much."
        )


def _reading(line: int, row: Mapping[str, str]) -> Reading:
    patient, level = row["patient"], row["level"].upper().replace(" ", "").replace("–", "-")
    if not patient:
        raise ValueError("no patient")
    if level not in LEVELS and level != MEAN_LEVEL:
        raise ValueError(f"level {row['level']!r} is neither a vertebra, as in L1, nor {MEAN_LEVEL}")
    low, high = PLAUSIBLE_MG_CM3
    return Reading(
        line=line,
        patient=patient,
        level=level,
        predicted=_number(row, "bmd_predicted", low, high),
        reference=_number(row, "bmd_reference", low, high),
        sex=_sex(row.get("sex", "")),
        age_years=_number(row, "age", 0.0, OLDEST_YEARS),
        scanner=_text(row, "scanner") or None,
        kvp=_number(row, "kvp", 1.0, 300.0),
        repeat=_text(row, "repeat"),
        simulated=_truth(row, "simulated") or False,
        names_certain=_truth(row, "names_certain"),
    )


def _check_repeat(reading: Reading, told: _Told) -> None:
    """Which scan is the first can't be told where one is numbered and another isn't."""
    earlier, line = told.setdefault(("repeat", reading.patient), (bool(reading.repeat), reading.line))
    if earlier and not reading.repeat:
        raise ValueError(f"no repeat, but line {line} of the same patient has one")
    if reading.repeat and not earlier:
        raise ValueError(f"repeat {reading.repeat}, but line {line} of the same patient has none")


def _check_alike(reading: Reading, told: _Told) -> None:
    """A patient has one sex; a scan has one age, scanner and kVp."""
    scan = (reading.patient, reading.repeat)
    for name, value, whose, key in (
        ("sex", reading.sex, "patient", reading.patient),
        ("age", reading.age_years, "scan", scan),
        ("scanner", reading.scanner, "scan", scan),
        ("kvp", reading.kvp, "scan", scan),
    ):
        if value is not None:
            earlier, line = told.setdefault((name, key), (value, reading.line))
            if earlier != value:
                now, before = (f"{v:g}" if isinstance(v, float) else v for v in (value, earlier))
                raise ValueError(f"{name} {now}, but {before} in line {line} of the same {whose}")


def _text(row: Mapping[str, str], name: str) -> str:
    text = row.get(name, "")
    return "" if text.lower() in MISSING else text


def _number(row: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    text = row.get(name, "")
    if text.lower() in MISSING:
        return None
    try:
        if "_" in text:  # Python's own grouping of digits
            raise ValueError
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} {text!r} is not a number") from None
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} {text} is not between {low:g} and {high:g}")
    return value


def _truth(row: Mapping[str, str], name: str) -> bool | None:
    text = row.get(name, "")
    if text.lower() in MISSING:
        return None
    if text.lower() not in TRUTHS:
        raise ValueError(f"{name} {text!r} is neither yes nor no")
    return TRUTHS[text.lower()]


def _sex(text: str) -> str | None:
    word = text.lower()
    if word in MISSING or word in UNKNOWN_SEX:
        return None
    if word not in SEXES:
        raise ValueError(f"sex {text!r} is none of F, M, O or empty")
    return SEXES[word]


def _malformed(path: Path, wrong: list[tuple[int, str]]) -> str:
    listed = "; ".join(f"line {line}: {what}" for line, what in sorted(wrong)[:MOST_LISTED])
    more = f"; and {len(wrong) - MOST_LISTED} more" if len(wrong) > MOST_LISTED else ""
    rows = "1 malformed row" if len(wrong) == 1 else f"{len(wrong)} malformed rows"
    return f"{path.name} has {rows}, nothing was computed: {listed}{more}."
