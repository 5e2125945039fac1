"""The spine as a curve through the vertebral bodies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .tuned import DRAWN, tuned


@dataclass(frozen=True)
class CurveFit:
    """How smooth the curve through the bodies is."""

    slab_mm: float = tuned(
        4.0,
        "height of the slabs whose centres the curve follows",
        unit="mm",
        source="several in each body, so that none decides alone",
        data=DRAWN,
    )
    least_mass: float = tuned(
        0.05,
        "a slab with less foreground is left out",
        unit="of the median slab",
        source="the centre of a few voxels is noise",
        data=DRAWN,
    )
    smoothing: float = tuned(
        3e3,
        "weight of the curve's bending against its distance from the centres",
        unit="lambda of Green and Silverman 1994, over mm",
        source="the curve follows the spine's bends, not the outlines of single bodies",
        data=DRAWN,
    )


CURVE_FIT = CurveFit()
BEYOND_MM = 30.0  # the curve continues beyond the foreground: bodies' ends lie there
LEAST_KNOTS = 5


@dataclass(frozen=True)
class SpineCurve:
    """The spine as a curve: y and x (mm) as smooth functions of z (mm), with arc length."""

    z_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    x_mm: NDArray[np.float64]
    s_mm: NDArray[np.float64]

    def arc_length(self, points_zyx_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the arc length (n,) at which the curve's normal plane holds each point (n, 3)."""
        slope_y, slope_x = np.gradient(self.y_mm, self.z_mm), np.gradient(self.x_mm, self.z_mm)
        z = points_zyx_mm[:, 0].copy()
        for _ in range(5):
            y, x = np.interp(z, self.z_mm, self.y_mm), np.interp(z, self.z_mm, self.x_mm)
            dy, dx = np.interp(z, self.z_mm, slope_y), np.interp(z, self.z_mm, slope_x)
            ahead = points_zyx_mm[:, 0] - z + (points_zyx_mm[:, 1] - y) * dy + (points_zyx_mm[:, 2] - x) * dx
            z += 0.8 * ahead / (1 + dy**2 + dx**2)
        return np.interp(z, self.z_mm, self.s_mm)

    def frame(self, s_mm: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return at arc lengths (n,) the curve's points and the unit vectors to the left and to the back, (n, 3) each.

        All in (z, y, x) order, in mm. Beyond its ends the curve goes straight on.
        """
        z = np.interp(s_mm, self.s_mm, self.z_mm)
        z = z + np.minimum(s_mm - self.s_mm[0], 0) + np.maximum(s_mm - self.s_mm[-1], 0)
        line = np.stack([z, np.interp(z, self.z_mm, self.y_mm), np.interp(z, self.z_mm, self.x_mm)], axis=1)
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        left = np.array([0.0, 0.0, 1.0]) - along[:, 2:] * along
        left /= np.linalg.norm(left, axis=1, keepdims=True)
        return line, left, np.cross(left, along)


def fit_curve(points_zyx_mm: NDArray[np.float64], weight: NDArray[np.float64], fit: CurveFit = CURVE_FIT) -> SpineCurve:
    """Fit the curve through foreground voxels (n, 3): a smoothing spline through their centres slab by slab."""
    z = points_zyx_mm[:, 0]
    slab = np.floor(z / fit.slab_mm).astype(int)
    slab -= slab.min()
    mass = np.bincount(slab, weight)
    used = mass > fit.least_mass * np.median(mass[mass > 0])
    centres = [np.bincount(slab, weight * points_zyx_mm[:, a])[used] / mass[used] for a in range(3)]
    line_z = np.arange(z.min() - BEYOND_MM, z.max() + BEYOND_MM, 1.0)
    if used.sum() >= LEAST_KNOTS:
        trust = np.sqrt(mass[used] / mass.max())
        line_y, line_x = (smoothed(centres[0], c, trust, fit.smoothing, line_z) for c in centres[1:])
    else:
        line_y, line_x = (np.full_like(line_z, c.mean()) for c in centres[1:])
    pitch = np.sqrt(np.gradient(line_y, line_z) ** 2 + np.gradient(line_x, line_z) ** 2 + 1)
    return SpineCurve(line_z, line_y, line_x, np.cumsum(pitch) - pitch[0])


def smoothed(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weight: NDArray[np.float64],
    smoothing: float,
    at: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return at ``at`` the curve f with the least sum of weight (y - f)^2 and smoothing times the integral of f''^2.

    A natural cubic spline, straight beyond its ends. It is that of scipy's make_smoothing_spline, whose import takes
    longer than all that is done with the curve.

    Source: Green and Silverman, Nonparametric Regression and Generalized Linear Models, 1994, section 2.3.

    Args:
        x: (n,), rising, n > 2.
    """
    step = np.diff(x)
    inner = np.arange(len(x) - 2)
    falls = np.zeros((len(x), len(inner)))  # Q
    falls[inner, inner], falls[inner + 2, inner] = 1.0 / step[:-1], 1.0 / step[1:]
    falls[inner + 1, inner] = -1.0 / step[:-1] - 1.0 / step[1:]
    roughness = np.diag((step[:-1] + step[1:]) / 3.0) + np.diag(step[1:-1] / 6.0, 1) + np.diag(step[1:-1] / 6.0, -1)
    unweighted = falls / weight[:, None]
    bend = np.linalg.solve(roughness + smoothing * falls.T @ unweighted, falls.T @ y)
    value = y - smoothing * unweighted @ bend
    second = np.concatenate([[0.0], bend, [0.0]])
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(step) - 1)
    h, inside = step[piece], np.clip(at, x[0], x[-1])
    near, far = inside - x[piece], x[piece + 1] - inside
    low, high = second[piece], second[piece + 1]
    chord = (value[piece + 1] - value[piece]) / h
    curve = value[piece] + near * chord - near * far * ((1.0 + near / h) * high + (1.0 + far / h) * low) / 6.0
    slope = chord + ((3.0 * near**2 / h - h) * high - (3.0 * far**2 / h - h) * low) / 6.0
    return np.asarray(curve + slope * (at - inside))
