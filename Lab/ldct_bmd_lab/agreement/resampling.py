"""The bootstrap over patients: levels of one patient are drawn together, since they are not independent."""

from collections.abc import Iterator
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from .estimate import TWO_SIDED
from .moments import MEASURES, Floats, Measures, measures, sums

RESAMPLES = 2000
SEED = 20
BLOCK = 100  # resamples at a time: 100 x 10,000 patients are 8 MB


def bootstrap_measures(x: Floats, y: Floats, patients: NDArray[np.int64]) -> Measures:
    """Return the measures of agreement of ``RESAMPLES`` resamples of the patients, each with all of its pairs.

    Args:
        x, y, patients: reference, prediction and patient (0, 1, ...) of each pair.
    """
    center = float(x.mean())
    by_patient = np.zeros((int(patients.max()) + 1, 6))
    np.add.at(by_patient, patients, sums(x, y, center))
    rng = np.random.default_rng(SEED)
    totals = np.concatenate([counts @ by_patient for counts in draws(rng, len(by_patient))])
    return measures(totals, center)


def draws(rng: np.random.Generator, count: int) -> Iterator[Floats]:
    """Yield blocks (block, count): how often each of ``count`` patients is in a resample of as many."""
    for start in range(0, RESAMPLES, BLOCK):
        block = min(BLOCK, RESAMPLES - start)
        drawn = rng.integers(0, count, size=(block, count)) + count * np.arange(block)[:, None]
        yield np.bincount(drawn.ravel(), minlength=block * count).reshape(block, count).astype(np.float64)


def interval(values: Floats) -> tuple[float | None, float | None]:
    """Return the percentile interval of the resamples in which the measure is defined; None if they are too few."""
    defined = values[np.isfinite(values)]
    if len(defined) < 0.95 * len(values):
        return None, None
    low, high = np.quantile(defined, [1 - TWO_SIDED, TWO_SIDED])
    return float(low), float(high)


def intervals(resampled: Measures) -> dict[str, tuple[float | None, float | None]]:
    """Return the interval of each measure, by name."""
    return {name: interval(values) for name, values in zip(MEASURES, astuple(resampled), strict=True)}


def standard_error(values: Floats) -> float | None:
    """Return the standard deviation over resamples."""
    defined = values[np.isfinite(values)]
    return float(defined.std(ddof=1)) if len(defined) >= 0.95 * len(values) else None
