"""A report that is made again keeps what somebody chose for it; what cannot be kept is told."""

from pathlib import Path

import pytest

from helpers_cli import run
from helpers_report import SIGNED_AT, case
from ldct_bmd.corrections import exclude_level
from ldct_bmd.examination import Examination
from ldct_bmd.reporting.files import DEIDENTIFIED_FOLDER, FHIR_FILE, RECORD_FILE
from ldct_bmd.reporting.held import holds_label_maps, no_longer_compared
from ldct_bmd.reporting.opened import record_in
from ldct_bmd.reporting.output import Output
from ldct_bmd.reporting.outputs import write_deidentified, write_outputs
from ldct_bmd.words import catalogue

SEG = {Output.RECORD, Output.SEG}
SEG_PATH = Path("dicom", "seg.dcm")


def corrected(examination: Examination) -> Examination:
    return exclude_level(examination, "L2", "cyst", "Dr. Reader", SIGNED_AT)


@pytest.fixture
def mapped(tmp_path: Path) -> Path:
    """A result whose DICOM segmentation is a label map."""
    folder = tmp_path / "result"
    write_outputs(folder, case().examination, case().pixels, wanted=SEG | {Output.LABEL_MAP})
    return folder


def test_a_second_report_keeps_the_form_of_the_segmentation(mapped: Path) -> None:
    done = run("report", mapped, "--input", case().folder)
    assert done.exit_code == 0, done.output
    assert holds_label_maps(mapped / SEG_PATH)


def test_another_form_is_taken_if_it_is_named(mapped: Path) -> None:
    done = run("report", mapped, "--input", case().folder, "--seg-form", "binary")
    assert done.exit_code == 0, done.output
    assert (mapped / SEG_PATH).is_file()
    assert not holds_label_maps(mapped / SEG_PATH)


def test_copies_of_a_report_have_its_form(mapped: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for more in (("--deidentify",), ("--deidentify",), ("-o", elsewhere)):
        done = run("report", mapped, "--input", case().folder, *more)
        assert done.exit_code == 0, done.output
    assert holds_label_maps(mapped / DEIDENTIFIED_FOLDER / SEG_PATH)
    assert holds_label_maps(elsewhere / SEG_PATH)


def test_an_export_keeps_the_form_of_the_segmentation(mapped: Path) -> None:
    write_outputs(mapped, corrected(case().examination), case().pixels, wanted=SEG, overwrite=True)
    assert holds_label_maps(mapped / SEG_PATH)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A result in which a de-identified copy lies, with the report as FHIR in the copy alone."""
    pytest.importorskip("fhir.resources")
    folder = tmp_path / "result"
    write_outputs(folder, case().examination, case().pixels, wanted=SEG)
    wanted = SEG | {Output.LABEL_MAP, Output.FHIR}
    write_deidentified(folder / DEIDENTIFIED_FOLDER, case().examination, case().pixels, wanted=wanted)
    return folder


def test_a_deidentified_copy_follows_the_result_that_it_lies_in(copied: Path) -> None:
    copy = copied / DEIDENTIFIED_FOLDER
    write_outputs(copied, corrected(case().examination), case().pixels, wanted=SEG, overwrite=True)
    (excluded,) = [m for m in record_in(copy).measurements if m.excluded is not None]
    assert excluded.level == "L2"
    assert record_in(copy).scan.patient.patient_id is None
    assert (copy / FHIR_FILE).is_file()
    assert holds_label_maps(copy / SEG_PATH)
    assert not (copied / FHIR_FILE).exists()


def test_so_it_does_after_a_second_report_or_is_told_to_be_of_the_first(copied: Path) -> None:
    copy, record = copied / DEIDENTIFIED_FOLDER, corrected(case().examination)
    (copied / RECORD_FILE).write_text(record.to_json() + "\n", encoding="utf-8")
    done = run("report", copied, "--input", case().folder)
    assert done.exit_code == 0, done.output
    assert [m.level for m in record_in(copy).measurements if m.excluded is not None] == ["L2"]
    assert "de-identified copy" not in done.output
    done = run("report", copied)
    assert done.exit_code == 0, done.output
    assert "de-identified copy in the folder is of the earlier report" in " ".join(done.output.split())


def test_what_a_copy_no_longer_compares_with_is_told(copied: Path) -> None:
    page = copied / DEIDENTIFIED_FOLDER / "report.html"
    page.write_text(f"<html><body><h2>{catalogue()('section.priors')}</h2></body></html>", encoding="utf-8")
    done = run("report", copied, "--input", case().folder)
    assert "de-identified copy in the folder no longer compares" in " ".join(done.output.split())


def test_one_comparison_does_not_stand_in_for_another(tmp_path: Path) -> None:
    headings = [f"<h2>{catalogue()(key)}</h2>" for key in ("section.priors", "section.reference")]
    (tmp_path / "report.html").write_text(f"<html>{''.join(headings)}</html>", encoding="utf-8")
    given = [(priors, reference) for priors in (False, True) for reference in (False, True)]
    assert [one for one in given if not no_longer_compared(tmp_path, *one)] == [(True, True)]


def test_a_comparison_that_a_second_report_does_not_have_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    write_outputs(folder, case().examination, wanted={Output.RECORD, Output.HTML})
    page = folder / "report.html"
    heading = f"<h2>{catalogue()('section.priors')}</h2>"
    assert "no longer compares" not in " ".join(run("report", folder).output.split())
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{heading}</body>"), encoding="utf-8")
    assert "no longer compares" in " ".join(run("report", folder).output.split())
    assert "no longer compares" not in " ".join(run("report", folder).output.split())
