"""Virtual patients on virtual scanners: what each voltage makes of the same bone, and a site's phantom there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .beam import Scanner, Setting
from .projection import line_integrals, scanned_hu
from .torso import RODS_MG_CM3, TrunkSlice, phantom, trunk, voi_points

# Every voltage of body CT, and those of tin.
SETTINGS = (
    *(Setting(kvp) for kvp in (80, 90, 100, 110, 120, 130, 140)),
    *(Setting(kvp, tin=True) for kvp in (100, 110, 120, 130, 140, 150)),
)


@dataclass(frozen=True)
class Subject:
    """One patient on one scanner."""

    body: TrunkSlice
    scanner: Scanner


@dataclass(frozen=True)
class Scanned:
    """What each setting shows of the subjects.

    Attributes:
        hu: of the trabecular bone, (subjects, settings).
        phantom_slope: of a K2HPO4 phantom on the same scanner, mg/cm3 per HU, (subjects, settings).
        phantom_intercept_mg_cm3: the same.
    """

    settings: tuple[Setting, ...]
    hu: NDArray[np.float64]
    phantom_slope: NDArray[np.float64]
    phantom_intercept_mg_cm3: NDArray[np.float64]


def draw_subject(seed: int, number: int) -> Subject:
    """Return subject ``number`` of a seed, whoever else is drawn.

    Assumed, for want of one published distribution: bone tissue takes 2 to 25 % of the trabecular bone and half of the
    marrow is fat, more in less bone; trunks are of the simulation's builds. Scanners have 5 to 14 mm of aluminium or
    its like in the beam, and tin of 0.4 to 0.7 mm.
    """
    rng = np.random.default_rng([seed, number, 2])
    bone = float(np.clip(rng.normal(0.095, 0.035), 0.02, 0.25))
    body = TrunkSlice(
        bone=bone,
        marrow_fat=float(np.clip(rng.normal(0.5 - 1.0 * (bone - 0.095), 0.12), 0.1, 0.9)),
        size_scale=float(np.clip(rng.normal(1.0, 0.07), 0.82, 1.2)),
        fat_mm=float(rng.uniform(6.0, 35.0)),
        inner_fat=float(rng.uniform(0.1, 0.6)),
        cortex_mm=float(rng.uniform(0.45, 1.0)),
    )
    scanner = Scanner(
        aluminium_mm=float(rng.uniform(5.0, 14.0)),
        bow_tie_mm=float(rng.uniform(5.0, 30.0)),
        scintillator_mm=float(rng.uniform(1.0, 2.0)),
        tin_mm=float(rng.choice([0.4, 0.5, 0.6, 0.7])),
    )
    return Subject(body, scanner)


def scan_all(subjects: Sequence[Subject], settings: Sequence[Setting] = SETTINGS) -> Scanned:
    """Return what each setting shows of each subject, without noise."""
    points = voi_points()
    hu, slopes, intercepts = (np.empty((len(subjects), len(settings))) for _ in range(3))
    for n, subject in enumerate(subjects):
        body = line_integrals(trunk(subject.body))
        hu[n] = scanned_hu(body, settings, subject.scanner, points).mean(axis=1)
        slopes[n], intercepts[n] = phantom_line(settings, subject.scanner)
    return Scanned(tuple(settings), hu, slopes, intercepts)


def phantom_line(settings: Sequence[Setting], scanner: Scanner) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return slope, mg/cm3 per HU, and intercept of a K2HPO4 phantom at each setting."""
    integrals, points = _rods()
    every, ends = np.concatenate(points), np.cumsum([len(one) for one in points])[:-1]
    of_each = np.split(scanned_hu(integrals, settings, scanner, every), ends, axis=1)
    per_mg, offset = np.polyfit(RODS_MG_CM3, np.stack([part.mean(axis=1) for part in of_each]), 1)
    return 1.0 / per_mg, -offset / per_mg


@cache
def _rods() -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    rods, points = phantom("K2HPO4")
    return line_integrals(rods), points
