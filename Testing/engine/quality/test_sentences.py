"""Every finding that the rules can make has its sentence, in every language."""

import json
import re
from dataclasses import replace

import pytest

from ldct_bmd.assessment import NotUsed, assess
from ldct_bmd.calibration import NOMINAL, Calibration, Method, Provenance, Scanner
from ldct_bmd.calibration.carry import for_scan
from ldct_bmd.calibration.contrast import shift_at
from ldct_bmd.calibration.match import CalibrationChoice, ScanConditions
from ldct_bmd.calibration.tissue import TissueHU
from ldct_bmd.densitometry import HUPattern, MidlineContrast
from ldct_bmd.findings import GENERAL, Effect, Finding, FindingCode, told_finding
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.morphometry import BodyHeights, HeightLoss, Outline
from ldct_bmd.quality import (
    FractureReading,
    LevelHeights,
    LevelOutline,
    QualityFacts,
    VOIFacts,
    bmd_findings,
    calibration_findings,
    choice_findings,
    contrast_findings,
    doubtful_outlines,
    file_findings,
    fracture_findings,
    hu_findings,
    level_findings,
    lumbar_findings,
    material_findings,
    name_findings,
    origin_findings,
    outline_findings,
    population_findings,
    scan_findings,
    size_findings,
    tissue_findings,
    transfer_findings,
    voi_findings,
)
from ldct_bmd.rules import ACR, RULE_SETS, HULimit
from ldct_bmd.voi import CylinderVOI
from ldct_bmd.words import LANGUAGES, Phrase, catalogue, speaking

SITE = Calibration("Site", 0.8, 0.0, "K2HPO4", 120.0, False, "made up")
SCANNER = Scanner("ACME", "CT 1", serial="17")
MADE = Provenance(Method.PHANTOM, SCANNER, "TIN", "sharp", "2024-06-01", "2024-12-31")
OWN = Calibration("Own", 0.8, 0.0, "K2HPO4", 100.0, False, "made up", MADE)
SCAN = ScanConditions(Scanner("ACME", "CT 2"), 120.0, None, "B30f", "20240501")
UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
WIDE, DEEP = ((12.5, 8.4), (8.4, 12.5))


def voi(axes: tuple[float, float]) -> CylinderVOI:
    return CylinderVOI((0.0, 0.0, 0.0), axes, UPRIGHT, 9.0)


def seen(mean_hu: float, sd_hu: float, pattern: HUPattern) -> list[Finding]:
    facts = VOIFacts("L1", 4.26, pattern, MidlineContrast(-30.0, 3.0, -8.6), 0.128)
    return voi_findings(voi(DEEP), mean_hu, sd_hu, facts)


QUIET = HUPattern(-20.0, 320.0, 0.0, 0.0)
UNCERTAIN = QualityFacts(("L1",), False, Phrase("names.uncertain", {"reasons": (Phrase("names.no_ribs"),)}))
NEAREST = Phrase("calibration_choice.empty_store")
ALARM = Phrase(
    "drift.alarm", {"quantity": Phrase("drift.slope"), "day": "2024-01-02", "alarm": Phrase("drift.two_of_three")}
)
OUTLINES = [
    LevelOutline("T12", Outline(0.034, 0.1)),
    LevelOutline("L1", Outline(0.0, 0.56)),
    LevelOutline("L2", Outline(0.0, 0.1)),
]
USUAL, TALL = (LevelHeights("L1", BodyHeights(h, h, h, 0.5)) for h in (27.0, 41.0))
HYDROXYAPATITE = Calibration("HA", 0.8, 0.0, "hydroxyapatite", 120.0, False, "made up")
WITHOUT_TIN = replace(OWN, kvp=120.0, provenance=replace(MADE, filter_type=None))
CARRIED, FAR, TIN = (
    for_scan(WITHOUT_TIN, ScanConditions(SCANNER, kvp, filter_type, None, None))
    for kvp, filter_type in ((100.0, None), (80.0, None), (120.0, "TIN"))
)
BRIGHT, BETWEEN_PHASES = TissueHU(-1000.0, -100.0, 60.0, 197.0), shift_at(160.0, 12.0, "120")
FOUND: list[Finding] = [
    *transfer_findings(CARRIED, 150.0),
    *transfer_findings(FAR, 300.0),
    *transfer_findings(TIN, 400.0),
    *scan_findings(5.0, 5.0, 1, modified=True),
    *scan_findings(3.27, 3.27, 3),
    *scan_findings(1.0, 1.0, 3, continuing=2),
    *file_findings("JPEG", 600.0, ("a",)),
    *file_findings(None, None, ("a", "b", "c", "d")),
    Finding(FindingCode.FILES_PASSED_OVER, None, {"case": "count", "count": 2}),  # as a de-identified copy says it
    *bmd_findings("L1", 7305097.0),
    *bmd_findings("L1", 534.0, is_foreign=True),
    *origin_findings(NOMINAL, ScanConditions(SCANNER, 120.0, None, None, None, tin_by_name=True)),
    *(finding for rules in RULE_SETS.values() for finding in lumbar_findings(("L2",), rules)),
    *population_findings(RULE_SETS["east-asian-women"], "M", None),
    *population_findings(RULE_SETS["east-asian-women"], None, None),
    *population_findings(RULE_SETS["china"], "M", None),
    *population_findings(RULE_SETS["china"], "M", 40.0),
    *hu_findings(replace(ACR, hu_limit=HULimit("L1", 110.0, "audit")), {"L1": 98.0}),
    *calibration_findings(NOMINAL, 140.0),
    *calibration_findings(replace(HYDROXYAPATITE, kvp=None), 120.0),
    *material_findings(replace(HYDROXYAPATITE, kvp=None), 60.0, ACR),
    *material_findings(HYDROXYAPATITE, 60.0, ACR),
    *material_findings(HYDROXYAPATITE, 90.0, ACR),
    *calibration_findings(SITE, None),
    *origin_findings(SITE, SCAN),
    *origin_findings(OWN, SCAN),
    *origin_findings(SITE.__class__(**{**SITE.__dict__, "provenance": Provenance(Method.PHANTOM, SCANNER)}), SCAN),
    *origin_findings(
        SITE.__class__(**{**SITE.__dict__, "provenance": Provenance(Method.PHANTOM, SCANNER, kernel_class="smooth")}),
        ScanConditions(SCANNER, 120.0, "SN100", "B30f", None),
    ),
    *choice_findings(CalibrationChoice("x", False, False, NEAREST, (ALARM,), ("2024-01",))),
    *choice_findings(CalibrationChoice("x", True, False, NEAREST, (), ("2024-01", "2024-02"))),
    *tissue_findings(TissueHU(-1000.0, -60.4, 80.0, 180.0), True),
    *contrast_findings("Iodine", None, None, 0.8),
    *contrast_findings("Iodine", BRIGHT, BETWEEN_PHASES, 0.8),
    *contrast_findings(None, BRIGHT, BETWEEN_PHASES, 0.8),
    *contrast_findings(None, BRIGHT, None, 0.8),
    *contrast_findings("Iodine", None, None, 0.8, is_denied=True),
    *contrast_findings(None, BRIGHT, None, 0.8, is_denied=True),
    *tissue_findings(TissueHU(-972.0, -79.0, 59.0, 60.0), False),
    *tissue_findings(TissueHU(-1020.0, -115.0, -2.0, 26.0), False),
    *name_findings(UNCERTAIN, {"L1"}, {"L1"}),
    *level_findings(
        ("T11", "T12", "L1", "L2", "L3"),
        {"T11": False, "L1": False, "L2": True, "L3": True},
        (),
        {"L3": Phrase("calibration_choice.empty_store")},
        ("T11",),
    ),
    *level_findings(("L1", "L2"), {"L1": True, "L2": False}, ("L1", "L2"), {}),
    *level_findings(("L1",), {}, (), {}),
    *fracture_findings(
        [
            HeightLoss(level, which, 15.0, 22.0, 0.318, uncertainty, True)
            for uncertainty in (0.062, 0.04, 0.01)  # no grade, two of them, one
            for level, which in zip(("T7", "T8", "T9"), ("anterior", "middle", "whole"), strict=True)
        ],
        ("L1", "L2"),
        [FractureReading("L2", True, "R", "2026-01-02T03:04:05Z", grade=2)],
    ),
    *outline_findings(doubtful_outlines(OUTLINES, {"T12": 30.0, "L1": 30.0, "L2": 95.0})),
    *size_findings({"L1": 40.0}, [TALL]),
    *size_findings({"L1": 80.0}, [USUAL]),
    *lumbar_findings((), ACR),
    *lumbar_findings(("L2",), ACR),
    *seen(400.0, 30.0, QUIET),
    *seen(150.0, 160.0, QUIET),
    *seen(150.0, 30.0, HUPattern(-20.0, 1200.0, 0.0, 0.0)),
    *seen(150.0, 30.0, HUPattern(-20.0, 500.0, 0.08, 0.0)),
    *seen(150.0, 30.0, HUPattern(-400.0, 300.0, 0.0, 0.09)),
]  # fmt: skip


def key(finding: Finding) -> str:
    case = finding.facts.get("case")
    return f"finding.{finding.code.value}" + ("" if case is None else f".{case}")


def test_every_sentence_of_a_finding_is_one_that_a_rule_makes() -> None:
    assert {key(finding) for finding in FOUND} == {known for known in catalogue() if known.startswith("finding.")}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("finding", FOUND, ids=key)
def test_a_finding_is_told_in_every_language(finding: Finding, language: str) -> None:
    with speaking(language):
        message = finding.message
    assert re.fullmatch(r"[^{}]+[.。]", message)
    assert bool(re.search(r"[\u4e00-\u9fff]", message)) == (language == "zh")


@pytest.mark.parametrize("finding", FOUND, ids=key)
def test_the_facts_of_a_finding_are_plain_and_come_back_from_a_file(finding: Finding) -> None:
    assert from_plain(Finding, json.loads(json.dumps(to_plain(finding)))) == finding


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", list(FindingCode))
def test_every_code_has_a_meaning_and_a_finding_may_say_no_more(code: FindingCode, language: str) -> None:
    with speaking(language):
        assert Finding(code, None, {"case": GENERAL}).message == catalogue(language)(f"meaning.{code.value}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [code for code in FindingCode if code.effect is not Effect.NONE])
def test_what_limits_a_category_is_given_as_its_reason(code: FindingCode, language: str) -> None:
    if code is FindingCode.NO_LUMBAR_LEVEL:
        return  # then there is no mean that could be limited
    single = code in (FindingCode.SINGLE_LUMBAR_LEVEL, FindingCode.TOO_FEW_LEVELS)
    rules = RULE_SETS["china"] if code is FindingCode.TOO_FEW_LEVELS else None
    bmd = {"L1": 90.0} if single else {"L1": 90.0, "L2": 90.0}
    with speaking(language):
        statement = assess(bmd, [Finding(code, None)], "K2HPO4", rules=rules).statement
    assert catalogue(language)(f"because.{code.value}") in statement


def test_a_statement_in_chinese_says_what_the_english_one_says() -> None:
    found = [Finding(FindingCode.FRACTURE, "T8"), Finding(FindingCode.NOMINAL_CALIBRATION, None)]
    result = assess({"L1": 200.0, "L2": 79.97}, found, "K2HPO4", {"L1": "fracture"})
    with speaking("zh"):
        assert result.statement == (
            "T8 椎体骨折，已由阅片者确认：无论 BMD 如何，脆性骨折均提示骨质疏松。"
            "L2（L1 已排除：fracture）的松质骨骨密度为 79.97 mg/cm³（K2HPO4 等效），属骨质疏松范围（低于 80 mg/cm³）；"
            "因仅依据一个腰椎椎体，且校准为标称校准，该结果仅供参考。"
        )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("why", list(NotUsed))
def test_why_a_level_is_not_used_is_told(why: NotUsed, language: str) -> None:
    with speaking(language):
        statement = assess({"L2": 90.0, "L1": 90.0}, (), "K2HPO4", unused={"L1": why}).statement
        assert catalogue(language)(f"left_out.{why.value}", level="L1", reason=None) in statement


def test_what_was_shown_stays_and_what_was_not_is_composed_anew() -> None:
    finding = Finding(FindingCode.SINGLE_LUMBAR_LEVEL, None, {"used": "L2"})
    shown = finding.frozen()
    old = told_finding(FindingCode.SINGLE_LUMBAR_LEVEL, None, "Only L2.")
    with speaking("zh"):
        assert shown.message == "The category rests on L2 alone."
        assert old.message == old.thawed().message == "Only L2."
        assert shown.thawed().message == finding.message == "分类仅依据 L2 一个椎体。"
