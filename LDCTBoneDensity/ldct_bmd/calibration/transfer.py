"""What is known of a calibration that was carried to another tube voltage or beam filter."""

import math
from dataclasses import dataclass
from enum import Enum

from ..ground.errors import UsageError
from .provenance import FitQuality

# By how much the simulation's correction may be off, as a share of it. L1 of 16,747 patients, not the same at each
# voltage, read 148.1 HU at 100 kVp, 140.9 at 120 and 131.3 at 140 (AAPM 2026,
# https://aapm2026explorer-production.up.railway.app/detail/paper/1859), where the simulation makes 156.0 and 130.9 of
# 140.9 HU. With the standard errors that follow from the abstract's p-values (3.4 and 1.4 HU), what was seen is 0.82 +-
# 0.12 of what is simulated: 0.18 and 0.12 make 0.22.
DOUBTED_SHARE = 0.22
# Where the site's phantom was scanned at both, the beams are measured; what is left is how bone differs from K2HPO4.
DOUBTED_SHARE_MEASURED = 0.05


class Way(str, Enum):
    """How a calibration was carried over."""

    TABLE = "table"  # by simulated spectra
    PHANTOM_SCANS = "phantom_scans"  # by them and the site's own phantom, scanned at both


@dataclass(frozen=True)
class Transfer:
    """HU where the calibration was made = ``gain`` x HU of the scan + ``offset_hu``, for trabecular bone.

    Attributes:
        kvp: of the scans that the carried line holds for.
        tin: whether they were made with a tin filter; the calibration's own filter is in its provenance.
        sd_hu, sd_per_hu: how bones, bodies and beams scatter about the line in the simulation.
        phantom_share: standard error of the phantom's part of ``gain``, as a share of it; 0 by the table alone.
        table: the first digits of the table's SHA-256.
        made_slope, made_intercept_mg_cm3, made_fit: the line as it was made.

    Raises:
        UsageError: the values are not possible.
    """

    way: Way
    kvp: float
    tin: bool
    gain: float
    offset_hu: float
    sd_hu: float
    sd_per_hu: float
    phantom_share: float
    table: str
    made_slope: float
    made_intercept_mg_cm3: float
    made_fit: FitQuality | None = None

    def __post_init__(self) -> None:
        errors = (self.sd_hu, self.sd_per_hu, self.phantom_share)
        finite = (self.gain, self.offset_hu, self.kvp, self.made_slope, self.made_intercept_mg_cm3, *errors)
        if not all(math.isfinite(value) for value in finite) or self.gain <= 0.0 or min(errors) < 0.0:
            raise UsageError("calibration.transfer")

    def carried_hu(self, mean_hu: float) -> float:
        """Return what the bone would show where the calibration was made."""
        return self.gain * mean_hu + self.offset_hu

    def error_mg_cm3(self, mean_hu: float) -> float:
        """Return the standard error that the transfer adds to a BMD at ``mean_hu`` of the scan.

        It is common to all levels of a scan: the marrow, the body and the beam are the same.
        """
        share = DOUBTED_SHARE if self.way is Way.TABLE else DOUBTED_SHARE_MEASURED
        carried_hu = self.carried_hu(mean_hu)
        parts_hu = (
            self.sd_hu,
            self.sd_per_hu * mean_hu,
            share * (carried_hu - mean_hu),
            self.phantom_share * carried_hu,
        )
        return self.made_slope * math.hypot(*parts_hu)

    def carried_fit(self) -> FitQuality | None:
        """Return the covariance of the line as it was made, in terms of the scan's HU."""
        fit = self.made_fit
        if fit is None:
            return None
        slope_variance, covariance = fit.slope_se**2, fit.slope_intercept_covariance
        variance = fit.intercept_se_mg_cm3**2 + 2.0 * self.offset_hu * covariance + self.offset_hu**2 * slope_variance
        return FitQuality(
            slope_se=self.gain * fit.slope_se,
            intercept_se_mg_cm3=math.sqrt(max(variance, 0.0)),
            slope_intercept_covariance=self.gain * (covariance + self.offset_hu * slope_variance),
            residual_sd_mg_cm3=fit.residual_sd_mg_cm3,
            r_squared=fit.r_squared,
            points=fit.points,
        )
