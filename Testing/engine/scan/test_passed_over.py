"""Files that look like lost slices are named; what has nothing to do with the series is not."""

import gzip
import os
from pathlib import Path

import pytest

from helpers_dicom import as_image, datasets, save, torso, write_series
from ldct_bmd.scan import read_scan


def passed_over(folder: Path) -> tuple[str, ...]:
    return read_scan(folder).source.passed_over


def test_empty_zeroed_packed_and_pointed_to_slices_are_named(tmp_path: Path) -> None:
    save(datasets(as_image(torso(30)))[:20], tmp_path)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "zeroed").write_bytes(b"\0" * 5000)
    (tmp_path / "slice_021.dcm.gz").write_bytes(gzip.compress(b"DICM"))
    (tmp_path / "pointer").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    assert passed_over(tmp_path) == ("empty", "pointer", "slice_021.dcm.gz", "zeroed")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_linked_folder_and_a_link_that_leads_nowhere_are_named(tmp_path: Path) -> None:
    write_series(tmp_path / "series")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "series" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "series" / "lost.dcm").symlink_to(tmp_path / "gone")
    assert passed_over(tmp_path / "series") == ("b", "lost.dcm")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_so_is_a_linked_folder_next_to_that_of_the_series(tmp_path: Path) -> None:
    write_series(tmp_path / "study" / "a")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "study" / "b").symlink_to(tmp_path / "elsewhere")
    assert passed_over(tmp_path / "study") == ("b",)


def test_what_is_no_slice_is_not(tmp_path: Path) -> None:
    write_series(tmp_path / "series")
    (tmp_path / "series" / "notes.txt").write_text("read me")
    (tmp_path / "series" / ".DS_Store").write_bytes(b"\0" * 200)
    (tmp_path / "series" / "mask.nii.gz").write_bytes(gzip.compress(b"\0" * 400))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "empty").write_bytes(b"")
    assert passed_over(tmp_path) == ()


def test_nothing_is_told_of_other_patients_folders(tmp_path: Path) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", as_image(torso()[:6]), PatientID="Q")
    (tmp_path / "b" / "SMITH_ANNA_19480312").write_bytes(b"")
    assert passed_over(tmp_path) == ()


def test_it_is_no_part_of_which_scan_it_is(tmp_path: Path) -> None:
    write_series(tmp_path)
    before = read_scan(tmp_path).source
    (tmp_path / "empty").write_bytes(b"")
    after = read_scan(tmp_path).source
    assert after.passed_over == ("empty",)
    assert after == before
