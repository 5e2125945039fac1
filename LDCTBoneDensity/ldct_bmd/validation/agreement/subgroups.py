"""Whether the agreement differs between kinds of patients and scans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.stats.oneway import anova_oneway

from .agreement import Agreement, agree
from .diagnosis import SEX_GROUPS
from .estimate import finite
from .patients import Patient, level_order, pairs_of
from .readings import MEAN_LEVEL

FEWEST = 2  # patients that a group's variance can be had from
DECADE = 10
NOT_GIVEN = "not given"


@dataclass(frozen=True)
class Subgroups:
    """The agreement over all vertebrae in each group.

    Attributes:
        by: what the groups differ in: "sex", "age", "scanner", "kvp", "names" (of the vertebrae) or "sex and level".
        groups: one agreement a group, its name in place of a level; groups of one patient, and those without it, too.
        p_bias: two-tailed Welch test that the patients' mean differences are alike; None where it can't be had.
        untested: the groups that the test leaves out: of one patient, of no spread, or not given.
    """

    by: str
    groups: tuple[Agreement, ...]
    p_bias: float | None
    untested: tuple[str, ...] = ()


def compare_subgroups(patients: Sequence[Patient]) -> tuple[Subgroups, ...]:
    """Return the comparisons by whatever divides the patients into two groups or more."""
    out = []
    for by in ("sex", "age", "scanner", "kvp", "names"):
        groups: dict[str, list[Patient]] = {}
        for patient in patients:
            groups.setdefault(_group(patient, by) or NOT_GIVEN, []).append(patient)
        if len(groups.keys() - {NOT_GIVEN}) > 1:
            names = sorted(groups, key=lambda name: (name == NOT_GIVEN, name))
            out.append(_compare(by, {name: groups[name] for name in names}))
            if by == "sex":
                out.append(_by_level("sex and level", {name: groups[name] for name in names}))
    return tuple(out)


def _by_level(by: str, groups: dict[str, list[Patient]]) -> Subgroups:
    """Return the agreement in each group at each level by itself."""
    rows = []
    for name, patients in groups.items():
        levels = {reading.level for patient in patients for reading in patient.readings}
        rows += [agree(f"{name}, {level}", pairs_of(patients, {level})) for level in sorted(levels, key=level_order)]
    return Subgroups(by, tuple(rows), None)


def _compare(by: str, groups: dict[str, list[Patient]]) -> Subgroups:
    agreements, usable, untested = [], [], []
    for name, patients in groups.items():
        levels = {reading.level for patient in patients for reading in patient.readings} - {MEAN_LEVEL}
        pairs = pairs_of(patients, levels or {MEAN_LEVEL})
        agreements.append(agree(name, pairs))
        if not len(pairs.patients):
            continue
        means = np.bincount(pairs.patients, pairs.predicted - pairs.reference) / np.bincount(pairs.patients)
        if name != NOT_GIVEN and len(means) >= FEWEST and np.ptp(means) > 0:
            usable.append(means)
        else:
            untested.append(name)
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
