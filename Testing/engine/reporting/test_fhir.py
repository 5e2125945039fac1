"""The record as FHIR resources: valid, with the record's values, and no more than the record says."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers_report import SIGNED_AT, case
from ldct_bmd.anatomy import SNOMED_CODE
from ldct_bmd.corrections import exclude_level
from ldct_bmd.examination import Examination, record_sha256, sign
from ldct_bmd.reporting.files import FHIR_FILE
from ldct_bmd.reporting.output import REPORT_OUTPUTS, Output
from ldct_bmd.reporting.outputs import update_report, write_deidentified, write_outputs

fhir = pytest.importorskip("ldct_bmd.reporting.fhir", reason="fhir.resources is not installed", exc_type=ImportError)
models = pytest.importorskip("fhir.resources.R4B.bundle", exc_type=ImportError)


def resources(examination: Examination) -> list[dict[str, Any]]:
    text = fhir.fhir_json(examination)
    models.Bundle.model_validate_json(text)  # read back by the library
    return [entry["resource"] for entry in json.loads(text)["entry"]]


def of_kind(examination: Examination, kind: str) -> list[dict[str, Any]]:
    return [one for one in resources(examination) if one["resourceType"] == kind]


def test_every_level_has_an_observation_with_the_records_values() -> None:
    examination = case().examination
    levels = [one for one in of_kind(examination, "Observation") if "hasMember" not in one]
    for one, measurement in zip(levels, examination.measurements, strict=True):
        assert one["bodySite"]["coding"][0]["code"] == SNOMED_CODE[measurement.level]
        assert one["valueQuantity"]["value"] == pytest.approx(measurement.bmd_mg_cm3, rel=1e-9)
        assert (one["valueQuantity"]["system"], one["valueQuantity"]["code"]) == (fhir.UCUM, "mg/cm3")
        parts = {part["code"]["text"]: part["valueQuantity"]["value"] for part in one["component"]}
        assert parts["Attenuation Coefficient (mean)"] == pytest.approx(measurement.mean_hu, rel=1e-9)
        assert parts["Attenuation Coefficient (SD)"] == pytest.approx(measurement.sd_hu, rel=1e-9)
        assert parts["Volume"] == pytest.approx(measurement.volume_mm3, rel=1e-9)


def test_the_report_concludes_as_the_record_and_refers_to_what_is_there() -> None:
    examination = case().examination
    text = fhir.fhir_json(examination)
    (report,) = of_kind(examination, "DiagnosticReport")
    assert report["conclusion"] == examination.assessment.statement
    assert report["identifier"][0]["value"] == record_sha256(examination)
    assert report["status"] == "preliminary"
    there = {entry["fullUrl"] for entry in json.loads(text)["entry"]}
    assert set(_references(json.loads(text))) <= there
    assert text == fhir.fhir_json(examination)


def test_a_category_that_is_limited_is_said_in_words_and_not_as_a_code() -> None:
    """What reads the code alone would take an indicative category for a diagnosis."""
    examination = case().examination
    assert examination.assessment.limited
    (report,) = of_kind(examination, "DiagnosticReport")
    assert "coding" not in report["conclusionCode"][0]
    free = replace(examination, assessment=replace(examination.assessment, limited=()))
    (report,) = of_kind(free, "DiagnosticReport")
    assert report["conclusionCode"][0]["coding"][0]["code"] == fhir.CATEGORY_CODE[free.assessment.category][0]


def test_a_signed_record_is_final_and_an_excluded_level_says_so() -> None:
    examination = exclude_level(case().examination, "L2", "other", "Dr. Who", SIGNED_AT, words="<b>metal</b>")
    examination = sign(examination, "Dr. Who", SIGNED_AT)
    found = resources(examination)
    assert {one["status"] for one in found if one["resourceType"] in ("DiagnosticReport", "Observation")} == {"final"}
    (report,) = of_kind(examination, "DiagnosticReport")
    assert report["performer"] == [{"display": "Dr. Who"}]
    excluded = [one for one in found if one.get("bodySite", {}).get("text") == "L2 vertebra"]
    assert any("<b>metal</b>" in note["text"] for note in excluded[0]["note"])


def test_without_a_mean_there_is_a_reason_and_no_value() -> None:
    examination = case().examination
    for level in ("L1", "L2"):
        examination = exclude_level(examination, level, "other", "Dr. Who", SIGNED_AT, words="x")
    (mean,) = [one for one in of_kind(examination, "Observation") if one["bodySite"]["text"] == "Lumbar spine"]
    assert "valueQuantity" not in mean
    assert mean["dataAbsentReason"]["coding"][0]["code"] == "not-performed"


def test_a_deidentified_copy_names_nobody(tmp_path: Path) -> None:
    write_deidentified(tmp_path / "copy", case().examination, None, wanted={Output.RECORD, Output.FHIR})
    text = (tmp_path / "copy" / FHIR_FILE).read_text(encoding="utf-8")
    for secret in ("P-17", "Doe", "A-1", "1961", *filter(None, [case().examination.scan.source.study_uid])):
        assert secret not in text


def test_it_comes_on_request_and_then_follows_the_record(tmp_path: Path) -> None:
    folder, examination = tmp_path / "result", case().examination
    write_outputs(folder, examination, None, wanted={Output.RECORD, Output.FHIR})
    first = (folder / FHIR_FILE).read_text(encoding="utf-8")
    changed = exclude_level(examination, "L2", "other", "Dr. Who", SIGNED_AT, words="x")
    update_report(folder, changed)
    assert record_sha256(changed) in (folder / FHIR_FILE).read_text(encoding="utf-8")
    assert first != (folder / FHIR_FILE).read_text(encoding="utf-8")
    other = tmp_path / "without"
    write_outputs(other, examination, None, wanted=REPORT_OUTPUTS | {Output.RECORD})
    assert not (other / FHIR_FILE).exists()


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [found for one in value.values() for found in _references(one)]
    return [found for one in value for found in _references(one)] if isinstance(value, list) else []
