"""What contrast agent adds to the HU of trabecular bone, by the HU of the aorta."""

import math
from dataclasses import dataclass, replace
from enum import Enum
from statistics import fmean, median

from .linear import Calibration
from .tissue import ENHANCED_BLOOD_HU, TissueHU, blood_is_enhanced


class Phase(str, Enum):
    """When after the injection a scan was made."""

    ARTERIAL = "arterial"
    PORTAL_VENOUS = "portal_venous"


@dataclass(frozen=True)
class PhaseModel:
    """A phase in publications.

    Attributes:
        aorta_hu, aorta_sd_hu: what it adds to the aorta, at about 120 kVp.
        bone_hu: what it adds to trabecular bone where it adds ``aorta_hu`` to the aorta.
        bone_cv: standard deviation of that between patients and studies, as a share of it.
    """

    phase: Phase
    aorta_hu: float
    aorta_sd_hu: float
    bone_hu: float
    bone_cv: float

    def bone_at(self, aorta_hu: float) -> float:
        """Return what it adds to trabecular bone where it adds ``aorta_hu`` to the aorta."""
        certain = max(aorta_hu, ENHANCED_BLOOD_HU - NATIVE_BLOOD_HU)
        # Below, it may as well be none: in proportion.
        return self.bone_hu * (certain / self.aorta_hu) ** WITH_THE_AORTA * aorta_hu / certain


# The aorta: 34 patients, lumbar spine, before and after (Bartenschlager 2025, Eur J Radiol,
# https://booksci.cn/literature/143002662.htm).
# Trabecular bone, HU in the arterial and the portal venous phase:
#   13.5 and 18.2, 14.1 and 18.0: L1 of 99 and of 53 patients (Pompe 2015, https://peeref.com/works/9529480);
#   14.4 and 25.7: L1 of 288 (Grünewald, ECR, https://connect.myesr.org/course/imaging-of-body-composition);
#   11.2 portal venous: L1 of 157 (Pickhardt 2016, https://metajournal.com/articles/773401/
#   effect-iv-contrast-lumbar-trabecular-attenuation-routine-abdominal-ct);
#   5.68 and 17.5 mg/ml, so 7.1 and 21.9 HU at 0.8 mg/ml per HU: 39, automatic (Rühling 2021, http://www.globalauthorid.com/
#   WebPortal/ArticleView?wd=03E459076164F53E991EFCEEFC5E182AC7BB90E6A38A4871ED2E6650E6677003).
# Means of the studies: 11.7 and 19.2 HU. Between patients Rühling's root-mean-square errors, 6.92 and 18.7, leave SD of
# 3.9 and 6.6 mg/ml: 0.42 and 0.43 of the mean rise (4.9 and 8.2 HU). Between studies the standard errors of the means
# are 2.3 and 3.1 HU: together 0.46 and 0.45. In the arterial phase the bone's HU rise steeply with time (CT
# perfusion, https://link.springer.com/10.1186/s41747-021-00259-5): 0.6 is assumed.
PHASES = (
    PhaseModel(Phase.ARTERIAL, 210.0, 99.0, 11.7, 0.6),
    PhaseModel(Phase.PORTAL_VENOUS, 110.0, 49.0, 19.2, 0.45),
)
# More of it, or less body, raises bone and aorta in proportion; a later scan lowers the aorta and raises bone. How much
# of the aorta's spread is of either kind is published nowhere: half, of its logarithm, is taken to be of the first.
WITH_THE_AORTA = 0.5
# Descending aorta without contrast agent: quartiles of 29 and 45 HU in 325 patients
# (https://www.researchsquare.com/article/rs-1420003/v1).
NATIVE_BLOOD_HU, NATIVE_BLOOD_SD_HU = 37.0, 12.0
# What a mg/ml of iodine shows in a trunk, against 120 kVp: the lab's simulated spectra (SpekPy, xraydb), by setting.
# fmt: off
IODINE_AGAINST_120 = {
    "80": 1.62, "90": 1.4, "100": 1.23, "110": 1.1, "120": 1.0, "130": 0.914, "140": 0.843,
    "Sn100": 0.864, "Sn110": 0.75, "Sn120": 0.66, "Sn130": 0.589, "Sn140": 0.532, "Sn150": 0.486,
}
# fmt: on
PROBABLE = 0.75


@dataclass(frozen=True)
class ContrastShift:
    """What contrast agent adds to the HU of trabecular bone; it is common to all levels.

    Attributes:
        enhancement_hu: what it adds to the aorta.
        shift_hu: what it adds to trabecular bone.
        sd_hu: standard error of ``shift_hu``.
        portal_venous: probability of that phase; else it is the arterial one.
    """

    enhancement_hu: float
    shift_hu: float
    sd_hu: float
    portal_venous: float

    @property
    def phase(self) -> Phase | None:
        """The probable phase; None if the aorta does not tell."""
        if self.portal_venous >= PROBABLE:
            return Phase.PORTAL_VENOUS
        return Phase.ARTERIAL if 1.0 - self.portal_venous >= PROBABLE else None


def contrast_shift(tissue: TissueHU | None, is_named: bool, setting: str | None) -> ContrastShift | None:
    """Return what contrast agent adds; None if there is none, or the aorta was not found.

    Args:
        is_named: whether the scan says that contrast agent was given.
        setting: tube voltage and filter as :func:`.transfers.setting_name` names them.
    """
    if tissue is None or tissue.vessel_hu is None or not tissue.vessel:
        return None
    if not is_named and not blood_is_enhanced(tissue):
        return None
    rise_hu = max(tissue.vessel_hu - NATIVE_BLOOD_HU, 0.0)
    spread_hu = 1.4826 * median(abs(disc.mean_hu - tissue.vessel_hu) for disc in tissue.vessel)
    return shift_at(rise_hu, math.hypot(NATIVE_BLOOD_SD_HU, spread_hu), setting)


def shift_at(rise_hu: float, rise_sd_hu: float, setting: str | None) -> ContrastShift:
    """Return what contrast agent adds where it adds ``rise_hu`` to the aorta, and how sure that is.

    A setting that is not known, or not in the table, may be any of the table: that makes it less sure.
    """
    shown = IODINE_AGAINST_120.get(setting or "")
    settings = tuple(IODINE_AGAINST_120.values()) if shown is None else (shown,)
    each = [_shift_where(rise_hu, rise_sd_hu, one) for one in settings]
    shift = fmean(one.shift_hu for one in each)
    variance = fmean(one.sd_hu**2 + (one.shift_hu - shift) ** 2 for one in each)
    return ContrastShift(rise_hu, shift, math.sqrt(variance), fmean(one.portal_venous for one in each))


def _shift_where(rise_hu: float, rise_sd_hu: float, shown: float) -> ContrastShift:
    """Return it where iodine shows ``shown`` times what it does at 120 kVp."""
    at_120, above = rise_hu / shown, (rise_hu + rise_sd_hu) / shown
    likely = [math.exp(-0.5 * ((at_120 - one.aorta_hu) / one.aorta_sd_hu) ** 2) / one.aorta_sd_hu for one in PHASES]
    parts = [(one, weight / sum(likely)) for one, weight in zip(PHASES, likely, strict=True)]
    bone = sum(weight * one.bone_at(at_120) for one, weight in parts)
    variance = sum(
        weight * ((one.bone_cv * one.bone_at(at_120)) ** 2 + (one.bone_at(at_120) - bone) ** 2) for one, weight in parts
    )
    of_rise = sum(weight * one.bone_at(above) for one, weight in parts) - bone
    return ContrastShift(
        enhancement_hu=rise_hu,
        shift_hu=shown * bone,
        sd_hu=shown * math.hypot(math.sqrt(variance), of_rise),
        portal_venous=sum(weight for one, weight in parts if one.phase is Phase.PORTAL_VENOUS),
    )


def without_contrast(calibration: Calibration, contrast: ContrastShift | None) -> Calibration:
    """Return the line from the HU of a scan with contrast agent to the BMD without."""
    if contrast is None:
        return calibration
    intercept = calibration.intercept_mg_cm3 - calibration.slope * contrast.shift_hu
    return replace(calibration, intercept_mg_cm3=intercept)
