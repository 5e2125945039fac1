"""A number with its 95 % confidence interval."""

import math
from dataclasses import dataclass

CONFIDENCE = 0.95
TWO_SIDED = 0.5 + CONFIDENCE / 2  # quantile of a two-sided interval


@dataclass(frozen=True)
class Estimate:
    """A value, its standard error and its 95 % confidence interval; None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None
    se: float | None = None


def finite(value: float) -> float | None:
    """Return the number, or None where it isn't one."""
    value = float(value)
    return value if math.isfinite(value) else None
