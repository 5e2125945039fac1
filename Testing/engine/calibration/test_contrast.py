"""What contrast agent adds: by the aorta alone, more uncertain where phases are not told apart, and nothing without."""

from dataclasses import replace
from pathlib import Path

import pytest

from ldct_bmd.calibration.contrast import (
    NATIVE_BLOOD_HU,
    NATIVE_BLOOD_SD_HU,
    Phase,
    contrast_shift,
    shift_at,
    without_contrast,
)
from ldct_bmd.calibration.nominal import entered_calibration
from ldct_bmd.calibration.tissue import TissueHU
from ldct_bmd.calibration.vessel import VesselDisc
from ldct_bmd.findings import Effect, FindingCode
from ldct_bmd.quality import contrast_findings
from ldct_bmd.quality.contrast_rules import LARGEST_CONTRAST_ERROR_MG_CM3

LINE = entered_calibration(0.75, 3.0, "K2HPO4", 120.0)


def tissue(vessel_hu: float, spread_hu: float = 0.0) -> TissueHU:
    discs = tuple(
        VesselDisc((18.0, -34.0, 12.0 * n), 6.0, vessel_hu + off) for n, off in enumerate((-spread_hu, 0.0, spread_hu))
    )
    return TissueHU(-1000.0, -105.0, 55.0, vessel_hu, discs)


def codes(*arguments) -> list[FindingCode]:
    return [finding.code for finding in contrast_findings(*arguments)]


def test_a_native_scan_is_left_alone() -> None:
    for blood_hu in (20.0, 37.0, 60.0):
        assert contrast_shift(tissue(blood_hu), False, "120") is None
        assert contrast_findings(None, tissue(blood_hu), None, 0.75) == []
    assert contrast_shift(None, True, "120") is None
    assert without_contrast(LINE, None) == LINE


def test_each_phase_adds_about_what_was_published_at_its_usual_enhancement() -> None:
    """Trabecular bone: 11.7 HU in the arterial, 19.2 HU in the portal venous phase, means of the studies."""
    arterial, venous = shift_at(290.0, 0.0, "120"), shift_at(90.0, 0.0, "120")
    assert arterial.phase is Phase.ARTERIAL
    assert venous.phase is Phase.PORTAL_VENOUS
    assert arterial.shift_hu == pytest.approx(11.7 * (290.0 / 210.0) ** 0.5, rel=0.05)
    assert venous.shift_hu == pytest.approx(19.2 * (90.0 / 110.0) ** 0.5, rel=0.15)


def test_between_the_phases_it_is_most_uncertain_and_no_category_is_given() -> None:
    between = shift_at(175.0, 0.0, "120")
    assert between.phase is None
    assert between.sd_hu > shift_at(90.0, 0.0, "120").sd_hu
    found = contrast_findings("Iodine", tissue(212.0), between, 0.8)
    assert [finding.code for finding in found] == [FindingCode.CONTRAST_AGENT, FindingCode.CONTRAST_UNCERTAIN]
    assert FindingCode.CONTRAST_UNCERTAIN.effect is Effect.FORBIDS
    assert "less than 8 mg/cm³" in found[1].message


def test_a_tube_voltage_at_which_iodine_shows_more_means_less_iodine() -> None:
    """190 HU at 80 kVp are of as much iodine as 115 HU at 120: rather the portal venous phase."""
    assert shift_at(190.0, 0.0, "80").portal_venous > shift_at(190.0, 0.0, "120").portal_venous + 0.3


@pytest.mark.parametrize("setting", [None, "70", "135", "Sn90"])
def test_a_tube_voltage_that_is_not_known_is_less_sure_than_any_that_may_be_meant(setting: str | None) -> None:
    """At 80 kVp 250 HU in the aorta are of an uncertain phase: what may be 80 kVp is no surer."""
    unknown = shift_at(250.0, 12.0, setting)
    assert unknown.sd_hu > 1.2 * shift_at(250.0, 12.0, "120").sd_hu
    assert FindingCode.CONTRAST_UNCERTAIN in codes("Iodine", tissue(287.0), unknown, 0.75)


def test_contrast_agent_that_no_tag_names_is_corrected_and_told() -> None:
    seen = tissue(130.0)
    shift = contrast_shift(seen, False, "120")
    assert shift == contrast_shift(seen, True, "120")
    assert codes(None, seen, shift, 0.75) == [FindingCode.BLOOD_ENHANCED]
    (found,) = contrast_findings(None, seen, shift, 0.75)
    assert "130 HU" in found.message
    assert f"{0.75 * shift.shift_hu:.1f} mg/cm³" in found.message


def test_contrast_agent_that_a_tag_names_is_told_even_if_no_vessel_is_seen() -> None:
    unknown = [FindingCode.CONTRAST_AGENT, FindingCode.CONTRAST_UNCERTAIN]
    assert codes("Iodine", None, None, 0.75) == unknown
    assert codes("Iodine", replace(tissue(40.0), vessel_hu=None, vessel=()), None, 0.75) == unknown
    early = contrast_shift(tissue(40.0), True, "120")
    assert early.shift_hu < 1.0
    assert codes("Iodine", tissue(40.0), early, 0.75) == [FindingCode.CONTRAST_AGENT]


def test_a_record_of_before_in_which_a_vessel_was_bright_is_told_and_not_corrected() -> None:
    before = TissueHU(-1000.0, -105.0, 55.0, 180.0)
    assert contrast_shift(before, False, "120") is None
    (found,) = contrast_findings(None, before, None, 0.75)
    assert found.message == (
        "A large vessel next to the spine has 180 HU, as with contrast agent, though the scan names none."
    )


def test_the_line_gives_the_bmd_without_contrast_agent() -> None:
    shift = shift_at(100.0, 0.0, "120")
    assert without_contrast(LINE, shift).bmd_mg_cm3(150.0 + shift.shift_hu) == pytest.approx(LINE.bmd_mg_cm3(150.0))


def test_the_table_of_the_documentation_is_what_the_engine_does() -> None:
    page = (Path(__file__).parents[3] / "docs/explanation/contrast.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")[1:]]
        for name in ("HU of the aorta", "taken off", "its SE")
        for line in page.splitlines()
        if line.startswith(f"| {name}")
    ]
    for hu, taken_off, error in zip(*rows, strict=True):
        shift = shift_at(float(hu) - NATIVE_BLOOD_HU, NATIVE_BLOOD_SD_HU, "120")
        assert float(taken_off) == pytest.approx(0.75 * shift.shift_hu, abs=0.06)
        assert float(error.split(",")[0]) == pytest.approx(0.75 * shift.sd_hu, abs=0.06)
        assert error.endswith("none") is (0.75 * shift.sd_hu >= LARGEST_CONTRAST_ERROR_MG_CM3)


def test_an_aorta_that_is_not_even_along_the_spine_makes_it_more_uncertain() -> None:
    even, uneven = (contrast_shift(tissue(130.0, spread), False, "120") for spread in (0.0, 40.0))
    assert uneven.sd_hu > even.sd_hu + 0.5
    assert uneven.shift_hu == even.shift_hu
