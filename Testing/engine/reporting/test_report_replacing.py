"""A result takes the place of an earlier one of the same scan alone, and never that of a signed one."""

from pathlib import Path

import pytest

from helpers_record import with_scan
from helpers_report import SIGNED_AT, case, with_patient
from ldct_bmd.corrections import exclude_level
from ldct_bmd.examination import SCHEMA, Examination, sign, unsign
from ldct_bmd.ground.errors import UsageError
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
