"""Coefficients of agreement with their intervals: ICC(2,1) and Lin's concordance correlation coefficient."""

import numpy as np
from scipy import stats

from .estimate import TWO_SIDED, Estimate
from .moments import Floats


def icc_agreement(ratings: Floats) -> Estimate | None:
    """Return ICC(2,1) of ratings (targets, raters): two-way random effects, absolute agreement, one rating.

    Shrout and Fleiss 1979; the interval is that of McGraw and Wong 1996 (their case 2A). None without any spread.
    """
    n, k = ratings.shape
    grand = ratings.mean()
    rows = k * ((ratings.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((ratings.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    residual = ratings - ratings.mean(axis=1, keepdims=True) - ratings.mean(axis=0, keepdims=True) + grand
    error = (residual**2).sum() / ((n - 1) * (k - 1))
    below = rows + (k - 1) * error + k * (columns - error) / n
    if below <= 0:
        return None
    icc = (rows - error) / below
    if error <= 0 or icc >= 1:
        return Estimate(float(icc))
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    freedom = (a * columns + b * error) ** 2 / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    upper, lower = stats.f.ppf(TWO_SIDED, n - 1, freedom), stats.f.ppf(TWO_SIDED, freedom, n - 1)
    together = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * together + n * rows)
    high = n * (lower * rows - error) / (together + n * lower * rows)
    return Estimate(float(icc), float(low), float(high))


def concordance(x: Floats, y: Floats) -> Estimate | None:
    """Return Lin's concordance correlation coefficient; None without any spread.

    Lin 1989 with the corrected variance of 2000, by Fisher's z transform.
    """
    n = len(x)
    sx, sy = float(x.std()), float(y.std())
    shift = float(y.mean() - x.mean())
    if sx == 0 or sy == 0:
        return None
    r = float(np.corrcoef(x, y)[0, 1])
    ccc = 2 * r * sx * sy / (sx**2 + sy**2 + shift**2)
    if n <= 2 or abs(ccc) >= 1 or r == 0:
        return Estimate(ccc)
    u2 = shift**2 / (sx * sy)
    variance = (
        (1 - r**2) * ccc**2 / ((1 - ccc**2) * r**2)
        + 2 * ccc**3 * (1 - ccc) * u2 / (r * (1 - ccc**2) ** 2)
        - ccc**4 * u2**2 / (2 * r**2 * (1 - ccc**2) ** 2)
    ) / (n - 2)
    if variance < 0:
        return Estimate(ccc)
    half = stats.norm.ppf(TWO_SIDED) * np.sqrt(variance)
    z = np.arctanh(ccc)
    return Estimate(ccc, float(np.tanh(z - half)), float(np.tanh(z + half)))
