"""``ldct-bmd phantom`` and ``demo``."""

import json
from pathlib import Path

import pytest

import ldct_bmd.jobs.measuring
import ldct_bmd_lab.phantom.demo
from helpers_cli import entries, run
from helpers_spine import ReadySegmenter
from ldct_bmd.calibration.choose import choose_calibration
from ldct_bmd.calibration.store import CalibrationStore
from ldct_bmd.examination.conclude import conditions
from ldct_bmd.reporting.files import RESULT_FILES
from ldct_bmd.scan import read_scan
from ldct_bmd.segmentation import ModelIdentity
from ldct_bmd_lab.phantom import PhantomSpec, build_phantom
from places import MODULE

PHANTOMS = MODULE / "ldct_bmd" / "calibration" / "phantom"

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
    monkeypatch.setattr(ldct_bmd_lab.phantom.demo, "DEMO_SPEC", SMALL_PHANTOM)
    result = run("phantom", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert entries(tmp_path / "out") == {"dicom", "vertebral_bodies.nii.gz", "truth.json"}
    truth = json.loads((tmp_path / "out" / "truth.json").read_text())
    assert truth["levels"]["L1"]["bmd_mg_cm3"] == pytest.approx(104.0, abs=0.1)
    assert read_scan(tmp_path / "out").hu.shape[1:] == (192, 192)
    assert run("phantom", "-o", tmp_path / "out").exit_code == 2


def test_a_simulated_calibration_phantom_calibrates_the_scanner_of_the_torso(tmp_path: Path) -> None:
    example = json.loads((PHANTOMS / "k2hpo4-pad-example.json").read_text(encoding="utf-8"))
    pad, store = tmp_path / "pad.json", tmp_path / "site.calibrations"
    pad.write_text(json.dumps({name: value for name, value in example.items() if name != "example"}), encoding="utf-8")
    assert run("phantom", "-o", tmp_path / "out", "--calibration", pad).exit_code == 0
    done = run("calibrate", "phantom", tmp_path / "out", "--phantom", pad, "--operator", "A", "--store", store)
    assert done.exit_code == 0, done.output
    (kept,) = CalibrationStore(store).all()
    assert kept.calibration.slope == pytest.approx(SMALL_PHANTOM.slope, rel=0.01)
    assert kept.calibration.intercept_mg_cm3 == pytest.approx(SMALL_PHANTOM.intercept_mg_cm3, abs=1.0)
    torso = conditions(build_phantom(SMALL_PHANTOM).scan.acquisition)
    chosen, choice = choose_calibration([kept], torso)
    assert choice.matched, choice.reason
    assert chosen == kept.calibration


def test_the_demo_prints_the_truth_beside_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = build_phantom(SMALL_PHANTOM).bodies
    monkeypatch.setattr(ldct_bmd_lab.phantom.demo, "DEMO_SPEC", SMALL_PHANTOM)
    monkeypatch.setattr(
        ldct_bmd.jobs.measuring,
        "network_segmenter",
        lambda networks: ReadySegmenter(bodies, ModelIdentity("true bodies", None)),
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
