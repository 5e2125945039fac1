"""One job is the same data and gives the same numbers whoever runs it: here, in a folder, or in another process."""

import json
import pickle
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers_cli import environment
from helpers_record import SITE
from helpers_spine import spine_bodies, write_volume
from ldct_bmd.calibration.phantom.description import load_phantom
from ldct_bmd.examination import Examination
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import silent
from ldct_bmd.jobs.folder import (
    BODIES,
    JOB_FILE,
    LABELS,
    RECORD_FILE,
    VOXELS,
    MeasureResult,
    PhantomResult,
    lay,
    load,
    load_result,
)
from ldct_bmd.jobs.measuring import measure_as
from ldct_bmd.jobs.runner import main, run
from ldct_bmd.jobs.spec import (
    Destination,
    ExportSpec,
    InputScan,
    LabelMap,
    MeasureSpec,
    Networks,
    PhantomSpec,
    ResultFolder,
    StoreChoice,
)
from ldct_bmd.reporting.output import EarlierReport, Output, Predecessor
from ldct_bmd.scan import CTScan, read_scan
from ldct_bmd.scan.dicom_volume import AIR_HU
from ldct_bmd.scan.volume import Volume


@pytest.fixture(scope="module")
def file_scan(scan_file: Path) -> CTScan:
    return read_scan(scan_file)


@pytest.fixture(scope="module")
def volume(file_scan: CTScan, scan_file: Path) -> Volume:
    """The file as a viewer shows it."""
    return Volume(file_scan.stored_geometry, file_scan.geometry, "file", (str(scan_file),))


@pytest.fixture
def laid(volume: Volume, file_scan: CTScan, tmp_path: Path) -> Path:
    """A measurement of the volume with labels that lie next to it."""
    spec = MeasureSpec(volume, LabelMap("verse", "body"), SITE)
    lay(tmp_path, spec, {VOXELS: file_scan.hu, LABELS: spine_bodies()})
    return tmp_path


@pytest.fixture(scope="module")
def record(scan_file: Path, label_file: Path) -> Examination:
    """What the command line's job makes of the files."""
    spec = MeasureSpec(InputScan(str(scan_file)), LabelMap("verse", "body", str(label_file)), SITE)
    return measure_as(spec, silent).measured.examination


def comparable(examination: Examination) -> dict[str, Any]:
    values = examination.comparable()
    del values["software"]["model_sha256"]  # of the label map's file
    return values


def read_record(folder: Path) -> Examination:
    return Examination.from_json((folder / RECORD_FILE).read_text(encoding="utf-8"))


def specs(volume: Volume) -> list[Any]:
    earlier = EarlierReport(Predecessor("1", "2", "3", "4"))
    return [
        MeasureSpec(volume, LabelMap("verse", "whole"), SITE, ("L1",)),
        MeasureSpec(
            InputScan("/in", "1.2.3"), Networks("cpu", "w", "m"), StoreChoice("s", True), result=ResultFolder("/out")
        ),
        PhantomSpec(volume, load_phantom("k2hpo4-pad-example"), search=False),
        ExportSpec(volume.stored, (Output.SR, Output.SEG), Destination.PACS, ("a.dcm",), pacs="A@b:1", earlier=earlier),
    ]


@pytest.mark.parametrize("number", range(4))
def test_a_job_is_the_same_after_a_file_and_on_another_machine(volume: Volume, tmp_path: Path, number: int) -> None:
    spec = specs(volume)[number]
    lay(tmp_path, spec)
    assert load(tmp_path) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_a_job_of_another_version_is_not_half_understood(volume: Volume, tmp_path: Path) -> None:
    lay(tmp_path, specs(volume)[0])
    values = json.loads((tmp_path / JOB_FILE).read_text())
    (tmp_path / JOB_FILE).write_text(json.dumps(values | {"extra": 1}))
    with pytest.raises(UsageError, match="extra"):
        load(tmp_path)
    (tmp_path / JOB_FILE).write_text(json.dumps(values | {"kind": "teleport"}))
    with pytest.raises(UsageError, match="measure, phantom, export"):
        load(tmp_path)


def test_a_volume_gives_the_record_of_its_file_to_the_last_digit(laid: Path, record: Examination) -> None:
    run(laid, silent)
    assert comparable(read_record(laid)) == comparable(record)
    assert np.array_equal(np.load(laid / BODIES), spine_bodies())
    result = load_result(laid, MeasureResult)
    assert (result.air, result.remark) == (None, None)


def test_a_process_of_its_own_gives_the_same_and_tells_how_far_it_is(laid: Path, record: Examination) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ldct_bmd.jobs", str(laid)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[-1] == {"done": True}
    stages = [message["stage"] for message in told[:-1]]
    assert list(dict.fromkeys(stages)) == ["read", "segment", "label", "measure"]
    assert comparable(read_record(laid)) == comparable(record)


def test_a_process_that_refuses_says_why_in_one_sentence(laid: Path, volume: Volume) -> None:
    lay(laid, MeasureSpec(volume, LabelMap("verse", "body"), StoreChoice(str(laid / "none.calibrations"))))
    done = subprocess.run(
        [sys.executable, "-m", "ldct_bmd.jobs", str(laid)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 3
    told = json.loads(done.stdout.splitlines()[-1])
    assert "none.calibrations" in told["failed"]
    assert "Traceback" not in done.stderr


def test_a_process_tells_what_it_put_back_after_a_killed_one(
    laid: Path, volume: Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aside = tmp_path / f".{'0' * 32}.partial" / "old" / "result"
    aside.mkdir(parents=True)
    (aside / "note.txt").write_text("the reader's", encoding="utf-8")
    spec = MeasureSpec(volume, LabelMap("verse", "body"), result=ResultFolder(str(tmp_path / "result")))
    lay(laid, spec)
    assert main(laid) == 3, "what is not ours is not replaced"
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (remark,) = [one["remark"] for one in told if "remark" in one]
    assert "killed while it replaced" in remark
    assert (tmp_path / "result" / "note.txt").exists()


def test_a_process_speaks_the_language_that_it_was_started_in(laid: Path, volume: Volume) -> None:
    lay(laid, MeasureSpec(volume, LabelMap("verse", "body"), StoreChoice(str(laid / "none.calibrations"))))
    done = subprocess.run(
        [sys.executable, "-m", "ldct_bmd.jobs", str(laid), "--language", "zh", "--face", "panel"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(),
        check=False,
    )
    assert re.search(r"[\u4e00-\u9fff]", json.loads(done.stdout.splitlines()[-1])["failed"])


def test_changed_voxels_are_measured_as_they_are_and_that_is_told(laid: Path, file_scan: CTScan) -> None:
    hu = file_scan.hu.copy()
    hu[:, 20:30, 20:30] += 7
    np.save(laid / VOXELS, hu)
    run(laid, silent)
    remark = load_result(laid, MeasureResult).remark
    assert remark is not None
    assert "differs from the files" in str(remark)
    assert "scan_modified" in read_record(laid).assessment.limited


def test_padding_that_the_files_call_air_is_no_change(
    volume: Volume, file_scan: CTScan, record: Examination, tmp_path: Path
) -> None:
    read, shown = file_scan.hu.copy(), file_scan.hu.copy()
    read[:, :3] = AIR_HU
    shown[:, :3] = -2000  # a viewer shows what the scanner did not reconstruct as it is stored
    files = (str(write_volume(read, tmp_path / "ct.nii.gz")),)
    spec = MeasureSpec(replace(volume, files=files), LabelMap("verse", "body"), SITE)
    lay(tmp_path, spec, {VOXELS: shown, LABELS: spine_bodies()})
    run(tmp_path, silent)
    result = load_result(tmp_path, MeasureResult)
    assert (result.air, result.remark) == ((-2000.0, -2000.0), None)
    measured = read_record(tmp_path).measurements
    assert [m.mean_hu for m in measured] == [m.mean_hu for m in record.measurements]


def test_a_job_with_a_result_folder_writes_it_and_nothing_next_to_the_spec(
    scan_file: Path, label_file: Path, tmp_path: Path
) -> None:
    place = tmp_path / "job"
    place.mkdir()
    source, labels = InputScan(str(scan_file)), LabelMap("verse", "body", str(label_file))
    lay(place, MeasureSpec(source, labels, SITE, result=ResultFolder(str(tmp_path / "out"))))
    run(place, silent)
    assert (tmp_path / "out" / RECORD_FILE).is_file()
    assert not (place / RECORD_FILE).exists()


def test_what_can_be_wrong_with_a_job_is_told_before_the_scan_is_read(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*arguments: object) -> None:
        raise AssertionError("the scan was read first")

    monkeypatch.setattr("ldct_bmd.jobs.measuring.read_source", read)
    (tmp_path / "labels.nrrd").write_bytes(b"no image")
    ready = LabelMap("verse", "body", str(tmp_path / "none.nrrd"))
    good = MeasureSpec(InputScan("scan"), LabelMap("verse", "body", str(tmp_path / "labels.nrrd")), SITE)
    for spec in (
        replace(good, segmentation=ready),
        replace(good, calibration=StoreChoice(str(tmp_path / "none"))),
        replace(good, segmentation=Networks("cpu", str(tmp_path / "labels.nrrd"))),
        replace(good, segmentation=Networks("cpu", method="of another version")),
        replace(good, result=ResultFolder(str(tmp_path / "no" / "such"))),
    ):
        with pytest.raises(UsageError):
            measure_as(spec, silent)


def test_a_volume_that_shows_no_phantom_says_why(volume: Volume, file_scan: CTScan, tmp_path: Path) -> None:
    lay(tmp_path, PhantomSpec(volume, load_phantom("k2hpo4-pad-example")), {VOXELS: file_scan.hu})
    run(tmp_path, silent)
    result = load_result(tmp_path, PhantomResult)
    assert result.measured is None
    assert result.refused is not None
    assert result.scan.geometry == file_scan.geometry


def test_files_that_are_no_scan_forbid_measuring_the_volume(volume: Volume, file_scan: CTScan, tmp_path: Path) -> None:
    (tmp_path / "ct.nii.gz").write_bytes(b"no image")
    spec = MeasureSpec(replace(volume, files=(str(tmp_path / "ct.nii.gz"),)), LabelMap("verse", "body"), SITE)
    lay(tmp_path, spec, {VOXELS: file_scan.hu, LABELS: spine_bodies()})
    with pytest.raises(CannotMeasure):
        run(tmp_path, silent)


# What it would do takes longer than anything here waits.
SLOW = """
import runpy, time
from ldct_bmd.jobs import runner
runner.run = lambda folder, progress: (print("{}", flush=True), time.sleep(600))
runpy.run_module("ldct_bmd.jobs", run_name="__main__")
"""
# As Slicer's own interpreter: it starts another one, which has its input, and waits for it.
LAUNCHER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]])
print(child.pid, flush=True)
sys.exit(child.wait())
"""


def test_an_engine_ends_when_who_started_it_goes_away_though_only_a_launcher_is_killed(laid: Path) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, SLOW, str(laid), "--end-with-input"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    launcher.stdout.readline()
    assert launcher.stdout.readline() == "{}\n"  # the engine is at work
    launcher.kill()
    launcher.stdin.close()
    start = time.monotonic()
    launcher.stdout.read()  # ends when the last process that could write to it is gone
    assert time.monotonic() - start < 100.0
    launcher.wait()


def test_an_engine_whose_input_is_closed_tells_nobody_and_leaves_no_traceback(laid: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SLOW, str(laid), "--end-with-input"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 130
    assert done.stderr == ""
