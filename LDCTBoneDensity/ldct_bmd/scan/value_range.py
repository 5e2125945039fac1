"""Whether the brightest values of a scan were cut, at a display window or in the preparation for a network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure

# Scales of 11 bits end at 1023 HU, those of 12 bits at 3071: above, nothing is missing that trabecular bone could have.
SCALE_ENDS_HU = 1000.0
# Spongy bone of the young, with its noise, reaches this; where it is cut, its mean is too low.
LEAST_HU = 400.0
BELOW_HU = 25.0  # how far below the maximum what is usual there is looked at
FEWEST_VOXELS = 30
LEAST_BELOW = 0.5  # voxels for each HU below the maximum
LARGEST_PILE = 10.0  # times what each of the whole numbers below the maximum holds


def check_brightest(hu: NDArray[Any]) -> float | None:
    """Return :func:`cut_at_hu`; CannotMeasure if spongy bone is cut as well."""
    cut = cut_at_hu(hu)
    if cut is not None and cut < LEAST_HU:
        raise CannotMeasure("scan.cut_at_window", hu=cut)
    return cut


def cut_at_hu(hu: NDArray[Any]) -> float | None:
    """Return the value at which the brightest voxels pile up; None where none do. ``hu`` is (z, y, x)."""
    maximum = float(hu.max())
    if maximum > SCALE_ENDS_HU:
        return None
    bright = hu[hu > maximum - BELOW_HU]
    at_maximum = int(np.count_nonzero(bright >= maximum - 0.5))
    below = (bright.size - at_maximum) / (BELOW_HU - 1.0)
    # Where nothing lies just below, the values were drawn, not cut.
    return (
        maximum if at_maximum >= FEWEST_VOXELS and below >= LEAST_BELOW and at_maximum > LARGEST_PILE * below else None
    )
