"""The rules about where the calibration comes from, and about the patient's own tissues."""

from ..calibration import Calibration
from ..calibration.described import named
from ..calibration.match import CalibrationChoice, Condition, ScanConditions, condition_mismatches, date_mismatch
from ..calibration.provenance import is_tin
from ..calibration.tissue import TissueHU, blood_is_enhanced, scale_offset_hu, seen_tissues, unlikely_tissues
from ..findings import Finding, FindingCode
from ..words import Fact


def origin_findings(calibration: Calibration, scan: ScanConditions) -> list[Finding]:
    """Return how the scan differs from what the calibration says it was made with, or that it names no scanner.

    The nominal one has a finding of its own.
    """
    provenance = calibration.provenance
    filters = _filter_findings(None if provenance is None else provenance.filter_type, scan)
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


def _filter_findings(calibrated_with: str | None, scan: ScanConditions) -> list[Finding]:
    """Return whether only one of scan and calibration was made with tin; what words alone say limits."""
    if is_tin(calibrated_with) is not is_tin(scan.filter_type):
        if is_tin(calibrated_with) and scan.tin_by_name:
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


def tissue_findings(tissue: TissueHU | None, contrast_agent: str | None) -> list[Finding]:
    """Return where the patient's own tissues contradict the HU scale, or an unenhanced scan."""
    if tissue is None:
        return []
    found = []
    if contrast_agent is None and blood_is_enhanced(tissue):
        found.append(Finding(FindingCode.BLOOD_ENHANCED, None, {"vessel_hu": tissue.vessel_hu}))
    offset = scale_offset_hu(tissue, contrast_agent is not None or blood_is_enhanced(tissue))
    unlikely = unlikely_tissues(tissue)
    if offset is not None:
        case = "high" if offset > 0 else "low"
        facts: dict[str, Fact] = {"case": case, "offset_hu": abs(offset), "tissues": tuple(seen_tissues(tissue))}
        found.append(Finding(FindingCode.HU_OFFSET, None, facts))
    elif unlikely:
        found.append(Finding(FindingCode.TISSUE_HU, None, {"tissues": tuple(unlikely)}))
    return found
