"""``ldct-bmd calibrate``: what each command does, prints, writes and refuses."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from helpers_dicom import as_image, datasets, save
from helpers_qa import PAD, TILTED, site_calibration
from ldct_bmd.calibration.files import calibration_to_dict
from ldct_bmd.calibration.phantom.description import PhantomDescription
from ldct_bmd.calibration.phantom.find import find_phantom
from ldct_bmd.calibration.store import CalibrationStore
from ldct_bmd.cli.calibrating import calibrate
from ldct_bmd_lab.phantom.qa import QAPhantomSpec, build_qa_scan

OWN = replace(PAD, name="Pad 7", example=False, source="certificate 7")
HEADER = {
    "Manufacturer": "ACME",
    "ManufacturerModelName": "CT 1",
    "DeviceSerialNumber": "4711",
    "StationName": "CT-ROOM-2",
    "ConvolutionKernel": "B30f",
    "StudyDate": "20240506",
    "AcquisitionDate": "20240506",
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(calibrate, [str(argument) for argument in arguments])


def described(phantom: PhantomDescription, path: Path) -> Path:
    rods = [{key: value for key, value in vars(rod).items() if value is not None} for rod in phantom.rods]
    values = {"schema": "ldct-bmd-phantom/1", **vars(phantom), "equations": phantom.equations.value, "rods": rods}
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not None}))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom's scan as DICOM, its description, and a scan with a rod missing."""
    folder = tmp_path_factory.mktemp("qa")
    described(OWN, folder / "pad7.json")
    for name, changes in (("scan", TILTED), ("broken", {"missing": ("A",), **TILTED})):
        scan = build_qa_scan(QAPhantomSpec(OWN, **changes))
        image = as_image(scan.hu, scan.geometry.spacing_mm, scan.geometry.origin_lps_mm)
        save(datasets(image, **HEADER), folder / name)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "site.calibrations"


def test_a_phantom_scan_becomes_a_calibration_in_file_store_and_picture(folder, tmp_path, store):
    file, picture = tmp_path / "may.json", tmp_path / "may.png"
    result = run(
        *("phantom", folder / "scan", "--phantom", folder / "pad7.json", "--operator", "A. Physicist"),
        *("-o", file, "--picture", picture, "--store", store),
    )
    assert result.exit_code == 0, result.output
    (kept,) = CalibrationStore(store).all()
    calibration = kept.calibration
    assert calibration.slope == pytest.approx(QAPhantomSpec(OWN).slope, rel=0.01)
    assert calibration.identifier in result.stdout
    assert calibration.provenance.scanner.serial == "4711"
    assert (calibration.provenance.date, calibration.provenance.valid_until) == ("2024-05-06", "2024-07-07")
    assert json.loads(file.read_text()) == calibration_to_dict(calibration)
    assert picture.read_bytes().startswith(b"\x89PNG")
    for rod in "ABCDE":
        assert any(line.split()[:1] == [rod] for line in result.stdout.splitlines())


def test_what_can_not_be_calibrated_leaves_nothing_behind(folder, tmp_path, store):
    result = run(
        *("phantom", folder / "broken", "--phantom", folder / "pad7.json", "--operator", "A. Physicist"),
        *("-o", tmp_path / "may.json", "--store", store),
    )
    assert result.exit_code == 3
    assert "Rod A of Pad 7 is missing" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_example_densities_are_told_and_never_kept(folder, tmp_path, store):
    result = run(
        *("phantom", folder / "scan", "--phantom", "k2hpo4-pad-example", "--operator", "A. Physicist"),
        *("--store", store),
    )
    assert result.exit_code == 2
    assert "those of an example" in result.stdout
    assert "nominal" in result.stderr
    assert not store.exists()


def test_points_set_by_hand_take_the_place_of_the_search(folder, tmp_path):
    scan = build_qa_scan(QAPhantomSpec(OWN, **TILTED))
    rows = [("rod", "x", "y", "z")]
    for rod in find_phantom(scan, OWN).rods:
        rows += [(rod.name, *point) for point in (rod.start_lps_mm, rod.end_lps_mm)]
    points = tmp_path / "points.csv"
    with points.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    result = run(
        *("phantom", folder / "scan", "--phantom", folder / "pad7.json", "--operator", "A. Physicist"),
        *("--points", points, "-o", tmp_path / "may.json"),
    )
    assert result.exit_code == 0, result.output
    assert "marked by hand" in json.loads((tmp_path / "may.json").read_text())["source"]


def test_paired_data_become_a_calibration(folder, tmp_path, store):
    rng = np.random.default_rng(1)
    hu = rng.uniform(40.0, 250.0, 40)
    lines = [f"{x},{0.75 * x - 2 + e},L1" for x, e in zip(hu, rng.normal(0.0, 3.0, 40), strict=True)]
    table = tmp_path / "pairs.csv"
    table.write_text("mean_hu,reference_bmd_mg_cm3,level\n" + "\n".join(lines) + "\n")
    result = run(
        *("pairs", table, "--like", folder / "scan", "--material", "K2HPO4", "--operator", "A. Physicist"),
        *("--store", store, "--picture", tmp_path / "pairs.png"),
    )
    assert result.exit_code == 0, result.output
    assert "95 % interval" in result.stdout
    assert "cross-validated error" in result.stdout
    assert CalibrationStore(store).all()[0].calibration.provenance.method.value == "pairs"


def filled(store: Path, count: int = 8) -> list[str]:
    made = [site_calibration(f"2024-{k + 1:02d}-05", slope=0.74 + 0.001 * (k % 2)) for k in range(count)]
    made[-1] = replace(made[-1], slope=0.79)
    CalibrationStore(store).add(made, "2024-09-01T00:00:00+00:00", "A. Physicist")
    return [one.identifier for one in made]


def test_listing_showing_and_retiring(store):
    first, *_, last = filled(store)
    listed = run("list", "--store", store).stdout
    assert first in listed
    assert last in listed
    shown = run("show", last[:6], "--store", store).stdout
    assert "0.7900" in shown
    assert "serial number 4711" in shown
    assert run("retire", last, "--store", store, "--because", "wrong pad", "--operator", "B. Boss").exit_code == 0
    assert last not in run("list", "--store", store).stdout
    assert last in run("list", "--store", store, "--retired").stdout
    assert "wrong pad" in run("show", last, "--store", store).stdout


def test_export_and_import_carry_all_to_another_store(store, tmp_path):
    identifiers = filled(store)
    file, other = tmp_path / "all.json", tmp_path / "other.calibrations"
    assert run("export", file, "--store", store).exit_code == 0
    assert "Added 8 of 8" in run("import", file, "--store", other, "--operator", "B. Boss").stdout
    assert "Added 0 of 8" in run("import", file, "--store", other, "--operator", "B. Boss").stdout
    assert [one.calibration.identifier for one in CalibrationStore(other).all()] == identifiers


def test_adding_a_file_twice_says_so(store, tmp_path):
    file = tmp_path / "one.json"
    file.write_text(json.dumps(calibration_to_dict(site_calibration())))
    assert "Added" in run("add", file, "--store", store, "--operator", "B. Boss").stdout
    assert "Already there" in run("add", file, "--store", store, "--operator", "B. Boss").stdout


def test_drift_is_printed_and_written_as_chart_or_table(store, tmp_path):
    *_, last = filled(store)
    png, table = tmp_path / "drift.png", tmp_path / "drift.csv"
    result = run("drift", "--store", store, "-o", png)
    assert result.exit_code == 0, result.output
    assert "a jump" in result.stdout
    assert png.read_bytes().startswith(b"\x89PNG")
    assert run("drift", "--store", store, "-o", table).exit_code == 0
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 8
    assert rows[-1]["identifier"] == last
    assert "jump" in rows[-1]["alarms"]
    assert rows[0]["alarms"] == ""


def test_several_series_must_be_told_apart(store):
    filled(store)
    other = site_calibration(kvp=100.0)
    CalibrationStore(store).add([other], "2024-09-01T00:00:00+00:00", "A. Physicist")
    refused = run("drift", "--store", store)
    assert refused.exit_code == 2
    assert "--like" in refused.stderr
    assert run("drift", "--store", store, "--like", other.identifier).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("list", "--store", "no-such-store"), "There is no calibration store"),
        (("show", "abcdef", "--store", "no-such-store"), "There is no calibration store"),
        (("drift", "--store", "no-such-store", "-o", "chart.pdf"), "no-such-store"),
        (("add", "no-such-file", "--store", "s", "--operator", "B"), "can't be read"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_2(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_only_when_told_to(store, tmp_path):
    filled(store)
    file = tmp_path / "drift.csv"
    file.write_text("mine")
    assert run("drift", "--store", store, "-o", file).exit_code == 2
    assert file.read_text() == "mine"
    assert run("drift", "--store", store, "-o", file, "--overwrite").exit_code == 0
    assert file.read_text().startswith("date")
