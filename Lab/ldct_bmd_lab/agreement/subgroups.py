"""Whether the agreement differs between kinds of patients and scans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.stats.oneway import anova_oneway

from .agreement import Agreement, agree
from .diagnosis import SEX_GROUPS
from .estimate import finite, negligible
from .patients import Patient, level_order, mean_pairs, pairs_of, pooled_levels
from .readings import MEAN_LEVEL

FEWEST = 2  # patients that a group's variance can be had from
DECADE = 10
LEVEL_AND_SEX, NOT_GIVEN = "level and sex", "not given"


@dataclass(frozen=True)
class Subgroups:
    """The agreement over all vertebrae in each group.

    Attributes:
        by: what the groups differ in: "sex", "age", "scanner", "kvp", "names" (of the vertebrae) or "level and sex".
        groups: one agreement a group, its name in place of a level; groups of one patient too, and those of whom it
            is not given last.
        untested: groups that the test leaves out: of fewer than two patients, without any spread, or not given.
        p_bias: two-tailed Welch test that the patients' mean differences are alike; None where it can't be had.
    """

    by: str
    groups: tuple[Agreement, ...]
    p_bias: float | None
    untested: tuple[str, ...] = ()


def compare_subgroups(patients: Sequence[Patient]) -> tuple[Subgroups, ...]:
    """Return the comparisons by whatever divides the patients into two groups or more."""
    levels = pooled_levels(patients)
    out = []
    for by in ("sex", "age", "scanner", "kvp", "names"):
        groups: dict[str, list[Patient]] = {}
        for patient in patients:
            group = _group(patient, by)
            groups.setdefault(NOT_GIVEN if group is None else group, []).append(patient)
        if len(groups) > 1:
            # Not given comes last.
            names = sorted(groups, key=lambda name: (name == NOT_GIVEN, name))
            out.append(_compare(by, {name: groups[name] for name in names}, levels))
    by_level = _by_level_and_sex(patients)
    return (*out, by_level) if by_level.groups else tuple(out)


def _by_level_and_sex(patients: Sequence[Patient]) -> Subgroups:
    """Return the agreement of each level in each sex, and that of the mean of L1 and L2; nothing of one sex alone."""
    sexes = {name: [p for p in patients if p.sex == sex] for sex, name in SEX_GROUPS.items()}
    vertebrae = sorted(pooled_levels(patients) - {MEAN_LEVEL}, key=level_order)
    if not all(sexes.values()):
        return Subgroups(LEVEL_AND_SEX, (), None)
    of_levels = [agree(f"{level} {name}", pairs_of(of, {level})) for level in vertebrae for name, of in sexes.items()]
    of_mean = [agree(f"{MEAN_LEVEL} {name}", mean_pairs(of)) for name, of in sexes.items()]
    return Subgroups(LEVEL_AND_SEX, (*of_levels, *of_mean), None)


def _compare(by: str, groups: dict[str, list[Patient]], levels: set[str]) -> Subgroups:
    agreements, usable, untested = [], [], []
    for name, patients in groups.items():
        pairs = pairs_of(patients, levels)
        agreements.append(agree(name, pairs))
        count = np.bincount(pairs.patients)
        values = np.bincount(pairs.patients, pairs.predicted - pairs.reference) / count
        few = len(values) < FEWEST or negligible(np.ptp(values), pairs.predicted, pairs.reference)
        if few or name == NOT_GIVEN:
            untested.append(name)
        else:
            usable.append(values)
    p = finite(anova_oneway(usable, use_var="unequal").pvalue) if len(usable) > 1 else None
    return Subgroups(by, tuple(agreements), p, tuple(untested))


def _group(patient: Patient, by: str) -> str | None:
    if by == "sex":
        return None if patient.sex is None else SEX_GROUPS[patient.sex]
    if by == "age":
        if patient.age_years is None:
            return None
        decade = int(patient.age_years // DECADE) * DECADE
        return f"{decade}-{decade + DECADE - 1} years"
    if by == "kvp":
        return None if patient.kvp is None else f"{patient.kvp:g} kV"
    if by == "names":
        return None if patient.names_certain is None else "certain" if patient.names_certain else "uncertain"
    return patient.scanner
