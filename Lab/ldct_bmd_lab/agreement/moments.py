"""Measures of agreement from sums, of many resamples at once."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

LIMITS_SD = 1.96  # Bland and Altman 1999: limits of agreement at bias +- 1.96 SD

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """Measures of agreement of y (predicted) with x (reference), one a resample; nan where they are not defined.

    Attributes:
        slope, intercept, r2: linear regression of y on x.
        deming_slope, deming_intercept: Deming regression with equal error variances.
        bias, sd_difference, loa_low, loa_high: mean and standard deviation of y - x, and 95 % limits of agreement.
        proportional_slope: slope of y - x on (x + y) / 2.
        icc: ICC(2,1), two-way random effects, absolute agreement, one measurement (Shrout and Fleiss 1979).
        ccc: concordance correlation coefficient (Lin 1989, with moments over n).
    """

    slope: Floats
    intercept: Floats
    r2: Floats
    deming_slope: Floats
    deming_intercept: Floats
    bias: Floats
    sd_difference: Floats
    loa_low: Floats
    loa_high: Floats
    proportional_slope: Floats
    icc: Floats
    ccc: Floats


MEASURES = tuple(field.name for field in fields(Measures))


def sums(x: Floats, y: Floats, center: float) -> Floats:
    """Return n, and the sums of x, y, xx, yy and xy about ``center``: one row a pair (n, 6)."""
    u, v = x - center, y - center
    return np.stack([np.ones_like(u), u, v, u * u, v * v, u * v], axis=1)


def measures(totals: Floats, center: float) -> Measures:
    """Return the measures from rows of summed :func:`sums` (resamples, 6)."""
    n, su, sv, suu, svv, suv = np.moveaxis(np.asarray(totals, dtype=np.float64), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = su / n, sv / n
        # Rounding must not make the sum of squares of a constant a little negative.
        sxx, syy = np.maximum(suu - n * u * u, 0.0), np.maximum(svv - n * v * v, 0.0)
        sxy = suv - n * u * v
        slope = sxy / sxx
        spread = syy - sxx
        deming = (spread + np.sqrt(spread**2 + 4 * sxy**2)) / (2 * sxy)
        bias = v - u
        sdd = np.maximum(sxx + syy - 2 * sxy, 0.0)
        sd = np.sqrt(sdd / (n - 1))
        smm = (sxx + syy + 2 * sxy) / 4
        between, within, methods = 2 * smm / (n - 1), sdd / 2 / (n - 1), n * bias**2 / 2
        return Measures(
            slope=slope,
            intercept=v + center - slope * (u + center),
            r2=sxy**2 / (sxx * syy),
            deming_slope=deming,
            deming_intercept=v + center - deming * (u + center),
            bias=bias,
            sd_difference=sd,
            loa_low=bias - LIMITS_SD * sd,
            loa_high=bias + LIMITS_SD * sd,
            proportional_slope=(syy - sxx) / 2 / smm,
            icc=(between - within) / (between + within + 2 * (methods - within) / n),
            ccc=2 * sxy / (sxx + syy + n * bias**2),
        )
