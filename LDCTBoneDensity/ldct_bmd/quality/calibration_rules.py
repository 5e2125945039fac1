"""The rules about where the calibration comes from, and about the patient's own tissues."""

from ..calibration import Calibration
from ..calibration.carry import carried_words
from ..calibration.described import named
from ..calibration.match import CalibrationChoice, Condition, ScanConditions, condition_mismatches, date_mismatch
from ..calibration.material import k2hpo4_parts
from ..calibration.provenance import is_tin
from ..calibration.tissue import TissueHU, scale_offset_hu, seen_tissues, unlikely_tissues
from ..calibration.transfers import KVP_TOLERANCE
from ..findings import Finding, FindingCode
from ..rules import Category, RuleSet
from ..words import Fact, Phrase

# The standard error of the L1-L2 mean that a transfer may add: 95 % stay within 10 mg/cm3, a quarter of the width of
# the osteopenia range.
LARGEST_TRANSFER_ERROR_MG_CM3 = 5.0


def origin_findings(calibration: Calibration, scan: ScanConditions) -> list[Finding]:
    """Return how the scan differs from what the calibration says it was made with, or that it names no scanner.

    The nominal one has a finding of its own.
    """
    provenance = calibration.provenance
    filters = _filter_findings(calibration.with_tin, scan)
    if provenance is None or provenance.scanner is None:
        if calibration.nominal:
            return filters
        return [
            *filters,
            Finding(FindingCode.CALIBRATION_SCANNER, None, {"case": "unnamed", "calibration": named(calibration)}),
        ]
    found = filters
    reasons = condition_mismatches(calibration, scan)
    reasons.pop(Condition.TUBE_VOLTAGE, None)  # has a finding of its own
    if any(finding.code is FindingCode.BEAM_FILTER_MISMATCH for finding in filters):
        reasons.pop(Condition.BEAM_FILTER, None)
    if reasons:
        facts: dict[str, Fact] = {
            "case": "other",
            "calibration": named(calibration),
            "reasons": tuple(reasons.values()),
        }
        found.append(Finding(FindingCode.CALIBRATION_SCANNER, None, facts))
    day = scan.day()
    late = None if day is None or provenance.date is None else date_mismatch(calibration, day, allow_later=False)
    if late is not None:
        found.append(Finding(FindingCode.CALIBRATION_DATE, None, {"calibration": named(calibration), "reason": late}))
    return found


def transfer_findings(calibration: Calibration, mean_hu: float | None) -> list[Finding]:
    """Return that the calibration was carried over, and whether too uncertainly for a category.

    Args:
        mean_hu: of the levels that the mean rests on, or else of those measured; None where nothing is.
    """
    transfer = calibration.transfer
    if transfer is None or mean_hu is None:
        return []
    error = transfer.error_mg_cm3(mean_hu)
    facts = carried_words(calibration) | {
        "shift_mg_cm3": transfer.made_slope * (transfer.carried_hu(mean_hu) - mean_hu),
        "error_mg_cm3": error,
    }
    if error < LARGEST_TRANSFER_ERROR_MG_CM3:
        return [Finding(FindingCode.CALIBRATION_CARRIED, None, facts)]
    facts |= {"case": "too_uncertain", "most_mg_cm3": LARGEST_TRANSFER_ERROR_MG_CM3}
    same_kvp = calibration.kvp is not None and abs(transfer.kvp - calibration.kvp) < KVP_TOLERANCE
    return [Finding(FindingCode.BEAM_FILTER_MISMATCH if same_kvp else FindingCode.KVP_MISMATCH, None, facts)]


def material_findings(calibration: Calibration, mean_bmd_mg_cm3: float | None, rules: RuleSet) -> list[Finding]:
    """Return what a BMD that is not in K2HPO4 equivalents means for the limits, which are.

    The category is given where all that the BMD may stand for has the same one.

    Args:
        mean_bmd_mg_cm3: of the levels that the mean rests on; None where there is none.
        rules: whose limits are meant.
    """
    material = calibration.material
    if material == "K2HPO4":
        return []
    parts = k2hpo4_parts(calibration)
    if parts is None or mean_bmd_mg_cm3 is None:
        return [Finding(FindingCode.CALIBRATION_MATERIAL, None, {"material": material})]
    least, most = parts
    facts: dict[str, Fact] = {
        "material": material,
        "kvp": calibration.kvp,
        "low_mg_cm3": least * mean_bmd_mg_cm3,
        "high_mg_cm3": most * mean_bmd_mg_cm3,
        "limits": tuple(
            Phrase("material.limit", {"limit": limit, "low": limit / most, "high": limit / least})
            for limit in rules.limits_mg_cm3
        ),
    }
    if converted_category(calibration, mean_bmd_mg_cm3, rules) is None:
        return [Finding(FindingCode.CALIBRATION_MATERIAL, None, {"case": "undecided", **facts})]
    return [Finding(FindingCode.MATERIAL_CONVERTED, None, facts)]


def converted_category(calibration: Calibration, mean_bmd_mg_cm3: float, rules: RuleSet) -> Category | None:
    """Return the category of all K2HPO4 equivalents that a BMD may stand for; None where they have several."""
    parts = k2hpo4_parts(calibration)
    found = set() if parts is None else {rules.categorize(part * mean_bmd_mg_cm3) for part in parts}
    return found.pop() if len(found) == 1 else None


def _filter_findings(calibrated_with_tin: bool, scan: ScanConditions) -> list[Finding]:
    """Return whether only one of scan and calibration was made with tin; what words alone say limits."""
    if calibrated_with_tin is not is_tin(scan.filter_type):
        if calibrated_with_tin and scan.tin_by_name:
            return []
        with_tin = "scan" if is_tin(scan.filter_type) else "calibration"
        return [Finding(FindingCode.BEAM_FILTER_MISMATCH, None, {"case": with_tin})]
    if scan.tin_by_name and not is_tin(scan.filter_type):
        return [Finding(FindingCode.BEAM_FILTER_BY_NAME, None)]
    return []


def choice_findings(choice: CalibrationChoice | None) -> list[Finding]:
    """Return what must be known of the choice among a store's calibrations."""
    if choice is None:
        return []
    found = []
    if not choice.matched:
        found.append(Finding(FindingCode.NO_MATCHING_CALIBRATION, None, {"reason": choice.reason}))
    found += [Finding(FindingCode.CALIBRATION_DRIFT, None, {"alarm": alarm}) for alarm in choice.drift]
    if choice.missed_months:
        found.append(Finding(FindingCode.CALIBRATION_QA_MISSED, None, {"months": choice.missed_months}))
    return found


def tissue_findings(tissue: TissueHU | None, has_contrast: bool) -> list[Finding]:
    """Return where the patient's own tissues contradict the HU scale.

    ``has_contrast``: contrast agent raises muscle, too.
    """
    if tissue is None:
        return []
    found = []
    offset = scale_offset_hu(tissue, has_contrast)
    unlikely = unlikely_tissues(tissue)
    if offset is not None:
        case = "high" if offset > 0 else "low"
        facts: dict[str, Fact] = {"case": case, "offset_hu": abs(offset), "tissues": tuple(seen_tissues(tissue))}
        found.append(Finding(FindingCode.HU_OFFSET, None, facts))
    elif unlikely:
        found.append(Finding(FindingCode.TISSUE_HU, None, {"tissues": tuple(unlikely)}))
    return found
