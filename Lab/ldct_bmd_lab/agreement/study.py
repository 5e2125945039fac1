"""A whole validation study: everything that its tables, figures and page show."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ldct_bmd.anatomy import ASSESSED_LEVELS
from ldct_bmd.ground.progress import Progress, silent

from .agreement import Agreement, Pairs, agree
from .diagnosis import SEX_GROUPS, TARGETS, TOTAL, Categories, Diagnosis, compare_categories, diagnose
from .patients import (
    MissingValue,
    Patient,
    gather,
    level_order,
    mean_pairs,
    missing_values,
    pairs_by_level,
    pairs_of,
    pooled_levels,
)
from .precision import Precision, precision
from .readings import MEAN_LEVEL, Reading
from .subgroups import Subgroups, compare_subgroups

ALL = "all"
STAGE = "Statistics"


@dataclass(frozen=True)
class Study:
    """The results of a study.

    Attributes:
        pairs: complete pairs by level; at "L1-L2" every patient's mean of L1 and L2, given or not.
        means: the latter by group.
        agreement: one a level, and "all", pooled over the vertebrae.
        not_pooled: patients whose only pair is the mean of L1 and L2, where others have vertebrae: not in "all".
        diagnoses: by group and target. categories: by group.
        single: the categories of the patients with one of L1 and L2 only, counted apart.
        precision: one a level with repeated scans.
        unused_columns: those of the file that mean nothing here.
    """

    readings: tuple[Reading, ...]
    patients: tuple[Patient, ...]
    pairs: dict[str, Pairs]
    means: dict[str, Pairs]
    agreement: tuple[Agreement, ...]
    not_pooled: int
    diagnoses: tuple[Diagnosis, ...]
    categories: tuple[Categories, ...]
    single: Categories
    subgroups: tuple[Subgroups, ...]
    precision: tuple[Precision, ...]
    missing: tuple[MissingValue, ...]
    unused_columns: tuple[str, ...] = ()

    @property
    def mean_agreement(self) -> Agreement | None:
        """That of the mean of L1 and L2, which the diagnosis rests on; None where no row tells of it."""
        return next((row for row in self.agreement if row.level == MEAN_LEVEL), None)

    @property
    def simulated(self) -> bool:
        """Whether any scan was simulated."""
        return any(reading.simulated for reading in self.readings)


def analyse(readings: Sequence[Reading], progress: Progress = silent) -> Study:
    """Return the results of a study; the same rows give the same results."""
    progress(STAGE, 0.0)
    patients = gather(readings)
    pairs = pairs_by_level(patients)
    if len((mean := mean_pairs(patients)).patients):
        pairs[MEAN_LEVEL] = mean
    levels = pooled_levels(patients)
    pooled = pairs_of(patients, levels)
    agreement = (*(agree(level, of_level) for level, of_level in pairs.items()), agree(ALL, pooled))
    progress(STAGE, 0.3)
    groups = _by_sex(patients)
    means = {group: mean_pairs(of_group) for group, of_group in groups.items()}
    diagnoses = tuple(diagnose(group, target, of_group) for group, of_group in means.items() for target in TARGETS)
    progress(STAGE, 0.7)
    single = [patient for patient in patients if patient.single is not None]
    study = Study(
        readings=tuple(readings),
        patients=patients,
        pairs=pairs,
        means=means,
        agreement=agreement,
        not_pooled=sum(p.mean is not None and not len(pairs_of([p], levels).patients) for p in patients),
        diagnoses=diagnoses,
        categories=tuple(compare_categories(group, of_group) for group, of_group in means.items()),
        single=compare_categories("one level", _single_pairs(single)),
        subgroups=compare_subgroups(patients),
        precision=precision_by_level(readings),
        missing=missing_values(readings),
    )
    progress(STAGE, 1.0)
    return study


def precision_by_level(readings: Sequence[Reading]) -> tuple[Precision, ...]:
    """Return the precision of the prediction, from all repeats, at each level and of the mean of L1 and L2."""
    by_scan: dict[tuple[str, str], dict[str, float]] = {}
    for reading in readings:
        if reading.predicted is not None:
            by_scan.setdefault((reading.patient, reading.repeat), {})[reading.level] = reading.predicted
    repeats: dict[str, dict[str, list[float]]] = {}
    for (patient, _), levels in by_scan.items():
        if MEAN_LEVEL not in levels and set(ASSESSED_LEVELS) <= set(levels):
            levels = levels | {MEAN_LEVEL: sum(levels[k] for k in ASSESSED_LEVELS) / len(ASSESSED_LEVELS)}
        for level, value in levels.items():
            repeats.setdefault(level, {}).setdefault(patient, []).append(value)
    found = (precision(level, repeats[level].values()) for level in sorted(repeats, key=level_order))
    return tuple(one for one in found if one is not None)


def _by_sex(patients: Sequence[Patient]) -> dict[str, tuple[Patient, ...]]:
    groups = {name: tuple(patient for patient in patients if patient.sex == sex) for sex, name in SEX_GROUPS.items()}
    return {name: found for name, found in groups.items() if found} | {TOTAL: tuple(patients)}


def _single_pairs(patients: Sequence[Patient]) -> Pairs:
    values = np.array([patient.single for patient in patients], dtype=np.float64).reshape(-1, 2)
    return Pairs(values[:, 1].copy(), values[:, 0].copy(), np.arange(len(values), dtype=np.int64))
