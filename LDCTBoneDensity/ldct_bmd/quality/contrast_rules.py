"""The rules about contrast agent: told by the scan or seen in the aorta, and what it adds to the BMD."""

from ..calibration.contrast import ContrastShift
from ..calibration.described import phase_words
from ..calibration.tissue import TissueHU, blood_is_enhanced
from ..findings import Finding, FindingCode
from ..words import Fact

# The standard error that taking off what contrast agent adds may have: 95 % stay within 16 mg/cm3, two fifths of the
# width of the osteopenia range.
LARGEST_CONTRAST_ERROR_MG_CM3 = 8.0


def shows_contrast(contrast_agent: str | None, tissue: TissueHU | None) -> bool:
    """Return whether the scan names contrast agent, or the aorta looks like it."""
    return contrast_agent is not None or (tissue is not None and blood_is_enhanced(tissue))


def contrast_findings(
    contrast_agent: str | None,
    tissue: TissueHU | None,
    contrast: ContrastShift | None,
    slope: float,
    is_denied: bool = False,
) -> list[Finding]:
    """Return that contrast agent was given, what was taken off for it, and whether too uncertainly for a category.

    Args:
        contrast_agent: what the scan says.
        slope: of the calibration, mg/cm3 per HU.
        is_denied: a reader found none.
    """
    if not shows_contrast(contrast_agent, tissue):
        return []
    is_seen = tissue is not None and blood_is_enhanced(tissue)
    seen: dict[str, Fact] = {} if tissue is None or not is_seen else {"vessel_hu": tissue.vessel_hu}
    if is_denied:
        return [Finding(FindingCode.CONTRAST_DENIED, None, {"case": "seen", **seen} if seen else {})]
    code = FindingCode.BLOOD_ENHANCED if contrast_agent is None else FindingCode.CONTRAST_AGENT
    if contrast is None or tissue is None:
        told = Finding(code, None, seen if contrast_agent is None else {})
        # A record of before has a vessel and not where it lies: it is as it was.
        is_before = tissue is not None and tissue.vessel_hu is not None and not tissue.vessel
        return [told] if is_before else [told, Finding(FindingCode.CONTRAST_UNCERTAIN, None, {"case": "unknown"})]
    error = slope * contrast.sd_hu
    facts: dict[str, Fact] = {
        "case": "corrected",
        "vessel_hu": tissue.vessel_hu,
        "phase": phase_words(contrast),
        "shift_mg_cm3": slope * contrast.shift_hu,
        "error_mg_cm3": error,
    }
    found = [Finding(code, None, facts)]
    if error >= LARGEST_CONTRAST_ERROR_MG_CM3:
        most: dict[str, Fact] = {"error_mg_cm3": error, "most_mg_cm3": LARGEST_CONTRAST_ERROR_MG_CM3}
        found.append(Finding(FindingCode.CONTRAST_UNCERTAIN, None, most))
    return found
