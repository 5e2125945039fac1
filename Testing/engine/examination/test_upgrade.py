"""Records of earlier versions: they load, and what was signed then is still as it was signed.

The files in ``data`` were written by the version before the schema /2.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers_record import READER, TIME
from ldct_bmd.corrections import include_level
from ldct_bmd.examination import (
    SCHEMA,
    Examination,
    Exclusion,
    ExclusionReason,
    FileReference,
    conclude,
    is_intact,
    sign,
    unsign,
)
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.deidentify import deidentified
from ldct_bmd.reporting.keys import SignatureCheck, check_signature
from ldct_bmd.scan import ChoiceReason, OtherSeries, Patient, SeriesChoice
from ldct_bmd.words import speaking, told

DATA = Path(__file__).parent / "data"
NAMES = ("plain", "corrected", "signed", "signed_with_key")
SIGNED = ("signed", "signed_with_key")
# Of the key that signed; the private one is the bytes 0 to 31.
PUBLIC_KEY = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"


def text_of(name: str) -> str:
    return (DATA / f"{name}_1.json").read_text(encoding="utf-8")


def record(name: str) -> Examination:
    return Examination.from_json(text_of(name))


def changed(name: str, *path: str | int, value: Any) -> Examination:
    """The record with another value at one place of its file."""
    values = json.loads(text_of(name))
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    assert inner[path[-1]] != value
    inner[path[-1]] = value
    return Examination.from_json(json.dumps(values))


@pytest.mark.parametrize("name", NAMES)
def test_a_record_of_before_says_what_it_said(name: str) -> None:
    old, new = json.loads(text_of(name)), record(name)
    for part in ("geometry", "acquisition", "patient", "source"):
        for field, value in vars(getattr(new.scan, part)).items():
            before = old["scan"]["patient"] if part == "patient" else old["scan"]
            if field not in before:
                assert not value, field  # what later versions know besides
            elif field not in ("choice", "other_series"):
                assert json.loads(json.dumps(value, default=vars)) == before[field], field
    assert [m.bmd_mg_cm3 for m in new.measurements] == [m["bmd_mg_cm3"] for m in old["measurements"]]
    assert [m.voi.center_lps_mm for m in new.measurements] == [
        tuple(m["voi"]["center_lps_mm"]) for m in old["measurements"]
    ]
    assert new.assessment.mean_bmd_mg_cm3 == old["assessment"]["mean_bmd_mg_cm3"]
    assert new.assessment.category == old["assessment"]["category"]
    assert [f.code.value for f in new.findings] == [f["code"] for f in old["findings"]]
    assert [(e.what, e.reader, e.time) for e in new.history] == [
        (e["what"], e["reader"], e["time"]) for e in old["history"]
    ]
    assert new.comment == old["comment"]


@pytest.mark.parametrize("name", ["plain", "corrected"])
def test_a_record_of_before_is_written_as_one_of_today(name: str) -> None:
    old = record(name)
    written = old.to_json()
    assert json.loads(written)["schema"] == SCHEMA
    assert Examination.from_json(written) == old
    again = conclude(old).assessment
    assert replace(again, text=None) == again
    for field in ("mean_bmd_mg_cm3", "levels", "category", "limited", "mean_bmd_error"):
        assert getattr(again, field) == getattr(old.assessment, field)
    assert again.statement == old.assessment.statement.replace("mg/cm3", "mg/cm\u00b3"), "but for the unit's letter"


@pytest.mark.parametrize("name", NAMES)
def test_sentences_of_before_stay_as_they_were_in_whatever_language(name: str) -> None:
    old, new = json.loads(text_of(name)), record(name)
    with speaking("zh"):
        assert [finding.message for finding in new.findings] == [finding["message"] for finding in old["findings"]]
        assert new.assessment.statement == old["assessment"]["statement"]
        assert str(new.quality.names_remark) == old["quality"]["names_remark"]
        if new.signature is not None:
            assert unsign(new, READER, TIME).assessment.statement == old["assessment"]["statement"]


def test_the_choice_of_series_becomes_facts_and_names_no_other_patient() -> None:
    source = record("plain").scan.source
    assert source.choice == SeriesChoice(ChoiceReason.THIN, "1.2.3", 3, 2)
    assert source.other_series == (
        OtherSeries("1.2.4", "sagittal", 60, told("it is a sagittal reformat")),
        OtherSeries("", "", 80, None),
    )
    assert record("corrected").scan.source.choice == SeriesChoice(ChoiceReason.THIN, "1.2.3", 2, 1)
    assert record("signed_with_key").scan.source.choice is None


def test_reasons_to_exclude_become_codes_and_the_readers_words() -> None:
    corrected = record("corrected")
    t12, l1 = corrected.measurement("T12"), corrected.measurement("L1")
    assert t12 is not None
    assert l1 is not None
    assert t12.excluded == Exclusion(ExclusionReason.OTHER, READER, "2024-05-06T07:09:00Z", "motion in the arm")
    assert l1.excluded is not None
    assert l1.excluded.reason is ExclusionReason.FRACTURE
    told = [(entry.what, entry.new) for entry in corrected.history if entry.what == "level_excluded"]
    assert [(new["reason"], new["words"]) for _, new in told] == [
        ("other", "motion in the arm"),
        ("sclerosis_or_degeneration", None),
    ]
    again = include_level(corrected, "T12", READER, TIME)
    assert again.history[-1].old["words"] == "motion in the arm"


@pytest.mark.parametrize("name", SIGNED)
def test_a_record_signed_before_is_as_it_was_signed_and_is_written_as_it_was(name: str) -> None:
    signed = record(name)
    assert is_intact(signed)
    assert signed.to_json() + "\n" == text_of(name)
    assert is_intact(Examination.from_json(signed.to_json()))


def test_the_key_of_before_still_vouches() -> None:
    assert check_signature(record("signed")) is SignatureCheck.INTACT
    assert check_signature(record("signed_with_key")) is SignatureCheck.KEY_VALID
    assert check_signature(record("signed_with_key"), PUBLIC_KEY) is SignatureCheck.KEY_TRUSTED
    assert check_signature(record("signed_with_key"), "ab" * 32) is SignatureCheck.KEY_FOREIGN


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("assessment", "category"), "normal"),
        (("measurements", 0, "mean_hu"), 200.0),
        (("scan", "kvp"), 80.0),
        (("scan", "patient", "patient_id"), "P-99"),
        (("findings", 0, "message"), "Nothing."),
        (("history", 0, "reader"), "Dr. Nobody"),
        (("signature", "reader"), "Dr. Nobody"),
        (("signature", "organization"), "Elsewhere"),
    ],
)
def test_what_was_changed_in_a_file_signed_before_is_detected(
    name: str, path: tuple[str | int, ...], value: Any
) -> None:
    assert check_signature(changed(name, *path, value=value)) is SignatureCheck.CHANGED


@pytest.mark.parametrize("name", SIGNED)
def test_what_is_changed_in_a_loaded_record_that_was_signed_before_is_detected(name: str) -> None:
    signed = record(name)
    assert not is_intact(replace(signed, comment="Changed."))
    assert not is_intact(replace(signed, assessment=replace(signed.assessment, category="normal")))
    patient = Patient("P-99", "Roe^Jane")
    assert not is_intact(replace(signed, scan=replace(signed.scan, patient=patient)))


@pytest.mark.parametrize("name", SIGNED)
def test_the_mask_files_and_what_is_not_covered_may_change(name: str) -> None:
    masks = (FileReference("vertebrae.nii.gz", "12" * 32),)
    exported = replace(record(name), files=masks)
    assert is_intact(exported)
    again = Examination.from_json(exported.to_json())
    assert again.files == masks
    assert is_intact(again)
    assert is_intact(changed(name, "measured_at", value=None))
    assert is_intact(changed(name, "scan", "file_name", value="renamed.nii.gz"))


@pytest.mark.parametrize("name", SIGNED)
def test_numbers_that_another_program_wrote_without_a_point_are_the_same(name: str) -> None:
    def shortened(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: item if name == "history" else shortened(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [shortened(item, key) for item in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    rewritten = json.dumps(shortened(json.loads(text_of(name))))
    assert rewritten.count(".") < text_of(name).count(".")
    assert is_intact(Examination.from_json(rewritten))


@pytest.mark.parametrize("name", SIGNED)
def test_once_unsigned_it_is_a_record_of_today_that_can_be_signed_again(name: str) -> None:
    opened = unsign(record(name), READER, TIME)
    assert json.loads(opened.to_json())["schema"] == SCHEMA
    assert Examination.from_json(opened.to_json()) == opened
    again = sign(opened, READER, TIME)
    assert json.loads(again.to_json())["schema"] == SCHEMA
    assert is_intact(Examination.from_json(again.to_json()))


def test_a_deidentified_copy_of_one_signed_before_is_a_record_of_today() -> None:
    written = deidentified(record("signed")).to_json()
    assert json.loads(written)["schema"] == SCHEMA
    assert not [secret for secret in (READER, "motion in the arm", "Doe", "P-17", "20240501") if secret in written]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: values.pop("scan"),
        lambda values: values["scan"].pop("kvp"),
        lambda values: values["scan"].update(extra=1),
        lambda values: values["scan"].update(patient=None),
        lambda values: values.update(measurements=None),
        lambda values: values["measurements"][0].update(excluded={"reason": "whim", "reader": "R", "time": ""}),
        lambda values: values["measurements"][0].update(excluded="fracture"),
        lambda values: values.update(signed_text="x"),
    ],
)
def test_a_spoilt_record_of_before_is_refused_with_a_sentence(spoil: Any) -> None:
    values = json.loads(text_of("plain"))
    spoil(values)
    with pytest.raises(UsageError, match=r"^The record .*\.$"):
        Examination.from_json(json.dumps(values))


def test_the_text_of_before_is_not_taken_from_a_record_of_today() -> None:
    values = json.loads(record("plain").to_json())
    with pytest.raises(UsageError, match="signed_text"):
        Examination.from_json(json.dumps({**values, "signed_text": text_of("signed")}))
