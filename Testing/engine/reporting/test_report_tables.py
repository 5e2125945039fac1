"""The record as CSV and its JSON Schema."""

import csv
import io
import json
from dataclasses import replace

import jsonschema
import pytest

from helpers_record import READER, TIME, examined
from helpers_report import HOSTILE, with_patient
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.corrections import change_calibration, exclude_level
from ldct_bmd.examination import Examination, sign
from ldct_bmd.reporting.schema import PUBLISHED, record_schema, schema_text
from ldct_bmd.reporting.tables import LEVEL_COLUMNS, PATIENT_COLUMNS, levels_csv, patient_csv


@pytest.fixture(scope="module")
def record() -> Examination:
    return examined()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_there_is_a_row_for_each_level_with_unrounded_values(record: Examination) -> None:
    table = rows(levels_csv(record))
    assert [row["level"] for row in table] == ["T12", "L1", "L2"]
    for row, measurement in zip(table, record.measurements, strict=True):
        assert float(row["bmd_mg_cm3"]) == measurement.bmd_mg_cm3
        assert float(row["mean_hu"]) == measurement.mean_hu
        assert float(row["voi_volume_mm3"]) == measurement.volume_mm3
    assert [row["in_mean"] for row in table] == ["false", "true", "true"]


def test_there_is_one_row_for_the_patient(record: Examination) -> None:
    (row,) = rows(patient_csv(sign(record, READER, TIME)))
    assert float(row["mean_bmd_mg_cm3"]) == record.assessment.mean_bmd_mg_cm3
    assert (row["category"], row["levels_used"], row["state"]) == ("osteopenia", "L1 L2", "signed")
    assert (row["patient_id"], row["signed_by"]) == ("P-17", READER)
    assert row["statement"] == record.assessment.statement


def test_an_exclusion_and_the_automatic_values_are_in_the_table(record: Examination) -> None:
    corrected = change_calibration(exclude_level(record, "L2", "cyst", READER, TIME), NOMINAL, READER, TIME)
    row = rows(levels_csv(corrected))[2]
    assert (row["in_mean"], row["excluded_reason"], row["excluded_by"]) == ("false", "cyst", READER)
    assert float(row["automatic_bmd_mg_cm3"]) == record.measurement("L2").bmd_mg_cm3


def test_columns_are_named_with_their_units_and_in_a_stable_order(record: Examination) -> None:
    assert tuple(rows(levels_csv(record))[0]) == LEVEL_COLUMNS
    assert tuple(rows(patient_csv(record))[0]) == PATIENT_COLUMNS
    assert LEVEL_COLUMNS[:6] == ("patient_id", "scan_date", "accession_number", "level", "names_certain", "bmd_mg_cm3")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "＝", "|", "%"])
def test_no_cell_is_a_formula(record: Examination, start: str) -> None:
    text = f"{start}cmd|' /C calc'!A0"
    hostile = exclude_level(
        with_patient(record, patient_id=text, name=text), "L1", "other", text, TIME, words=f"{text}"
    )
    for row in (*rows(levels_csv(hostile)), *rows(patient_csv(hostile))):
        for cell in row.values():
            if cell.lstrip()[:1] in ("=", "+", "-", "@", "＝", "|", "%"):
                float(cell)  # only a number may begin so
        assert row["patient_id"].startswith("'")


@pytest.mark.parametrize(
    "text",
    [
        "Doe;=cmd|' /C calc'!A0",
        'Doe; "=1+1"',
        'Doe;""=1+1',
        "Doe;;@SUM(A1)",
        "Doe;\t-1",
        'a, b;"',
        ";＝1",
        '";"=1;"+1',
    ],
)
def test_no_cell_is_a_formula_for_a_reader_that_separates_by_semicolons(record: Examination, text: str) -> None:
    hostile = exclude_level(with_patient(record, patient_id=text, name=text), "L1", "other", text, TIME, text)
    for table in (levels_csv(hostile), patient_csv(hostile)):
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(table, newline=""), delimiter=";", quoting=quoting):
                for cell in row:
                    assert cell.strip().strip('"').strip()[:1] not in tuple("=+-@＝|%")
        assert len(rows(table)) == (3 if table == levels_csv(hostile) else 1)


def test_texts_are_quoted_and_numbers_are_not(record: Examination) -> None:
    line = levels_csv(record).splitlines()[1]
    assert line.startswith('"P-17","')
    assert f",{record.measurements[0].bmd_mg_cm3!r}," in line


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_stays_in_its_cell(record: Examination, kind: str) -> None:
    hostile = with_patient(record, patient_id=HOSTILE[kind], name=f'a"\n,{HOSTILE[kind]}')
    assert len(rows(levels_csv(hostile))) == 3
    (row,) = rows(patient_csv(hostile))
    assert row["category"] == "osteopenia"
    assert None not in row


def test_the_published_schema_is_the_one_of_this_version() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), (
        "make it anew: ldct-bmd schema > measurement.schema.json"
    )


def test_records_are_valid_by_the_schema(record: Examination) -> None:
    jsonschema.Draft202012Validator.check_schema(record_schema())
    validator = jsonschema.Draft202012Validator(record_schema())
    corrected = change_calibration(exclude_level(record, "L2", "cyst", READER, TIME), NOMINAL, READER, TIME)
    for one in (record, corrected, sign(corrected, READER, TIME, "Hospital")):
        validator.validate(json.loads(one.to_json()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: values.pop("schema"),
        lambda values: values.update(extra=1),
        lambda values: values["scan"]["acquisition"].update(kvp="120"),
        lambda values: values["measurements"][0].pop("mean_hu"),
        lambda values: values["measurements"][0]["voi"].update(center_lps_mm=[1.0, 2.0]),
        lambda values: values["findings"][0].update(severity="dire"),
    ],
)
def test_what_is_no_record_is_not_valid(record: Examination, spoil) -> None:
    assert record.findings
    values = json.loads(record.to_json())
    spoil(values)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(record_schema()).validate(values)


def test_the_same_record_gives_the_same_tables(record: Examination) -> None:
    again = Examination.from_json(replace(record, timing_s={"read": 9.0}).to_json())
    assert (levels_csv(again), patient_csv(again)) == (levels_csv(record), patient_csv(record))
