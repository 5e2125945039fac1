"""A number with its 95 % confidence interval."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
TWO_SIDED = 0.5 + CONFIDENCE / 2  # quantile of a two-sided interval
NOISE = 1e-9  # of the values: a spread that only rounding makes


@dataclass(frozen=True)
class Estimate:
    """A value, its standard error and its 95 % confidence interval; None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None
    se: float | None = None


def negligible(spread: float, *values: NDArray[np.float64]) -> bool:
    """Return whether a spread is rounding noise, for values of this size."""
    return float(spread) <= NOISE * max((float(np.abs(of).max(initial=0.0)) for of in values), default=1.0)


def finite(value: float) -> float | None:
    """Return the number, or None where it isn't one."""
    value = float(value)
    return value if math.isfinite(value) else None
