"""The rules about where the calibration comes from, and about the patient's own tissues."""

from ..calibration import Calibration
from ..calibration.match import CalibrationChoice, Condition, ScanConditions, condition_mismatches, date_mismatch
from ..calibration.provenance import is_tin
from ..calibration.tissue import TissueHU, blood_is_enhanced, unlikely_tissues
from ..findings import Finding, FindingCode


def origin_findings(calibration: Calibration, scan: ScanConditions) -> list[Finding]:
    """Return how the scan differs from what the calibration says it was made with, or that it names no scanner.

    The nominal one has a finding of its own.
    """
    provenance = calibration.provenance
    if provenance is None or provenance.scanner is None:
        if calibration.nominal:
            return []
        message = f"The calibration {calibration.name} does not say its scanner, so it can't be told whether it fits."
        return [Finding(FindingCode.CALIBRATION_SCANNER, None, message)]
    found = []
    if is_tin(provenance.filter_type) is not is_tin(scan.filter_type):
        with_tin = "scan" if is_tin(scan.filter_type) else "calibration"
        message = f"Only the {with_tin} was made with a tin filter."
        found.append(Finding(FindingCode.BEAM_FILTER_MISMATCH, None, message))
    reasons = condition_mismatches(calibration, scan)
    reasons.pop(Condition.TUBE_VOLTAGE, None)  # has a finding of its own
    if found:
        reasons.pop(Condition.BEAM_FILTER, None)
    if reasons:
        message = f"The calibration {calibration.name} does not fit the scan: {'; '.join(reasons.values())}."
        found.append(Finding(FindingCode.CALIBRATION_SCANNER, None, message))
    day = scan.day()
    late = None if day is None or provenance.date is None else date_mismatch(calibration, day, allow_later=False)
    if late is not None:
        message = f"The calibration {calibration.name} is not of the scan's time: {late}."
        found.append(Finding(FindingCode.CALIBRATION_DATE, None, message))
    return found


def choice_findings(choice: CalibrationChoice | None) -> list[Finding]:
    """Return what must be known of the choice among a store's calibrations."""
    if choice is None:
        return []
    found = []
    if not choice.matched:
        found.append(Finding(FindingCode.NO_MATCHING_CALIBRATION, None, choice.reason))
    found += [Finding(FindingCode.CALIBRATION_DRIFT, None, sentence) for sentence in choice.drift]
    if choice.missed_months:
        months = "month" if len(choice.missed_months) == 1 else "months"
        message = f"No phantom scan was kept in the {months} {', '.join(choice.missed_months)}."
        found.append(Finding(FindingCode.CALIBRATION_QA_MISSED, None, message))
    return found


def tissue_findings(tissue: TissueHU | None, contrast_agent: str | None) -> list[Finding]:
    """Return where the patient's own tissues contradict the HU scale, or an unenhanced scan."""
    if tissue is None:
        return []
    found = []
    if contrast_agent is None and blood_is_enhanced(tissue):
        message = (
            f"A large vessel beside the spine has {tissue.vessel_hu:.0f} HU, as with contrast agent, "
            "though the scan names none."
        )
        found.append(Finding(FindingCode.BLOOD_ENHANCED, None, message))
    unlikely = unlikely_tissues(tissue)
    if unlikely:
        message = f"The HU scale may be off: {'; '.join(unlikely)}. Look at the scanner's quality control."
        found.append(Finding(FindingCode.TISSUE_HU, None, message))
    return found
