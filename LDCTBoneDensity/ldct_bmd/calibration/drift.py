"""The quality series of a scanner: its calibrations in the order of time, control limits, jumps and trends.

Shewhart's chart for individual values: the limits come from the first twelve points, by their mean moving range (sigma
= mean range / 1.128; Montgomery, Introduction to Statistical Quality Control), and from the sixth point on. Alarms are
the Western Electric rules and a trend of six points.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from ..ground.errors import UsageError
from ..words import Phrase
from .linear import Calibration
from .match import Condition, ScanConditions, condition_mismatches
from .provenance import Method, read_date

REFERENCE_BMD_MG_CM3 = 100.0
# Name and unit of what is followed over time, in the order of the charts.
QUANTITIES = (
    (Phrase("drift.slope"), "mg/cm³ per HU"),
    (Phrase("drift.intercept"), "mg/cm³"),
    (Phrase("drift.reference", {"at_mg_cm3": REFERENCE_BMD_MG_CM3}), "mg/cm³"),
)
BASELINE_POINTS, LEAST_BASELINE = 12, 5
MOVING_RANGE_PER_SIGMA = 1.128
# What a stable scanner shows when the same phantom is put on it again: SD of 0.5 to 0.9 mg/cm3 in asynchronous QCT
# (Wang 2017, Sci Rep 7:6284). A baseline that is quieter by chance must not make alarms of less.
LEAST_SIGMA_BMD_MG_CM3 = 0.5
LEAST_SIGMA_SLOPE, LEAST_SIGMA_INTERCEPT_MG_CM3 = 0.003, 0.5
RUN_LENGTH, TREND_LENGTH = 8, 6


@dataclass(frozen=True)
class SeriesPoint:
    """One calibration of a series."""

    calibration: Calibration
    day: date
    reference_bmd_mg_cm3: float


@dataclass(frozen=True)
class ControlChart:
    """One quantity over time.

    Attributes:
        centre, sigma: of the baseline, as they are after the last point.
        alarms: what each point shows; empty if it is in control.
    """

    name: Phrase
    unit: str
    values: tuple[float, ...]
    centre: float
    sigma: float
    alarms: tuple[tuple[Phrase, ...], ...]

    @property
    def limits(self) -> tuple[float, float]:
        """Lower and upper control limit."""
        return self.centre - 3.0 * self.sigma, self.centre + 3.0 * self.sigma


@dataclass(frozen=True)
class DriftSeries:
    """The calibrations of one scanner over time.

    Attributes:
        reference_hu: HU that the baseline maps to 100 mg/cm3.
        charts: slope, intercept and BMD of the reference vertebra; empty where there are too few points for limits.
        missed_months: months between the first point and the last without one, YYYY-MM.
    """

    points: tuple[SeriesPoint, ...]
    reference_hu: float
    charts: tuple[ControlChart, ...]
    missed_months: tuple[str, ...]

    @property
    def too_short(self) -> UsageError | None:
        """Why there are no control limits; None if there are."""
        if self.charts:
            return None
        return UsageError("drift.too_few_scans", scans=len(self.points), needed=LEAST_BASELINE + 1)

    def alarms(self, identifier: str) -> tuple[Phrase, ...]:
        """Return what the charts show at one calibration, one phrase per alarm."""
        for number, point in enumerate(self.points):
            if point.calibration.identifier == identifier:
                return tuple(
                    Phrase("drift.alarm", {"quantity": chart.name, "day": point.day.isoformat(), "alarm": alarm})
                    for chart in self.charts
                    for alarm in chart.alarms[number]
                )
        return ()


def quality_series(calibrations: Sequence[Calibration], like: Calibration, until: date | None = None) -> DriftSeries:
    """Return the series of phantom calibrations that were made as ``like`` was, up to ``until``.

    Months are missed up to the last point, and with ``until`` up to the month before it.
    """
    dated = [(read_date(one.provenance.date), one) for one in calibrations if one.provenance and one.provenance.date]
    chosen = [(day, one) for day, one in dated if _is_like(one, like) and (until is None or day <= until)]
    chosen.sort(key=lambda pair: (pair[0], pair[1].identifier))
    slopes = [one.slope for _, one in chosen]
    intercepts = [one.intercept_mg_cm3 for _, one in chosen]
    if not chosen:
        return DriftSeries((), math.nan, (), ())
    baseline = slice(0, BASELINE_POINTS)
    slope, intercept = (sum(values[baseline]) / len(values[baseline]) for values in (slopes, intercepts))
    reference_hu = (REFERENCE_BMD_MG_CM3 - intercept) / slope
    points = tuple(SeriesPoint(one, day, one.bmd_mg_cm3(reference_hu)) for day, one in chosen)
    charts: tuple[ControlChart, ...] = ()
    if len(points) > LEAST_BASELINE:
        charts = (
            control_chart(*QUANTITIES[0], slopes, LEAST_SIGMA_SLOPE, runs=False),
            control_chart(*QUANTITIES[1], intercepts, LEAST_SIGMA_INTERCEPT_MG_CM3, runs=False),
            control_chart(
                *QUANTITIES[2], [point.reference_bmd_mg_cm3 for point in points], LEAST_SIGMA_BMD_MG_CM3, runs=True
            ),
        )
    return DriftSeries(points, reference_hu, charts, _missed([point.day for point in points], until))


def all_series(calibrations: Sequence[Calibration]) -> list[DriftSeries]:
    """Return every series of phantom calibrations among ``calibrations``, the one of the newest scan first."""
    series: list[DriftSeries] = []
    for one in calibrations:
        known = {point.calibration.identifier for found in series for point in found.points}
        if one.identifier not in known:
            found = quality_series(calibrations, one)
            series += [found] if found.points else []
    return sorted(series, key=lambda found: found.points[-1].day, reverse=True)


def control_chart(name: Phrase, unit: str, values: Sequence[float], least_sigma: float, runs: bool) -> ControlChart:
    """Return the chart of ``values``; ``runs``: look for runs and trends, not for single points only.

    All three charts follow the same scans; runs are looked for in the one that matters, lest false alarms triple.
    """
    alarms: list[tuple[Phrase, ...]] = []
    for k in range(len(values)):
        # What is judged has no part in its own limits, and no later point changes what was said of an earlier one.
        centre, sigma = _baseline(values[:k], least_sigma)
        scores = [(value - centre) / sigma for value in values[: k + 1]]
        alarms.append(tuple(_alarms(scores, list(values[: k + 1]), runs)) if k >= LEAST_BASELINE else ())
    centre, sigma = _baseline(values, least_sigma)
    return ControlChart(name, unit, tuple(values), centre, sigma, tuple(alarms))


def _baseline(values: Sequence[float], least_sigma: float) -> tuple[float, float]:
    """Return centre and sigma by the first points."""
    first = values[:BASELINE_POINTS]
    ranges = [abs(b - a) for a, b in itertools.pairwise(first)]
    sigma = sum(ranges) / len(ranges) / MOVING_RANGE_PER_SIGMA if ranges else 0.0
    return sum(first) / len(first) if first else 0.0, max(sigma, least_sigma)


def _alarms(scores: list[float], values: list[float], runs: bool) -> list[Phrase]:
    """Return what the last point shows, given those before it."""
    found = []
    if abs(scores[-1]) > 3.0:
        found.append(Phrase("drift.jump", {"sigma": scores[-1]}))
    if not runs:
        return found
    if _most(scores[-3:], 3, 2, lambda score: score > 2.0) or _most(scores[-3:], 3, 2, lambda score: score < -2.0):
        found.append(Phrase("drift.two_of_three"))
    if _most(scores[-5:], 5, 4, lambda score: score > 1.0) or _most(scores[-5:], 5, 4, lambda score: score < -1.0):
        found.append(Phrase("drift.four_of_five"))
    last = scores[-RUN_LENGTH:]
    if len(last) == RUN_LENGTH and (all(score > 0 for score in last) or all(score < 0 for score in last)):
        found.append(Phrase("drift.run", {"points": RUN_LENGTH}))
    steps = [b - a for a, b in itertools.pairwise(values[-TREND_LENGTH:])]
    if len(steps) == TREND_LENGTH - 1 and (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
        found.append(Phrase("drift.rising" if steps[0] > 0 else "drift.falling", {"points": TREND_LENGTH}))
    return found


def _most(scores: list[float], of: int, least: int, beyond: Callable[[float], bool]) -> bool:
    """Tell whether the last point and enough of those before it lie beyond."""
    return len(scores) == of and beyond(scores[-1]) and sum(map(beyond, scores)) >= least


def _is_like(one: Calibration, like: Calibration) -> bool:
    ours, theirs = one.provenance, like.provenance
    if ours is None or theirs is None or theirs.scanner is None or ours.method is not Method.PHANTOM:
        return False
    conditions = ScanConditions(theirs.scanner, like.kvp, theirs.filter_type, None, None)
    differing = {reason for reason in condition_mismatches(one, conditions) if reason is not Condition.KERNEL}
    same_kernel = ours.kernel_class == theirs.kernel_class
    # A new phantom, or a new certificate, starts a new series.
    return not differing and same_kernel and one.material == like.material and ours.phantom == theirs.phantom


def _missed(days: Sequence[date], until: date | None) -> tuple[str, ...]:
    first, last = days[0], days[-1]
    end = last.year * 12 + last.month - 1
    if until is not None:
        end = max(end, until.year * 12 + until.month - 2)
    there = {day.year * 12 + day.month - 1 for day in days}
    months = range(first.year * 12 + first.month - 1, end + 1)
    return tuple(f"{month // 12}-{month % 12 + 1:02d}" for month in months if month not in there)
