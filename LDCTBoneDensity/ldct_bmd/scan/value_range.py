"""Whether values of a scan left their range: cut at a display window or for a network, or wrapped round its end."""

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
# What is darker than air is padding, which has one or two values, or noise and streaks, which fade into what surrounds
# them. A value that went past the end of n bits stands 2**n below its neighbours, which did not.
WRAPPED_BELOW_HU = -1100.0
BITS = range(12, 17)
DARKER_HU, BRIGHTER_HU = (
    900.0,
    100.0,
)  # the next voxel may be so much darker, or brighter, than the value before its turn
LEAST_WRAPPED = 0.5  # of the dark voxels' neighbours that are not dark themselves


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


def check_wrapped(hu: NDArray[Any]) -> None:
    """Refuse values that went past the end of their type and came out at its other end; ``hu`` is (z, y, x)."""
    if hu.min() >= WRAPPED_BELOW_HU:
        return
    steps = _steps_out_of_the_dark(hu)
    if steps.size < FEWEST_VOXELS:
        return
    for bits in BITS:
        brighter = steps - 2.0**bits
        if np.mean((brighter > -DARKER_HU) & (brighter < BRIGHTER_HU)) > LEAST_WRAPPED:
            raise CannotMeasure("scan.wrapped", turn=2**bits)


def _steps_out_of_the_dark(hu: NDArray[Any]) -> NDArray[np.float64]:
    """Return how far the next voxel of a row is above each that is darker than air and not padding."""
    padding = _two_most_frequent(hu)
    found = []
    for plane in hu:
        dark = plane < WRAPPED_BELOW_HU
        if dark.any():
            rows, columns = np.nonzero(dark[:, :-1] & ~dark[:, 1:])
            edge = plane[rows, columns]
            step = plane[rows, columns + 1].astype(np.float64) - edge
            found.append(step[~np.isin(edge, padding)])
    return np.concatenate(found) if found else np.empty(0)


def _two_most_frequent(hu: NDArray[Any]) -> NDArray[Any]:
    """Return the two most frequent of the values that are darker than air."""
    sample = hu[::3, ::3, ::3]
    values, counts = np.unique(sample[sample < WRAPPED_BELOW_HU], return_counts=True)
    return np.asarray(values[np.argsort(counts)[-2:]])
