"""Whether the agreement differs between kinds of patients and scans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.stats.oneway import anova_oneway

from .agreement import Agreement, agree
from .diagnosis import SEX_GROUPS
from .estimate import finite
from .patients import Patient, pairs_of
from .readings import MEAN_LEVEL

FEWEST = 2  # patients that a group's variance can be had from
DECADE = 10


@dataclass(frozen=True)
class Subgroups:
    """The agreement over all vertebrae in each group.

    Attributes:
        by: what the groups differ in: "sex", "age", "scanner", "kvp" or "names" (of the vertebrae).
        groups: one agreement a group, its name in place of a level; groups of one patient too.
        p_bias: two-tailed Welch test that the patients' mean differences are alike; None where it can't be had.
    """

    by: str
    groups: tuple[Agreement, ...]
    p_bias: float | None


def compare_subgroups(patients: Sequence[Patient]) -> tuple[Subgroups, ...]:
    """Return the comparisons by whatever divides the patients into two groups or more."""
    out = []
    for by in ("sex", "age", "scanner", "kvp", "names"):
        groups: dict[str, list[Patient]] = {}
        for patient in patients:
            group = _group(patient, by)
            if group is not None:
                groups.setdefault(group, []).append(patient)
        if len(groups) > 1:
            out.append(_compare(by, {name: groups[name] for name in sorted(groups)}))
    return tuple(out)


def _compare(by: str, groups: dict[str, list[Patient]]) -> Subgroups:
    agreements, differences = [], []
    for name, patients in groups.items():
        levels = {reading.level for patient in patients for reading in patient.readings} - {MEAN_LEVEL}
        pairs = pairs_of(patients, levels or {MEAN_LEVEL})
        agreements.append(agree(name, pairs))
        if len(pairs.patients):
            count = np.bincount(pairs.patients)
            differences.append(np.bincount(pairs.patients, pairs.predicted - pairs.reference) / count)
    usable = [values for values in differences if len(values) >= FEWEST and np.ptp(values) > 0]
    p = finite(anova_oneway(usable, use_var="unequal").pvalue) if len(usable) > 1 else None
    return Subgroups(by, tuple(agreements), p)


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
