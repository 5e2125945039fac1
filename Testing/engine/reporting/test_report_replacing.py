"""A result takes the place of an earlier one of the same scan alone, and never that of a signed one."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from helpers_record import with_scan
from helpers_report import SIGNED_AT, case, with_patient
from ldct_bmd.cli import app
from ldct_bmd.corrections import exclude_level
from ldct_bmd.examination import SCHEMA, Examination, sign, unsign
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.lock import locked
from ldct_bmd.reporting import files
from ldct_bmd.reporting.output import Output
from ldct_bmd.reporting.outputs import write_deidentified, write_outputs

READER = "Dr. Reader"
RECORD = "measurement.json"


def write(folder: Path, examination: Examination) -> None:
    write_outputs(folder, examination, wanted=[Output.RECORD], overwrite=True)


def of_another_scan(examination: Examination) -> Examination:
    other = with_patient(examination, patient_id="P-18", name="Roe^Richard")
    return with_scan(other, series_uid="1.2.99", size=(9, 9, 9))


@pytest.fixture
def signed() -> Examination:
    return sign(case().examination, READER, SIGNED_AT)


def refused(folder: Path, examination: Examination, why: str) -> None:
    before = (folder / RECORD).read_bytes()
    with pytest.raises(UsageError, match=why):
        write(folder, examination)
    assert (folder / RECORD).read_bytes() == before


def test_the_result_of_another_scan_stays(tmp_path: Path) -> None:
    write(tmp_path / "out", of_another_scan(case().examination))
    refused(tmp_path / "out", case().examination, "another scan")


def test_a_signed_result_stays_unless_it_is_the_same_signature(tmp_path: Path, signed: Examination) -> None:
    write(tmp_path / "out", signed)
    write(tmp_path / "out", signed)
    refused(tmp_path / "out", case().examination, "signed by Dr. Reader")
    refused(tmp_path / "out", sign(unsign(signed, READER, SIGNED_AT), READER, SIGNED_AT), "signed by Dr. Reader")


def test_a_correction_of_the_same_scan_replaces_the_result(tmp_path: Path) -> None:
    write(tmp_path / "out", case().examination)
    write(tmp_path / "out", exclude_level(case().examination, "L2", "cyst", READER, SIGNED_AT))
    assert Examination.from_json((tmp_path / "out" / RECORD).read_text()).history


def test_a_deidentified_copy_and_a_record_with_names_do_not_replace_each_other(tmp_path: Path) -> None:
    write(tmp_path / "named", case().examination)
    with pytest.raises(UsageError, match="a record with names"):
        write_deidentified(tmp_path / "named", case().examination, wanted=[Output.RECORD])
    write_deidentified(tmp_path / "copy", case().examination, wanted=[Output.RECORD])
    write_deidentified(tmp_path / "copy", case().examination, wanted=[Output.RECORD])
    refused(tmp_path / "copy", case().examination, "a de-identified copy")
    with pytest.raises(UsageError, match="another scan"):
        write_deidentified(tmp_path / "copy", of_another_scan(case().examination), wanted=[Output.RECORD])


def test_a_copy_whose_tags_another_version_read_in_another_way_is_replaced(tmp_path: Path) -> None:
    write_deidentified(tmp_path / "copy", case().examination, wanted=[Output.RECORD])
    again = with_scan(case().examination, filter_type="read otherwise")
    write_deidentified(tmp_path / "copy", again, wanted=[Output.RECORD])
    assert "read otherwise" in (tmp_path / "copy" / RECORD).read_text()


def test_a_record_that_cant_be_read_stays(tmp_path: Path) -> None:
    write(tmp_path / "out", case().examination)
    (tmp_path / "out" / RECORD).write_text(f'{{"schema": "{SCHEMA}"}}')
    refused(tmp_path / "out", case().examination, "can't be read")


def put_meanwhile(monkeypatch: pytest.MonkeyPatch, path: Path, text: str) -> None:
    """Someone writes ``path`` while the new result is written, after the folder was looked at."""
    write_markups = files.write_markups

    def writing(vois: Any, place: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        write_markups(vois, place)

    monkeypatch.setattr(files, "write_markups", writing)


def write_with_masks(folder: Path, overwrite: bool) -> None:
    write_outputs(folder, case().examination, case().pixels, wanted=[Output.RECORD], overwrite=overwrite)


@pytest.mark.parametrize("name", ["notes.txt", "dicom/other.dcm", "deidentified/notes.txt"])
def test_a_file_that_someone_puts_there_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "out"
    write_with_masks(folder, overwrite=False)
    before = (folder / RECORD).read_bytes()
    put_meanwhile(monkeypatch, folder / name, "mine")
    with pytest.raises(UsageError, match=f"also holds {name}"):
        write_with_masks(folder, overwrite=True)
    assert (folder / name).read_text() == "mine"
    assert (folder / RECORD).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_someone_makes_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_meanwhile(monkeypatch, tmp_path / "out" / "notes.txt", "mine")
    with pytest.raises(UsageError, match="not empty"):
        write_with_masks(tmp_path / "out", overwrite=False)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "notes.txt"]


def test_a_record_that_is_signed_meanwhile_stays_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signed: Examination
) -> None:
    folder = tmp_path / "out"
    write_with_masks(folder, overwrite=False)
    put_meanwhile(monkeypatch, folder / RECORD, signed.to_json())
    with pytest.raises(UsageError, match=r"signed by Dr\. Reader"):
        write_with_masks(folder, overwrite=True)
    assert Examination.from_json((folder / RECORD).read_text()) == signed


def test_while_a_folder_is_written_no_one_signs_measures_or_reports_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_with_masks(folder, overwrite=False)
    before = (folder / RECORD).read_bytes()
    asked = (
        ("sign", folder, "--reader", READER),
        ("unsign", folder / RECORD, "--reader", READER),
        ("report", folder),
        ("report", folder, "--deidentify"),
        ("measure", case().folder, "-o", folder, "--overwrite"),
    )
    with locked(folder):
        for arguments in asked:
            done = CliRunner().invoke(app, [str(argument) for argument in arguments])
            assert done.exit_code == 4, arguments
            assert "is being written by another" in " ".join(done.stderr.split()), arguments
    assert (folder / RECORD).read_bytes() == before
    assert CliRunner().invoke(app, ["sign", str(folder), "--reader", READER]).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
