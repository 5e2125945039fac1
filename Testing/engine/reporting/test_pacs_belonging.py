"""Only objects of the record as it is are sent: those of another state, patient or study stay where they are."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from helpers_cli import run
from helpers_pacs import Archive, archive, as_json, headers_of, listing, store_reply
from helpers_report import case, with_patient
from ldct_bmd.cli.reporting import read_record
from ldct_bmd.examination import Examination
from ldct_bmd.reporting.checksums import write_checksums
from ldct_bmd.reporting.held import read_earlier
from ldct_bmd.reporting.outputs import Pixels, write_deidentified, write_outputs
from ldct_bmd.reporting.pacs.belonging import demand_own
from ldct_bmd.words import speaking


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("belonging") / "result"
    write_outputs(folder, case().examination, case().pixels)
    return folder


@pytest.fixture
def result(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "result"))


@pytest.fixture
def server() -> Iterator[Archive]:
    with archive() as made:
        yield made


def rewrite(result: Path, change: Callable[[Examination], Examination]) -> None:
    path = result / "measurement.json"
    path.write_text(change(read_record(path)).to_json(), encoding="utf-8")


def of_another(result: Path, name: str, **tags: str) -> None:
    path = result / "dicom" / name
    dataset = pydicom.dcmread(path)
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def other_content(result: Path) -> None:
    path = result / "dicom" / "report.dcm"
    dataset = pydicom.dcmread(path)
    dataset.EncapsulatedDocument = bytes(dataset.EncapsulatedDocument).replace(b"%%EOF", b"%%EOG")
    dataset.save_as(path)


def other_pixels(name: str) -> Callable[[Path], None]:
    """Change one voxel and no header."""

    def change(result: Path) -> None:
        path = result / "dicom" / name
        dataset = pydicom.dcmread(path)
        pixels = bytearray(dataset.PixelData)
        pixels[len(pixels) // 2] ^= 1
        dataset.PixelData = bytes(pixels)
        dataset.save_as(path)

    return change


def other_numbers(unit: str) -> Callable[[Path], None]:
    """Raise the numbers of the report that have a unit, and make the digests again, which everyone can."""

    def raised(item: pydicom.Dataset) -> None:
        for inner in item.get("ContentSequence") or ():
            for value in inner.get("MeasuredValueSequence") or ():
                if value.MeasurementUnitsCodeSequence[0].CodeValue == unit:
                    value.NumericValue = f"{float(value.NumericValue) + 40.0:.4f}"
            raised(inner)

    def change(result: Path) -> None:
        path = result / "dicom" / "sr.dcm"
        dataset = pydicom.dcmread(path)
        raised(dataset)
        dataset.save_as(path)
        write_checksums(result)

    return change


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda r: rewrite(r, lambda e: replace(e, comment="seen")), "sr.dcm does not belong to the record"),
        (lambda r: rewrite(r, lambda e: with_patient(e, patient_id="P-18")), "sr.dcm is of another patient"),
        (lambda r: of_another(r, "seg.dcm", PatientID="P-18"), "seg.dcm is of another patient"),
        (lambda r: of_another(r, "overview.dcm", StudyInstanceUID="1.2.3"), "overview.dcm is of another study"),
        (lambda r: of_another(r, "overview.dcm", SOPInstanceUID="1.2.3"), "overview.dcm does not belong"),
        (lambda r: of_another(r, "seg.dcm", PatientIdentityRemoved="YES", PatientID="DEID-1"), "another patient"),
        (other_content, "report.dcm does not belong"),
        (other_pixels("seg.dcm"), "seg.dcm was changed after it was written"),
        (other_pixels("overview.dcm"), "overview.dcm was changed after it was written"),
        (lambda r: of_another(r, "sr.dcm", InstanceNumber="7"), "sr.dcm was changed after it was written"),
        (other_numbers("mg/cm3"), "sr.dcm does not say the BMD and HU of the record"),
        (other_numbers("[hnsf'U]"), "sr.dcm does not say the BMD and HU of the record"),
        (lambda r: (r / "dicom.sha256").unlink(), "dicom.sha256, with which changed objects are told, is not there"),
        (lambda r: (r / "dicom.sha256").write_bytes(b"\xff"), "dicom.sha256, with which changed objects are told"),
        (lambda r: (r / "dicom" / "seg.dcm").write_bytes(b"not DICOM"), "seg.dcm is not a DICOM object"),
        (lambda r: shutil.copy(r / "dicom" / "overview.dcm", r / "dicom" / "report.dcm"), "report.dcm does not belong"),
        (lambda r: (r / "measurement.json").unlink(), "can't be read"),
    ],
)
def test_nothing_is_sent_of_a_folder_whose_objects_are_not_of_its_record(
    spoil: Callable[[Path], object], told: str, result: Path, server: Archive
) -> None:
    spoil(result)
    done = run("send", result, "--dicomweb", server.url)
    assert done.exit_code == 2
    assert told in done.stderr
    assert server.requests == []


def test_objects_of_a_record_that_was_corrected_and_reported_again_are_sent(result: Path, server: Archive) -> None:
    corrected = replace(read_record(result), comment="seen")
    earlier = read_earlier(result / "dicom" / "sr.dcm")
    pixels = case().pixels
    write_outputs(result, corrected, Pixels(case().scan, case().column, pixels.source), earlier=earlier, overwrite=True)
    server.stores, server.lists = as_json(store_reply(headers_of(result))), listing(headers_of(result))
    done = run("send", result, "--dicomweb", server.url)
    assert done.exit_code == 0, done.output
    assert "lists all of them" in done.stdout


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_the_digests_are_what_sha256sum_reads(result: Path) -> None:
    check = ["sha256sum", "--strict", "-c", "dicom.sha256"]
    assert subprocess.run(check, cwd=result, capture_output=True, check=True).stdout.count(b": OK\n") == 5
    other_pixels("seg.dcm")(result)
    assert b"dicom/seg.dcm: FAILED" in subprocess.run(check, cwd=result, capture_output=True, check=False).stdout


def test_a_de_identified_copy_is_sent_though_it_names_nobody(tmp_path: Path, server: Archive) -> None:
    folder = tmp_path / "copy"
    write_deidentified(folder, case().examination, case().pixels)
    server.stores = as_json(store_reply(headers_of(folder)))
    assert run("send", folder, "--dicomweb", server.url).exit_code == 0
    of_another(folder, "seg.dcm", SOPInstanceUID="1.2.3")
    done = run("send", folder, "--dicomweb", server.url)
    assert done.exit_code == 2
    assert "seg.dcm does not belong" in done.stderr


def test_objects_in_chinese_are_those_of_the_record_too(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    with speaking("zh"):
        write_outputs(folder, case().examination, case().pixels)
    demand_own(tuple((folder / "dicom").iterdir()), case().examination)
