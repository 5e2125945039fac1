"""The uncertainty budget of a BMD: what adds to its standard error, and how the parts go together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import scipy

NORMAL_95 = 1.96  # half-width of a 95 % interval of a normal distribution, in standard errors
# Of the variance of where a VOI lies, what a scan's bodies share, on the scans of Testing/benchmarks/outlines.py:
# a network that is off at one body is off at the next.
PLACEMENT_IN_COMMON = 0.4
_MOST_DEGREES = 1e6  # beyond, Student's t is the normal distribution


class Part(str, Enum):
    """What a BMD's standard error is made of; the order of tables."""

    NOISE = "noise"
    PLACEMENT = "placement"
    CALIBRATION = "calibration"
    TRANSFER = "transfer"
    CONTRAST = "contrast"
    SIZE = "size"


@dataclass(frozen=True)
class BMDError:
    """Standard error of a BMD, in mg/cm3, and its parts; None: not known, or nothing of the kind.

    Attributes:
        noise_mg_cm3: from the image noise in the VOIs.
        calibration_mg_cm3: from the calibration's line; None where the calibration does not say how well it fits.
        total_mg_cm3: of all; None where the calibration's part is not known.
        transfer_mg_cm3: from carrying the calibration to another tube voltage or filter; None where it was not.
        placement_mg_cm3: from where the VOI lies, see :mod:`..placement`; None in records of before.
        size_mg_cm3: from the patient's size, see :mod:`.size`; None in records of before.
        contrast_mg_cm3: from taking off what a contrast agent adds; None where nothing was taken off.
        coverage_factor: by which the total becomes half of the 95 % interval: Student's t on the degrees of freedom
            that the calibration's few points leave. None: 1.96, and in records of before.
    """

    noise_mg_cm3: float
    calibration_mg_cm3: float | None
    total_mg_cm3: float | None
    transfer_mg_cm3: float | None = None
    placement_mg_cm3: float | None = None
    size_mg_cm3: float | None = None
    contrast_mg_cm3: float | None = None
    coverage_factor: float | None = None

    @property
    def parts(self) -> dict[Part, float]:
        """The parts that are known, in the order of tables."""
        found = ((part, getattr(self, f"{part.value}_mg_cm3")) for part in Part)
        return {part: value for part, value in found if value is not None}

    @property
    def known_mg_cm3(self) -> float:
        """Standard error of all that is known: without the calibration's part if the total is None."""
        return math.hypot(*self.parts.values()) if self.total_mg_cm3 is None else self.total_mg_cm3

    @property
    def half_interval_mg_cm3(self) -> float:
        """Half of the 95 % interval, of all that is known."""
        return (self.coverage_factor or NORMAL_95) * self.known_mg_cm3

    @property
    def repeated_mg_cm3(self) -> float:
        """The part that is drawn anew when the same patient is scanned again on the same scanner."""
        return math.hypot(self.noise_mg_cm3, self.placement_mg_cm3 or 0.0)


def independent(errors: Sequence[float]) -> float:
    """Return the standard error of the mean of values whose errors have nothing to do with each other."""
    return math.hypot(*errors) / len(errors)


def partly_common(errors: Sequence[float], share: float) -> float:
    """Return the standard error of the mean of values a ``share`` of whose errors' variance is one and the same."""
    return math.sqrt((1.0 - share) * independent(errors) ** 2 + share * common(errors) ** 2)


def common(errors: Sequence[float]) -> float:
    """Return the standard error of the mean of values whose errors are one and the same: it is no less."""
    return sum(errors) / len(errors)


def coverage_factor(total: float, calibration: float, points: int) -> float:
    """Return half of a 95 % interval in standard errors.

    Only the calibration's part rests on few values: Welch-Satterthwaite's degrees of freedom (JCGM 100:2008, G.4), all
    other parts counted as known.

    Args:
        total: standard error of all parts.
        calibration: that of the calibration's line.
        points: that the line was fitted to.
    """
    if calibration <= 0.0:
        return NORMAL_95
    degrees = max(points - 2, 1) * (total / calibration) ** 4
    return max(NORMAL_95, float(scipy.special.stdtrit(min(degrees, _MOST_DEGREES), 0.975)))
