"""What the command line does not do: exit codes, sentences, and nothing left on disk."""

import hashlib
from pathlib import Path

import pytest

import ldct_bmd.jobs.measuring
from helpers_cli import CALIBRATION, entries, ready, run
from helpers_weights import PAPER, saved
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.segmentation.label_map import LabelMapSegmenter
from ldct_bmd.segmentation.weights import WEIGHTS
from ldct_bmd.words import LANGUAGE_VARIABLE


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--slope", "0.8"), "all four"),
        (("--slope", "0.8", "--intercept", "0", "--material", "K2HPO4"), "all four"),
        ((*CALIBRATION, "--calibration", "site.json"), "either"),
        (("--calibration", "missing.json"), "can't be read"),
        (("--slope", "80", "--intercept", "0", "--material", "K2HPO4", "--calibration-kvp", "120"), "slope"),
        (("--levels", "L1,X9"), "X9"),
        (("--levels", ""), "not a vertebral level"),
        (("--levels", "L1;L2"), "not a vertebral level"),
        (("--segmentation-values", "verse"), "--segmentation"),
        (("--segmentation", "x.nii.gz"), "--segmentation-values"),
        (("--segmentation", "x.nii.gz", "--segmentation-values", "verse"), "--segmentation-parts"),
        (("--segmentation", "x", "--segmentation-values", "other", "--segmentation-parts", "body"), "other"),
        (("--segmentation", "x", "--segmentation-values", "verse", "--segmentation-parts", "arch"), "arch"),
        (("--series", "1.2.3"), "series"),
        (("--weights", "ours.safetensors"), "either --weights or a --segmentation"),
        (("--method", "pan2020"), "either --method or a --segmentation"),
    ],
)
def test_a_request_that_makes_no_sense_exits_2_and_writes_nothing(
    scan_file: Path, label_file: Path, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    described = any(option.startswith("--segmentation") for option in options)
    rest = () if described else ready(label_file)
    result = run("measure", scan_file, "-o", tmp_path / "out", *rest, *options)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert entries(tmp_path) == set()


@pytest.mark.parametrize("arguments", [(), ("measure",), ("measure", "x"), ("measure", "-o", "y"), ("mesure", "x")])
def test_an_incomplete_command_exits_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_an_input_that_is_not_there_exits_2(tmp_path: Path, label_file: Path) -> None:
    result = run("measure", tmp_path / "nowhere", "-o", tmp_path / "out", *ready(label_file))
    assert (result.exit_code, entries(tmp_path)) == (2, set())
    assert "nowhere" in result.stderr


def test_a_missing_segmentation_is_told_before_the_scan_is_read(
    scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*arguments: object) -> None:
        raise AssertionError("The scan was read first.")

    monkeypatch.setattr(ldct_bmd.jobs.measuring, "read_scan", read)
    result = run("measure", scan_file, "-o", tmp_path / "out", *ready(tmp_path / "missing.nii.gz"))
    assert (result.exit_code, entries(tmp_path)) == (2, set())
    assert "there is no file" in result.stderr


def test_the_segmentation_is_hashed_before_the_scan_is_read(
    scan_file: Path, label_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = tmp_path / "labels.nii.gz"
    labels.write_bytes(label_file.read_bytes())
    before = hashlib.sha256(labels.read_bytes()).hexdigest()

    def read_and_lose_the_labels(*arguments: object) -> None:
        labels.unlink()
        raise CannotMeasure.of_text("Stopped here.")

    made = []

    def watched(*arguments: object) -> LabelMapSegmenter:
        made.append(segmenter_of(*arguments))
        return made[0]

    segmenter_of = ldct_bmd.jobs.measuring._segmenter
    monkeypatch.setattr(ldct_bmd.jobs.measuring, "_segmenter", watched)
    monkeypatch.setattr(ldct_bmd.jobs.measuring, "read_scan", read_and_lose_the_labels)
    assert run("measure", scan_file, "-o", tmp_path / "out", *ready(labels)).exit_code == 3
    assert made[0].identity.sha256 == before


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def test_an_input_that_cannot_be_measured_exits_3_with_one_sentence(tmp_path: Path, label_file: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no image")
    result = run("measure", tmp_path / "in", "-o", tmp_path / "out", *ready(label_file))
    assert result.exit_code == 3
    assert last_line(result.stderr).endswith(".")
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert entries(tmp_path) == {"in"}


def test_a_refusal_is_said_in_the_language_asked_for(
    tmp_path: Path, label_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LANGUAGE_VARIABLE, "zh_CN.UTF-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    result = run("measure", tmp_path, "-o", tmp_path / "out", *ready(label_file))
    assert result.exit_code == 2
    assert "不为空；请用 -o 指定其他文件夹，或加 --overwrite。" in result.stderr


def test_json_prints_nothing_where_nothing_was_measured(tmp_path: Path, label_file: Path) -> None:
    (tmp_path / "in").mkdir()
    result = run("measure", tmp_path / "in", "-o", tmp_path / "out", "--json", *ready(label_file))
    assert (result.exit_code, result.stdout) == (3, "")


def test_an_earlier_result_stays_without_overwrite(scan_file: Path, label_file: Path, tmp_path: Path) -> None:
    arguments = ("measure", scan_file, "-o", tmp_path / "out", *ready(label_file))
    assert run(*arguments).exit_code == 0
    record = tmp_path / "out" / "measurement.json"
    before = record.stat().st_mtime_ns
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert record.stat().st_mtime_ns == before
    assert run(*arguments, "--overwrite").exit_code == 0
    assert record.stat().st_mtime_ns > before


def test_a_defect_raises_and_writes_nothing(
    scan_file: Path, label_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ldct_bmd.jobs.measuring, "measure", broken)
    result = run("measure", scan_file, "-o", tmp_path / "out", *ready(label_file))
    assert isinstance(result.exception, ZeroDivisionError)
    assert entries(tmp_path) == set()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--method", "unet"), "--method is coarse-fine or pan2020, not unet"),
        (("--method", "pan2020"), "needs --weights FILE"),
        (("--method", "pan2020", "--weights", "gone.safetensors"), "gone.safetensors cannot be read"),
        (("--method", "pan2020", "--weights", WEIGHTS), "holds the coarse and the fine network"),
        (("--method", "coarse-fine", "--weights", "PAPER"), "holds the one network of Pan et al. 2020"),
        (("--weights", "PAPER"), "holds the one network of Pan et al. 2020"),
    ],
)
@pytest.mark.parametrize("what", ["measure", "evaluate", "evaluate --scans"])
def test_a_method_that_is_not_there_or_lacks_its_weights_is_told_before_the_scan_is_read(
    scan_file: Path, tmp_path: Path, what: str, options: tuple[str | Path, ...], says: str
) -> None:
    paper = saved(tmp_path / "paper.safetensors", "paper", PAPER)
    options = tuple(paper if option == "PAPER" else option for option in options)
    given: tuple[object, ...] = (scan_file,)
    if what == "evaluate --scans":
        (tmp_path / "scans" / "one").mkdir(parents=True)
        (tmp_path / "scans" / "one" / "ct.nii.gz").symlink_to(scan_file)
        given = ("--scans", tmp_path / "scans")
    if what == "evaluate":
        pairs = tmp_path / "pairs.csv"
        pairs.write_text(f"image,reference\n{scan_file},{scan_file}\n")
        given = (pairs, "--values", "verse", "--parts", "body", "--reference-kind", "none")
    before = entries(tmp_path)
    result = run(what.split()[0], *given, "-o", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
    assert entries(tmp_path) == before
