"""BMD as a straight line of HU, and how uncertain it is."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum

from ..ground.errors import UsageError
from .budget import PLACEMENT_IN_COMMON, BMDError, common, coverage_factor, independent, partly_common
from .provenance import FitQuality, Provenance, is_tin
from .transfer import Transfer
from .transfers import KVP_TOLERANCE

MATERIALS: tuple[str, ...] = ("K2HPO4", "hydroxyapatite")

# Wide physical bounds, to catch swapped or mistyped numbers: from 70 to 150 kVp the slope lies between 0.3 and 1.2.
_SLOPE_RANGE = (0.1, 5.0)
_LARGEST_INTERCEPT_MG_CM3 = 300.0
_KVP_RANGE = (40.0, 200.0)
_IDENTIFIER_DIGITS = 12


class KvpFit(str, Enum):
    """Whether a calibration belongs to the tube voltage of a scan."""

    FITS = "fits"
    UNKNOWN = "unknown"  # the scan or the calibration does not say
    MISMATCH = "mismatch"


@dataclass(frozen=True)
class Calibration:
    """BMD = slope x mean HU + intercept.

    Attributes:
        name: by which people know it.
        slope: mg/cm3 per HU, positive.
        intercept_mg_cm3: BMD at 0 HU.
        material: the equivalent material of the BMD, one of ``MATERIALS``.
        kvp: the tube voltage it was made at, in kV; None where that is not known.
        nominal: not made on the scanner that it is used for.
        source: where the numbers come from, in words.
        provenance: the same as data; None where it is not known.
        fit: how well the line fits; None where it is not known.
        transfer: how the line was carried from ``kvp`` to another voltage or filter, which slope, intercept and fit
            then hold for; None where it was not.

    Raises:
        UsageError: a value is not possible.
    """

    name: str
    slope: float
    intercept_mg_cm3: float
    material: str
    kvp: float | None
    nominal: bool
    source: str
    provenance: Provenance | None = None
    fit: FitQuality | None = None
    transfer: Transfer | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UsageError("calibration.no_name")
        if not math.isfinite(self.slope) or not _SLOPE_RANGE[0] <= self.slope <= _SLOPE_RANGE[1]:
            raise UsageError("calibration.slope", slope=self.slope, least=_SLOPE_RANGE[0], most=_SLOPE_RANGE[1])
        if not math.isfinite(self.intercept_mg_cm3) or abs(self.intercept_mg_cm3) > _LARGEST_INTERCEPT_MG_CM3:
            raise UsageError(
                "calibration.intercept",
                intercept_mg_cm3=self.intercept_mg_cm3,
                least=-_LARGEST_INTERCEPT_MG_CM3,
                most=_LARGEST_INTERCEPT_MG_CM3,
            )
        if self.material not in MATERIALS:
            raise UsageError("calibration.material", material=self.material, materials=MATERIALS)
        if self.kvp is not None and not _KVP_RANGE[0] <= self.kvp <= _KVP_RANGE[1]:
            raise UsageError("calibration.kvp", kvp=self.kvp, least=_KVP_RANGE[0], most=_KVP_RANGE[1])

    @property
    def identifier(self) -> str:
        """Twelve digits that any other calibration's differ from: the start of the SHA-256 of all it says."""
        values = asdict(self)
        if self.transfer is None:
            del values["transfer"]  # one that was not carried goes by the digits that it always had
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_IDENTIFIER_DIGITS]

    def bmd_mg_cm3(self, mean_hu: float) -> float:
        """Return the BMD at ``mean_hu`` in mg/cm3 of ``material``, unrounded."""
        return self.slope * mean_hu + self.intercept_mg_cm3

    def bmd_error(
        self,
        mean_hu: Sequence[float],
        standard_error_hu: Sequence[float],
        placement_hu: Sequence[float] | None = None,
        size_mg_cm3: Sequence[float] | None = None,
        contrast_mg_cm3: float | None = None,
    ) -> BMDError:
        """Return the uncertainty budget of the mean BMD over VOIs of ``mean_hu`` in one scan.

        The noise of different VOIs is independent, their placement partly. The other parts are common to them all, and
        the mean does not lessen them: calibration and transfer are those of the line at the VOIs' mean HU.

        Args:
            mean_hu: of each VOI.
            standard_error_hu: of each mean, from the image noise.
            placement_hu: standard deviation of each mean over where the VOI may lie; None where that is not known.
            size_mg_cm3: what the patient's size adds at each VOI; None where that is not known.
            contrast_mg_cm3: standard error of what was taken off for a contrast agent; None where nothing was.
        """
        mean = sum(mean_hu) / len(mean_hu)
        parts = BMDError(
            noise_mg_cm3=self.slope * independent(standard_error_hu),
            calibration_mg_cm3=None if self.fit is None else math.sqrt(self.fit.variance_at(mean)),
            total_mg_cm3=None,
            transfer_mg_cm3=None if self.transfer is None else self.transfer.error_mg_cm3(mean),
            placement_mg_cm3=None
            if placement_hu is None
            else self.slope * partly_common(placement_hu, PLACEMENT_IN_COMMON),
            size_mg_cm3=None if size_mg_cm3 is None else common(size_mg_cm3),
            contrast_mg_cm3=contrast_mg_cm3,
        )
        if self.fit is None or parts.calibration_mg_cm3 is None:
            return parts
        total = math.hypot(*parts.parts.values())
        factor = coverage_factor(total, parts.calibration_mg_cm3, self.fit.points)
        return replace(parts, total_mg_cm3=total, coverage_factor=factor)

    def kvp_fit(self, scan_kvp: float | None) -> KvpFit:
        """Tell whether this calibration belongs to a scan at ``scan_kvp`` (None: the scan does not say)."""
        own_kvp = self.kvp if self.transfer is None else self.transfer.kvp
        if scan_kvp is None or own_kvp is None:
            return KvpFit.UNKNOWN
        return KvpFit.FITS if abs(scan_kvp - own_kvp) <= KVP_TOLERANCE else KvpFit.MISMATCH

    @property
    def with_tin(self) -> bool:
        """Whether it holds for scans with a tin filter."""
        if self.transfer is not None:
            return self.transfer.tin
        return self.provenance is not None and is_tin(self.provenance.filter_type)
