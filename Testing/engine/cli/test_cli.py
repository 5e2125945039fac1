"""``ldct-bmd measure`` as a user runs it: what it prints where, and what it leaves on disk."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from helpers_cli import CALIBRATION, entries, ready, run
from ldct_bmd.examination import Examination
from ldct_bmd.pipeline import measure
from ldct_bmd.reporting.files import RESULT_FILES
from ldct_bmd.scan import read_scan
from ldct_bmd.segmentation.label_map import LabelMapSegmenter


def test_measuring_prints_a_table_the_statement_and_what_it_is_for(
    scan_file: Path, label_file: Path, tmp_path: Path
) -> None:
    result = run("measure", scan_file, "-o", tmp_path / "out", *ready(label_file), *CALIBRATION)
    assert result.exit_code == 0, result.output
    record = Examination.from_json((tmp_path / "out" / "measurement.json").read_text())
    for measurement in record.measurements:
        row = next(line for line in result.stdout.splitlines() if line.split()[:1] == [measurement.level])
        assert f"{measurement.mean_hu:.1f}" in row
    assert record.assessment.statement in result.stdout
    assert "For research use, not a diagnosis." in result.stdout
    assert "ct.nii.gz" in result.stdout
    assert entries(tmp_path / "out") == set(RESULT_FILES)
    assert entries(tmp_path) == {"out"}


def test_the_progress_goes_to_standard_error_only(scan_file: Path, label_file: Path, tmp_path: Path) -> None:
    result = run("measure", scan_file, "-o", tmp_path / "out", *ready(label_file))
    for stage in ("Reading", "Segmenting", "Naming vertebrae", "Measuring", "Writing"):
        assert stage in result.stderr
        assert stage not in result.stdout


def test_json_prints_the_written_record_and_nothing_else(scan_file: Path, label_file: Path, tmp_path: Path) -> None:
    result = run("measure", scan_file, "-o", tmp_path / "out", "--json", *ready(label_file))
    assert result.exit_code == 0
    assert result.stdout == (tmp_path / "out" / "measurement.json").read_text()
    record = json.loads(result.stdout)
    assert record["scan"]["geometry"]["spacing_mm"] == [1.0, 1.0, 1.0]
    assert [m["level"] for m in record["measurements"]] == ["T12", "L1", "L2"]
    assert set(record["measurements"][0]["voi"]) == {"center_lps_mm", "semi_axes_mm", "axes_lps", "height_mm"}


def test_the_command_line_and_the_pipeline_give_the_same_record(
    scan_file: Path, label_file: Path, tmp_path: Path
) -> None:
    run("measure", scan_file, "-o", tmp_path / "out", *ready(label_file))
    written = Examination.from_json((tmp_path / "out" / "measurement.json").read_text())
    own = measure(read_scan(scan_file), LabelMapSegmenter(label_file, "verse", "body")).examination
    assert replace(written, files=()) == own


def test_two_runs_give_the_same_record_but_for_times(scan_file: Path, label_file: Path, tmp_path: Path) -> None:
    records = []
    for name in ("one", "two"):
        assert run("measure", scan_file, "-o", tmp_path / name, *ready(label_file)).exit_code == 0
        record = json.loads((tmp_path / name / "measurement.json").read_text())
        timing = record.pop("timing_s")
        assert set(timing) == {"read", "segment", "label", "measure"}
        assert record.pop("measured_at")
        records.append(record)
    assert records[0] == records[1]


def test_a_record_without_a_category_is_a_success(scan_file: Path, label_file: Path, tmp_path: Path) -> None:
    result = run("measure", scan_file, "-o", tmp_path / "out", "--levels", "T12", *ready(label_file))
    assert result.exit_code == 0
    assert json.loads((tmp_path / "out" / "measurement.json").read_text())["assessment"]["category"] is None


def test_a_calibration_file_takes_the_place_of_the_nominal_one(
    scan_file: Path, label_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "site.json"
    values = {"name": "Site A", "slope": 0.9, "intercept_mg_cm3": 1.0, "material": "K2HPO4", "kvp": 120}
    file.write_text(json.dumps(values))
    result = run("measure", scan_file, "-o", tmp_path / "out", "--calibration", file, *ready(label_file))
    assert result.exit_code == 0
    assert "Site A" in result.stdout
    assert "ominal" not in result.stdout
    record = json.loads((tmp_path / "out" / "measurement.json").read_text())
    one = record["measurements"][0]
    assert one["bmd_mg_cm3"] == pytest.approx(0.9 * one["mean_hu"] + 1.0, abs=1e-9)


def test_the_nominal_calibration_is_called_nominal_on_the_screen(
    scan_file: Path, label_file: Path, tmp_path: Path
) -> None:
    result = run("measure", scan_file, "-o", tmp_path / "out", *ready(label_file))
    assert "Nominal calibration, values are indicative" in result.stdout
