"""The report as files: from the command line, whole or not at all, again after corrections."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner, Result

from helpers_record import with_scan
from helpers_report import HOSTILE, case, make_case, printed
from helpers_spine import spine_bodies, write_volume
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.cli import app
from ldct_bmd.corrections import exclude_level
from ldct_bmd.examination import Examination
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting import outputs
from ldct_bmd.reporting.bodies import read_bodies
from ldct_bmd.reporting.files import MEASUREMENT, RESULT_FILES
from ldct_bmd.reporting.output import ALL_OUTPUTS, Output
from ldct_bmd.reporting.outputs import fill_report, update_report, write_outputs
from places import HELPERS, MODULE

DICOM = {"sr.dcm", "seg.dcm", "vois.dcm", "report.dcm", "overview.dcm"}
TABLES = {"report.html", "report.pdf", "report.csv", "report_patient.csv"}
READER, TIME = "Dr. Reader", "2024-05-06T08:00:00Z"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def measured(scan: Path, folder: Path, labels: Path, *more: str) -> Result:
    ready = ("--segmentation", labels, "--segmentation-values", "verse", "--segmentation-parts", "body")
    return run("measure", scan, "-o", folder, *ready, "--report", *more)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_volume(spine_bodies(), tmp_path_factory.mktemp("labels") / "bodies.nii.gz")


@pytest.fixture(scope="module")
def result(labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``measure --report`` writes for a DICOM scan."""
    folder = tmp_path_factory.mktemp("result") / "out"
    done = measured(case().folder, folder, labels)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def copy(result: Path, tmp_path: Path) -> Path:
    """A result of one's own."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in result.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(result)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def correct(folder: Path) -> Examination:
    """Exclude a level in the record's file, as the panel does."""
    path = folder / "measurement.json"
    examination = exclude_level(Examination.from_json(path.read_text()), "L2", "cyst", READER, TIME)
    path.write_text(examination.to_json() + "\n")
    return examination


def test_measuring_with_report_gives_every_output(result: Path) -> None:
    assert names(result) == set(RESULT_FILES) | TABLES | {"dicom", "dicom.sha256"}
    assert names(result / "dicom") == DICOM
    record = Examination.from_json((result / "measurement.json").read_text())
    assert record.measured_at is not None
    html = (result / "report.html").read_text(encoding="utf-8")
    assert record.assessment.statement in printed(html)
    assert "data:image/png" in html


def test_a_volume_file_gives_all_but_dicom(scan_file: Path, labels: Path, tmp_path: Path) -> None:
    assert measured(scan_file, tmp_path / "out", labels).exit_code == 0
    assert names(tmp_path / "out") == set(RESULT_FILES) | TABLES


def test_a_result_with_a_report_can_be_overwritten(copy: Path, labels: Path) -> None:
    before = pydicom.dcmread(copy / "dicom" / "sr.dcm").SOPInstanceUID
    done = measured(case().folder, copy, labels, "--overwrite", "--levels", "L1")
    assert done.exit_code == 0, done.output
    after = pydicom.dcmread(copy / "dicom" / "sr.dcm")
    named = after.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert named.ReferencedSOPInstanceUID == before


def test_the_report_of_an_unchanged_record_is_the_same(copy: Path) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    done = run("report", copy / "measurement.json", "--input", case().folder)
    assert done.exit_code == 0, done.output
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_a_corrected_record_gets_a_new_report_that_names_the_old(copy: Path) -> None:
    before = pydicom.dcmread(copy / "dicom" / "sr.dcm").SOPInstanceUID
    correct(copy)
    assert run("report", copy, "--input", case().folder).exit_code == 0
    assert "L2 excluded: cyst" in printed((copy / "report.html").read_text(encoding="utf-8"))
    after = pydicom.dcmread(copy / "dicom" / "sr.dcm")
    assert after.SOPInstanceUID != before
    assert before.encode() in (copy / "dicom" / "sr.dcm").read_bytes()
    assert names(copy) == set(RESULT_FILES) | TABLES | {"dicom", "dicom.sha256"}


def test_without_the_scan_there_are_no_pictures_and_no_stale_objects(copy: Path, tmp_path: Path) -> None:
    correct(copy)
    refused = run("report", copy)
    assert refused.exit_code == 2
    assert "--input" in refused.stderr
    assert run("report", copy, "-o", tmp_path / "new").exit_code == 0
    assert names(tmp_path / "new") == TABLES | {"measurement.json"}
    assert "No pictures" in printed((tmp_path / "new" / "report.html").read_text(encoding="utf-8"))


def test_another_scan_or_a_changed_mask_is_refused(copy: Path, tmp_path: Path) -> None:
    other = make_case(tmp_path / "other", PatientID="P-18")
    refused = run("report", copy, "--input", other.folder)
    assert refused.exit_code == 2
    assert "scan that was measured" in refused.stderr or "give that scan" in refused.stderr
    (copy / "vertebrae.nii.gz").write_bytes(b"changed")
    assert "changed after" in run("report", copy, "--input", case().folder).stderr


def test_masks_are_read_with_a_scan_whose_tags_another_version_reads_in_another_way(copy: Path) -> None:
    record = Examination.from_json((copy / "measurement.json").read_text())
    read_bodies(copy, with_scan(record, filter_type="tin", contrast_agent="given"), case().pixels.scan)


def exchange_mask(folder: Path) -> None:
    """Give L1 another outline of the same place and size: two voxels go, two come, opposite each other."""
    image = sitk.ReadImage(str(folder / "vertebrae.nii.gz"))
    bodies = sitk.GetArrayFromImage(image)
    voxels = np.argwhere(bodies == VERSE_VALUE["L1"])
    z = int(np.median(voxels[:, 0]))
    y, _ = (int(value) for value in np.median(voxels[:, 1:], axis=0))
    row = np.flatnonzero(bodies[z, y] == VERSE_VALUE["L1"])
    first, last = int(row[0]), int(row[-1])
    for gone, come in ((first, first - 1), (last, last + 1)):
        bodies[z, y, gone] = 0
        bodies[z, y, come] = VERSE_VALUE["L1"]
    moved = np.argwhere(bodies == VERSE_VALUE["L1"])
    assert len(moved) == len(voxels)
    assert np.allclose(moved.mean(axis=0), voxels.mean(axis=0), rtol=0, atol=1e-9)
    changed = sitk.GetImageFromArray(bodies)
    changed.CopyInformation(image)
    sitk.WriteImage(changed, str(folder / "vertebrae.nii.gz"))


@pytest.mark.parametrize("signed", [False, True])
def test_a_mask_of_the_same_place_and_size_is_refused(copy: Path, signed: bool) -> None:
    if signed:
        assert run("sign", copy, "--reader", READER).exit_code == 0
    old = hashlib.sha256((copy / "vertebrae.nii.gz").read_bytes()).hexdigest()
    exchange_mask(copy)
    refused = run("report", copy, "--input", case().folder)
    assert (refused.exit_code, "another L1 than was measured" in refused.stderr) == (2, True)
    text = (copy / "measurement.json").read_text()
    new = hashlib.sha256((copy / "vertebrae.nii.gz").read_bytes()).hexdigest()
    (copy / "measurement.json").write_text(text.replace(old, new))
    refused = run("report", copy, "--input", case().folder)
    assert refused.exit_code == 2
    assert ("changed after" if signed else "another L1 than was measured") in refused.stderr


def denser_scan(folder: Path, hu: float) -> Path:
    """The files of the case with denser bone under the same identifiers."""
    folder.mkdir()
    for path in case().folder.iterdir():
        dataset = pydicom.dcmread(path)
        values = dataset.pixel_array
        bone = values * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept) > 80.0
        dataset.PixelData = np.where(bone, values + int(hu), values).astype(values.dtype).tobytes()
        dataset.save_as(folder / path.name)
    return folder


def without_digests(folder: Path) -> None:
    values = json.loads((folder / "measurement.json").read_text())
    del values["voxels_sha256"]
    for vertebra in values["vertebrae"]:
        del vertebra["mask_sha256"]
    (folder / "measurement.json").write_text(json.dumps(values))


def test_other_pixels_under_the_same_identifiers_are_refused(copy: Path, tmp_path: Path) -> None:
    other = denser_scan(tmp_path / "other", 150.0)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    for arguments in (("report", copy), ("report", copy, "-o", tmp_path / "new"), ("report", copy, "--deidentify")):
        refused = run(*arguments, "--input", other)
        assert refused.exit_code == 2
        assert "other voxels than were measured" in " ".join(refused.stderr.split())
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    without_digests(copy)
    refused = run("report", copy, "--input", other)
    assert refused.exit_code == 2
    assert "does not have the mean of" in " ".join(refused.stderr.split())


def test_a_record_without_digests_is_told_and_not_refused(copy: Path) -> None:
    without_digests(copy)
    done = run("report", copy, "--input", case().folder)
    assert done.exit_code == 0, done.output
    assert "kept no checksum of the voxels" in " ".join(done.stderr.split())
    assert "Voxels SHA-256 not in the record" in printed((copy / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("wanted", sorted(ALL_OUTPUTS))
def test_any_output_alone_is_the_one_of_the_whole_set(copy: Path, tmp_path: Path, wanted: Output) -> None:
    record = Examination.from_json((copy / "measurement.json").read_text())
    write_outputs(tmp_path / "one", record, case().pixels, wanted=[wanted])
    made = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert 1 <= len(made) <= len(RESULT_FILES)
    for path in made:
        whole = (copy / path.relative_to(tmp_path / "one")).read_bytes()
        if path.name == "dicom.sha256":  # one line an object
            assert set(path.read_bytes().splitlines()) < set(whole.splitlines())
        else:
            assert path.read_bytes() == whole, path.name


def test_an_export_without_the_record_replaces_no_result(copy: Path) -> None:
    record = Examination.from_json((copy / "measurement.json").read_text())
    with pytest.raises(UsageError, match="not empty"):
        write_outputs(copy, record, case().pixels, wanted=[Output.HTML], overwrite=True)


def test_priors_are_compared_and_strangers_refused(copy: Path, tmp_path: Path) -> None:
    record = Examination.from_json((copy / "measurement.json").read_text())
    old = with_scan(record, acquisition_date="20220102", sop_instance_uids=("1.9",))
    (tmp_path / "old.json").write_text(old.to_json())
    done = run("report", copy, "--input", case().folder, "--prior", tmp_path / "old.json", "--lsc", "7.5")
    assert done.exit_code == 0, done.output
    shown = printed((copy / "report.html").read_text(encoding="utf-8"))
    assert "Change since earlier examinations" in shown
    assert "7.5" in shown
    stranger = replace(old, scan=replace(old.scan, patient=replace(old.scan.patient, patient_id="other")))
    (tmp_path / "old.json").write_text(stranger.to_json())
    refused = run("report", copy, "--input", case().folder, "--prior", tmp_path / "old.json")
    assert refused.exit_code == 2
    assert "another patient" in refused.stderr


def test_signing_and_unsigning_from_the_command_line(copy: Path) -> None:
    assert run("sign", copy, "--reader", READER, "--organization", "Hospital").exit_code == 0
    assert run("report", copy, "--input", case().folder).exit_code == 0
    assert "REVIEWED AND SIGNED" in printed((copy / "report.html").read_text(encoding="utf-8"))
    assert pydicom.dcmread(copy / "dicom" / "sr.dcm").VerificationFlag == "VERIFIED"
    text = (copy / "measurement.json").read_text()
    (copy / "measurement.json").write_text(text.replace('"category": "osteopenia"', '"category": "normal"', 1))
    refused = run("report", copy, "--input", case().folder)
    assert refused.exit_code == 2
    assert "changed after" in refused.stderr
    (copy / "measurement.json").write_text(text)
    assert run("unsign", copy, "--reader", READER).exit_code == 0
    assert Examination.from_json((copy / "measurement.json").read_text()).signature is None


def test_a_deidentified_copy_goes_to_a_folder_of_its_own(copy: Path) -> None:
    for _ in range(2):
        assert run("report", copy, "--input", case().folder, "--deidentify").exit_code == 0
    assert names(copy / "deidentified") == set(RESULT_FILES) | TABLES | {"dicom", "dicom.sha256"}
    assert "Doe" not in (copy / "deidentified" / "report.html").read_text(encoding="utf-8")
    assert "Doe" in (copy / "report.html").read_text(encoding="utf-8")
    assert {name.partition("/")[0] for name in MEASUREMENT.files} >= names(copy)


@pytest.mark.parametrize("kind", ["path", "control", "long", "empty"])
def test_a_hostile_patient_breaks_nothing_and_leaves_no_file_elsewhere(kind: str, labels: Path, tmp_path: Path) -> None:
    text = HOSTILE[kind]
    with pydicom.config.disable_value_validation():
        made = make_case(tmp_path / "in" / "scan", PatientName=text, SeriesDescription=text, PatientID="P")
    done = measured(made.folder, tmp_path / "results" / "out", labels)
    assert done.exit_code == 2  # the parent folder is not made
    (tmp_path / "results").mkdir()
    done = measured(made.folder, tmp_path / "results" / "out", labels)
    assert done.exit_code == 0, done.output
    assert names(tmp_path / "results") == {"out"}
    assert names(tmp_path / "results" / "out") == set(RESULT_FILES) | TABLES | {"dicom", "dicom.sha256"}
    assert "<script" not in (tmp_path / "results" / "out" / "report.html").read_text(encoding="utf-8")
    for path in (tmp_path / "results" / "out" / "dicom").iterdir():
        pydicom.dcmread(path)


def test_an_identifier_that_no_dicom_object_can_carry_is_told_and_the_rest_is_written(
    labels: Path, tmp_path: Path
) -> None:
    with pydicom.config.disable_value_validation():
        made = make_case(tmp_path / "scan", PatientID="x" * 70)
    done = measured(made.folder, tmp_path / "out", labels)
    assert done.exit_code == 0
    assert "PatientID" in done.stderr
    assert (tmp_path / "out" / "report.pdf").is_file()
    assert not (tmp_path / "out" / "dicom").exists()


@pytest.mark.parametrize("broken", ["to_pdf", "make_objects", "levels_csv"])
def test_a_failure_in_between_leaves_the_old_report_whole(
    copy: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    examination = correct(copy)
    before[copy / "measurement.json"] = (copy / "measurement.json").read_bytes()

    def fail(*arguments: object, **options: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(outputs, broken, fail)
    with pytest.raises(UsageError, match="No space left"):
        update_report(copy, examination, case().pixels)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


KILLED = """
import pickle, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from helpers_report import case
from ldct_bmd.examination import Examination
from ldct_bmd.reporting.outputs import update_report
folder = Path(sys.argv[3])
examination = Examination.from_json((folder / "measurement.json").read_text())
print("ready", flush=True)
while True:
    update_report(folder, examination, None)
"""


@pytest.mark.slow
def test_killing_the_export_at_any_moment_leaves_no_broken_file(result: Path, tmp_path: Path) -> None:
    record = Examination.from_json((result / "measurement.json").read_text())
    folder = tmp_path / "killed"
    write_outputs(folder, record)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    for delay_s in (0.0, 0.01, 0.03, 0.08):
        arguments = [sys.executable, "-c", KILLED, str(MODULE), str(HELPERS), str(folder)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(delay_s)
            os.kill(process.pid, signal.SIGKILL)
        shown = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
        assert shown == whole


def test_nothing_is_written_beside_the_named_files(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    fill_report(tmp_path / "out", case().examination, case().pixels)
    assert names(tmp_path / "out") == TABLES | {"dicom", "dicom.sha256"}
    assert names(tmp_path) == {"out"}


def test_the_command_prints_the_published_schema() -> None:
    done = run("schema")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["title"].startswith("Record of ldct-bmd")
