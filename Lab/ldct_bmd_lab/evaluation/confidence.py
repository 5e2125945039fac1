"""Can the probabilities of the names be trusted: risk and coverage, reliability, expected calibration error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .segmentation.summary import Share, share

BINS = 10  # of equal mass: each holds about as many bodies; equal probabilities are never parted
RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True)
class JudgedBody:
    """A found body whose name is right or wrong."""

    scan: str
    name: str
    probability: float
    right: bool


@dataclass(frozen=True)
class RiskPoint:
    """The names of at least this probability: their share of all, and the share of wrong ones among them."""

    probability: float
    coverage: float
    risk: float
    bodies: int
    wrong: int


@dataclass(frozen=True)
class Bin:
    """Bodies whose names were given nearly the same probability."""

    low: float
    high: float
    stated: float
    right: Share


@dataclass(frozen=True)
class Confidence:
    """How far the probabilities of the names can be trusted.

    Attributes:
        scans, bodies, wrong: what is judged: bodies found at a known place.
        curve: from the surest names down to all.
        bins: from the least probability up.
        ece: expected calibration error over ``bins`` (Guo et al. 2017, On Calibration of Modern Neural Networks).
        ece_low, ece_high: 95 % percentile interval of a bootstrap that draws whole scans; it lies high where scans are
            few, since an absolute error can't average out.
    """

    scans: int
    bodies: int
    wrong: int
    curve: tuple[RiskPoint, ...]
    bins: tuple[Bin, ...]
    ece: float
    ece_low: float
    ece_high: float

    @property
    def coverage_without_error(self) -> float:
        """The largest share of the bodies, the surest first, that holds no wrong name."""
        return max((point.coverage for point in self.curve if not point.wrong), default=0.0)


def confidence(bodies: Sequence[JudgedBody]) -> Confidence | None:
    """Return how far the probabilities of ``bodies`` can be trusted; None without bodies."""
    if not bodies:
        return None
    stated = np.array([body.probability for body in bodies])
    right = np.array([body.right for body in bodies])
    scans = np.unique([body.scan for body in bodies], return_inverse=True)[1]
    low, high = _interval(stated, right, scans)
    return Confidence(
        scans=int(scans.max()) + 1,
        bodies=len(bodies),
        wrong=int((~right).sum()),
        curve=tuple(_curve(stated, right)),
        bins=tuple(_bins(stated, right)),
        ece=expected_calibration_error(stated, right),
        ece_low=low,
        ece_high=high,
    )


def confidence_text(one: Confidence) -> str:
    """Return how far probabilities can be trusted, in a line."""
    return (
        f"{one.bodies} bodies of {one.scans} scans, {one.wrong} of a wrong name; ECE {one.ece:.3f} "
        f"({one.ece_low:.3f} to {one.ece_high:.3f}); no wrong name among the surest "
        f"{100 * one.coverage_without_error:.0f} %"
    )


def expected_calibration_error(stated: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the mean distance of stated probability and observed share, over bins of equal mass."""
    number = _bin_of(stated)
    gaps = np.bincount(number, weights=stated - right)  # each bin's distance times its bodies
    return float(np.abs(gaps).sum() / len(stated))


def _curve(stated: NDArray[np.float64], right: NDArray[np.bool_]) -> list[RiskPoint]:
    points = []
    for probability in np.unique(stated)[::-1]:
        taken = stated >= probability
        bodies, wrong = int(taken.sum()), int((~right[taken]).sum())
        points.append(RiskPoint(float(probability), bodies / len(stated), wrong / bodies, bodies, wrong))
    return points


def _bins(stated: NDArray[np.float64], right: NDArray[np.bool_]) -> list[Bin]:
    number = _bin_of(stated)
    members = [number == one for one in np.unique(number)]
    return [
        Bin(float(stated[m].min()), float(stated[m].max()), float(stated[m].mean()), share(right[m].tolist()))
        for m in members
    ]


def _bin_of(stated: NDArray[np.float64]) -> NDArray[np.intp]:
    edges = np.unique(np.quantile(stated, np.arange(1, BINS) / BINS, method="higher"))
    return np.searchsorted(edges, stated, side="right")


def _interval(stated: NDArray[np.float64], right: NDArray[np.bool_], scans: NDArray[np.intp]) -> tuple[float, float]:
    rng = np.random.default_rng(SEED)
    members = [np.flatnonzero(scans == scan) for scan in range(int(scans.max()) + 1)]
    errors = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        errors.append(expected_calibration_error(stated[chosen], right[chosen]))
    low, high = np.percentile(errors, (2.5, 97.5))
    return float(low), float(high)
