"""A calibration that was carried to another tube voltage, wherever a record of it is shown, kept or signed."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from helpers_record import READER, SITE, TIME, examined
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.calibration.carry import as_made, for_scan
from ldct_bmd.cli.table import print_result
from ldct_bmd.corrections import change_calibration
from ldct_bmd.examination import Examination, is_intact, sign, unsign
from ldct_bmd.examination.conclude import conditions
from ldct_bmd.reporting.deidentify import deidentified
from ldct_bmd.reporting.page.about import calibration_facts
from ldct_bmd.reporting.tables import patient_row
from ldct_bmd.words import catalogue, speaking, told

BY = {"reader": READER, "time": TIME}
AT_100 = replace(SITE, kvp=100.0)


@pytest.fixture(scope="module")
def carried() -> Examination:
    return change_calibration(examined(), AT_100, **BY)


def codes(record: Examination) -> set[str]:
    return {finding.code.value for finding in record.findings}


def test_a_reader_who_takes_one_of_another_voltage_gets_it_carried_to_the_scans(carried) -> None:
    assert carried.calibration == for_scan(AT_100, conditions(carried.scan.acquisition))
    assert as_made(carried.calibration) == AT_100
    assert carried.assessment.limited == ("calibration_carried",)
    assert carried.assessment.category is not None
    for one in carried.measurements:
        assert one.bmd_mg_cm3 == carried.calibration.bmd_mg_cm3(one.mean_hu)
        assert one.bmd_mg_cm3 > AT_100.bmd_mg_cm3(one.mean_hu)
        assert one.bmd_error.transfer_mg_cm3 == carried.calibration.transfer.error_mg_cm3(one.mean_hu)
    assert "kvp_mismatch" not in codes(carried)
    assert "carried over" in carried.assessment.statement


def test_what_forbids_a_category_for_another_reason_still_does() -> None:
    unsure = examined(names_certain=False, names_remark=told("No rib is in view."))
    assert change_calibration(unsure, AT_100, **BY).assessment.category is None
    other = change_calibration(examined(), replace(AT_100, material="hydroxyapatite", slope=0.95), **BY)
    assert other.assessment.category is None
    assert other.assessment.limited == ("calibration_material", "calibration_carried")
    assert "kvp_mismatch" in codes(change_calibration(examined(), replace(NOMINAL, kvp=100.0), **BY))


def test_too_uncertain_a_transfer_leaves_the_bmd_but_no_category() -> None:
    record = examined()
    scan = replace(record.scan, acquisition=replace(record.scan.acquisition, kvp=80.0))
    dense = tuple(replace(one, mean_hu=one.mean_hu + 150.0) for one in record.measurements)
    far = change_calibration(replace(record, scan=scan, measurements=dense), replace(SITE, kvp=140.0), **BY)
    assert far.assessment.category is None
    assert far.assessment.limited == ("kvp_mismatch",)
    assert far.assessment.mean_bmd_error.transfer_mg_cm3 > 5.0
    (found,) = [one for one in far.findings if one.code.value == "kvp_mismatch"]
    assert "a category needs less than 5 mg/cm³" in found.message


def test_the_record_comes_back_and_can_be_signed_and_unsigned(carried) -> None:
    assert Examination.from_json(carried.to_json()) == carried
    signed = sign(carried, READER, TIME)
    assert is_intact(signed)
    assert is_intact(Examination.from_json(signed.to_json()))
    tampered = replace(signed.calibration, transfer=replace(signed.calibration.transfer, sd_hu=0.0))
    assert not is_intact(replace(signed, calibration=tampered))
    assert unsign(signed, READER, TIME).calibration == carried.calibration


def test_a_record_of_before_whose_voltage_does_not_fit_stays_as_it_is() -> None:
    before = examined(calibration=AT_100)
    assert before.assessment.limited == ("kvp_mismatch",)
    assert Examination.from_json(before.to_json()) == before


@pytest.mark.parametrize(("language", "words"), [("en", "carried over to 120 kVp by"), ("zh", "换算到 120 kVp")])
def test_report_and_terminal_say_by_which_way(carried, language, words, tmp_path: Path) -> None:
    printed = Console(file=StringIO(), width=500)
    with speaking(language):
        values = [fact.value for fact in calibration_facts(carried, catalogue(language))]
        print_result(printed, carried, tmp_path)
    assert any(words in value for value in values)
    assert words in printed.file.getvalue()
    assert f"{carried.calibration.slope:g}" in printed.file.getvalue()


def test_a_deidentified_copy_keeps_how_far_it_was_carried(carried) -> None:
    copy = deidentified(carried)
    assert copy.calibration.transfer == carried.calibration.transfer
    said = next(one.message for one in carried.findings if one.code.value == "calibration_carried")
    assert said in {one.message for one in copy.findings}


def test_the_table_of_patients_says_that_and_how_uncertainly(carried) -> None:
    row = patient_row(carried)
    assert row["calibration_carried_by"] == "table"
    assert row["mean_bmd_transfer_se_mg_cm3"] == carried.assessment.mean_bmd_error.transfer_mg_cm3
    assert patient_row(examined())["calibration_carried_by"] is None
