"""Diagnosis by the mean BMD of L1 and L2, against the same by the reference."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

from ldct_bmd.rules import ACR, Category

from .agreement import Pairs
from .estimate import CONFIDENCE, Estimate, finite, negligible
from .roc import Area, area

WOMEN, MEN, TOTAL = "women", "men", "total"
SEX_GROUPS = {"F": WOMEN, "M": MEN}
OSTEOPOROSIS, LOW_BMD = "osteoporosis", "low_bmd"
# Osteoporosis below 80 mg/cm3; low BMD is osteoporosis or osteopenia, up to and with 120.
TARGETS: dict[str, Callable[[Category], bool]] = {
    OSTEOPOROSIS: lambda category: category is Category.OSTEOPOROSIS,
    LOW_BMD: lambda category: category is not Category.NORMAL,
}
CATEGORIES = (Category.OSTEOPOROSIS, Category.OSTEOPENIA, Category.NORMAL)


@dataclass(frozen=True)
class Proportion:
    """A count of patients, and their share with the exact (Clopper-Pearson) 95 % interval; None of nobody."""

    count: int
    of: int

    @property
    def estimate(self) -> Estimate | None:
        """The share."""
        if not self.of:
            return None
        low, high = proportion_confint(self.count, self.of, alpha=1 - CONFIDENCE, method="beta")
        # statsmodels gives nan for the limit that is 0 or 1 by definition.
        return Estimate(
            self.count / self.of, 0.0 if self.count == 0 else float(low), 1.0 if self.count == self.of else float(high)
        )


@dataclass(frozen=True)
class Diagnosis:
    """How well a target is found in a group.

    Attributes:
        auc_decision: area of the yes-or-no decision, (sensitivity + specificity) / 2. auc: that of the BMD itself.
    """

    group: str
    target: str
    tp: int
    fn: int
    tn: int
    fp: int
    auc_decision: Area | None
    auc: Area | None

    @property
    def n(self) -> int:
        """Patients."""
        return self.tp + self.fn + self.tn + self.fp

    @property
    def sensitivity(self) -> Proportion:
        """Of those who have it, how many are found."""
        return Proportion(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> Proportion:
        """Of those who don't have it, how many are passed."""
        return Proportion(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> Proportion:
        """Of those who are called ill, how many are."""
        return Proportion(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> Proportion:
        """Of those who are called healthy, how many are."""
        return Proportion(self.tn, self.tn + self.fn)


@dataclass(frozen=True)
class Categories:
    """The three categories by the reference (rows) and by the prediction (columns), and their weighted kappa.

    Attributes:
        counts: 3 x 3 in the order osteoporosis, osteopenia, normal.
        kappa_linear, kappa_quadratic: weighted kappa; None where one category holds all.
        p: two-tailed test that the linear kappa is 0.
    """

    group: str
    counts: tuple[tuple[int, ...], ...]
    kappa_linear: Estimate | None
    kappa_quadratic: Estimate | None
    p: float | None

    @property
    def agreeing(self) -> Proportion:
        """Patients whose category is the same by both."""
        return Proportion(sum(self.counts[i][i] for i in range(3)), sum(map(sum, self.counts)))


def diagnose(group: str, target: str, means: Pairs) -> Diagnosis:
    """Return how well ``target`` is found; the area takes a lower BMD as more of the disease."""
    is_target = TARGETS[target]
    ill = _all(means.reference, is_target)
    called = _all(means.predicted, is_target)
    score = -means.predicted
    decision = called.astype(np.float64)
    return Diagnosis(
        group=group,
        target=target,
        tp=int((ill & called).sum()),
        fn=int((ill & ~called).sum()),
        tn=int((~ill & ~called).sum()),
        fp=int((~ill & called).sum()),
        auc_decision=area(decision[ill], decision[~ill]),
        auc=area(score[ill], score[~ill]),
    )


def compare_categories(group: str, means: Pairs) -> Categories:
    """Return the three-class table and its weighted kappa."""
    counts = np.zeros((3, 3), dtype=int)
    for reference, predicted in zip(means.reference, means.predicted, strict=True):
        counts[CATEGORIES.index(ACR.categorize(reference)), CATEGORIES.index(ACR.categorize(predicted))] += 1
    linear, p = _kappa(counts, "linear")
    return Categories(
        group=group,
        counts=tuple(tuple(int(c) for c in row) for row in counts),
        kappa_linear=linear,
        kappa_quadratic=_kappa(counts, "quadratic")[0],
        p=p,
    )


def _kappa(counts: NDArray[np.int_], weights: str) -> tuple[Estimate | None, float | None]:
    # With one category by both there is no agreement beyond chance to speak of.
    if np.count_nonzero(counts.sum(axis=0)) < 2 and np.count_nonzero(counts.sum(axis=1)) < 2:
        return None, None
    with np.errstate(invalid="ignore"):  # the variance of a few patients can come out a little below 0
        found = cohens_kappa(counts, wt=weights)
    value = finite(found.kappa)
    if value is None:
        return None, None
    # Without variance the interval would be the value itself, however few the patients.
    spread = finite(found.std_kappa)
    if spread is None or negligible(spread):
        return Estimate(value), finite(found.pvalue_two_sided)
    low, high = finite(found.kappa_low), finite(found.kappa_upp)
    return Estimate(value, low, high if high is None else min(high, 1.0)), finite(found.pvalue_two_sided)


def _all(bmd: NDArray[np.float64], is_target: Callable[[Category], bool]) -> NDArray[np.bool_]:
    return np.array([is_target(ACR.categorize(float(value))) for value in bmd], dtype=bool)
