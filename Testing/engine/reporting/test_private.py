"""No date of birth and no folder's name in anything that is written of a scan."""

import gzip
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk

from helpers_bytes import BIRTH_DATE, BIRTH_DATE_SPELLINGS, layers, told_in
from helpers_dicom import as_image
from helpers_report import MEASURED_AT, Case, make_case
from helpers_spine import ReadySegmenter, spine_bodies, spine_scan
from ldct_bmd.examination import Examination, sign
from ldct_bmd.pipeline import MeasuredScan, measure
from ldct_bmd.reporting.files import RESULT_FILES
from ldct_bmd.reporting.outputs import Pixels, write_deidentified, write_outputs
from ldct_bmd.scan import read_scan

FOLDER = "Qzxw-Mueller-Karl"
DICOM_FILES = {"seg.dcm", "sr.dcm", "vois.dcm", "report.dcm", "overview.dcm"}


@pytest.fixture(scope="module")
def of_dicom(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A scan that says when its patient was born, and not how old they are."""
    place = tmp_path_factory.mktemp("private") / FOLDER / "scan"
    return make_case(place, PatientBirthDate=BIRTH_DATE, PatientAge="")


def test_the_age_follows_from_the_date_of_birth_on_reading(of_dicom: Case) -> None:
    assert of_dicom.scan.patient.age_years == pytest.approx(70.3, abs=0.1)
    assert of_dicom.examination.scan.patient.age_years == of_dicom.scan.patient.age_years


def test_no_file_of_a_dicom_scan_tells_its_folder_or_the_date_of_birth(of_dicom: Case, tmp_path: Path) -> None:
    signed = sign(of_dicom.examination, "Dr. Reader", "2024-05-07T10:11:12Z")
    write_outputs(tmp_path / "out", signed, of_dicom.pixels)
    files = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files > {*RESULT_FILES, "report.html", "report.pdf", "report.csv", *DICOM_FILES}
    assert told_in(tmp_path / "out", FOLDER) == []
    # DICOM objects copy the patient module of their study (PS3.3 C.7.1.1), the date of birth in its own element too:
    # there it is needed, and nowhere else.
    assert told_in(tmp_path / "out", *BIRTH_DATE_SPELLINGS, of_patient_module=False) == []
    for name in DICOM_FILES:
        assert pydicom.dcmread(tmp_path / "out" / "dicom" / name).PatientBirthDate == BIRTH_DATE


def test_a_deidentified_copy_tells_the_date_of_birth_nowhere(of_dicom: Case, tmp_path: Path) -> None:
    write_deidentified(tmp_path / "out", of_dicom.examination, of_dicom.pixels)
    assert told_in(tmp_path / "out", FOLDER, *BIRTH_DATE_SPELLINGS) == []


def test_of_a_file_only_its_name_is_kept(tmp_path: Path) -> None:
    source = spine_scan()
    (tmp_path / FOLDER).mkdir()
    path = tmp_path / FOLDER / "ct.nii.gz"
    sitk.WriteImage(as_image(source.hu, source.geometry.spacing_mm, source.geometry.origin_lps_mm), str(path))
    scan = read_scan(path)
    assert scan.source.file_name == "ct.nii.gz"
    measured: MeasuredScan = measure(scan, ReadySegmenter(spine_bodies()))
    examination = replace(measured.examination, measured_at=MEASURED_AT)
    assert FOLDER not in examination.to_json()
    write_outputs(tmp_path / "out", examination, Pixels(scan, measured.column, None))
    assert told_in(tmp_path / "out", FOLDER) == []
    assert {name for name, _ in told_in(tmp_path / "out", "ct.nii.gz")} >= {"measurement.json", "report.html"}


def test_the_schema_has_no_place_for_a_date_of_birth_or_a_path(of_dicom: Case) -> None:
    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value) | set().union(*map(keys, value.values()))
        return set().union(*map(keys, value)) if isinstance(value, list) else set()

    named = keys(json.loads(of_dicom.examination.to_json()))
    assert not [key for key in named if "birth" in key or "path" in key or "folder" in key]
    assert Examination.from_json(of_dicom.examination.to_json()) == of_dicom.examination


def test_what_is_packed_is_looked_into(of_dicom: Case, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.json.gz", gzip.compress(FOLDER.encode()))
    assert FOLDER.encode() not in packed.getvalue()
    assert any(FOLDER.encode() in layer for layer in layers(packed.getvalue()))
    write_outputs(tmp_path / "out", of_dicom.examination, of_dicom.pixels)
    # The patient's name: in the page, in the PDF's compressed text, and in the PDF within the DICOM object.
    assert {name for name, _ in told_in(tmp_path / "out", "P-17")} >= {"report.html", "report.pdf", "report.dcm"}
