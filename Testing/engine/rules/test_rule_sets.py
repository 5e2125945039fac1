"""Rule sets: the limits of each, whom it is for, a site's own, and what a record does with them."""

import json
import re
from pathlib import Path

import pytest

from helpers_record import READER, TIME, column_scan, examined
from ldct_bmd.assessment import assess, format_bmd
from ldct_bmd.corrections import change_rules
from ldct_bmd.examination import Examination
from ldct_bmd.findings import Finding, FindingCode
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.quality import hu_findings, lumbar_findings, population_findings
from ldct_bmd.rules import ACR, RULE_SETS, Category, load_rules
from ldct_bmd.words import speaking
from places import ROOT

CHINA, EAST_ASIAN = RULE_SETS["china"], RULE_SETS["east-asian-women"]
FRACTURE = Finding(FindingCode.FRACTURE, "T7")
OWN = {
    "schema": "ldct-bmd-rules/1",
    "name": "clinic",
    "title": "The clinic's rules",
    "osteoporosis_below_mg_cm3": 82.5,
    "normal_above_mg_cm3": 118,
    "source": "Internal audit 2025",
    "hu_limit": {"level": "L1", "below_hu": 110, "source": "automatic VOIs against DXA, 120 kVp"},
}


def own(folder: Path, **changes: object) -> str:
    path = folder / "rules.json"
    path.write_text(json.dumps({**OWN, **changes}), encoding="utf-8")
    return str(path)


def test_every_published_rule_set_says_where_it_was_published():
    for name, rules in RULE_SETS.items():
        assert rules.name == name
        assert rules.source
        assert rules.address is not None
        assert rules.address.startswith("https://")


@pytest.mark.parametrize(
    ("rules", "bmd", "category"),
    [
        (ACR, 79.9, Category.OSTEOPOROSIS),
        (CHINA, 80.0, Category.OSTEOPENIA),
        (CHINA, 120.1, Category.NORMAL),
        (EAST_ASIAN, 49.9, Category.OSTEOPOROSIS),
        (EAST_ASIAN, 50.0, Category.NOT_OSTEOPOROSIS),
        (EAST_ASIAN, 130.0, Category.NOT_OSTEOPOROSIS),
    ],
)
def test_a_mean_is_called_as_the_rule_set_has_it(rules, bmd, category):
    assert assess({"L1": bmd, "L2": bmd}, (), "K2HPO4", rules=rules).category == category


def test_the_statement_names_the_rule_set_unless_it_is_the_usual_one():
    usual = assess({"L1": 60.0, "L2": 60.0}, (), "K2HPO4").statement
    assert "in the osteoporosis range (below 80 mg/cm³)." in usual
    assert assess({"L1": 60.0, "L2": 60.0}, (), "K2HPO4", rules=ACR).statement == usual
    other = assess({"L1": 60.0, "L2": 60.0}, (), "K2HPO4", rules=EAST_ASIAN)
    assert (
        "not in the osteoporosis range (below 50 mg/cm³), rule set: proposal for East Asian women 2024"
        in other.statement
    )
    with speaking("zh"):
        assert "2024 年东亚女性建议" in other.statement


def test_osteoporosis_with_a_confirmed_fracture_is_severe_where_the_rule_set_says_so():
    bmd = {"L1": 70.0, "L2": 70.0}
    severe = assess(bmd, (FRACTURE,), "K2HPO4", rules=CHINA)
    assert severe.category == "severe_osteoporosis"
    assert "severe osteoporosis" in severe.statement
    assert assess(bmd, (FRACTURE,), "K2HPO4").category == "osteoporosis"
    assert assess({"L1": 90.0, "L2": 90.0}, (FRACTURE,), "K2HPO4", rules=CHINA).category == "osteopenia"


def test_a_rule_set_for_two_vertebrae_gives_one_no_category():
    alone = assess({"L2": 70.0}, tuple(lumbar_findings(("L2",), CHINA)), "K2HPO4", rules=CHINA)
    assert alone.category is None
    assert alone.limited == ("too_few_levels",)
    assert "asks for two lumbar vertebrae" in alone.statement


@pytest.mark.parametrize(
    ("rules", "sex", "age", "case"),
    [
        (ACR, None, None, None),
        (CHINA, "M", 65.0, None),
        (CHINA, "F", 49.0, "age"),
        (CHINA, "F", None, "age_unknown"),
        (EAST_ASIAN, "F", 70.0, None),
        (EAST_ASIAN, "M", 70.0, "sex"),
        (EAST_ASIAN, None, 70.0, "sex_unknown"),
    ],
)
def test_a_patient_for_whom_the_rule_set_is_not_meant_is_told(rules, sex, age, case):
    found = population_findings(rules, sex, age)
    assert [finding.facts["case"] for finding in found] == ([] if case is None else [case])


def test_a_sites_own_rules_come_from_a_file(tmp_path):
    rules = load_rules(own(tmp_path))
    assert rules.categorize(82.0) is Category.OSTEOPOROSIS
    statement = assess({"L1": 80.0, "L2": 80.0}, (), "K2HPO4", rules=rules).statement
    assert "(below 82.5 mg/cm³), rule set: The clinic's rules" in statement
    assert format_bmd(82.46, rules) == "82.46"


def test_a_sites_limit_on_hu_is_a_finding_with_its_warning(tmp_path):
    rules = load_rules(own(tmp_path))
    assert hu_findings(rules, {"L1": 110.0}) == []
    assert hu_findings(rules, {"L2": 50.0}) == []
    (finding,) = hu_findings(rules, {"L1": 98.0})
    assert (finding.code, finding.level) == (FindingCode.HU_BELOW_LIMIT, "L1")
    assert "21 HU above manual ones" in finding.message
    assert assess({"L1": 100.0, "L2": 100.0}, (finding,), "K2HPO4").limited == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"normal_above_mg_cm3": 70.0}, "limits must rise"),
        ({"osteoporosis_below_mg_cm3": -1.0}, "limits must rise"),
        ({"lumbar_levels": 3}, "1 or 2"),
        ({"sexes": ["X"]}, "F and M"),
        ({"schema": "other/1"}, "schema"),
        ({"name": "acr"}, "name other than"),
        ({"title": {"code": "rules.acr", "facts": {}}}, "title of its own"),
        ({"hu_limit": {"level": "L9", "below_hu": 110.0, "source": "x"}}, "no level L9"),
        ({"below": 3}, "below"),
    ],
)
def test_a_file_that_is_no_rule_set_is_refused_in_a_sentence(tmp_path, changes, words):
    with pytest.raises(UsageError, match=words):
        load_rules(own(tmp_path, **changes))


def test_an_unknown_name_lists_those_that_there_are():
    with pytest.raises(UsageError, match="acr, china or east-asian-women"):
        load_rules("who")


def test_a_record_keeps_its_rule_set_and_one_of_before_keeps_the_usual():
    record = examined(column_scan())
    assert record.rules is None
    changed = change_rules(record, CHINA, READER, TIME)
    assert changed.assessment.rules == CHINA
    assert Examination.from_json(changed.to_json()) == changed
    assert changed.history[-1].what == "rules_changed"
    assert changed.automatic is not None
    assert changed.automatic.assessment.rules is None


def test_the_example_of_the_documentation_is_a_file_that_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "howto" / "rules.md").read_text(encoding="utf-8")
    (tmp_path / "ours.json").write_text(re.search(r"```json\n(.*?)```", page, re.DOTALL).group(1), encoding="utf-8")
    ours = load_rules(str(tmp_path / "ours.json"))
    assert (ours.lumbar_levels, ours.sexes, ours.hu_limit.below_hu) == (2, ("F",), 110.0)
