"""Hydroxyapatite equivalents and limits of K2HPO4: a category where all that they may stand for has the same one."""

from dataclasses import replace

import pytest

from helpers_qa import SCAN, site_calibration
from helpers_record import SITE, column_scan, examined
from ldct_bmd.calibration.carry import for_scan
from ldct_bmd.calibration.material import k2hpo4_parts
from ldct_bmd.examination import Examination
from ldct_bmd.findings import FindingCode
from ldct_bmd.quality import material_findings
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.rules import ACR, RULE_SETS
from ldct_bmd.words import speaking

HA = replace(site_calibration(), material="hydroxyapatite")


@pytest.mark.parametrize(("kvp", "least"), [(80.0, 0.86), (110.0, 0.835), (140.0, 0.81)])
def test_the_least_is_the_published_relation_at_the_voltage(kvp, least) -> None:
    low, high = k2hpo4_parts(replace(HA, kvp=kvp))
    assert low == pytest.approx(least)
    assert low < high <= 1.0


def test_k2hpo4_stands_for_itself_and_what_is_not_known_for_nothing() -> None:
    assert k2hpo4_parts(site_calibration()) == (1.0, 1.0)
    assert k2hpo4_parts(replace(HA, kvp=None)) is None
    assert k2hpo4_parts(replace(HA, kvp=150.0)) is None
    assert k2hpo4_parts(replace(HA, provenance=replace(HA.provenance, filter_type="TIN"))) is None


def test_what_was_carried_stands_for_as_much_as_at_its_own_voltage() -> None:
    carried = for_scan(HA, replace(SCAN, kvp=100.0))
    assert carried.transfer is not None
    assert k2hpo4_parts(carried) == k2hpo4_parts(HA)


# At 120 kVp 1 mg of hydroxyapatite stands for 0.827 to 0.973 mg of K2HPO4.
@pytest.mark.parametrize(
    ("mean", "code"),
    [
        (60.0, "material_converted"),
        (82.0, "material_converted"),
        (83.0, "calibration_material"),
        (96.0, "calibration_material"),
        (97.0, "material_converted"),
        (123.0, "material_converted"),
        (124.0, "calibration_material"),
        (145.0, "calibration_material"),
        (146.0, "material_converted"),
    ],
)
def test_a_category_is_given_only_if_every_relation_gives_the_same(mean, code) -> None:
    (found,) = material_findings(HA, mean, ACR)
    assert found.code.value == code


def test_the_limits_are_told_in_both_units() -> None:
    (found,) = material_findings(HA, 60.0, ACR)
    assert "49.6 to 58.4 mg/cm³ of K2HPO4" in found.message
    assert "the limit of 80 mg/cm³ of K2HPO4 is 82 to 97 mg/cm³ here" in found.message
    assert "the limit of 120 mg/cm³ of K2HPO4 is 123 to 145 mg/cm³ here" in found.message


def test_another_rule_set_asks_for_its_own_limits() -> None:
    one_limit = next(rules for rules in RULE_SETS.values() if rules.normal_above_mg_cm3 is None)
    (found,) = material_findings(HA, 130.0, one_limit)
    assert found.code is FindingCode.MATERIAL_CONVERTED
    assert len(found.facts["limits"]) == 1


def record(slope: float) -> Examination:
    """The mean of L1 and L2 has 125 HU."""
    return examined(column_scan(0.0), replace(SITE, material="hydroxyapatite", slope=slope))


def test_a_record_says_what_its_mean_stands_for_and_keeps_the_number_as_it_was_measured() -> None:
    one = record(0.48)
    assert (one.assessment.category, one.assessment.limited) == ("osteoporosis", ("material_converted",))
    assert one.assessment.mean_bmd_mg_cm3 == pytest.approx(60.0, abs=0.2)
    assert "hydroxyapatite equivalent), which stands for 49." in one.assessment.statement
    assert "in the osteoporosis range (below 80 mg/cm³)" in one.assessment.statement
    assert Examination.from_json(one.to_json()) == one
    with speaking("zh"):
        assert "相当于 K2HPO4 49." in one.assessment.statement


def test_by_the_converted_mean_and_not_by_the_number_itself() -> None:
    # 81 mg/cm3 of hydroxyapatite is 67 to 79 of K2HPO4.
    assert record(81.0 / 125.0).assessment.category == "osteoporosis"


def test_no_category_where_the_relations_differ() -> None:
    one = record(90.0 / 125.0)
    assert (one.assessment.category, one.assessment.limited) == (None, ("calibration_material",))
    assert one.assessment.k2hpo4_parts is None


def test_no_scale_of_k2hpo4_is_drawn_under_another_number() -> None:
    assert compose(record(0.48)).bar is None
    assert compose(examined()).bar is not None
