"""A VOI of the current scan carried into the voxels of an earlier one.

It is the current VOI that is carried, not the earlier one: the current BMD then stays the one that the report states,
at the place that its reader has seen and perhaps moved, and all earlier scans are measured at that one place. Both
means come from original voxels: the cylinder is turned and moved, no image is resampled for it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..anatomy import LEVEL_OF_VERSE_VALUE, VERSE_VALUE, order
from ..densitometry import hu_statistics, hu_values
from ..ground.errors import CannotMeasure
from ..labeling import find_bodies
from ..scan import CTScan
from ..voi import Box, CylinderVOI
from .register import LIMITS, Registration, RegistrationLimits, Vertebra, cut_out, glance, register

# Standard error of the place along each axis. Where the true move is known it is smaller: 0.03 mm for virtual patients
# scanned twice (Testing/benchmarks/same_place.py), 0.07 mm for real vertebrae turned, resampled and made noisy. A
# patient's second scan has another breath, kernel and table, so that twice the latter is taken.
PLACE_SD_MM = 0.15
_GRADIENT_STEP_MM = 1.0


class Why(str, Enum):
    """Why a VOI was not carried over."""

    NO_BODY = "no_body"
    UNLIKE = "unlike"
    OTHER_LEVEL = "other_level"
    TURN = "turn"
    OVERLAP = "overlap"
    RESIDUAL = "residual"
    LEAVES_SCAN = "leaves_scan"


@dataclass(frozen=True)
class NotCarried:
    """A level whose VOI was not carried over; ``facts`` are the numbers of the sentence on it."""

    level: str
    why: Why
    facts: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Carried:
    """The VOI of a level in the earlier scan.

    Attributes:
        voi: in the earlier scan's space.
        mean_hu: in the earlier scan's voxels.
        noise_hu: standard error of the mean, from its image noise.
        place_hu: standard error of the mean, from what the registration may be off.
    """

    level: str
    voi: CylinderVOI
    mean_hu: float
    noise_hu: float
    place_hu: float
    registration: Registration


@dataclass(frozen=True, eq=False)
class Seen:
    """A scan and the vertebral bodies in it: (z, y, x) on the scan's grid, VerSe values."""

    scan: CTScan
    bodies: NDArray[np.integer]

    def boxes(self) -> dict[int, Box]:
        """Return the box of each body, by VerSe value."""
        return find_bodies(self.bodies)


def carry_all(
    vois: Mapping[str, CylinderVOI], now: Seen, then: Seen, limits: RegistrationLimits = LIMITS
) -> tuple[Carried | NotCarried, ...]:
    """Carry the VOIs of several levels, by level, from ``now`` into ``then``."""
    here, there = now.boxes(), then.boxes()
    return tuple(
        _carried(level, voi, (now, here), (then, there), limits)
        for level, voi in sorted(vois.items(), key=lambda item: order(item[0]))
    )


def carry(
    level: str, voi: CylinderVOI, now: Seen, then: Seen, limits: RegistrationLimits = LIMITS
) -> Carried | NotCarried:
    """Carry one VOI; see :func:`carry_all`."""
    return carry_all({level: voi}, now, then, limits)[0]


_Boxed = tuple[Seen, dict[int, Box]]


def _carried(
    level: str, voi: CylinderVOI, now: _Boxed, then: _Boxed, limits: RegistrationLimits
) -> Carried | NotCarried:
    value = VERSE_VALUE[level]
    if value not in now[1] or value not in then[1]:
        return NotCarried(level, Why.NO_BODY)
    here, there = _vertebra(now, value, limits), _vertebra(then, value, limits)
    try:
        refused = _other_level(level, here, there, then, limits)
        if refused is not None:
            return refused
        found = register(here, there)
    except RuntimeError:
        return NotCarried(level, Why.UNLIKE, {"similarity": 0.0})
    refused = _doubted(level, found, limits)
    if refused is not None:
        return refused
    moved = found.move.moved(voi)
    scan = then[0].scan
    try:
        statistics = hu_statistics(scan, moved)
        place_hu = PLACE_SD_MM * _gradient_hu_per_mm(scan, moved)
    except CannotMeasure:
        return NotCarried(level, Why.LEAVES_SCAN)
    return Carried(level, moved, statistics.mean_hu, statistics.standard_error_hu, place_hu, found)


def _vertebra(seen: _Boxed, value: int, limits: RegistrationLimits) -> Vertebra:
    return cut_out(seen[0].scan, seen[0].bodies, value, seen[1][value], limits.search_mm)


def _other_level(
    level: str, here: Vertebra, there: Vertebra, then: _Boxed, limits: RegistrationLimits
) -> NotCarried | None:
    """Return a refusal if a neighbour of that name in the earlier scan is more like the vertebra."""
    own = glance(here, there)
    for value in _neighbours(VERSE_VALUE[level], then[1]):
        try:
            other = glance(here, _vertebra(then, value, limits))
        except RuntimeError:
            continue
        likelier = other.similarity - own.similarity > limits.likelier
        if likelier and min(other.similarity / limits.similarity, other.overlap / limits.overlap) >= 1.0:
            return NotCarried(level, Why.OTHER_LEVEL, {"other": LEVEL_OF_VERSE_VALUE[value]})
    return None


def _neighbours(value: int, boxes: Iterable[int]) -> list[int]:
    """Return the values of the bodies next above and next below, by name."""
    rank = order(LEVEL_OF_VERSE_VALUE[value])
    ranked = sorted((order(LEVEL_OF_VERSE_VALUE[one]), one) for one in boxes if one != value)
    above = [one for other, one in ranked if other < rank]
    below = [one for other, one in ranked if other > rank]
    return [*above[-1:], *below[:1]]


def _doubted(level: str, found: Registration, limits: RegistrationLimits) -> NotCarried | None:
    if found.similarity < limits.similarity:
        return NotCarried(level, Why.UNLIKE, {"similarity": found.similarity})
    if found.move.turn_deg > limits.turn_deg:
        return NotCarried(level, Why.TURN, {"turn_deg": found.move.turn_deg})
    if found.overlap < limits.overlap:
        return NotCarried(level, Why.OVERLAP, {"overlap": found.overlap})
    if found.residual_mm is not None and found.residual_mm > limits.residual_mm:
        return NotCarried(level, Why.RESIDUAL, {"residual_mm": found.residual_mm})
    return None


def _gradient_hu_per_mm(scan: CTScan, voi: CylinderVOI) -> float:
    """Return how much the mean changes if the VOI moves by 1 mm, root of the sum of squares over its three axes."""
    slopes = []
    for axis in np.asarray(voi.axes_lps):
        ends = []
        for step in (-_GRADIENT_STEP_MM, _GRADIENT_STEP_MM):
            x, y, z = (np.asarray(voi.center_lps_mm) + step * axis).tolist()
            ends.append(hu_values(scan, replace(voi, center_lps_mm=(x, y, z))).mean_hu)
        slopes.append((ends[1] - ends[0]) / (2.0 * _GRADIENT_STEP_MM))
    return math.hypot(*slopes)
