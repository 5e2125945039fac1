"""The rules: which facts make which findings. Limits are stated here, each with its reason."""

import math
from collections.abc import Collection, Mapping, Sequence

from ..anatomy import ASSESSED_LEVELS, order
from ..calibration import Calibration, KvpFit
from ..densitometry import DENSE_HU, LIGHT_HU
from ..findings import Finding, FindingCode
from ..morphometry import FRACTURE_LOSS, smallest_loss
from ..voi import CORTEX_MARGIN_MM, CylinderVOI
from .facts import QualityFacts, VOIFacts

THICKEST_SLICE_MM = 3.0  # a third of the VOI's height
_SLICE_TOLERANCE_MM = 0.01  # spacing is computed from slice positions
# 95 % of the noise then stays within 6 mg/cm3 (slope 0.75), half of the paper's limits of agreement of 12 mg/cm3.
LARGEST_STANDARD_ERROR_HU = 4.0
# L1 is 226 +- 44 HU under 30 years and 89 +- 38 HU from 90 on (Jang 2019, 20,374 adults, 120 kVp): three SD beyond.
TRABECULAR_MEAN_HU = (-30.0, 360.0)
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
    contrast_agent: str | None,
    slice_thickness_mm: float | None,
    spacing_z_mm: float,
    other_series: int,
    modified: bool = False,
) -> list[Finding]:
    """Return the findings about how the scan was made.

    Args:
        other_series: how many were not measured.
        modified: whether voxels or grid differ from those of the scan's files.
    """
    found = []
    if contrast_agent is not None:
        found.append(
            Finding(
                FindingCode.CONTRAST_AGENT,
                None,
                "The scan was made with a contrast agent, which raises the HU of trabecular bone.",
            )
        )
    thickness = max(slice_thickness_mm or 0.0, spacing_z_mm)
    if thickness > THICKEST_SLICE_MM + _SLICE_TOLERANCE_MM:
        loss = smallest_loss(spacing_z_mm)
        blind = f", and losses of height under {100 * loss:.0f} % can't be seen" if loss > FRACTURE_LOSS else ""
        found.append(
            Finding(
                FindingCode.THICK_SLICES,
                None,
                f"The slices are {thickness:.4g} mm thick or apart; {THICKEST_SLICE_MM:g} mm is the most for BMD"
                f"{blind}.",
            )
        )
    if modified:
        message = "The scan differs from the files it was loaded from: its voxels or its place were changed."
        found.append(Finding(FindingCode.SCAN_MODIFIED, None, message))
    if other_series > 0:
        series = "one other series" if other_series == 1 else f"{other_series} other series"
        found.append(Finding(FindingCode.OTHER_SERIES, None, f"The input holds {series}, not measured."))
    return found


def calibration_findings(calibration: Calibration, scan_kvp: float | None) -> list[Finding]:
    """Return whether the calibration belongs to the scan, and what kind it is."""
    found = []
    if calibration.nominal:
        found.append(
            Finding(
                FindingCode.NOMINAL_CALIBRATION,
                None,
                "The calibration is nominal, not made on this scanner, so BMD is indicative only.",
            )
        )
    if calibration.material != "K2HPO4":
        found.append(
            Finding(
                FindingCode.CALIBRATION_MATERIAL,
                None,
                f"BMD is {calibration.material}-equivalent, but the categories are defined for K2HPO4.",
            )
        )
    fit = calibration.kvp_fit(scan_kvp)
    if fit is KvpFit.MISMATCH:
        found.append(
            Finding(
                FindingCode.KVP_MISMATCH,
                None,
                f"The scan was made at {scan_kvp:g} kVp, the calibration is for {calibration.kvp:g} kVp.",
            )
        )
    elif fit is KvpFit.UNKNOWN:
        unknown = "the scan" if scan_kvp is None else "the calibration"
        found.append(
            Finding(
                FindingCode.KVP_UNKNOWN,
                None,
                f"The tube voltage of {unknown} is not known, so make sure that the calibration fits the scan.",
            )
        )
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
    if assessed and not set(assessed) & set(doubtful):
        return [Finding(FindingCode.LABEL_UNCERTAIN, level, quality.names_remark) for level in doubtful]
    return [Finding(FindingCode.LABEL_UNCERTAIN, None, quality.names_remark)]


def level_findings(
    requested: Sequence[str],
    completeness: Mapping[str, bool],
    measured: Collection[str],
    reasons: Mapping[str, str],
) -> list[Finding]:
    """Return why a requested level has no number, or what is wrong with a level's having one.

    Args:
        completeness: of every vertebra found: False where the scan's edge cuts it.
        measured: levels with a measurement.
        reasons: why a level in view could not be measured.
    """
    found = []
    for level in sorted({*requested, *measured}, key=order):
        if completeness.get(level) is False:
            found.append(Finding(FindingCode.CUT_BY_EDGE, level, f"{level} is cut by the edge of the scan."))
        elif level in measured:
            continue
        elif level not in completeness:
            found.append(Finding(FindingCode.TARGET_MISSING, level, f"{level} is not in view or was not found."))
        else:
            reason = reasons.get(level, f"{level} is in view but has no VOI.")
            found.append(Finding(FindingCode.NOT_MEASURED, level, reason))
    return found


def lumbar_findings(levels: Sequence[str]) -> list[Finding]:
    """Return what the number of lumbar levels means; ``levels`` are those that the mean rests on."""
    if not levels:
        message = "Neither L1 nor L2 could be used, so there is no category."
        return [Finding(FindingCode.NO_LUMBAR_LEVEL, None, message)]
    if len(levels) < len(ASSESSED_LEVELS):
        return [Finding(FindingCode.SINGLE_LUMBAR_LEVEL, None, f"The category rests on {levels[0]} alone.")]
    return []


def voi_findings(voi: CylinderVOI, mean_hu: float, sd_hu: float, facts: VOIFacts) -> list[Finding]:
    """Return the findings about one VOI."""
    level = facts.level
    found = []
    if facts.standard_error_hu > LARGEST_STANDARD_ERROR_HU:
        message = (
            f"The mean HU of {level} has a standard error of {facts.standard_error_hu:.1f} HU, "
            f"over {LARGEST_STANDARD_ERROR_HU:g} HU."
        )
        found.append(Finding(FindingCode.VOI_NOISE, level, message))
    unlike = _unlike_trabecular_bone(mean_hu, sd_hu, facts)
    if unlike is not None:
        message = (
            f"The VOI of {level} is unlike trabecular bone: {unlike}; look for metal, cement, sclerosis or a lesion."
        )
        found.append(Finding(FindingCode.HU_PATTERN, level, message))
    outside = facts.fraction_outside_trabecular
    if outside is not None and outside > LARGEST_FRACTION_OUTSIDE:
        message = (
            f"{100 * outside:.0f} % of the VOI of {level} lies within {CORTEX_MARGIN_MM:g} mm of the surface of the "
            "vertebral body or outside it."
        )
        found.append(Finding(FindingCode.VOI_LEAVES_TRABECULAR_BONE, level, message))
    if voi.short_axis_is_longer:
        message = f"The VOI of {level} is deeper than wide, as where osteophytes widen the vertebral body."
        found.append(Finding(FindingCode.VOI_AXES_SWAPPED, level, message))
    midline = facts.midline
    if (
        midline is not None
        and midline.effect_hu < -SMALLEST_VEIN_EFFECT_HU
        and midline.difference_hu < -VEIN_STANDARD_ERRORS * midline.standard_error_hu
    ):
        message = (
            f"The VOI of {level} seems to hold the basivertebral vein, which lowers its mean by about "
            f"{-midline.effect_hu:.0f} HU."
        )
        found.append(Finding(FindingCode.BASIVERTEBRAL_VEIN, level, message))
    return found


def _unlike_trabecular_bone(mean_hu: float, sd_hu: float, facts: VOIFacts) -> str | None:
    pattern = facts.pattern
    spread_hu = max(sd_hu, 1e-6)
    if not TRABECULAR_MEAN_HU[0] <= mean_hu <= TRABECULAR_MEAN_HU[1]:
        return f"mean {mean_hu:.0f} HU"
    if sd_hu > LARGEST_SD_HU:
        return f"standard deviation {sd_hu:.0f} HU"
    if pattern.maximum_hu > CORTICAL_HU:
        return f"up to {pattern.maximum_hu:.0f} HU"
    if pattern.fraction_dense - _normal_tail((DENSE_HU - mean_hu) / spread_hu) > LARGEST_EXCESS_DENSE:
        return f"{100 * pattern.fraction_dense:.0f} % over {DENSE_HU:.0f} HU"
    if pattern.fraction_light - _normal_tail((mean_hu - LIGHT_HU) / spread_hu) > LARGEST_EXCESS_LIGHT:
        return f"{100 * pattern.fraction_light:.0f} % under {LIGHT_HU:.0f} HU"
    return None


def _normal_tail(deviations: float) -> float:
    """Return the part of a normal distribution beyond so many standard deviations."""
    return 0.5 * math.erfc(deviations / math.sqrt(2.0))
