"""Headers of the scan that break the rules: the report is made all the same, and no DICOM object is ever invalid."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from helpers_cli import CALIBRATION, ready, run
from helpers_report import case, judged
from ldct_bmd.reporting.dicom import NoDICOMObjects, make_objects
from ldct_bmd.reporting.dicom.objects import make_context
from ldct_bmd.reporting.outputs import source_of
from ldct_bmd.scan import read_scan

Edit = Callable[[Dataset], None]


@pytest.fixture(autouse=True)
def _any_value() -> Iterator[None]:
    with pydicom.config.disable_value_validation():
        yield


def raw(dataset: Dataset, keyword: str, value: bytes) -> None:
    """Set the bytes of a tag as a careless writer does."""
    tag = Tag(keyword)
    padded = value + b" " * (len(value) % 2)
    dataset[tag] = RawDataElement(tag, pydicom.datadict.dictionary_VR(tag), len(padded), padded, 0, False, True)


def tags(charset: str | list[str] | None = None, **values: bytes) -> Edit:
    """Return what sets raw values, and the character set that the header declares."""

    def edit(dataset: Dataset) -> None:
        if charset is not None:
            dataset.SpecificCharacterSet = charset
        for keyword, value in values.items():
            raw(dataset, keyword, value)

    return edit


def without(*keywords: str) -> Edit:
    def edit(dataset: Dataset) -> None:
        dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{dataset.InstanceNumber}"
        for keyword in keywords:
            if keyword in dataset:
                delattr(dataset, keyword)

    return edit


KANJI = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
HANGUL = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"
# An edit, and what must then stand in the objects.
ODD: dict[str, tuple[Edit, dict[str, str]]] = {
    "dates that are none": (
        tags(
            StudyDate=b"2024.01.02",
            StudyTime=b"10:15:00",
            PatientBirthDate=b"1960/05/07",
            PatientAge=b"64",
            PatientSex=b"Female",
        ),
        {"StudyDate": "", "StudyTime": "", "PatientBirthDate": "", "PatientSex": ""},
    ),
    "dates of no calendar": (
        tags(StudyDate=b"20240231", StudyTime=b"257000", PatientBirthDate=b"19600931"),
        {"StudyDate": "", "StudyTime": "", "PatientBirthDate": ""},
    ),
    "decimal commas": (
        tags(SliceThickness=b"3,0", KVP=b"120 kV", InstanceNumber=b"1,0", SeriesNumber=b"2A", XRayTubeCurrent=b"9.6"),
        {"PatientID": "P-17"},
    ),
    "an infinite slice": (tags(SliceThickness=b"1e999"), {"PatientID": "P-17"}),
    "nothing that may be left out": (
        without("StudyDate", "StudyTime", "PatientID", "PatientName", "PatientSex", "SliceThickness", "SeriesNumber"),
        {"PatientID": "", "StudyDate": ""},
    ),
    "japanese": (
        tags(["", "ISO 2022 IR 87"], PatientName=KANJI),
        {"PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"},
    ),
    "korean": (tags(["", "ISO 2022 IR 149"], PatientName=HANGUL), {"PatientName": "Hong^Gildong=洪^吉洞=홍^길동"}),
    "chinese": (
        tags("GBK", PatientName="王^小东".encode("gbk"), PatientID="住院号12".encode("gbk")),
        {"PatientName": "王^小东", "PatientID": "住院号12"},
    ),
    "two sets": (tags(["GB18030", "ISO_IR 192"], PatientName="王^小东".encode("gb18030")), {"PatientName": "王^小东"}),
    "an unknown set": (tags("ISO_IR_1OO", PatientName=b"M\xfcller^J\xf6rg"), {"PatientName": "Müller^Jörg"}),
    "utf-8 not declared": (
        tags("ISO_IR 100", PatientName="Иванова^Анна".encode(), PatientID="П-17".encode()),
        {"PatientName": "Иванова^Анна", "PatientID": "П-17"},
    ),
    "utf-8, no set at all": (tags(PatientName="Voilà^À".encode()), {"PatientName": "Voilà^À"}),
    "utf-16": (tags("ISO_IR 999", PatientName=b"\xff\xfeW\x00a\x00n\x00g\x00"), {"PatientID": "P-17"}),
    "uids with leading zeros": (
        tags(StudyInstanceUID=b"1.2.840.0012.0345.1"),
        {"StudyInstanceUID": "1.2.840.0012.0345.1"},
    ),
}
# An edit, and the tag that the sentence names.
UNFIT: dict[str, tuple[Edit, str]] = {
    "no study": (without("StudyInstanceUID"), "StudyInstanceUID"),
    "no frame of reference": (without("FrameOfReferenceUID"), "FrameOfReferenceUID"),
    "no instance": (without("SOPInstanceUID"), "SOPInstanceUID"),
    "an empty instance": (tags(SOPInstanceUID=b""), "SOPInstanceUID"),
    "an empty study": (tags(StudyInstanceUID=b""), "StudyInstanceUID"),
    "a uid of text": (tags(StudyInstanceUID=b"STUDY-A"), "STUDY-A"),
    "a uid too long": (tags(StudyInstanceUID=b"1.2.840." + b"1" * 62), "StudyInstanceUID"),
    "a frame of text": (tags(FrameOfReferenceUID=b"FRAME_A"), "FRAME_A"),
    "a patient id too long": (tags(PatientID=b"P" * 80), "PatientID"),
    "an accession number too long": (tags(AccessionNumber=b"ACC-2024-0000123456789"), "AccessionNumber"),
}


def edited(edit: Edit, folder: Path) -> Path:
    """Write the case's scan with each header passed through ``edit``."""
    folder.mkdir()
    for path in case().folder.iterdir():
        read = pydicom.dcmread(path)
        dataset = Dataset(dict(read.items()))  # a new one: raw bytes in it are written as they are
        dataset.file_meta = read.file_meta
        edit(dataset)
        dataset.save_as(folder / path.name, enforce_file_format=True)
    return folder


@pytest.mark.parametrize("name", ODD)
def test_an_odd_header_costs_neither_the_report_nor_the_objects(name: str, tmp_path: Path) -> None:
    edit, expected = ODD[name]
    folder, made = edited(edit, tmp_path / "scan"), case()
    scan = read_scan(folder)
    if "PatientName" in expected:
        assert scan.patient.name == expected["PatientName"]
    source = source_of(folder, scan)
    assert source is not None
    make_objects(make_context(made.examination, source), scan, made.column, None, "", None).write(tmp_path)
    for file in ("sr.dcm", "seg.dcm"):
        told = [line for line in judged("dciodvfy", tmp_path / file).splitlines() if line.startswith(("Error", "E:"))]
        assert [line for line in told if "Leading zeroes" not in line] == []
        dataset = pydicom.dcmread(tmp_path / file)
        assert {keyword: str(dataset.get(keyword, "")) for keyword in expected} == expected


@pytest.mark.parametrize("name", UNFIT)
def test_a_header_that_allows_no_valid_object_gives_none_and_says_why(name: str, tmp_path: Path) -> None:
    edit, told = UNFIT[name]
    folder = edited(edit, tmp_path / "scan")
    with pytest.raises(NoDICOMObjects, match=told):
        source_of(folder, read_scan(folder))


def test_a_scan_without_a_study_is_measured_and_reported_without_objects(label_file: Path, tmp_path: Path) -> None:
    scan, folder = edited(without("StudyInstanceUID"), tmp_path / "scan"), tmp_path / "result"
    done = run("measure", scan, "-o", folder, *ready(label_file), *CALIBRATION, "--report")
    assert done.exit_code == 0, done.output
    assert "has no StudyInstanceUID: no DICOM objects are made" in done.stderr
    assert (folder / "report.html").is_file()
    assert not (folder / "dicom").exists()
    again = run("report", folder, "--input", scan)
    assert again.exit_code == 0, again.output
    assert "has no StudyInstanceUID" in again.stderr
    assert not (folder / "dicom").exists()
