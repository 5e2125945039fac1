"""``ldct-bmd validate``: its files, its page, and what it refuses."""

import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from typer.testing import CliRunner

from helpers_study import HEADER, by, cohort, read_csv, write_csv
from ldct_bmd.cli import app
from ldct_bmd.ground.errors import UsageError
from ldct_bmd_lab.agreement.folder import validate

FIGURES = ("regression", "bland_altman", "mean_l1_l2", "roc")
TABLES = ("agreement.csv", "diagnosis.csv", "categories.csv", "subgroups.csv", "precision.csv", "missing.csv")
SECONDS_OF_10_000_ROWS = 20.0  # the project's target


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["validate", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study: 60 patients, one of them without a prediction at L1, ten scanned twice."""
    folder = tmp_path_factory.mktemp("study")
    rows = []
    for number, (patient, level, predicted, reference, sex) in enumerate(cohort(60, seed=2)):
        scan = number // 3  # of three levels
        age, scanner = 55 + scan % 30, "A" if scan % 2 else '=cmd|"<b>B</b>"'
        known = "" if (patient, level) == ("P0003", "L1") else predicted
        rows.append((patient, level, known, reference, sex, age, scanner, "1"))
        if number < 30:
            rows.append((patient, level, float(predicted) + 1.0, reference, sex, age, scanner, "2"))
    path = write_csv(folder / "study.csv", rows, (*HEADER, "sex", "age", "scanner", "repeat"))
    code, _, stderr = run(path, "-o", folder / "out")
    assert code == 0, stderr
    return folder / "out"


def test_it_writes_tables_figures_and_a_page(done: Path) -> None:
    names = {path.name for path in done.iterdir()}
    assert names == {*TABLES, "figures", "validation.html", "validation.json"}
    assert {path.name for path in (done / "figures").iterdir()} == {f"{n}.{e}" for n in FIGURES for e in ("svg", "png")}
    for name in FIGURES:
        assert ElementTree.parse(done / "figures" / f"{name}.svg").getroot().tag.endswith("svg")
        with Image.open(done / "figures" / f"{name}.png") as image:
            assert image.width > 800
    record = json.loads((done / "validation.json").read_text(encoding="utf-8"))
    assert record["schema"] == "ldct-bmd-validation/1"
    assert record["source"] == "study.csv"


def test_agreement_has_a_row_a_level_and_one_for_all(done: Path) -> None:
    rows = read_csv(done / "agreement.csv")
    # The diagnosis rests on the mean of L1 and L2: that of every patient who has both.
    assert [row["level"] for row in rows] == ["T12", "L1", "L2", "L1-L2", "all"]
    assert [int(row["n"]) for row in rows] == [60, 59, 60, 59, 179]
    assert {"slope", "intercept", "r2", "bias", "loa_low", "loa_high"} <= set(rows[0])
    for row in rows:
        assert float(row["slope_low"]) < float(row["slope"]) < float(row["slope_high"])
        assert float(row["loa_low"]) < float(row["bias"]) < float(row["loa_high"])
    assert [row["intervals"] for row in rows] == ["parametric"] * 4 + ["bootstrap over patients"]


def test_diagnosis_has_a_row_a_group_and_target(done: Path) -> None:
    rows = by(read_csv(done / "diagnosis.csv"), "group", "target")
    assert set(rows) == {(g, t) for g in ("women", "men", "total") for t in ("osteoporosis", "low_bmd")}
    total = rows["total", "low_bmd"]
    # 60 patients, less the one with L2 only.
    assert int(total["n"]) == 59 == sum(int(total[name]) for name in ("tp", "fn", "tn", "fp"))
    for name in ("auc", "auc_decision"):
        assert 0 <= float(total[f"{name}_low"]) <= float(total[name]) <= float(total[f"{name}_high"]) <= 1


def test_a_patient_with_one_level_is_counted_apart(done: Path) -> None:
    rows = by(read_csv(done / "categories.csv"), "group")
    assert int(rows["total"]["n"]) == 59
    assert int(rows["one level"]["n"]) == 1
    assert "Counted apart" in (done / "validation.html").read_text(encoding="utf-8")


def test_missing_values_are_named(done: Path) -> None:
    (row,) = read_csv(done / "missing.csv")
    assert (row["patient"], row["level"], row["repeat"], row["missing"]) == ("P0003", "L1", "1", "bmd_predicted")


def test_repeats_give_the_precision_and_only_the_first_counts_elsewhere(done: Path) -> None:
    """Each repeat lies 1 mg/cm3 above the first: its SD is 1 / sqrt(2)."""
    rows = by(read_csv(done / "precision.csv"), "level")
    assert int(rows["L2"]["patients"]) == 10
    assert float(rows["L2"]["rms_sd"]) == pytest.approx(0.7071, abs=1e-3)
    assert float(rows["L2"]["change"]) == pytest.approx(1.96, abs=1e-2)
    # The patient without L1 in the first scan has it in the second alone.
    assert int(rows["L1"]["patients"]) == 9


def test_subgroups_are_compared(done: Path) -> None:
    rows = by(read_csv(done / "subgroups.csv"), "by", "group")
    assert {("sex", "women"), ("sex", "men"), ("age", "60-69 years"), ("scanner", "A")} <= set(rows)
    assert 0 <= float(rows["sex", "women"]["p_bias_between_groups"]) <= 1


def test_subgroups_report_each_level_by_sex(done: Path) -> None:
    rows = by(read_csv(done / "subgroups.csv"), "by", "group")
    groups = [group for what, group in rows if what == "level and sex"]
    assert groups == [f"{level} {sex}" for level in ("T12", "L1", "L2", "L1-L2") for sex in ("women", "men")]
    assert int(rows["level and sex", "L1 women"]["n"]) + int(rows["level and sex", "L1 men"]["n"]) == 59


def test_groups_outside_the_test_and_unknown_ones_are_named(tmp_path: Path) -> None:
    scanners = {"P0000": "A", "P0001": "", "P0002": "lonely"}
    rows = [(*row, scanners.get(row[0], "A" if int(row[0][1:]) % 2 else "B")) for row in cohort(30, seed=4)]
    validate(write_csv(tmp_path / "a.csv", rows, (*HEADER, "sex", "scanner")), tmp_path / "out")
    groups = by(read_csv(tmp_path / "out" / "subgroups.csv"), "by", "group")
    assert (groups["scanner", "not given"]["patients"], groups["scanner", "lonely"]["patients"]) == ("1", "1")
    assert ("sex", "not given") not in groups
    html = (tmp_path / "out" / "validation.html").read_text(encoding="utf-8")
    assert re.search(r"Not in this test [^:]*: lonely, not given\.", html)


def test_patients_with_the_mean_alone_are_left_out_of_all_and_told(tmp_path: Path) -> None:
    rows = [row for row in cohort(20, seed=4) if row[1] != "T12"]
    means = [(f"M{n}", "L1-L2", 80.0 + 5 * n, 81.0 + 4.9 * n, "F") for n in range(6)]
    validate(write_csv(tmp_path / "a.csv", [*rows, *means], (*HEADER, "sex")), tmp_path / "out")
    found = by(read_csv(tmp_path / "out" / "agreement.csv"), "level")
    assert (found["all"]["patients"], found["L1-L2"]["patients"]) == ("20", "26")
    groups = by(read_csv(tmp_path / "out" / "subgroups.csv"), "by", "group")
    assert groups["sex", "women"]["patients"] == "10"
    html = (tmp_path / "out" / "validation.html").read_text(encoding="utf-8")
    assert "6 patients have no complete pair but the row L1-L2" in html
    assert "<td>mean of L1 and L2<small></small></td><td>26<small>" in html


def test_columns_that_were_not_used_are_told(tmp_path: Path) -> None:
    rows = [(*row[:4], row[4]) for row in cohort(4, seed=4)]
    path = write_csv(tmp_path / "a.csv", rows, (*HEADER, "Gender"))
    code, stdout, _ = run(path, "-o", tmp_path / "out")
    assert code == 0
    assert "Columns that were not used: Gender." in stdout
    html = (tmp_path / "out" / "validation.html").read_text(encoding="utf-8")
    assert "Columns that were not used: Gender." in html
    assert "sex not given" in html


def test_a_precision_from_few_scans_is_told(tmp_path: Path) -> None:
    rows = [(*row[:4], repeat) for row in cohort(16, seed=4) for repeat in ("1", "2")]
    path = write_csv(tmp_path / "a.csv", rows, (*HEADER, "repeat"))
    _, stdout, _ = run(path, "-o", tmp_path / "out")
    assert "significant" in stdout  # the heading of a column, which is broken into lines
    html = (tmp_path / "out" / "validation.html").read_text(encoding="utf-8")
    assert "few degrees of freedom (" in html
    assert "L1 16" in html


def test_few_ill_patients_and_few_to_resample_are_told(tmp_path: Path) -> None:
    for count, told in ((8, "no intervals and no p-values"), (24, "only 24 patients to resample")):
        out = tmp_path / str(count)
        validate(write_csv(tmp_path / "a.csv", cohort(count, seed=4), (*HEADER, "sex")), out)
        html = (out / "validation.html").read_text(encoding="utf-8")
        assert told in html
        assert "Few ill or healthy patients" in html


def test_uncertain_names_are_told_and_shown_apart(tmp_path: Path) -> None:
    rows = [(*row, "no" if row[0] == "P0001" else "yes") for row in cohort(12, seed=4)]
    path = write_csv(tmp_path / "a.csv", rows, (*HEADER, "sex", "names_certain"))
    validate(path, tmp_path / "out")
    groups = by(read_csv(tmp_path / "out" / "subgroups.csv"), "by", "group")
    assert (groups["names", "uncertain"]["n"], groups["names", "certain"]["n"]) == ("3", "33")
    assert "1 patient has uncertain names" in (tmp_path / "out" / "validation.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_else_and_escapes_what_the_file_says(done: Path) -> None:
    html = (done / "validation.html").read_text(encoding="utf-8")
    assert html.count("data:image/svg+xml;base64,") == len(FIGURES)
    outside = [url for url in re.findall(r'(?:src|href)="([^"]*)"', html) if not url.startswith("data:")]
    assert outside == []
    assert "<script" not in html
    assert "<b>B</b>" not in html
    assert "&lt;b&gt;B&lt;/b&gt;" in html


def test_a_spreadsheet_runs_nothing_of_the_tables(done: Path) -> None:
    names = [row["group"] for row in read_csv(done / "subgroups.csv") if row["by"] == "scanner"]
    assert '\'=cmd|"<b>B</b>"' in names


def test_simulated_scans_are_called_so(tmp_path: Path) -> None:
    rows = [(*row, "yes") for row in cohort(5, seed=1)]
    path = write_csv(tmp_path / "a.csv", rows, (*HEADER, "sex", "simulated"))
    code, stdout, _ = run(path, "-o", tmp_path / "out")
    assert code == 0
    assert "Simulated scans, not patients" in stdout
    assert "Simulated scans, not patients" in (tmp_path / "out" / "validation.html").read_text(encoding="utf-8")


def test_it_prints_agreement_and_diagnosis(tmp_path: Path) -> None:
    code, stdout, _ = run(write_csv(tmp_path / "a.csv", cohort(30, seed=4), (*HEADER, "sex")), "-o", tmp_path / "out")
    assert code == 0
    assert re.search(r"L1\s+30\s+0\.9", stdout)
    assert "women" in stdout
    assert "not a diagnosis" in stdout


def test_its_tables_fit_80_columns_and_break_no_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = [(*row, scan) for row in cohort(40, seed=4) for scan in ("1", "2")]
    rows = [(*row[:2], float(row[2]) + int(row[-1]), *row[3:]) for row in rows]
    _, stdout, _ = run(write_csv(tmp_path / "a.csv", rows, (*HEADER, "sex", "repeat")), "-o", tmp_path / "out")
    table = [line for line in stdout.splitlines() if not line.startswith("Written to")]
    assert max(map(len, table)) <= 80
    assert len(re.findall(r"\([−+]?[\d.]+ to [−+]?[\d.]+\)", stdout)) >= 4 + 6 + 4
    assert all(line.count("(") == line.count(")") for line in table)


def test_the_same_rows_give_the_same_files(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", cohort(12, seed=4), (*HEADER, "sex"))
    for name in ("one", "two"):
        validate(path, tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 2 + len(TABLES) + 2 * len(FIGURES)
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


@pytest.mark.parametrize(
    "rows",
    [
        [("P1", "L1-L2", "70", "71"), ("P2", "L1-L2", "130", "128"), ("P3", "L1-L2", "100", "99")],
        [("P1", "T12", "70", "71")],
        [("P1", "L1", "", ""), ("P1", "L2", "", "")],
    ],
    ids=["means only", "one pair", "nothing measured"],
)
def test_a_small_study_is_told_as_far_as_it_goes(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    code, _, stderr = run(write_csv(tmp_path / "a.csv", rows), "-o", tmp_path / "out")
    assert code == 0, stderr
    assert read_csv(tmp_path / "out" / "agreement.csv")[-1]["level"] == "all"


def test_malformed_rows_leave_no_folder(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [("P1", "L1", "1", "2"), ("P2", "L1", "x", "2")])
    code, _, stderr = run(path, "-o", tmp_path / "out")
    assert code == 2
    assert "line 3" in stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


def test_a_full_folder_stays_unless_it_is_an_earlier_validation(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", cohort(5, seed=1), (*HEADER, "sex"))
    out = tmp_path / "out"
    validate(path, out)
    with pytest.raises(UsageError, match="not empty"):
        validate(path, out)
    (out / "missing.csv").write_text("old", encoding="utf-8")
    validate(path, out, overwrite=True)
    assert (out / "missing.csv").read_text(encoding="utf-8") != "old"
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError):
        validate(path, out, overwrite=True)
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.slow
def test_10_000_rows_take_less_than_20_seconds(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", cohort(3334, seed=1), (*HEADER, "sex"))
    start = time.process_time()
    study = validate(path, tmp_path / "out")
    assert time.process_time() - start < SECONDS_OF_10_000_ROWS
    assert len(study.readings) == 10_002
    assert (tmp_path / "out" / "validation.html").stat().st_size < 5e6
