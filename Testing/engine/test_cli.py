"""The command line as a user runs it: what it prints where, which exit code it gives, what it leaves on disk."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import ldct_bmd.cli.measuring
import ldct_bmd.cli.phantoms
import numpy as np
import pytest
from helpers_dicom import as_image, datasets, torso
from helpers_record import examined
from helpers_spine import ReadySegmenter
from ldct_bmd import __version__
from ldct_bmd.cli import app
from ldct_bmd.cli.table import print_result, print_series
from ldct_bmd.cli.terminal import PIPE_WIDTH, exit_codes
from ldct_bmd.errors import CannotMeasure
from ldct_bmd.examination import Examination
from ldct_bmd.pipeline import measure
from ldct_bmd.reporting.files import RESULT_FILES
from ldct_bmd.reporting.visible import visible
from ldct_bmd.scan import SeriesSummary, read_scan
from ldct_bmd.segmentation import ModelIdentity
from ldct_bmd.segmentation.label_map import LabelMapSegmenter
from ldct_bmd.validation.phantom import PhantomSpec, build_phantom
from rich.console import Console
from typer.testing import CliRunner, Result

ENGINE = Path(__file__).parents[2] / "LDCTBoneDensity"
CALIBRATION = ("--slope", "0.8", "--intercept", "0", "--material", "K2HPO4", "--calibration-kvp", "120")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def ready(label_file: Path) -> tuple[str, ...]:
    """The options that take the label map in place of the network."""
    return (
        "--segmentation",
        str(label_file),
        "--segmentation-values",
        "verse",
        "--segmentation-parts",
        "body",
    )


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


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
    assert record["scan"]["spacing_mm"] == [1.0, 1.0, 1.0]
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


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--slope", "0.8"), "all four"),
        (("--slope", "0.8", "--intercept", "0", "--material", "K2HPO4"), "all four"),
        ((*CALIBRATION, "--calibration", "site.json"), "either"),
        (("--calibration", "missing.json"), "can't be read"),
        (("--slope", "80", "--intercept", "0", "--material", "K2HPO4", "--calibration-kvp", "120"), "slope"),
        (("--levels", "L1,X9"), "X9"),
        (("--levels", ""), "no vertebral level"),
        (("--levels", "L1;L2"), "no vertebral level"),
        (("--segmentation-values", "verse"), "--segmentation"),
        (("--segmentation", "x.nii.gz"), "--segmentation-values"),
        (("--segmentation", "x.nii.gz", "--segmentation-values", "verse"), "--segmentation-parts"),
        (("--segmentation", "x", "--segmentation-values", "other", "--segmentation-parts", "body"), "other"),
        (("--segmentation", "x", "--segmentation-values", "verse", "--segmentation-parts", "arch"), "arch"),
        (("--series", "1.2.3"), "series"),
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

    monkeypatch.setattr(ldct_bmd.cli.measuring, "read_scan", read)
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
        raise CannotMeasure("Stopped here.")

    made = []

    def watched(request: ldct_bmd.cli.measuring.Request) -> LabelMapSegmenter:
        made.append(segmenter_of(request))
        return made[0]

    segmenter_of = ldct_bmd.cli.measuring._segmenter
    monkeypatch.setattr(ldct_bmd.cli.measuring, "_segmenter", watched)
    monkeypatch.setattr(ldct_bmd.cli.measuring, "read_scan", read_and_lose_the_labels)
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

    monkeypatch.setattr(ldct_bmd.cli.measuring, "measure", broken)
    result = run("measure", scan_file, "-o", tmp_path / "out", *ready(label_file))
    assert isinstance(result.exception, ZeroDivisionError)
    assert entries(tmp_path) == set()


def printed(record: Examination, folder: Path = Path("out")) -> str:
    console = Console(width=PIPE_WIDTH, force_terminal=True, color_system=None)
    with console.capture() as capture:
        print_result(console, record, folder)
    return capture.get()


def test_text_from_the_scan_can_neither_steer_the_terminal_nor_style_it() -> None:
    record = examined()
    evil = "\x1b]0;owned\x07 [bold red]not bold[/] \x9b31m \u202egnp.exe"
    told = printed(replace(record, scan=replace(record.scan, choice=f"Chose {evil} of 2.", other_series=())))
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(told)
    assert "[bold red]not bold[/]" in told


def test_series_text_is_printed_literally() -> None:
    console = Console(width=200, force_terminal=True, color_system=None)
    summary = SeriesSummary("1.2.3", "[red]chest\x1b[2J", "CT", 200, 1.0, 200.0, "B30f[/]", "P", "a \x07 localizer")
    with console.capture() as capture:
        print_series(console, [summary])
    assert "[red]chest" in capture.get()
    assert "B30f[/]" in capture.get()
    assert not {"\x1b", "\x07"} & set(capture.get())


def test_plain_text_keeps_letters_of_all_scripts() -> None:
    assert visible("Müller 山田 Ω°³") == "Müller 山田 Ω°³"


def test_the_other_series_are_named_where_the_user_chose_one() -> None:
    record = examined()
    told = printed(replace(record, scan=replace(record.scan, choice="Series 1.2.3 was named by the user.")))
    assert record.scan.other_series[0].series_uid in told
    assert "reformat" in told


def test_a_dicom_folder_lists_its_series(tmp_path: Path) -> None:
    for number, dataset in enumerate(datasets(as_image(torso()), series_uid="1.2.3", SeriesDescription="CHEST")):
        dataset.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    result = run("series", tmp_path)
    assert result.exit_code == 0
    assert "1.2.3" in result.stdout
    assert "CHEST" in result.stdout


def test_a_volume_file_has_no_series_to_list(scan_file: Path) -> None:
    result = run("series", scan_file)
    assert result.exit_code == 0
    assert "one volume" in result.stdout


def test_the_version_is_printed() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout.strip()) == (0, f"ldct-bmd {__version__}")


# Small enough to build in about two seconds; L1 and L2 in full.
SMALL_PHANTOM = PhantomSpec(
    bmd_mg_cm3={"L1": 104.0, "L2": 99.0},
    matrix=(192, 192),
    spacing_mm=(2.0, 2.0, 2.0),
    top_level="L1",
    bottom_level="L2",
    noise_hu=0.0,
)


def test_the_phantom_command_writes_slices_bodies_and_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldct_bmd.cli.phantoms, "DEMO_SPEC", SMALL_PHANTOM)
    result = run("phantom", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert entries(tmp_path / "out") == {"dicom", "vertebral_bodies.nii.gz", "truth.json"}
    truth = json.loads((tmp_path / "out" / "truth.json").read_text())
    assert truth["levels"]["L1"]["bmd_mg_cm3"] == pytest.approx(104.0, abs=0.1)
    assert read_scan(tmp_path / "out").hu.shape[1:] == (192, 192)
    assert run("phantom", "-o", tmp_path / "out").exit_code == 2


def test_the_demo_prints_the_truth_beside_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = build_phantom(SMALL_PHANTOM).bodies
    monkeypatch.setattr(ldct_bmd.cli.phantoms, "DEMO_SPEC", SMALL_PHANTOM)
    monkeypatch.setattr(
        ldct_bmd.cli.measuring,
        "NetworkSegmenter",
        lambda device: ReadySegmenter(bodies, ModelIdentity("true bodies", None)),
    )
    result = run("demo", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert entries(tmp_path / "out") == set(RESULT_FILES)
    row = [line.split() for line in result.stdout.splitlines() if line.split()[:1] == ["L1"]][-1]
    level, true_hu, hu, hu_difference, true_bmd, bmd, bmd_difference = row
    assert (level, true_bmd) == ("L1", "104.0")
    assert float(hu) - float(true_hu) == pytest.approx(float(hu_difference), abs=0.11)
    assert float(bmd) - float(true_bmd) == pytest.approx(float(bmd_difference), abs=0.11)
    # The true bodies on 2 mm voxels: partial volume of the grid, no segmentation error.
    assert float(bmd_difference) == pytest.approx(0.0, abs=3.0)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "ldct_bmd", *map(str, arguments)]


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(ENGINE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def test_the_installed_command_measures_a_file(scan_file: Path, label_file: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command("measure", scan_file, "-o", tmp_path / "out", "--json", *ready(label_file)),
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schema"].startswith("ldct-bmd")
    assert "Segmenting" in done.stderr
    assert entries(tmp_path / "out") == set(RESULT_FILES)


def test_the_installed_command_says_what_is_wrong_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(np.arange(256, dtype=np.uint8).tobytes())
    done = subprocess.run(
        command("series", tmp_path / "photo.jpg"), capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 3
    assert "photo.jpg" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no hangup signal")
def test_a_hangup_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with exit_codes():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


# Takes a marker file and the arguments of the command; makes the file when the segmentation has begun.
SLOW_SEGMENTATION = textwrap.dedent(
    """
    import pathlib, sys, time
    import ldct_bmd.cli.measuring
    from ldct_bmd.cli import app
    from ldct_bmd.segmentation import ModelIdentity

    class Slow:
        identity = ModelIdentity("slow", None)

        def __init__(self, *arguments, **options):
            pass

        def __call__(self, scan, progress):
            pathlib.Path(sys.argv[1]).touch()
            time.sleep(60)

    ldct_bmd.cli.measuring.LabelMapSegmenter = Slow
    app(sys.argv[2:])
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to a child")
@pytest.mark.parametrize(
    "sent", [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
)
def test_interrupting_exits_130_and_leaves_nothing(
    scan_file: Path, label_file: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    marker = tmp_path / "segmenting"
    arguments = ("measure", scan_file, "-o", tmp_path / "out", *ready(label_file))
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_SEGMENTATION, str(marker), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        deadline = time.monotonic() + 60
        while not marker.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(sent)
        stdout, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert stdout == ""
    assert "Cancelled." in stderr
    assert "Traceback" not in stderr
    assert entries(tmp_path) == {"segmenting"}
