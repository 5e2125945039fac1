"""What tutorial and how-tos tell a reader to type does what the page says, in this order."""

import json
import re
import shutil
from pathlib import Path

import pytest

from helpers_study import HEADER, cohort, write_csv
from ldct_bmd.calibration.store import CalibrationStore
from ldct_bmd_lab.agreement.readings import read_readings
from places import DOCS


def outputs_named(page: str) -> set[str]:
    """The files of a table's first column."""
    rows = re.findall(r"^\| (`.*?) \|", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_the_tutorial_goes_from_a_scan_to_a_signed_report(with_small_demo) -> None:
    printed = with_small_demo.types("tutorial/command-line.md")
    assert re.fullmatch(r"ldct-bmd \d+\.\d+\.\d+\n", printed[0])
    record = json.loads(Path("result/measurement.json").read_text(encoding="utf-8"))
    assert record["signature"]["reader"] == "Dr. Reader"
    truth = json.loads(Path("scan/truth.json").read_text(encoding="utf-8"))
    assert {"slope": 0.8, "intercept_mg_cm3": -2.0, "kvp": 120.0}.items() <= truth.items()
    for one in record["measurements"]:  # "within a few mg/cm3"; the torso of this test has pixels of 1.6 mm
        assert one["bmd_mg_cm3"] == pytest.approx(truth["levels"][one["level"]]["bmd_mg_cm3"], abs=5.0)
    copy = Path("result/deidentified/measurement.json").read_text(encoding="utf-8")
    assert "Dr. Reader" not in copy


def test_a_report_is_of_the_files_that_the_reference_names_and_no_others(with_result) -> None:
    written = {path.relative_to("DIR").as_posix() for path in Path("DIR").rglob("*") if path.is_file()}
    assert written == outputs_named("reference/outputs.md")


def test_a_site_calibrates_and_watches_the_drift(with_phantom_scan) -> None:
    printed = with_phantom_scan.types("howto/calibrate.md", leave_out=("-o pad", "trial.calibrations"))
    assert "Pad 7" in printed[1]
    record = json.loads(Path("DIR/measurement.json").read_text(encoding="utf-8"))
    assert record["calibration"]["name"].startswith("Pad 7")
    assert Path("rods.png").stat().st_size > 10_000
    assert Path("drift.png").stat().st_size > 10_000
    methods = [one.calibration.provenance.method.value for one in CalibrationStore(Path("site.calibrations")).all()]
    assert methods.count("phantom") == 8
    assert methods.count("pairs") == 1


def test_a_site_validates(reader) -> None:
    write_csv(Path("pairs.csv"), cohort(24, seed=3), (*HEADER, "sex"))
    reader.types("howto/validate.md", leave_out=("simulate", "repeatability", "cohort.csv"))
    assert Path("validation/validation.html").stat().st_size > 10_000


def test_the_example_of_a_table_to_validate_is_one(reader) -> None:
    (table,) = re.findall(r"```text\n(.*?)```", (DOCS / "howto" / "validate.md").read_text(encoding="utf-8"), re.DOTALL)
    Path("pairs.csv").write_text(table, encoding="utf-8")
    assert len(read_readings(Path("pairs.csv"))) == len(table.splitlines()) - 1


def test_a_result_is_sent_to_an_archive(with_result) -> None:
    printed = with_result.types("howto/send.md", leave_out=("--dimse", "127.0.0.1"))
    assert str(len(list(Path("DIR/dicom").iterdir()))) in printed[-1]
    assert with_result.archive.came("POST")


def test_a_copy_names_nobody(with_result) -> None:
    with_result.types("howto/deidentify.md", leave_out=("summary",))
    assert "P-17" in Path("DIR/measurement.json").read_text(encoding="utf-8")
    assert "P-17" not in Path("DIR/deidentified/measurement.json").read_text(encoding="utf-8")


def test_corrected_names_are_measured_again(with_result) -> None:
    with_result.types("howto/correct-names.md", leave_out=("totalsegmentator",))
    record = json.loads(Path("DIR2/measurement.json").read_text(encoding="utf-8"))
    assert [one["level"] for one in record["measurements"]] == ["T12", "L1", "L2"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_key_signs_and_its_public_half_verifies(with_result) -> None:
    with_result.types("explanation/records.md")
    record = json.loads(Path("DIR/measurement.json").read_text(encoding="utf-8"))
    assert record.get("signature") is None
    assert [entry["what"] for entry in record["history"]][-2:] == ["signed", "unsigned"]


@pytest.mark.slow
def test_a_programme_is_screened(with_scan) -> None:
    shutil.copytree("INPUT", "SCANS/one")
    printed = with_scan.types("howto/screen.md", leave_out=("https://pacs.example",))
    assert "STORE/worklist.json" in printed[1].replace("\\", "/")
    assert Path("list.csv").is_file()
    assert Path("summary.html").is_file()
