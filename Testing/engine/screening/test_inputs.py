"""What is found in folder trees: every CT study once, whatever lies around it."""

import os
import shutil
from pathlib import Path

import pytest

from helpers_dicom import as_image, datasets, save, torso
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.screening import inputs
from ldct_bmd.screening.inputs import Found, find


def study(folder: Path, uid: str, patient: str = "p", slices: int = 3, **tags: object) -> Path:
    """A small CT study; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return save(datasets(as_image(torso(slices)), StudyInstanceUID=uid, PatientID=patient, **tags), folder, uid)


def looked(*places: Path, processes: int = 1, leave_out: tuple[Path, ...] = ()) -> list[Found]:
    return find(places, processes, leave_out=leave_out)


def test_each_study_is_found_once_with_all_its_series(tmp_path: Path) -> None:
    study(tmp_path / "a" / "thin", "1.1", SeriesInstanceUID="9.1")
    study(tmp_path / "a" / "thick", "1.1", SeriesInstanceUID="9.2")
    study(tmp_path / "b", "1.2", StudyDate="20260102")
    found = looked(tmp_path, tmp_path / "a")  # met twice
    assert [len(one.files) for one in found] == [6, 3]
    assert [Path(one.place).name for one in found] == ["a", "b"]
    assert (found[1].patient, found[1].date) == ("p", "20260102")


def test_slices_that_have_a_study_each_are_one(tmp_path: Path) -> None:
    for number in range(3):
        study(tmp_path / "a", f"1.{number}", slices=1)
        study(tmp_path / "a", f"2.{number}", "q", slices=1)
    study(tmp_path / "b", "3.1", slices=1)
    found = looked(tmp_path)
    assert sorted((len(one.files), one.patient) for one in found) == [(1, "p"), (3, "p"), (3, "q")]
    shutil.move(tmp_path / "a", tmp_path / "moved")
    assert {(one.key, one.fingerprint) for one in looked(tmp_path)} == {(one.key, one.fingerprint) for one in found}


def test_it_is_told_how_many_files_were_looked_at(tmp_path: Path) -> None:
    study(tmp_path / "a", "1.1", slices=3)
    told: list[int] = []
    find([tmp_path], 1, told.append)
    assert told == [3]


def test_two_patients_never_share_a_study_whatever_their_uid(tmp_path: Path) -> None:
    study(tmp_path / "a", "1.1", "p")
    study(tmp_path / "b", "1.1", "q")
    assert sorted(str(one.patient) for one in looked(tmp_path)) == ["p", "q"]


def test_what_is_no_ct_is_passed_over(tmp_path: Path) -> None:
    study(tmp_path / "mr", "1.1", Modality="MR")
    (tmp_path / "notes.txt").write_text("text", encoding="ascii")
    (tmp_path / "odd").write_bytes(b"\x08\x00" + bytes(200))
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert looked(tmp_path) == []


def test_a_damaged_slice_counts_to_the_study_next_to_it(tmp_path: Path) -> None:
    folder = study(tmp_path / "a", "1.1")
    study(tmp_path / "b", "1.2")
    (folder / "cut.dcm").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff")
    spoilt, whole = sorted(looked(tmp_path), key=lambda one: -len(one.files))
    assert any(file.endswith("cut.dcm") for file in spoilt.files)
    assert not any(file.endswith("cut.dcm") for file in whole.files)


def test_a_folder_of_damaged_files_alone_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "cut.dcm").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff")
    (found,) = looked(tmp_path)
    assert found.files == (str(tmp_path / "a" / "cut.dcm"),)


def test_a_volume_file_is_a_scan_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "ct.nii.gz").write_bytes(b"1")
    (tmp_path / "ct.mhd").write_bytes(b"1")  # refused when it is read, not passed over
    assert sorted(Path(one.place).name for one in looked(tmp_path)) == ["ct.mhd", "ct.nii.gz"]


def test_a_file_is_a_place_too(tmp_path: Path) -> None:
    (tmp_path / "ct.nii.gz").write_bytes(b"1")
    slice_ = next(study(tmp_path / "a", "1.1").iterdir())
    (tmp_path / "scans.csv").write_text("path\nct.nii.gz\n", encoding="utf-8")
    for place in (tmp_path / "ct.nii.gz", tmp_path / "scans.csv"):
        assert [Path(one.place).name for one in looked(place)] == ["ct.nii.gz"]
    assert [one.files for one in looked(slice_)] == [(str(slice_),)]


def test_the_store_is_not_looked_at(tmp_path: Path) -> None:
    study(tmp_path / "scans", "1.1")
    study(tmp_path / "store" / "results", "1.2")
    (found,) = looked(tmp_path, leave_out=(tmp_path / "store",))
    assert Path(found.place).name == "scans"


def test_the_content_decides_whether_a_study_is_the_same(tmp_path: Path) -> None:
    folder = study(tmp_path / "a", "1.1")
    (first,) = looked(tmp_path)
    shutil.move(folder, tmp_path / "moved")
    (moved,) = looked(tmp_path)
    assert (moved.id, moved.fingerprint) == (first.id, first.fingerprint)
    shutil.copytree(tmp_path / "moved", tmp_path / "copy")
    (copied,) = looked(tmp_path)
    assert (copied.id, copied.fingerprint) == (first.id, first.fingerprint)
    study(tmp_path / "moved", "1.1", slices=4, SeriesInstanceUID="9.9")
    (more,) = looked(tmp_path)
    assert more.id == first.id
    assert more.fingerprint != first.fingerprint


def test_a_manifest_names_places_and_series(tmp_path: Path) -> None:
    study(tmp_path / "a", "1.1", SeriesInstanceUID="9.1")
    study(tmp_path / "b", "1.2")
    manifest = tmp_path / "scans.csv"
    manifest.write_text("path,series\na,9.1\nb,\n", encoding="utf-8")
    found = {Path(one.place).name: one for one in looked(manifest)}
    assert found["a"].series == "9.1"
    assert found["b"].series is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"folder\na\n", "Line 2 of scans.csv names no path"),
        (b"path,series\n,\n", "Line 2 of scans.csv names no path"),
        (b"\xff\xfe\x00", "scans.csv can't be read as a CSV table"),
        (b"path\nnowhere\n", "There is no file or folder"),
    ],
)
def test_a_wrong_manifest_is_told_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    manifest = tmp_path / "scans.csv"
    manifest.write_bytes(content)
    with pytest.raises(UsageError, match=sentence):
        looked(manifest)


def test_several_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        study(tmp_path / str(number), f"1.{number}")
    alone = looked(tmp_path)
    monkeypatch.setattr(inputs, "_AT_ONCE", 2)
    assert looked(tmp_path, processes=2) == alone


def test_what_readers_say_of_odd_headers_is_not_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        study(tmp_path / str(number), f"STUDY {number}")
    monkeypatch.setattr(inputs, "_AT_ONCE", 2)
    capfd.readouterr()
    assert len(looked(tmp_path, processes=2)) == 3
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    study(tmp_path / "a", "1.1").chmod(0)
    with pytest.raises(UsageError, match="a"):
        looked(tmp_path)
