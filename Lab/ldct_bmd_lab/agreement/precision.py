"""Precision from repeated scans: RMS-SD, RMS-CV and the least significant change (Glueer 1995; ISCD)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .estimate import TWO_SIDED, Estimate
from .moments import Floats

# 95 % confidence that a change between two measurements is real: 1.96 x sqrt(2) precision errors.
CHANGE_FACTOR = float(stats.norm.ppf(TWO_SIDED) * np.sqrt(2))


@dataclass(frozen=True)
class Precision:
    """Precision of repeated predictions of one level.

    Attributes:
        patients, scans: those with two or more scans at this level, and their scans. freedom: scans - patients.
        rms_sd: root mean square of the patients' standard deviations, mg/cm3, with its chi-square interval.
        rms_cv: the same of their coefficients of variation, in percent; None where a patient's mean isn't above 0.
        change, change_percent: least significant change, mg/cm3 and percent.
    """

    level: str
    patients: int
    scans: int
    freedom: int
    mean: float
    rms_sd: Estimate
    rms_cv: Estimate | None
    change: float
    change_percent: float | None


def precision(level: str, repeats: Iterable[Sequence[float]]) -> Precision | None:
    """Return the precision from each patient's repeated values; None if nobody has two.

    Unequal numbers of scans are pooled by degrees of freedom (Glueer 1995, equations 4 and 5).
    """
    series = [np.asarray(values, dtype=np.float64) for values in repeats if len(values) > 1]
    if not series:
        return None
    freedom = np.array([len(values) - 1 for values in series])
    variance = np.array([values.var(ddof=1) for values in series])
    means = np.array([values.mean() for values in series])
    rms_sd = _pooled(variance, freedom)
    rms_cv = _pooled(variance / means**2 * 100.0**2, freedom) if means.min() > 0 else None
    return Precision(
        level=level,
        patients=len(series),
        scans=int(sum(len(values) for values in series)),
        freedom=int(freedom.sum()),
        mean=float(means.mean()),
        rms_sd=rms_sd,
        rms_cv=rms_cv,
        change=CHANGE_FACTOR * rms_sd.value,
        change_percent=None if rms_cv is None else CHANGE_FACTOR * rms_cv.value,
    )


def _pooled(variance: Floats, freedom: NDArray[np.int64]) -> Estimate:
    total = int(freedom.sum())
    squared = float((variance * freedom).sum() / total)
    low, high = total * squared / stats.chi2.ppf([TWO_SIDED, 1 - TWO_SIDED], total)
    return Estimate(float(np.sqrt(squared)), float(np.sqrt(low)), float(np.sqrt(high)))
