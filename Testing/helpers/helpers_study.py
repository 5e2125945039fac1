"""Studies as CSV files, for the tests of the validation's statistics."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

HEADER = ("patient", "level", "bmd_predicted", "bmd_reference")
LEVEL_OFFSET_MG_CM3 = {"T12": 5.0, "L1": 0.0, "L2": -4.0}


def write_csv(path: Path, rows: Iterable[Sequence[object]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by(rows: Iterable[dict[str, str]], *columns: str) -> dict[object, dict[str, str]]:
    """The rows by one column, or by several as a tuple."""
    return {row[columns[0]] if len(columns) == 1 else tuple(row[c] for c in columns): row for row in rows}


def cohort(patients: int, seed: int, bias: float = 3.0, sd: float = 6.0) -> list[tuple[str, str, str, str, str]]:
    """Patients with T12, L1 and L2, half of them women: a patient's levels share a part of its error."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(patients):
        bmd, shared = rng.normal(112.0, 33.0), rng.normal(0.0, sd / np.sqrt(2))
        for level, offset in LEVEL_OFFSET_MG_CM3.items():
            reference = bmd + offset + rng.normal(0.0, 5.0)
            predicted = reference + bias + shared + rng.normal(0.0, sd / np.sqrt(2))
            rows.append((f"P{number:04d}", level, f"{predicted:.3f}", f"{reference:.3f}", "FM"[number % 2]))
    return rows
