"""Each finding: the case that must have it, and the near miss that must not."""

from dataclasses import replace

import pytest

from ldct_bmd.calibration import NOMINAL, Calibration, Method, Provenance, Scanner, entered_calibration
from ldct_bmd.calibration.match import ScanConditions
from ldct_bmd.densitometry import HUPattern, MidlineContrast
from ldct_bmd.findings import Effect, Finding, FindingCode, Severity
from ldct_bmd.morphometry import HeightLoss, Outline
from ldct_bmd.quality import (
    FractureReading,
    LevelOutline,
    QualityFacts,
    VOIFacts,
    bmd_findings,
    calibration_findings,
    doubtful_outlines,
    file_findings,
    fracture_findings,
    level_findings,
    lumbar_findings,
    name_findings,
    origin_findings,
    outline_findings,
    scan_findings,
    voi_findings,
)
from ldct_bmd.rules import ACR
from ldct_bmd.voi import CylinderVOI
from ldct_bmd.words import told

SITE = Calibration("Site", 0.8, 0.0, "K2HPO4", 120.0, False, "made up")
UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
VOI = CylinderVOI((0.0, 0.0, 0.0), (12.5, 8.4), UPRIGHT, 9.0)
FACTS = VOIFacts("L1", 2.0, HUPattern(-20.0, 320.0, 0.0, 0.0), None, 0.0)


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code.value for finding in findings]


def test_every_code_has_a_severity_and_an_effect():
    for code in FindingCode:
        assert isinstance(code.severity, Severity)
        assert isinstance(code.effect, Effect)
        assert FindingCode(code.value) is code
    assert len({code.value for code in FindingCode}) == len(FindingCode)


def test_what_forbids_a_category_is_an_error_and_nothing_else_is():
    for code in FindingCode:
        assert (code.severity is Severity.ERROR) == (code.effect is Effect.FORBIDS)


@pytest.mark.parametrize(
    ("thickness", "spacing", "found"),
    [(3.0, 3.0, False), (3.27, 3.27, True), (None, 3.0, False), (None, 5.0, True), (5.0, 1.0, True), (1.0, 5.0, True)],
)
def test_slices_over_3_mm_thick_or_apart_are_told(thickness, spacing, found):
    assert codes(scan_findings(thickness, spacing, 0)) == (["thick_slices"] if found else [])


def test_thick_slices_limit_the_category_and_tell_which_fractures_they_hide():
    assert FindingCode.THICK_SLICES.effect is Effect.LIMITS
    (spaced,) = scan_findings(5.0, 5.0, 0)
    assert "losses of height under 22 % can't be seen" in spaced.message
    (overlapping,) = scan_findings(5.0, 1.0, 0)
    assert "height" not in overlapping.message


def test_other_series_are_told_by_their_number():
    assert codes(scan_findings(1.0, 1.0, 0)) == []
    (one,) = scan_findings(1.0, 1.0, 2)
    assert one.code is FindingCode.OTHER_SERIES
    assert "2 other series" in one.message
    (split,) = scan_findings(1.0, 1.0, 2, continuing=1)
    assert "one of them continues the one that was measured" in split.message


def test_a_scan_that_differs_from_its_files_is_told_and_limits_the_category():
    (one,) = scan_findings(1.0, 1.0, 0, modified=True)
    assert (one.code, one.code.effect) == (FindingCode.SCAN_MODIFIED, Effect.LIMITS)
    assert "differs from the files" in one.message


def test_what_the_files_lost_or_left_out_is_told():
    assert file_findings(None, None, ()) == []
    lossy, cut, left = file_findings("JPEG 2000, 10:1", 600.0, ("a", "b", "c", "d", "e"))
    assert (lossy.code.effect, cut.code.effect, left.code.effect) == (Effect.LIMITS, Effect.LIMITS, Effect.NONE)
    assert "JPEG 2000, 10:1" in lossy.message
    assert "600 HU" in cut.message
    assert "5 files" in left.message
    assert "a, b, c and 2 more" in left.message
    (one,) = file_findings(None, None, ("a",))
    assert one.message.startswith("One file next to")


@pytest.mark.parametrize(("bmd", "found"), [(-100.0, False), (-100.1, True), (500.0, False), (7305097.0, True)])
def test_no_category_rests_on_a_bmd_that_no_bone_has(bmd, found):
    assert codes(bmd_findings("L1", bmd)) == (["implausible_bmd"] if found else [])
    assert FindingCode.IMPLAUSIBLE_BMD.effect is Effect.FORBIDS


def test_a_calibration_that_fits_is_no_finding():
    assert calibration_findings(SITE, 120.0) == []


@pytest.mark.parametrize(
    ("calibration", "kvp", "expected"),
    [
        (SITE, 140.0, ["kvp_mismatch"]),
        (SITE, None, ["kvp_unknown"]),
        (replace(SITE, kvp=None), 120.0, ["kvp_unknown"]),
        (NOMINAL, 120.0, ["nominal_calibration"]),
        (NOMINAL, 140.0, ["nominal_calibration", "kvp_mismatch"]),
    ],
)
def test_a_calibration_that_does_not_fit_is_told(calibration, kvp, expected):
    assert codes(calibration_findings(calibration, kvp)) == expected


def test_a_kvp_mismatch_names_both_voltages():
    (one,) = calibration_findings(SITE, 140.0)
    assert "140 kVp" in one.message
    assert "120 kVp" in one.message


@pytest.mark.parametrize("calibration", [entered_calibration(0.8, 0, "K2HPO4", 120), SITE])
def test_a_calibration_that_names_no_scanner_limits_the_category(calibration):
    (one,) = origin_findings(
        calibration, ScanConditions(Scanner("ACME", "CT 1", serial="17"), 120.0, None, "B30f", None)
    )
    assert (one.code, one.code.effect) == (FindingCode.CALIBRATION_SCANNER, Effect.LIMITS)
    assert "does not say its scanner" in one.message


def test_the_nominal_one_and_one_of_the_scans_own_scanner_are_no_finding_about_the_scanner():
    scan = ScanConditions(Scanner("ACME", "CT 1", serial="17"), 120.0, None, "B30f", None)
    own = replace(SITE, provenance=Provenance(Method.ENTERED, scan.scanner, kernel_class="smooth"))
    assert origin_findings(NOMINAL, scan) == origin_findings(own, scan) == []


def test_uncertain_names_are_told_with_the_labellers_reason():
    (one,) = name_findings(QualityFacts(("L1",), False, told("No rib is in view.")), {"L1"}, {"L1"})
    assert (one.code, one.level, one.message) == (FindingCode.LABEL_UNCERTAIN, None, "No rib is in view.")


def test_names_that_the_category_does_not_rest_on_do_not_forbid_it():
    upper = QualityFacts(("T12", "L1"), True, told("Counted from the last rib."), uncertain_levels=("T3",))
    assert name_findings(upper, {"T12", "L1"}, {"T3", "T12", "L1"}) == []
    (one,) = name_findings(
        replace(upper, names_certain=False, uncertain_levels=("T12",)), {"T12", "L1"}, {"T3", "T12", "L1"}
    )
    assert one.level == "T12"
    (one,) = name_findings(
        replace(upper, names_certain=False, uncertain_levels=("L1",)), {"T12", "L1"}, {"T3", "T12", "L1"}
    )
    assert one.level is None


def test_a_level_that_was_not_found_is_as_certain_as_the_column():
    column = QualityFacts(("L1",), False, told("No rib is in view."), uncertain_levels=("T11", "T12"))
    (one,) = name_findings(column, {"L1", "L2"}, {"T5", "T11", "T12"})
    assert (one.code, one.level) == (FindingCode.LABEL_UNCERTAIN, None)


def test_certain_names_are_no_finding():
    assert name_findings(QualityFacts(("L1",), True, told("The last rib is in view.")), {"L1"}, {"L1"}) == []


def test_each_reason_for_a_level_without_a_number_has_its_own_finding():
    found = level_findings(
        ("T11", "T12", "L1", "L2", "L3"),
        {"T11": True, "T12": True, "L1": False, "L3": True},
        {"T11"},
        {"T12": "The body is only 7 mm high."},
    )
    assert [(f.code.value, f.level) for f in found] == [
        ("not_measured", "T12"),
        ("cut_by_edge", "L1"),
        ("target_missing", "L2"),
        ("not_measured", "L3"),
    ]
    assert found[0].message == "The body is only 7 mm high."
    assert found[3].message == "L3 is in view but has no VOI."


def test_a_missing_level_of_a_spine_that_the_field_cuts_may_be_missing_for_that():
    (cut, missing) = level_findings(("L1", "L2"), {"L1": False}, {}, {}, ("L1",))
    assert (cut.level, missing.level) == ("L1", "L2")
    assert "reconstructed field" in cut.message
    assert "reconstructed field" in missing.message


def test_a_measured_level_is_told_to_be_cut_though_nobody_asked_for_it():
    found = level_findings(("L1",), {"L1": True, "L2": False}, {"L1", "L2"}, {})
    assert [(f.code.value, f.level) for f in found] == [("cut_by_edge", "L2")]


def test_levels_that_were_not_asked_for_are_not_missed():
    assert level_findings(("L1",), {"L1": True, "T5": False}, {"L1"}, {}) == []


LOSS = HeightLoss("T7", "anterior", 14.6, 20.0, 0.27, 0.05, True)


def test_a_loss_is_to_be_checked_with_its_size_and_uncertainty():
    small = replace(LOSS, level="T8", loss=0.19, suspected=False)
    (one,) = fracture_findings([LOSS, small], (), ())
    assert (one.code.value, one.level) == ("suspected_fracture", "T7")
    told = "Check T7: its front height is 27 % below what is usual for T7 (uncertainty 5 %)."
    assert one.message == f"{told} If it is a fracture, it is a wedge of Genant grade 1 or 2."
    (unsure,) = fracture_findings([replace(LOSS, uncertainty=0.08)], (), ())
    assert unsure.message == told.replace("5 %", "8 %")  # any grade is possible, so none is said


def test_a_reader_s_word_ends_the_suspicion():
    dismissed = FractureReading("T7", False, "Dr. Reader", "2024-05-06T07:08:09Z")
    assert fracture_findings([LOSS], (), [dismissed]) == []
    (one,) = fracture_findings([LOSS], ("T7",), [replace(dismissed, fractured=True)])
    assert (one.code.value, one.level) == ("fracture", "T7")


GOOD = LevelOutline("L1", Outline(hole_fraction=0.002, far_fraction=0.2))
SD_HU = {"T12": 40.0, "L1": 38.0, "L2": 41.0}


@pytest.mark.parametrize(
    ("outline", "sd_hu", "word"),
    [
        (GOOD, SD_HU, None),
        (replace(GOOD, outline=Outline(0.06, 0.2)), SD_HU, "6 % of the body is missing"),
        (replace(GOOD, outline=Outline(0.0, 0.7)), SD_HU, "70 % of it lies far from any edge"),
        (GOOD, SD_HU | {"L1": 90.0}, "standard deviation of 90 HU, the other levels 40 HU"),
        (GOOD, {"T12": 8.0, "L1": 20.0, "L2": 8.0}, None),  # little noise: no limit of a few HU
        (GOOD, {"L1": 90.0}, None),  # nothing to compare with
    ],
)
def test_an_outline_is_doubtful_for_a_hole_for_missing_edges_and_for_a_restless_voi(outline, sd_hu, word):
    doubts = doubtful_outlines([outline], sd_hu)
    assert list(doubts) == ([] if word is None else ["L1"])
    if word is not None:
        (one,) = outline_findings(doubts)
        assert one.code is FindingCode.OUTLINE_DOUBTFUL
        assert word in one.message


def test_a_doubtful_outline_counts_no_more_once_a_reader_has_confirmed_it_or_placed_the_voi():
    bad = replace(GOOD, outline=Outline(0.06, 0.2))
    assert doubtful_outlines([replace(bad, confirmed_by="Dr. Reader")], SD_HU) == {}
    assert doubtful_outlines([bad], SD_HU, by_hand=["L1"]) == {}


@pytest.mark.parametrize(
    ("levels", "expected"),
    [(("L1", "L2"), []), (("L2",), ["single_lumbar_level"]), ((), ["no_lumbar_level"])],
)
def test_the_number_of_lumbar_levels_is_told(levels, expected):
    assert codes(lumbar_findings(levels, ACR)) == expected


def test_an_ordinary_voi_has_no_finding():
    assert voi_findings(VOI, 130.0, 45.0, FACTS) == []


@pytest.mark.parametrize(("standard_error", "found"), [(4.0, False), (4.1, True)])
def test_noise_in_the_voi_is_told_by_the_standard_error_of_its_mean(standard_error, found):
    facts = replace(FACTS, standard_error_hu=standard_error)
    assert codes(voi_findings(VOI, 130.0, 45.0, facts)) == (["voi_noise"] if found else [])


@pytest.mark.parametrize(
    ("mean", "sd", "pattern", "found"),
    [
        (450.0, 60.0, HUPattern(300.0, 600.0, 0.8, 0.0), True),  # sclerosis throughout
        (-60.0, 30.0, HUPattern(-140.0, 30.0, 0.0, 0.0), True),  # fat
        (165.0, 120.0, HUPattern(-20.0, 900.0, 0.08, 0.0), True),  # a drop of cement
        (350.0, 200.0, HUPattern(-20.0, 1400.0, 0.3, 0.0), True),  # cement throughout
        (150.0, 60.0, HUPattern(-20.0, 1100.0, 0.003, 0.0), True),  # a metal tip, or cortex
        (271.0, 79.0, HUPattern(102.0, 669.0, 0.077, 0.0), False),  # young bone in a real scan, denser at the back
        (60.0, 110.0, HUPattern(-800.0, 320.0, 0.0, 0.06), True),  # gas in a cleft
        (320.0, 80.0, HUPattern(50.0, 600.0, 0.16, 0.0), False),  # young and noisy: a normal distribution's tail
        (10.0, 80.0, HUPattern(-250.0, 250.0, 0.0, 0.025), False),  # old and noisy
        (226.0, 30.0, HUPattern(100.0, 420.0, 0.001, 0.0), False),
    ],
)
def test_hu_unlike_trabecular_bone_are_told_and_noise_is_not(mean, sd, pattern, found):
    facts = replace(FACTS, pattern=pattern)
    assert codes(voi_findings(VOI, mean, sd, facts)) == (["hu_pattern"] if found else [])


def test_a_voi_of_one_value_is_no_lesion():
    assert voi_findings(VOI, 130.0, 0.0, replace(FACTS, pattern=HUPattern(130.0, 130.0, 0.0, 0.0))) == []


@pytest.mark.parametrize(("outside", "found"), [(0.0, False), (0.02, False), (0.03, True), (None, False)])
def test_a_voi_that_leaves_the_eroded_body_is_told(outside, found):
    facts = replace(FACTS, fraction_outside_trabecular=outside)
    assert codes(voi_findings(VOI, 130.0, 45.0, facts)) == (["voi_leaves_trabecular_bone"] if found else [])


@pytest.mark.parametrize(("semi_axes", "found"), [((9.0, 9.0), False), ((8.9, 9.0), True)])
def test_a_voi_deeper_than_wide_is_told(semi_axes, found):
    voi = replace(VOI, semi_axes_mm=semi_axes)
    assert codes(voi_findings(voi, 130.0, 45.0, FACTS)) == (["voi_axes_swapped"] if found else [])


@pytest.mark.parametrize(
    ("midline", "found"),
    [
        (None, False),
        (MidlineContrast(-60.0, 15.0, -3.0), True),
        (MidlineContrast(-60.0, 25.0, -3.0), False),  # within the noise
        (MidlineContrast(-60.0, 15.0, -1.5), False),  # too small a part of the VOI to matter
        (MidlineContrast(60.0, 15.0, 3.0), False),  # denser than the flanks
    ],
)
def test_the_basivertebral_vein_is_told_where_it_matters_and_is_clear_of_the_noise(midline, found):
    facts = replace(FACTS, midline=midline)
    assert codes(voi_findings(VOI, 130.0, 45.0, facts)) == (["basivertebral_vein"] if found else [])
