"""The population that a patient is compared with: named once, shown beside the assessment and in the report."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from panel_fixtures import Hands

from helpers_report import with_patient
from ldct_bmd.words import text

GROUP = {"from_years": 20, "to_years": 100, "mean_mg_cm3": 100.0, "sd_mg_cm3": 25.0}
FILE = {
    "schema": "ldct-bmd-reference/1",
    "title": "Town",
    "population": "people of a town",
    "material": "K2HPO4",
    "levels": ["L1", "L2"],
    "calibration": "rods",
    "source": "made up",
    "women": [GROUP],
}


@pytest.fixture
def review(panel: Hands, ct: Any, measured: Any) -> Iterator[Hands]:
    stored, bodies = measured
    woman = with_patient(stored.examination, sex="F", age_years=63.0)
    panel.show_measured(ct, (replace(stored, examination=woman), bodies))
    yield panel
    panel.ui.populationPath.setCurrentPath("")


@pytest.fixture
def population(tmp_path: Path) -> Path:
    path = tmp_path / "population.json"
    path.write_text(json.dumps(FILE))
    return path


def beside(hands: Hands) -> str:
    return str(hands.ui.referenceLabel.text)


def test_the_score_stands_beside_the_assessment_and_follows_it(review: Hands, population: Path) -> None:
    assert "Z-score" not in beside(review)
    review.ui.populationPath.setCurrentPath(str(population))
    mean = review.examination.assessment.mean_bmd_mg_cm3
    assert f"Z-score {(mean - 100.0) / 25.0:+.1f}" in beside(review)
    review.table.select("L1")
    review.panel.sections.vertebrae.actions.exclude("fracture")
    assert "No Z-score" in beside(review)
    review.ui.populationPath.setCurrentPath("")
    assert "Z-score" not in beside(review)


def test_it_is_kept_for_all_scenes(review: Hands, population: Path) -> None:
    import qt

    from LDCTBoneDensityLib.panel.ReferencePopulation import POPULATION_SETTING, ReferencePopulation

    review.ui.populationPath.setCurrentPath(str(population))
    assert qt.QSettings().value(POPULATION_SETTING) == str(population)
    assert ReferencePopulation(review.ui.populationPath).path == population


def test_a_file_that_is_none_is_told_where_the_score_would_stand(review: Hands, tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("{}")
    review.ui.populationPath.setCurrentPath(str(tmp_path / "rules.json"))
    assert "rules.json is no file of reference values" in beside(review)
    review.ui.populationPath.setCurrentPath(str(tmp_path / "gone.json"))
    assert "can't be read" in beside(review)


def test_the_exported_report_has_the_curve(review: Hands, population: Path, tmp_path: Path) -> None:
    review.ui.populationPath.setCurrentPath(str(population))
    review.ui.exportPath.currentPath = str(tmp_path / "out")
    review.click("exportButton")
    review.finish_run()
    assert "people of a town" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_deidentified_export_goes_without_it(review: Hands, population: Path, tmp_path: Path) -> None:
    review.ui.populationPath.setCurrentPath(str(population))
    review.ui.deidentifyBox.setChecked(True)
    review.ui.exportPath.currentPath = str(tmp_path / "out")
    review.click("exportButton")
    review.finish_run()
    assert "of a town" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_file_that_was_changed_is_read_again(review: Hands, population: Path) -> None:
    review.ui.populationPath.setCurrentPath(str(population))
    before = beside(review)
    group = {**GROUP, "mean_mg_cm3": 120.0}
    population.write_text(json.dumps({**FILE, "women": [group]}))
    review.panel.refresh()
    assert beside(review) != before
    assert "Z-score" in beside(review)


def test_on_a_signed_review_it_is_told_that_the_score_is_not_signed(review: Hands, population: Path) -> None:
    review.ui.populationPath.setCurrentPath(str(population))
    assert text("report.not_signed") not in beside(review)
    review.click("signButton")
    assert text("report.not_signed") in beside(review)
