"""The mean of L1 and L2: thresholds, what limits the category, and what is said."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldct_bmd.assessment import NotUsed, assess, categorize, format_bmd
from ldct_bmd.findings import Effect, Finding, FindingCode

TINY = 1e-9
COUNTED = (
    FindingCode.NO_LUMBAR_LEVEL,
    FindingCode.TOO_FEW_LEVELS,
    FindingCode.SINGLE_LUMBAR_LEVEL,
)  # by the assessment itself


def codes_with(effect: Effect) -> list[FindingCode]:
    return [code for code in FindingCode if code.effect is effect and code not in COUNTED]


def finding(code: FindingCode, level: str | None = None) -> Finding:
    return Finding(code, level)


@pytest.mark.parametrize(
    ("bmd", "category"),
    [
        (79.97, "osteoporosis"),
        (80.0 - TINY, "osteoporosis"),
        (80.0, "osteopenia"),
        (100.0, "osteopenia"),
        (120.0, "osteopenia"),
        (120.0 + TINY, "normal"),
        (-5.0, "osteoporosis"),
    ],
)
def test_both_thresholds_are_osteopenia_and_nothing_is_rounded(bmd, category):
    assert categorize(bmd).value == category
    assert assess({"L1": bmd, "L2": bmd}, (), "K2HPO4").category == category


def test_the_mean_decides_not_each_level():
    result = assess({"T12": 200.0, "L1": 79.0, "L2": 81.5}, (), "K2HPO4")
    assert result.mean_bmd_mg_cm3 == pytest.approx(80.25)
    assert result.category == "osteopenia"
    assert result.levels == ("L1", "L2")
    assert result.limited == ()


def test_other_levels_never_enter_the_mean():
    base = assess({"L1": 90.0, "L2": 100.0}, (), "K2HPO4")
    assert assess({"T12": 10.0, "L1": 90.0, "L2": 100.0, "L3": 500.0}, (), "K2HPO4") == base


@pytest.mark.parametrize(("bmd", "shown"), [(79.97, "79.97"), (80.0, "80.0"), (120.04, "120.04"), (95.26, "95.3")])
def test_a_shown_bmd_never_looks_like_another_category(bmd, shown):
    assert format_bmd(bmd) == shown


@settings(deadline=None)
@given(st.floats(-50.0, 400.0))
def test_every_shown_bmd_has_the_category_of_the_unrounded_one(bmd):
    assert categorize(float(format_bmd(bmd))) is categorize(bmd)


def test_one_lumbar_level_gives_a_limited_category_that_names_what_is_missing():
    result = assess({"T12": 90.0, "L2": 70.0}, (), "K2HPO4")
    assert (result.category, result.levels) == ("osteoporosis", ("L2",))
    assert result.limited == ("single_lumbar_level",)
    assert "L1 not measured" in result.statement


def test_an_excluded_level_is_left_out_and_named_with_its_reason():
    result = assess({"L1": 200.0, "L2": 70.0}, (), "K2HPO4", {"L1": "fracture"})
    assert result.mean_bmd_mg_cm3 == 70.0
    assert result.category == "osteoporosis"
    assert "L1 excluded: fracture" in result.statement


def test_without_a_lumbar_level_there_is_no_category_and_t12_is_a_reference_only():
    result = assess({"T12": 70.0}, (), "K2HPO4")
    assert (result.mean_bmd_mg_cm3, result.category, result.levels) == (None, None, ())
    assert result.limited == ("no_lumbar_level",)
    assert "T12, as a reference only, has 70.0 mg/cm³ (K2HPO4 equivalent)." in result.statement


def test_the_reference_value_of_t12_says_its_material_and_what_limits_it():
    codes = [FindingCode.NOMINAL_CALIBRATION, FindingCode.KVP_MISMATCH, FindingCode.LABEL_UNCERTAIN]
    found = [*map(finding, codes), finding(FindingCode.VOI_NOISE, "T12"), finding(FindingCode.HU_PATTERN, "L1")]
    statement = assess({"T12": 95.0}, found, "hydroxyapatite").statement
    for told in ("hydroxyapatite equivalent", "nominal", "tube voltage", "names of the vertebrae", "noise is high"):
        assert told in statement
    assert "unlike trabecular bone" not in statement


def test_where_no_category_is_given_the_statement_still_says_that_the_calibration_is_nominal():
    found = [finding(FindingCode.NOMINAL_CALIBRATION), finding(FindingCode.KVP_MISMATCH)]
    statement = assess({"L1": 95.0, "L2": 99.0}, found, "K2HPO4").statement
    assert "no category is given because the tube voltage" in statement
    assert "indicative only because the calibration is nominal" in statement


def test_an_unknown_tube_voltage_is_not_laid_to_the_scan_alone():
    statement = assess({"L1": 95.0, "L2": 99.0}, [finding(FindingCode.KVP_UNKNOWN)], "K2HPO4").statement
    assert "of the scan or of the calibration is not known" in statement


@pytest.mark.parametrize("bmd", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_no_category(bmd):
    with pytest.raises(ValueError, match="no category"):
        categorize(bmd)
    with pytest.raises(ValueError, match="no category"):
        assess({"L1": bmd, "L2": 90.0}, (), "K2HPO4")


def test_excluding_both_lumbar_levels_leaves_no_category():
    result = assess({"L1": 90.0, "L2": 70.0}, (), "K2HPO4", {"L1": "cyst", "L2": "tumour"})
    assert result.category is None
    assert "L1 excluded: cyst" in result.statement
    assert "L2 excluded: tumour" in result.statement


@pytest.mark.parametrize("code", codes_with(Effect.FORBIDS))
def test_a_forbidding_finding_leaves_the_mean_but_no_category(code):
    result = assess({"L1": 70.0, "L2": 70.0}, [finding(code)], "K2HPO4")
    assert result.category is None
    assert result.mean_bmd_mg_cm3 == 70.0
    assert code.value in result.limited
    assert "osteoporosis" not in result.statement


@pytest.mark.parametrize("code", codes_with(Effect.LIMITS))
def test_a_limiting_finding_leaves_the_category_marked(code):
    result = assess({"L1": 70.0, "L2": 70.0}, [finding(code)], "K2HPO4")
    assert result.category == "osteoporosis"
    assert result.limited == (code.value,)
    assert "indicative only because" in result.statement


@pytest.mark.parametrize("code", [code for code in codes_with(Effect.NONE) if code is not FindingCode.FRACTURE])
def test_other_findings_do_not_touch_the_assessment(code):
    bmd = {"L1": 70.0, "L2": 70.0}
    assert assess(bmd, [finding(code), finding(code, "L1")], "K2HPO4") == assess(bmd, (), "K2HPO4")


def test_a_finding_about_a_level_counts_only_where_the_category_rests_on_it():
    noisy = [finding(FindingCode.VOI_NOISE, "L1"), finding(FindingCode.VOI_NOISE, "T12")]
    bmd = {"T12": 70.0, "L1": 70.0, "L2": 70.0}
    assert assess(bmd, noisy, "K2HPO4").limited == ("voi_noise",)
    assert assess(bmd, noisy, "K2HPO4", {"L1": "other: noise"}).limited == ("single_lumbar_level",)


@pytest.mark.parametrize("bmd", [70.0, 100.0, 150.0])
def test_a_confirmed_fracture_leads_the_statement_whatever_the_bmd(bmd):
    found = [finding(FindingCode.FRACTURE, "L1"), finding(FindingCode.FRACTURE, "T8")]
    result = assess({"L1": bmd, "L2": bmd}, found, "K2HPO4", {"L1": "fracture"})
    assert result.statement.startswith("Vertebral fractures of T8 and L1, confirmed by the reader")
    assert result.levels == ("L2",)
    assert result.category == categorize(bmd).value


def test_a_confirmed_fracture_leads_even_where_there_is_no_category():
    result = assess({}, [finding(FindingCode.FRACTURE, "T8")], "K2HPO4")
    assert result.statement.startswith("Vertebral fracture of T8, ")
    assert result.category is None


def test_a_suspicion_at_a_level_of_the_mean_limits_the_category_and_names_the_level():
    found = [finding(FindingCode.SUSPECTED_FRACTURE, "L1"), finding(FindingCode.SUSPECTED_FRACTURE, "T8")]
    result = assess({"L1": 90.0, "L2": 90.0}, found, "K2HPO4")
    assert result.limited == ("suspected_fracture",)
    assert result.statement.startswith("Mean trabecular BMD of L1 and L2 is 90.0")
    assert "because L1 may be fractured." in result.statement


def test_a_suspicion_elsewhere_leaves_statement_and_category_as_they_are():
    bmd = {"T12": 90.0, "L1": 90.0, "L2": 90.0}
    found = [finding(FindingCode.SUSPECTED_FRACTURE, level) for level in ("T7", "T12")]
    assert assess(bmd, found, "K2HPO4") == assess(bmd, (), "K2HPO4")


def test_a_level_that_may_not_be_used_is_left_out_with_its_reason():
    unused = {"L1": NotUsed.DOUBTFUL_OUTLINE}
    one = assess({"L1": 200.0, "L2": 70.0}, (), "K2HPO4", unused=unused)
    assert (one.levels, one.category, one.limited) == (("L2",), "osteoporosis", ("single_lumbar_level",))
    assert "L1 has a doubtful outline" in one.statement
    both = assess({"L1": 200.0, "L2": 70.0}, (), "K2HPO4", {"L2": "cyst"}, unused)
    assert both.category is None
    assert "L1 has a doubtful outline, L2 excluded: cyst" in both.statement


def test_the_material_is_always_stated():
    assert "K2HPO4 equivalent" in assess({"L1": 90.0, "L2": 90.0}, (), "K2HPO4").statement
    codes = [finding(FindingCode.CALIBRATION_MATERIAL)]
    assert "hydroxyapatite equivalent" in assess({"L1": 90.0, "L2": 90.0}, codes, "hydroxyapatite").statement


def test_the_codes_come_in_one_order_however_they_were_found():
    codes = [finding(FindingCode.CONTRAST_AGENT), finding(FindingCode.NOMINAL_CALIBRATION)]
    one = assess({"L1": 90.0, "L2": 90.0}, codes, "K2HPO4")
    assert one == assess({"L1": 90.0, "L2": 90.0}, codes[::-1], "K2HPO4")
    assert one.limited == ("nominal_calibration", "contrast_agent")
