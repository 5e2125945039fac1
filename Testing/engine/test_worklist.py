"""A list of results for a reader: its order, its file, and what the published schema says of it."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from helpers_record import examined
from ldct_bmd.examination.signing import sign
from ldct_bmd.findings import FindingCode, told_finding
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.schema import PUBLISHED_WORKLIST, schema_text, worklist_schema
from ldct_bmd.worklist import (
    Facts,
    Progress,
    Row,
    Urgency,
    facts_of,
    ordered,
    read_worklist,
    row_of,
    urgency_of,
    write_worklist,
)

TIME = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("facts", "urgency"),
    [
        (Facts(fractures_confirmed=("L1",), category="normal"), Urgency.FRACTURE),
        (Facts(fractures_to_check=("T8",), uncertain=("L1",)), Urgency.FRACTURE),
        (Facts(category="osteoporosis"), Urgency.OSTEOPOROSIS),
        (Facts(uncertain=("L2",)), Urgency.UNCERTAIN),
        (Facts(category="osteopenia"), Urgency.ROUTINE),
        (Facts(), Urgency.ROUTINE),
    ],
)
def test_how_soon_a_result_is_opened(facts: Facts, urgency: Urgency) -> None:
    assert urgency_of(facts) is urgency


def test_the_most_urgent_comes_first_and_what_is_signed_last() -> None:
    def row(name: str, urgency: Urgency, state: Progress = Progress.MEASURED, date: str = "") -> Row:
        return Row(name, state, urgency, Facts(scan_date=date))

    rows = [
        row("signed", Urgency.FRACTURE, Progress.SIGNED),
        row("refused", Urgency.NONE, Progress.REFUSED),
        row("later", Urgency.ROUTINE, date="20260201"),
        row("earlier", Urgency.ROUTINE, date="20260101"),
        row("bone", Urgency.OSTEOPOROSIS),
        row("fracture", Urgency.FRACTURE),
    ]
    names = [one.folder for one in ordered(rows).rows]
    assert names == ["fracture", "bone", "earlier", "later", "refused", "signed"]


def test_a_record_says_what_its_row_needs() -> None:
    examination = examined()
    facts = facts_of(examination)
    assert facts.mean_bmd_mg_cm3 == examination.assessment.mean_bmd_mg_cm3
    assert facts.category == examination.assessment.category
    assert facts.findings == tuple(dict.fromkeys(f.code.value for f in examination.findings))
    assert row_of(examination, "a").state is Progress.MEASURED
    signed = row_of(sign(examination, "Dr Roe", TIME), "a")
    assert (signed.state, signed.facts.signed_by) == (Progress.SIGNED, "Dr Roe")
    found = (told_finding(FindingCode.SUSPECTED_FRACTURE, "T8", "?"), told_finding(FindingCode.FRACTURE, "L1", "!"))
    broken = facts_of(replace(examination, findings=found))
    assert (broken.fractures_to_check, broken.fractures_confirmed) == (("T8",), ("L1",))


def test_a_list_comes_back_from_its_file_and_fits_the_published_schema(tmp_path: Path) -> None:
    missing = Row(None, Progress.REFUSED, Urgency.NONE, Facts(reason="No image.", code="scan.no_images"), "/scans/1")
    worklist = ordered([row_of(examined(), "results/ab/1", "/scans/2"), missing])
    write_worklist(worklist, tmp_path / "worklist.json")
    assert read_worklist(tmp_path / "worklist.json") == worklist
    assert read_worklist(tmp_path) == worklist
    values = json.loads((tmp_path / "worklist.json").read_text(encoding="utf-8"))
    assert PUBLISHED_WORKLIST.read_text(encoding="utf-8") == schema_text(worklist_schema())
    jsonschema.validate(values, json.loads(PUBLISHED_WORKLIST.read_text(encoding="utf-8")))


def test_a_folder_of_results_is_a_list_too(tmp_path: Path) -> None:
    for name in ("one", "deep/two", "two/deidentified/copy"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "measurement.json").write_text(examined().to_json(), encoding="utf-8")
    (tmp_path / "two" / "measurement.json").write_text("{", encoding="utf-8")
    rows = read_worklist(tmp_path).rows
    assert [one.folder for one in rows] == ["deep/two", "one", None]
    assert rows[-1].state is Progress.FAILED
    assert rows[-1].facts.reason


def test_a_record_that_was_changed_after_it_was_signed_is_no_signed_result(tmp_path: Path) -> None:
    signed = sign(examined(), "Dr Roe", TIME)
    (tmp_path / "one").mkdir()
    for text, state in (
        (signed.to_json(), Progress.SIGNED),
        (replace(signed, comment="no fracture").to_json(), Progress.FAILED),
    ):
        (tmp_path / "one" / "measurement.json").write_text(text, encoding="utf-8")
        (row,) = read_worklist(tmp_path).rows
        assert row.state is state
    assert row.facts.signed_by is None
    assert row.facts.category is None
    assert row.facts.reason == "The record in one was changed after it was signed; measure the scan again."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "is not a worklist that this version can read"),
        ('{"schema": "ldct-bmd-worklist/9"}', "is not a worklist that this version can read"),
        ('{"schema": "ldct-bmd-worklist/1", "rows": 1}', "worklist"),
        ("{", "not JSON"),
    ],
)
def test_what_is_no_worklist_is_told_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=sentence):
        read_worklist(path)


def test_a_folder_without_results_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no result in"):
        read_worklist(tmp_path)
