"""The area under the ROC curve: DeLong's interval on the logit scale, the bootstrap's, and the exact test of 1/2."""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from .estimate import TWO_SIDED, Estimate
from .moments import Floats
from .resampling import SEED, draws, interval

SMALL = 8  # patients of a kind up to which scipy takes the rank-sum test's exact distribution
PERMUTATIONS = 9999


@dataclass(frozen=True)
class Area:
    """Area under the ROC curve.

    Attributes:
        delong: with DeLong's standard error and the limits that it gives on the logit scale; where every pair is
            ranked right the variance is 0 and says nothing, and the exact lower limit from the independent pairs
            stands instead.
        bootstrap: the same value with the percentile interval of a bootstrap over patients, each class by itself;
            no limits where the variance is 0.
        p: two-tailed test that the area is 1/2, of the ranks (Mann-Whitney); Fisher's exact one of a decision.
    """

    delong: Estimate
    bootstrap: Estimate
    p: float


def area(diseased: Floats, healthy: Floats) -> Area | None:
    """Return the area for scores that are higher in disease; None unless there are two patients of each kind."""
    if min(len(diseased), len(healthy)) < 2:
        return None
    value, variance = delong(diseased, healthy)
    p = p_of_half(diseased, healthy)
    if variance <= 0:
        pairs = min(len(diseased), len(healthy))
        # Clopper-Pearson for as many successes as there are disjoint pairs.
        low = (1 - TWO_SIDED) ** (1 / pairs) if value == 1 else None
        return Area(Estimate(value, low, 1.0 if value == 1 else None), Estimate(value), p)
    low, high = logit_limits(value, variance)
    bootstrapped = Estimate(value, *interval(_resampled(diseased, healthy)))
    return Area(Estimate(value, low, high, float(np.sqrt(variance))), bootstrapped, p)


def delong(diseased: Floats, healthy: Floats) -> tuple[float, float]:
    """Return the area and its variance by DeLong, DeLong and Clarke-Pearson 1988, from midranks (Sun and Xu 2014)."""
    m, n = len(diseased), len(healthy)
    together = stats.rankdata(np.concatenate([diseased, healthy]))
    # Structural components: the share of the other kind that each patient is ranked right against.
    of_diseased = (together[:m] - stats.rankdata(diseased)) / n
    of_healthy = 1 - (together[m:] - stats.rankdata(healthy)) / m
    variance = of_diseased.var(ddof=1) / m + of_healthy.var(ddof=1) / n
    return float(of_diseased.mean()), float(variance)


def logit_limits(value: float, variance: float) -> tuple[float, float]:
    """Return the 95 % limits of an area between 0 and 1 by its variance on the logit scale (Pepe 2003).

    Close to 1 they hold the truth more often than value +- 1.96 standard errors, and never leave 0 to 1.
    """
    half = float(stats.norm.ppf(TWO_SIDED)) * np.sqrt(variance) / (value * (1 - value))
    low, high = special.expit(special.logit(value) + np.array([-half, half]))
    return float(low), float(high)


def p_of_half(diseased: Floats, healthy: Floats) -> float:
    """Return the two-tailed p-value of an area of 1/2, from the distribution that the ranks have if it is 1/2.

    Fisher's exact test of two scores or one; else Mann-Whitney's, exact where a group is small: by all arrangements,
    or with ties by up to ``PERMUTATIONS`` of them.
    """
    together = np.concatenate([diseased, healthy])
    scores = np.unique(together)
    if len(scores) <= 2:
        called = [int((of_kind == scores[-1]).sum()) for of_kind in (diseased, healthy)]
        table = [[called[0], len(diseased) - called[0]], [called[1], len(healthy) - called[1]]]
        return float(stats.fisher_exact(table).pvalue)
    if len(scores) < len(together) and min(len(diseased), len(healthy)) <= SMALL:
        # scipy's mannwhitneyu takes permutations from 1.13 on only.
        ranks = stats.rankdata(together)
        return float(
            stats.permutation_test(
                (ranks[: len(diseased)], ranks[len(diseased) :]),
                lambda ill, well, axis: ill.mean(axis=axis) - well.mean(axis=axis),
                vectorized=True,
                n_resamples=PERMUTATIONS,
                batch=100,
                random_state=SEED,
            ).pvalue
        )
    return float(stats.mannwhitneyu(diseased, healthy, method="auto").pvalue)


def _resampled(diseased: Floats, healthy: Floats) -> Floats:
    """Return the area of each resample, with ties counted half."""
    m, n = len(diseased), len(healthy)
    ascending = np.sort(healthy)
    below, up_to = (np.searchsorted(ascending, diseased, side) for side in ("left", "right"))
    rng = np.random.default_rng(SEED)
    out = []
    for of_diseased, of_healthy in zip(draws(rng, m), draws(rng, n), strict=True):
        lower = np.pad(np.cumsum(of_healthy, axis=1), ((0, 0), (1, 0)))
        out.append((of_diseased * (lower[:, below] + lower[:, up_to]) / 2).sum(axis=1) / (m * n))
    return np.concatenate(out)
