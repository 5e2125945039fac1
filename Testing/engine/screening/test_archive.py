"""An archive as input: a real Orthanc behind TLS, and servers that answer badly."""

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from helpers_orthanc import PASSWORD, USER, Orthanc, orthanc_in
from helpers_pacs import DICOM_JSON, Archive, Said, archive, as_json
from helpers_watching import write_study
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.pacs.credentials import PASSWORD_VARIABLE, USER_VARIABLE
from ldct_bmd.reporting.pacs.multipart import Malformed, boundary_of, parts_of
from ldct_bmd.screening import archive as archive_room
from ldct_bmd.screening.archive import Archive as Asked
from ldct_bmd.screening.archive import fetched, opened_archive, read_query


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with orthanc_in(tmp_path_factory.mktemp("orthanc"), stable_s=1) as server:
        yield server


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(USER_VARIABLE, USER)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)


def test_ct_studies_are_found_and_their_images_fetched_as_they_were_stored(orthanc: Orthanc, tmp_path: Path) -> None:
    orthanc.empty()
    stored = write_study(tmp_path / "a", 1, StudyDate="20260105")
    orthanc.take([*stored, *write_study(tmp_path / "b", 2, StudyDate="20251231")])
    orthanc.take(write_study(tmp_path / "mr", 3, Modality="MR", StudyDate="20260105")[:3])
    with opened_archive(orthanc.web, orthanc.certificate) as asked:
        (found,) = asked.find(read_query(["StudyDate=20260101-"]))
        assert len(list(asked.find([]))) == 2
    assert (found.patient, found.date, found.files) == ("P-1", "20260105", ())
    assert found.archive is not None
    with fetched(found.archive) as files:
        came = {one.SOPInstanceUID: one for one in map(pydicom.dcmread, files)}
        folder = Path(files[0]).parent
    assert came == {one.SOPInstanceUID: one for one in map(pydicom.dcmread, stored)}
    assert not folder.exists()


def test_a_study_that_got_more_images_or_results_shows_the_first_alone(orthanc: Orthanc, tmp_path: Path) -> None:
    orthanc.empty()
    files = write_study(tmp_path / "a", 1)
    with opened_archive(orthanc.web, orthanc.certificate) as asked:
        orthanc.take(files[:-1])
        (before,) = asked.find([])
        (result,) = write_study(tmp_path / "sr", 1, Modality="SR", SeriesInstanceUID="1.2.3")[:1]
        changed = pydicom.dcmread(result)
        changed.SOPInstanceUID = changed.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
        changed.save_as(result)
        orthanc.take([result])
        (same,) = asked.find([])
        orthanc.take(files[-1:])
        (more,) = asked.find([])
    assert before.id == same.id == more.id
    assert before.fingerprint == same.fingerprint != more.fingerprint


def test_lists_are_read_page_by_page(orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orthanc.empty()
    for number in range(5):
        orthanc.take(write_study(tmp_path / str(number), number)[:2])
    monkeypatch.setattr(archive_room, "_PAGE", 2)
    orthanc.take(write_study(tmp_path / "mr", 7, Modality="MR")[:2])
    with opened_archive(orthanc.web, orthanc.certificate) as asked:
        assert sorted(found.patient or "" for found in asked.find([])) == [f"P-{number}" for number in range(5)]


def test_a_wrong_password_and_a_foreign_certificate_are_told(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_archive(orthanc.web) as asked, pytest.raises(UsageError, match="not trusted"):
        list(asked.find([]))
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong one")
    with (
        opened_archive(orthanc.web, orthanc.certificate) as asked,
        pytest.raises(UsageError, match="credentials") as told,
    ):
        list(asked.find([]))
    assert "wrong one" not in str(told.value)


@pytest.mark.parametrize(
    "pair",
    ["PatientID=7", "ModalitiesInStudy=CT", "PatientName=Doe", "AccessionNumber=1", "StudyDate", "=1", "StudyDate="],
)
def test_a_query_that_may_name_a_person_is_refused(pair: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        read_query([pair])


STUDY = {"0020000D": {"vr": "UI", "Value": ["1.2"]}, "00100020": {"vr": "LO", "Value": ["P"]}}
SERIES = {
    "0020000E": {"vr": "UI", "Value": ["1.2.3"]},
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "00201209": {"vr": "IS", "Value": [2]},
}


@pytest.fixture
def bad() -> Iterator[Archive]:
    with archive() as made:
        yield made


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Said(200, "text/html", b"<html>login</html>"), "archive.no_list"),
        (Said(404), "archive.no_list"),
        (Said(200, DICOM_JSON, b'{"a": 1}'), "archive.no_list"),
        (Said(200, DICOM_JSON, b"[1, 2]"), "archive.no_list"),
        (Said(200, DICOM_JSON, b"[" * 100_000), "archive.no_list"),
        (Said(401), "archive.credentials"),
        (Said(503), "archive.busy"),
        (Said(302, headers={"Location": "https://elsewhere.example/"}), "archive.redirected"),
        (Said(how="drop"), "archive.away"),
        (Said(200, DICOM_JSON, b"[]", how="half"), "archive.away"),
        (Said(200, DICOM_JSON, b" " * (5 << 20)), "archive.away"),
    ],
)
def test_an_answer_that_is_no_list_is_told(bad: Archive, said: Said, code: str) -> None:
    bad.lists = said
    with opened_archive(bad.url) as asked, pytest.raises(UsageError) as told:
        list(asked.find([]))
    assert told.value.code == code


def test_an_archive_that_gives_all_at_once_is_not_asked_for_ever(bad: Archive) -> None:
    bad.lists = as_json([STUDY])
    with opened_archive(bad.url) as asked:
        assert len(list(asked.listed([]))) == 1


def test_an_archive_that_gives_the_first_page_alone_is_not_believed(
    bad: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_room, "_PAGE", 1)
    bad.lists = as_json([STUDY])
    with opened_archive(bad.url) as asked, pytest.raises(UsageError, match="ask for fewer"):
        list(asked.listed([]))


def multipart(*contents: bytes, closed: bool = True) -> bytes:
    parts = b"".join(b"\r\n--b\r\nContent-Type: application/dicom\r\n\r\n" + one for one in contents)
    return parts + (b"\r\n--b--\r\n" if closed else b"")


IMAGE = b"\0" * 128 + b"DICM" + b"x" * 100
KIND = 'multipart/related; type="application/dicom"; boundary=b'


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Said(200, KIND, multipart(IMAGE)), "archive.incomplete"),
        (Said(200, KIND, multipart(IMAGE, IMAGE, closed=False)), "archive.no_images_given"),
        (Said(200, KIND, multipart(IMAGE, b"<html>")), "archive.no_images_given"),
        (Said(200, "text/html", b"<html>"), "archive.no_images_given"),
        (Said(200, KIND, multipart(IMAGE), how="half"), "archive.away"),
        (Said(406), "archive.no_images_given"),
        (Said(500), "archive.busy"),
    ],
)
def test_images_that_are_not_all_there_are_no_study(bad: Archive, said: Said, code: str, tmp_path: Path) -> None:
    bad.lists = as_json([SERIES])
    with opened_archive(bad.url) as asked:
        bad.answers["/series/1.2.3"] = said
        with pytest.raises(UsageError) as told:
            asked.fetch("1.2", tmp_path)
    assert told.value.code == code


@pytest.mark.parametrize("tag", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_images_of_another_study_are_not_measured_as_this_one(bad: Archive, tag: str, tmp_path: Path) -> None:
    path = write_study(tmp_path / "in", 1)[0]
    image = pydicom.dcmread(path)
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2", "1.2.3"
    bad.lists = as_json([{**SERIES, "00201209": {"vr": "IS", "Value": [1]}}])

    def come() -> list[Path]:
        image.save_as(path)
        bad.answers["/series/1.2.3"] = Said(200, KIND, multipart(path.read_bytes()))
        return asked.fetch("1.2", tmp_path)

    with opened_archive(bad.url) as asked:
        assert len(come()) == 1
        setattr(image, tag, "1.2.9")
        with pytest.raises(UsageError) as told:
            come()
    assert told.value.code == "archive.other_images"


def test_parts_are_told_apart_wherever_the_pieces_end() -> None:
    contents = [IMAGE, b"", b"x--b\r\n\r\n--", b"\r\n--" * 9, bytes(range(256)) * 3]
    body = b"preamble" + multipart(*contents) + b"epilogue"
    for size in (1, 2, 3, 7, 64, len(body)):
        pieces = (body[at : at + size] for at in range(0, len(body), size))
        assert list(parts_of(b"b", pieces)) == contents


@pytest.mark.parametrize(
    "body", [b"", b"--b", b"--b\r\n\r\nx", b"--b\r\nheader only\r\n--b--", multipart(b"x", closed=False)]
)
def test_parts_that_break_off_are_told(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(parts_of(b"b", [body]))


@pytest.mark.parametrize("kind", ["text/html", "multipart/related", 'multipart/related; boundary=""', ""])
def test_an_answer_without_a_boundary_has_no_parts(kind: str) -> None:
    with pytest.raises(Malformed):
        boundary_of(kind)


def test_addresses_hold_no_name_and_no_number_of_a_patient(bad: Archive, tmp_path: Path) -> None:
    bad.lists = as_json([STUDY | SERIES])
    with opened_archive(bad.url) as asked:
        (found,) = asked.find(read_query(["StudyDate=20260101-"]))
        with pytest.raises(UsageError):
            asked.fetch("1.2", tmp_path)
    assert {path.partition("?")[0] for _, path, _ in bad.requests} == {
        "/dicom-web/studies",
        "/dicom-web/studies/1.2/series",
        "/dicom-web/studies/1.2/series/1.2.3",
    }
    assert found.patient == "P"


def test_an_unsafe_address_is_refused() -> None:
    with pytest.raises(UsageError, match="without TLS"):
        Asked("http://pacs.example/dicom-web")
