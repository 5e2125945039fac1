"""Where a calibration comes from: its scanner and acquisition, how, when and by whom it was made, how well it fits."""

import math
import re
from dataclasses import dataclass
from datetime import date
from enum import Enum

from ..ground.errors import UsageError
from ..scan.kernels import kernel_sharpness
from ..words import text

# On the scale of Siemens' numbers. Within a class the mean over a VOI is the same; edge-enhancing kernels shift it.
_SHARPER_THAN = ((52.0, "sharp"), (35.0, "standard"), (-math.inf, "smooth"))
KERNEL_CLASSES = tuple(name for _, name in _SHARPER_THAN)
_TIN = re.compile(r"\b(TIN|SN)\b|^SN\d")


class Method(str, Enum):
    """How a calibration was made."""

    PHANTOM = "phantom"
    PAIRS = "pairs"
    ENTERED = "entered"
    NOMINAL = "nominal"


@dataclass(frozen=True)
class Scanner:
    """One CT scanner; None: the input does not say."""

    manufacturer: str | None = None
    model: str | None = None
    station: str | None = None
    serial: str | None = None

    def __str__(self) -> str:
        maker = " ".join(part for part in (self.manufacturer, self.model) if part)
        if not self.serial and not self.station:
            return maker or text("scanner.unnamed")
        key = "scanner.serial" if self.serial else "scanner.station"
        return text(key if maker else f"{key}_alone", maker=maker, serial=self.serial, station=self.station)


@dataclass(frozen=True)
class Provenance:
    """What a calibration was made with and on.

    Attributes:
        filter_type: the beam filter as the scan's header names it; None where it names none.
        kernel_class: see :func:`kernel_class`.
        date: of the phantom's or the patients' scans, YYYY-MM-DD.
        valid_until: the last day it holds for, YYYY-MM-DD; None: until a newer one takes its place.

    Raises:
        UsageError: a date is none, or it ends before it begins.
    """

    method: Method
    scanner: Scanner | None = None
    filter_type: str | None = None
    kernel_class: str | None = None
    date: str | None = None
    valid_until: str | None = None
    operator: str | None = None
    phantom: str | None = None

    def __post_init__(self) -> None:
        first, last = (None if text is None else read_date(text) for text in (self.date, self.valid_until))
        if first is not None and last is not None and last < first:
            raise UsageError("calibration.valid_before_date", date=self.date, until=self.valid_until)


@dataclass(frozen=True)
class FitQuality:
    """How well the line fits, with the full covariance of slope and intercept.

    Attributes:
        slope_se: standard error of the slope, mg/cm3 per HU.
        intercept_se_mg_cm3: standard error of the intercept.
        slope_intercept_covariance: covariance of the two, (mg/cm3)2 per HU.
        residual_sd_mg_cm3: scatter of the points about the line.
        points: how many points were fitted.

    Raises:
        UsageError: the values are not a covariance.
    """

    slope_se: float
    intercept_se_mg_cm3: float
    slope_intercept_covariance: float
    residual_sd_mg_cm3: float
    r_squared: float
    points: int

    def __post_init__(self) -> None:
        errors = (self.slope_se, self.intercept_se_mg_cm3, self.residual_sd_mg_cm3)
        largest = self.slope_se * self.intercept_se_mg_cm3
        if (
            not all(math.isfinite(error) and error >= 0.0 for error in errors)
            or not abs(self.slope_intercept_covariance) <= largest * (1.0 + 1e-6)
            or not self.r_squared <= 1.0
            or self.points < 2
        ):
            raise UsageError("calibration.errors_contradict")

    def variance_at(self, mean_hu: float) -> float:
        """Return the variance of the line at ``mean_hu`` in (mg/cm3)2."""
        variance = (
            (mean_hu * self.slope_se) ** 2
            + 2.0 * mean_hu * self.slope_intercept_covariance
            + self.intercept_se_mg_cm3**2
        )
        return max(variance, 0.0)


def kernel_class(kernel: str | None) -> str | None:
    """Return "smooth", "standard" or "sharp"; the name itself, in capitals, where its sharpness is not known."""
    name = (kernel or "").split("\\")[0].strip().upper()
    if not name:
        return None
    sharpness = kernel_sharpness(name)
    if sharpness is None:
        return name
    return next(label for limit, label in _SHARPER_THAN if sharpness >= limit)


def is_tin(filter_type: str | None) -> bool:
    """Tell whether a beam filter is named as tin, which hardens the beam like tens of kilovolts more."""
    return _TIN.search((filter_type or "").upper()) is not None


def read_date(text: str) -> date:
    """Read YYYY-MM-DD or DICOM's YYYYMMDD; UsageError for anything else."""
    digits = text.strip().replace("-", "") if re.fullmatch(r"\s*(\d{8}|\d{4}-\d{2}-\d{2})\s*", text) else ""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        raise UsageError("calibration.no_date", text=text) from None
