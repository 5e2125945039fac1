"""Sums over cases: by level, by scan, and how far the stated probability of the names can be trusted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy import stats

from ldct_bmd.anatomy import LEVELS, TARGET_LEVELS, order

from .case import CaseResult, LevelResult

ALL = "all"
TARGETS = "T12-L2"
PAPER_LEVELS = "T1-L2"  # Pan et al. 2020, Table 1
# Levels that are summed up together, beside each for itself.
SPANS: dict[str, tuple[str, ...]] = {
    TARGETS: TARGET_LEVELS,
    PAPER_LEVELS: tuple(level for level in LEVELS if order("T1") <= order(level) <= order("L2")),
    ALL: LEVELS,
}
WITHIN_HU = 4.0
PROBABILITY_EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
Bodies = Literal["complete", "cut", "all"]


@dataclass(frozen=True)
class Share:
    """A share of cases with its exact (Clopper-Pearson) 95 % interval; None where there are none."""

    count: int
    of: int
    fraction: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Spread:
    """How values are spread; the standard deviation is that of a sample, None of a single value."""

    n: int
    mean: float
    sd: float | None
    median: float
    percentile_2_5: float
    percentile_97_5: float


@dataclass(frozen=True)
class LevelSummary:
    """Bodies of one level, or of several, of one group.

    Attributes:
        level: a level, or one of SPANS.
        bodies: whether complete bodies count, those that an edge cuts, or all.
        found: of all reference bodies.
        named_right: found under their own name, of all reference bodies.
        measured: VOIs that the automatic bodies gave, of those that the reference bodies gave.
        within_4_hu: of the differences in ``voi_difference_hu``.

    The spreads are those of the fields of :class:`.case.LevelResult`; None where no body has a value.
    """

    group: str
    bodies: Bodies
    level: str
    found: Share
    named_right: Share
    dice_by_name: Spread | None
    dice_of_found: Spread | None
    surface_distance_mm: Spread | None
    hausdorff95_mm: Spread | None
    measured: Share
    voi_difference_hu: Spread | None
    within_4_hu: Share
    voi_bias_hu: Spread | None
    voi_distance_mm: Spread | None
    anterior_mm: Spread | None
    middle_mm: Spread | None
    posterior_mm: Spread | None


@dataclass(frozen=True)
class ScanSummary:
    """Scans of one group.

    Attributes:
        names_right: scans with all names right, of those with a vertebra in view.
        names_right_where_certain: the same of those whose names were called certain.
        wrong_though_certain: scans with a wrong name that was called certain.
        nothing_found: scans with a vertebra in view in which none was found.
        false_bodies: automatic bodies that overlap no reference body, between its ends.
        false_bodies_beyond: the same above or below all reference bodies.
        split_or_merged: automatic bodies that overlap reference bodies and match none.
        clean_without_spine: scans in which no body was found, of those with no vertebra in view.
    """

    group: str
    scans: int
    names_right: Share
    names_right_where_certain: Share
    wrong_though_certain: int
    nothing_found: int
    false_bodies: int
    false_bodies_beyond: int
    split_or_merged: int
    clean_without_spine: Share


@dataclass(frozen=True)
class ReliabilityBin:
    """Scans whose names were given a probability from ``low`` to below ``high``, and in how many no name is wrong."""

    low: float
    high: float
    stated_mean: float
    right: Share


@dataclass(frozen=True)
class Summary:
    """What all cases give together."""

    levels: tuple[LevelSummary, ...]
    scans: tuple[ScanSummary, ...]
    reliability: tuple[ReliabilityBin, ...]


def summarize(results: Sequence[CaseResult]) -> Summary:
    """Sum up by group and in total (group "all", which comes first)."""
    rows = [row for case in results for row in case.levels]
    groups = sorted({case.group for case in results} | {row.group for row in rows})
    names = [ALL, *(groups if len(groups) > 1 else ())]
    cases = {name: [case for case in results if name in (ALL, case.group)] for name in names}
    return Summary(
        levels=tuple(one for name in names for one in _levels(name, [r for r in rows if name in (ALL, r.group)])),
        scans=tuple(_scans(name, chosen) for name, chosen in cases.items() if chosen),
        reliability=_reliability(results),
    )


def share(flags: Iterable[bool]) -> Share:
    """Return how many of ``flags`` are set."""
    values = list(flags)
    if not values:
        return Share(0, 0, None, None, None)
    interval = stats.binomtest(sum(values), len(values)).proportion_ci(0.95, method="exact")
    return Share(sum(values), len(values), sum(values) / len(values), float(interval.low), float(interval.high))


def spread(values: Iterable[float | None]) -> Spread | None:
    """Return how the values that are there are spread; None if there are none."""
    there = np.array([v for v in values if v is not None], dtype=np.float64)
    if not there.size:
        return None
    low, median, high = (float(p) for p in np.percentile(there, (2.5, 50.0, 97.5)))
    return Spread(
        len(there), float(there.mean()), float(there.std(ddof=1)) if len(there) > 1 else None, median, low, high
    )


def _levels(group: str, rows: Sequence[LevelResult]) -> Iterable[LevelSummary]:
    of_bodies: dict[Bodies, Callable[[LevelResult], bool]] = {
        "complete": lambda row: row.complete,
        "cut": lambda row: not row.complete,
        "all": lambda row: True,
    }
    for bodies, counts in of_bodies.items():
        counted = [row for row in rows if counts(row)]
        for level, names in ({level: (level,) for level in LEVELS} | SPANS).items():
            chosen = [row for row in counted if row.level in names]
            if chosen:
                yield _level(group, bodies, level, chosen)


def _level(group: str, bodies: Bodies, level: str, rows: Sequence[LevelResult]) -> LevelSummary:
    differences = [row.voi_difference_hu for row in rows]
    return LevelSummary(
        group=group,
        bodies=bodies,
        level=level,
        found=share(row.found for row in rows),
        named_right=share(row.named_right for row in rows),
        dice_by_name=spread(row.dice_by_name for row in rows),
        dice_of_found=spread(row.dice_of_found for row in rows if row.found),
        surface_distance_mm=spread(row.surface_distance_mm for row in rows),
        hausdorff95_mm=spread(row.hausdorff95_mm for row in rows),
        measured=share(row.voi_hu is not None for row in rows if row.reference_voi_hu is not None),
        voi_difference_hu=spread(differences),
        within_4_hu=share(abs(d) <= WITHIN_HU for d in differences if d is not None),
        voi_bias_hu=spread(row.voi_bias_hu for row in rows),
        voi_distance_mm=spread(row.voi_distance_mm for row in rows),
        anterior_mm=spread(row.anterior_mm for row in rows),
        middle_mm=spread(row.middle_mm for row in rows),
        posterior_mm=spread(row.posterior_mm for row in rows),
    )


def _scans(group: str, cases: Sequence[CaseResult]) -> ScanSummary:
    false = [body for case in cases for body in case.false_bodies]
    return ScanSummary(
        group=group,
        scans=len(cases),
        names_right=share(bool(c.names_right) for c in cases if c.levels),
        names_right_where_certain=share(bool(c.names_right) for c in cases if c.levels and c.names_certain),
        wrong_though_certain=sum(c.wrong_though_certain for c in cases),
        nothing_found=sum(c.failure is not None for c in cases if c.levels),
        false_bodies=sum(not body.beyond_reference for body in false),
        false_bodies_beyond=sum(body.beyond_reference for body in false),
        split_or_merged=sum(body.overlaps is not None for case in cases for body in case.surplus),
        clean_without_spine=share(c.failure is not None for c in cases if not c.levels),
    )


def _reliability(cases: Sequence[CaseResult]) -> tuple[ReliabilityBin, ...]:
    """Compare the probability that each scan's names were given with whether one is wrong, over what was found."""
    given = [
        (c.name_probability, not c.wrong_names)
        for c in cases
        if c.name_probability is not None and any(row.found for row in c.levels)
    ]
    bins = []
    for low, high in pairwise(PROBABILITY_EDGES):
        inside = [(p, right) for p, right in given if low <= p < high or p == high == PROBABILITY_EDGES[-1]]
        if inside:
            stated = float(np.mean([p for p, _ in inside]))
            bins.append(ReliabilityBin(low, high, stated, share(right for _, right in inside)))
    return tuple(bins)
