"""The curve through the bodies is the smoothing spline that scipy fits, without the time that scipy takes to import."""

import numpy as np
import pytest
from scipy.interpolate import make_smoothing_spline

from ldct_bmd.labeling.curve import CURVE_FIT, LEAST_KNOTS, smoothed


@pytest.mark.parametrize("count", [LEAST_KNOTS, 12, 90])
@pytest.mark.parametrize("smoothing", [1.0, CURVE_FIT.smoothing, 1e6])
def test_the_curve_is_scipys_and_goes_straight_on_beyond_its_ends(count: int, smoothing: float) -> None:
    random = np.random.default_rng(count)
    z = np.cumsum(random.uniform(2.0, 6.0, count))
    y = 30.0 * np.sin(z / 60.0) + random.normal(0.0, 1.0, count)
    weight = random.uniform(0.2, 1.0, count)
    at = np.arange(z[0] - 30.0, z[-1] + 30.0, 0.7)
    inside = np.clip(at, z[0], z[-1])
    spline = make_smoothing_spline(z, y, w=weight, lam=smoothing)
    expected = spline(inside) + spline.derivative()(inside) * (at - inside)
    assert smoothed(z, y, weight, smoothing, at) == pytest.approx(expected, abs=1e-6)
