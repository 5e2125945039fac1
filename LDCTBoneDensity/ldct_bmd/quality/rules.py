"""The rules: which facts make which findings. Limits are stated here, each with its reason."""

import math
from collections.abc import Collection, Mapping, Sequence

from ..anatomy import ASSESSED_LEVELS, order
from ..calibration import Calibration, KvpFit
from ..densitometry import DENSE_HU, LIGHT_HU
from ..findings import Finding, FindingCode
from ..morphometry import FRACTURE_LOSS, smallest_loss
from ..rules import RuleSet
from ..voi import CORTEX_MARGIN_MM, CylinderVOI
from ..words import Fact, Phrase
from .facts import QualityFacts, VOIFacts

THICKEST_SLICE_MM = 3.0  # a third of the VOI's height
_SLICE_TOLERANCE_MM = 0.01  # spacing is computed from slice positions
# 95 % of the noise then stays within 6 mg/cm3 (slope 0.75), half of the paper's limits of agreement of 12 mg/cm3.
LARGEST_STANDARD_ERROR_HU = 4.0
# L1 is 226 +- 44 HU under 30 years and 89 +- 38 HU from 90 on (Jang 2019, 20,374 adults, 120 kVp): three SD beyond.
TRABECULAR_MEAN_HU = (-30.0, 360.0)
# Trabecular BMD of L1 and L2 is 20 to 250 mg/cm3 in adults; fatty marrow lowers it, and the range of HU above, by any
# slope from 0.6 to 1, lies well within.
PLAUSIBLE_BMD_MG_CM3 = (-100.0, 500.0)
_NAMED_AT_MOST = 3
LARGEST_SD_HU = 150.0  # low-dose noise and texture together stay under 100 HU
CORTICAL_HU = 1000.0  # no trabecular bone, with its noise, gets there: cortex, cement or metal
# 4 % of a VOI at 400 HU instead of 150 raise its mean by 10 HU, 2 % at -300 instead of 50 lower it by 7 HU. Only what a
# normal distribution with the VOI's own mean and SD does not explain counts, so that noise is no lesion; young bone,
# denser at the back, stays under 4 % too.
LARGEST_EXCESS_DENSE, LARGEST_EXCESS_LIGHT = 0.04, 0.02
LARGEST_FRACTION_OUTSIDE = 0.02  # the mask's own voxels are coarser than less
SMALLEST_VEIN_EFFECT_HU = 2.0  # on the mean of the VOI: 1.5 mg/cm3
VEIN_STANDARD_ERRORS = 3.0


def scan_findings(
    slice_thickness_mm: float | None,
    spacing_z_mm: float,
    other_series: int,
    modified: bool = False,
    continuing: int = 0,
) -> list[Finding]:
    """Return the findings about how the scan was made.

    Args:
        other_series: how many were not measured.
        continuing: how many of them continue the one that was.
        modified: whether voxels or grid differ from those of the scan's files.
    """
    found = []
    thickness = max(slice_thickness_mm or 0.0, spacing_z_mm)
    if thickness > THICKEST_SLICE_MM + _SLICE_TOLERANCE_MM:
        facts: dict[str, Fact] = {"thickness_mm": thickness, "most_mm": THICKEST_SLICE_MM}
        loss = smallest_loss(spacing_z_mm)
        if loss > FRACTURE_LOSS:
            facts |= {"case": "blind", "least_loss": loss}
        found.append(Finding(FindingCode.THICK_SLICES, None, facts))
    if modified:
        found.append(Finding(FindingCode.SCAN_MODIFIED, None))
    if other_series > 0:
        others: dict[str, Fact] = {"count": other_series}
        if continuing:
            others |= {"case": "continues", "continuing": continuing}
        found.append(Finding(FindingCode.OTHER_SERIES, None, others))
    return found


def file_findings(
    lossy_compression: str | None, values_cut_at_hu: float | None, passed_over: Sequence[str]
) -> list[Finding]:
    """Return what the files of the scan lost, or left out; see :class:`ldct_bmd.scan.Acquisition` and ``Source``."""
    found = []
    if lossy_compression is not None:
        found.append(Finding(FindingCode.LOSSY_COMPRESSION, None, {"how": lossy_compression}))
    if values_cut_at_hu is not None:
        found.append(Finding(FindingCode.VALUES_CUT, None, {"hu": values_cut_at_hu}))
    if passed_over:
        facts: dict[str, Fact] = {"count": len(passed_over), "names": tuple(passed_over[:_NAMED_AT_MOST])}
        if len(passed_over) > _NAMED_AT_MOST:
            facts |= {"case": "more", "more": len(passed_over) - _NAMED_AT_MOST}
        found.append(Finding(FindingCode.FILES_PASSED_OVER, None, facts))
    return found


def bmd_findings(level: str, bmd_mg_cm3: float, is_foreign: bool = False) -> list[Finding]:
    """Return whether a BMD is none that a vertebra has.

    Args:
        is_foreign: whether the level's VOI is unlike trabecular bone and another level's is not, so that something in
            the VOI is to blame, and neither the scan's HU nor the calibration.
    """
    if PLAUSIBLE_BMD_MG_CM3[0] <= bmd_mg_cm3 <= PLAUSIBLE_BMD_MG_CM3[1]:
        return []
    case: dict[str, Fact] = {"case": "foreign"} if is_foreign else {}
    return [Finding(FindingCode.IMPLAUSIBLE_BMD, level, {"bmd_mg_cm3": bmd_mg_cm3, **case})]


def calibration_findings(calibration: Calibration, scan_kvp: float | None) -> list[Finding]:
    """Return whether the calibration belongs to the scan, and what kind it is."""
    found = []
    if calibration.nominal:
        found.append(Finding(FindingCode.NOMINAL_CALIBRATION, None))
    fit = calibration.kvp_fit(scan_kvp)
    if fit is KvpFit.MISMATCH:
        facts: dict[str, Fact] = {"scan_kvp": scan_kvp, "calibration_kvp": calibration.kvp}
        found.append(Finding(FindingCode.KVP_MISMATCH, None, facts))
    elif fit is KvpFit.UNKNOWN:
        unknown = "scan" if scan_kvp is None else "calibration"
        found.append(Finding(FindingCode.KVP_UNKNOWN, None, {"case": unknown}))
    return found


def name_findings(quality: QualityFacts, measured: Collection[str], found: Collection[str]) -> list[Finding]:
    """Return whether the names of the ``measured`` levels are uncertain.

    If those that a category rests on are certain, what is doubtful about others is said of them alone.

    Args:
        found: the levels of all vertebrae; of another one, at which a reader placed a VOI, no more is known than of the
            column.
    """
    doubtful = [
        level
        for level in sorted(measured, key=order)
        if not (quality.certain(level) if level in found else quality.names_certain)
    ]
    if quality.names_certain and not doubtful:
        return []
    assessed = [level for level in ASSESSED_LEVELS if level in measured]
    facts: dict[str, Fact] = {"remark": quality.names_remark}
    if assessed and not set(assessed) & set(doubtful):
        return [Finding(FindingCode.LABEL_UNCERTAIN, level, facts) for level in doubtful]
    return [Finding(FindingCode.LABEL_UNCERTAIN, None, facts)]


def level_findings(
    requested: Sequence[str],
    completeness: Mapping[str, bool],
    measured: Collection[str],
    reasons: Mapping[str, Phrase],
    cut_by_field: Collection[str] = (),
) -> list[Finding]:
    """Return why a requested level has no number, or what is wrong with a level's having one.

    Args:
        completeness: of every vertebra found: False where the scan's edge cuts it.
        measured: levels with a measurement.
        reasons: why a level in view could not be measured.
        cut_by_field: the incomplete ones that the reconstructed field cuts.
    """
    found = []
    for level in sorted({*requested, *measured}, key=order):
        if completeness.get(level) is False:
            found.append(Finding(FindingCode.CUT_BY_EDGE, level, {"case": "field"} if level in cut_by_field else {}))
        elif level in measured:
            continue
        elif level not in completeness:
            found.append(Finding(FindingCode.TARGET_MISSING, level, {"case": "field"} if cut_by_field else {}))
        elif level in reasons:
            found.append(Finding(FindingCode.NOT_MEASURED, level, {"reason": reasons[level]}))
        else:
            found.append(Finding(FindingCode.NOT_MEASURED, level, {"case": "no_voi"}))
    return found


def lumbar_findings(levels: Sequence[str], rules: RuleSet) -> list[Finding]:
    """Return what the number of lumbar levels means; ``levels`` are those that the mean rests on."""
    if not levels:
        return [Finding(FindingCode.NO_LUMBAR_LEVEL, None)]
    if len(levels) < rules.lumbar_levels:
        return [Finding(FindingCode.TOO_FEW_LEVELS, None, {"used": levels[0], "rules": rules.title})]
    if len(levels) < len(ASSESSED_LEVELS):
        return [Finding(FindingCode.SINGLE_LUMBAR_LEVEL, None, {"used": levels[0]})]
    return []


def voi_findings(voi: CylinderVOI, mean_hu: float, sd_hu: float, facts: VOIFacts) -> list[Finding]:
    """Return the findings about one VOI."""
    level = facts.level
    found = []
    if facts.standard_error_hu > LARGEST_STANDARD_ERROR_HU:
        noise: dict[str, Fact] = {
            "standard_error_hu": facts.standard_error_hu,
            "most_hu": LARGEST_STANDARD_ERROR_HU,
        }
        found.append(Finding(FindingCode.VOI_NOISE, level, noise))
    unlike = _unlike_trabecular_bone(mean_hu, sd_hu, facts)
    if unlike is not None:
        found.append(Finding(FindingCode.HU_PATTERN, level, unlike))
    outside = facts.fraction_outside_trabecular
    if outside is not None and outside > LARGEST_FRACTION_OUTSIDE:
        leaves: dict[str, Fact] = {"outside": outside, "margin_mm": CORTEX_MARGIN_MM}
        found.append(Finding(FindingCode.VOI_LEAVES_TRABECULAR_BONE, level, leaves))
    if voi.short_axis_is_longer:
        found.append(Finding(FindingCode.VOI_AXES_SWAPPED, level))
    midline = facts.midline
    if (
        midline is not None
        and midline.effect_hu < -SMALLEST_VEIN_EFFECT_HU
        and midline.difference_hu < -VEIN_STANDARD_ERRORS * midline.standard_error_hu
    ):
        found.append(Finding(FindingCode.BASIVERTEBRAL_VEIN, level, {"lowered_hu": -midline.effect_hu}))
    return found


def _unlike_trabecular_bone(mean_hu: float, sd_hu: float, facts: VOIFacts) -> dict[str, Fact] | None:
    pattern = facts.pattern
    spread_hu = max(sd_hu, 1e-6)
    if not TRABECULAR_MEAN_HU[0] <= mean_hu <= TRABECULAR_MEAN_HU[1]:
        return {"case": "mean", "mean_hu": mean_hu}
    if sd_hu > LARGEST_SD_HU:
        return {"case": "spread", "sd_hu": sd_hu}
    if pattern.maximum_hu > CORTICAL_HU:
        return {"case": "maximum", "maximum_hu": pattern.maximum_hu}
    if pattern.fraction_dense - _normal_tail((DENSE_HU - mean_hu) / spread_hu) > LARGEST_EXCESS_DENSE:
        return {"case": "dense", "part": pattern.fraction_dense, "over_hu": DENSE_HU}
    if pattern.fraction_light - _normal_tail((mean_hu - LIGHT_HU) / spread_hu) > LARGEST_EXCESS_LIGHT:
        return {"case": "light", "part": pattern.fraction_light, "under_hu": LIGHT_HU}
    return None


def _normal_tail(deviations: float) -> float:
    """Return the part of a normal distribution beyond so many standard deviations."""
    return 0.5 * math.erfc(deviations / math.sqrt(2.0))
