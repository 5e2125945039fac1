"""Probabilities are kept in half the bytes, rounded as numpy rounds them."""

import numpy as np

from ldct_bmd.segmentation.patches import halved


def test_every_magnitude_is_rounded_as_numpy_rounds_it() -> None:
    exponents = np.random.default_rng(0).uniform(-40.0, 0.0, (4, 5, 60, 70))
    probability = (2.0**exponents).astype(np.float32)
    probability[0, 0, 0, :4] = 0.0, 1.0, 2.0**-14, 2.0**-25
    with np.errstate(under="ignore"):
        expected = probability.astype(np.float16)
    assert np.array_equal(halved(probability), expected)
