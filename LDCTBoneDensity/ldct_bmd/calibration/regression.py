"""Ordinary least squares of a straight line, with everything that its errors need."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit


@dataclass(frozen=True)
class LineFit:
    """y = slope x + intercept.

    Attributes:
        covariance: 2 x 2, of (slope, intercept).
        residuals: y less the line.
        residual_sd: on n - 2 degrees of freedom.
    """

    slope: float
    intercept: float
    covariance: NDArray[np.float64]
    residuals: NDArray[np.float64]
    residual_sd: float
    r_squared: float

    @property
    def points(self) -> int:
        """How many points were fitted."""
        return len(self.residuals)

    def confidence_interval(self, level: float = 0.95) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the intervals of slope and intercept, by Student's t on n - 2 degrees of freedom."""
        t = float(stdtrit(self.points - 2, 0.5 + level / 2))
        slope_se, intercept_se = np.sqrt(np.diag(self.covariance)).tolist()
        return (
            (self.slope - t * slope_se, self.slope + t * slope_se),
            (self.intercept - t * intercept_se, self.intercept + t * intercept_se),
        )


def fit_line(x: ArrayLike, y: ArrayLike) -> LineFit:
    """Fit a line to three points or more; ValueError if there are fewer, or all x are the same."""
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(xs) < 3 or np.ptp(xs) == 0.0:
        raise ValueError("a line with its errors needs three points that differ in x")
    centre = xs.mean()
    spread = float(((xs - centre) ** 2).sum())
    slope = float(((xs - centre) * (ys - ys.mean())).sum() / spread)
    intercept = float(ys.mean() - slope * centre)
    residuals = ys - slope * xs - intercept
    variance = float((residuals**2).sum()) / (len(xs) - 2)
    slope_variance = variance / spread
    covariance = np.array(
        [
            [slope_variance, -centre * slope_variance],
            [-centre * slope_variance, variance / len(xs) + centre**2 * slope_variance],
        ]
    )
    total = float(((ys - ys.mean()) ** 2).sum())
    r_squared = 1.0 - float((residuals**2).sum()) / total if total > 0.0 else 0.0
    return LineFit(slope, intercept, covariance, residuals, float(np.sqrt(variance)), r_squared)


def leverages(x: ArrayLike) -> NDArray[np.float64]:
    """Return how much each point pulls the line to itself: the diagonal of the hat matrix."""
    xs = np.asarray(x, np.float64)
    squares = (xs - xs.mean()) ** 2
    return np.asarray(1.0 / len(xs) + squares / squares.sum())
