"""Export from the panel: the same files as the command line's, any of them, to a folder, the database or a PACS."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import slicer
from panel_fixtures import READER, Hands, PhantomFiles
from typer.testing import CliRunner

from helpers_record import with_scan
from ldct_bmd.cli import app
from ldct_bmd.examination import BodyMask, Examination, is_intact, record_sha256
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.files import FHIR_FILE, RESULT_FILES

BOXES = {
    "recordBox": set(RESULT_FILES),
    "htmlBox": {"report.html"},
    "pdfBox": {"report.pdf"},
    "tablesBox": {"report.csv", "report_patient.csv"},
    "segBox": {"dicom/seg.dcm", "dicom/vois.dcm", "dicom.sha256"},
    "srBox": {"dicom/sr.dcm", "dicom.sha256"},
    "dicomPdfBox": {"dicom/report.dcm", "dicom.sha256"},
    "captureBox": {"dicom/overview.dcm", "dicom.sha256"},
}
SECRETS = ("PHANTOM", READER, "known to the family")


@pytest.fixture
def review(panel: Hands, ct: Any, measured: Any) -> Hands:
    """The panel with a corrected, commented and signed measurement."""
    panel.show_measured(ct, measured)
    panel.table.select("L1")
    panel.panel.sections.vertebrae.actions.exclude("fracture")
    panel.ui.commentEdit.setPlainText("known to the family")
    panel.click("signButton")
    return panel


def tick(hands: Hands, *names: str) -> None:
    for name in BOXES:
        getattr(hands.ui, name).setChecked(name in names)


def export(hands: Hands, folder: Path) -> None:
    hands.ui.exportPath.currentPath = str(folder)
    hands.click("exportButton")
    hands.finish_run()


def add_priors(hands: Hands, *paths: Path) -> None:
    from slicer_standin.pythonqt.dialogs import answering

    with answering([str(path) for path in paths]):
        hands.click("addPriorButton")


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_export_is_what_the_command_line_writes_for_the_same_record(
    review: Hands, phantom_files: PhantomFiles, tmp_path: Path
) -> None:
    export(review, tmp_path / "panel")
    assert str(tmp_path / "panel") in review.message
    made = files(tmp_path / "panel")
    assert set(made) == set().union(*BOXES.values())
    record = Examination.from_json(made["measurement.json"].decode())
    assert record.measurements == review.examination.measurements
    assert record.history == review.examination.history
    assert is_intact(record)
    scan = phantom_files.dicom[0].parent
    arguments = ["report", str(tmp_path / "panel"), "--input", str(scan), "-o", str(tmp_path / "line")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert files(tmp_path / "line") == made


def test_only_what_is_ticked_is_written(review: Hands, tmp_path: Path) -> None:
    tick(review, "tablesBox", "segBox")
    export(review, tmp_path / "some")
    assert set(files(tmp_path / "some")) == BOXES["tablesBox"] | BOXES["segBox"]


def test_fhir_is_written_if_ticked_and_again_into_a_folder_that_holds_it(review: Hands, tmp_path: Path) -> None:
    pytest.importorskip("fhir.resources")
    review.click("signButton")  # off again: a signed result is not replaced
    tick(review, "recordBox")
    review.ui.fhirBox.setChecked(True)
    export(review, tmp_path / "out")
    review.ui.fhirBox.setChecked(False)
    assert set(files(tmp_path / "out")) == BOXES["recordBox"] | {FHIR_FILE}
    review.ui.commentEdit.setPlainText("another comment")
    export(review, tmp_path / "out")
    made = files(tmp_path / "out")
    record = Examination.from_json(made["measurement.json"].decode())
    assert record.comment == "another comment"
    assert record_sha256(record) in made[FHIR_FILE].decode()
    export(review, tmp_path / "without")
    assert FHIR_FILE not in files(tmp_path / "without")


def test_a_relative_folder_is_one_of_the_folder_in_which_slicer_was_started(
    review: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tick(review, "tablesBox")
    export(review, Path("some"))
    assert set(files(tmp_path / "some")) == BOXES["tablesBox"]


def test_a_deidentified_export_holds_no_text_of_patient_or_reader(review: Hands, tmp_path: Path) -> None:
    tick(review, "recordBox", "htmlBox", "tablesBox", "srBox", "segBox")
    review.ui.deidentifyBox.setChecked(True)
    export(review, tmp_path / "copy")
    made = files(tmp_path / "copy")
    assert len(made) == len(RESULT_FILES) + 7
    for name, content in made.items():
        for secret in SECRETS:
            assert secret.encode() not in content, (name, secret)


@pytest.mark.parametrize("kind", ["nothing ticked", "no folder", "foreign files", "not the record", "strange prior"])
def test_a_refused_export_says_one_sentence_and_leaves_nothing(review: Hands, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "out"
    if kind == "nothing ticked":
        tick(review)
    elif kind == "foreign files":
        folder.mkdir()
        (folder / "thesis.txt").write_text("years of work")
    elif kind == "not the record":
        tick(review, "htmlBox")
        folder.mkdir()
        (folder / "measurement.json").write_text("{}")
    elif kind == "strange prior":
        (tmp_path / "prior.json").write_text("{}")
        add_priors(review, tmp_path / "prior.json")
    before = files(tmp_path)
    export(review, tmp_path / "no" / "such" / "place" if kind == "no folder" else folder)
    assert review.message.startswith("Not possible: ")
    assert review.message.count("\n") == 0
    assert files(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"out", "prior.json"}


def test_the_result_of_another_scan_in_the_folder_stays(review: Hands, tmp_path: Path) -> None:
    tick(review, "recordBox")
    export(review, tmp_path / "out")
    path = tmp_path / "out" / "measurement.json"
    other = Examination.from_json(path.read_text())
    path.write_text(with_scan(other, series_uid="1.2.99").to_json())
    before = files(tmp_path)
    export(review, tmp_path / "out")
    assert "another scan" in review.message
    assert files(tmp_path) == before


def test_the_folder_is_forgotten_with_the_review(review: Hands, tmp_path: Path) -> None:
    review.ui.exportPath.currentPath = str(tmp_path / "out")
    review.click("signButton")
    assert review.ui.exportPath.currentPath == str(tmp_path / "out")
    review.choose(None)
    assert review.ui.exportPath.currentPath == ""


def test_a_record_whose_segment_is_gone_is_not_exported(review: Hands, tmp_path: Path) -> None:
    state = review.review.review.state
    bodies = {level: body for level, body in state.bodies.items() if level != "L1"}
    review.review.review._states = [replace(state, bodies=bodies)]
    export(review, tmp_path / "out")
    assert "L1 has no segment" in review.message
    assert list(tmp_path.iterdir()) == []


def painted(body: BodyMask) -> BodyMask:
    """The body without its lowest slice."""
    inside = body.inside.copy()
    inside[np.flatnonzero(inside.any(axis=(1, 2)))[0]] = False
    return BodyMask(body.box, inside)


def test_a_mask_that_was_not_measured_is_not_exported(review: Hands, tmp_path: Path) -> None:
    state = review.review.review.state
    review.review.review._states = [replace(state, bodies={**state.bodies, "L1": painted(state.bodies["L1"])})]
    export(review, tmp_path / "out")
    assert "another L1 than was measured" in review.message
    assert list(tmp_path.iterdir()) == []


def test_a_segment_painted_before_the_review_is_opened_again_waits_for_update(
    review: Hands, ct: Any, tmp_path: Path
) -> None:
    from LDCTBoneDensityLib.scene.VertebraSegments import VertebraSegments
    from LDCTBoneDensityLib.scene.VolumeReader import VolumeReader

    drawn = painted(review.review.bodies["L1"])
    VertebraSegments.writeBody(review.review.segmentationNode, VolumeReader(ct), "L1", drawn)
    before = review.examination.vertebrae
    review.panel.setVolume(None)
    review.panel.logic.forget(ct)
    review.panel.setVolume(ct)
    levels = {vertebra.level for vertebra in review.examination.vertebrae}
    assert set(review.review.bodies) == levels - {"L1"}
    export(review, tmp_path / "out")
    assert "L1 has no segment as it was measured" in review.message
    assert list(tmp_path.iterdir()) == []
    review.click("signButton")
    assert review.review.updateBodies() == ["L1"]
    assert review.examination.vertebrae != before


def test_a_signed_review_is_not_measured_again(review: Hands, ct: Any, measured: Any) -> None:
    review.panel.measure()
    assert not review.panel.run.isRunning
    assert "take the signature off first" in review.message
    signature = review.examination.signature
    with pytest.raises(UsageError, match="take the signature off first"):
        review.panel.logic.accept(ct, *measured)
    assert review.examination.signature == signature
    review.click("signButton")
    review.panel.logic.accept(ct, *measured)


def test_earlier_records_are_compared_in_the_report(review: Hands, tmp_path: Path) -> None:
    now = review.examination
    then = replace(with_scan(now, acquisition_date="20200101", sop_instance_uids=("1.9",)), signature=None)
    (tmp_path / "old.json").write_text(then.to_json())
    add_priors(review, tmp_path / "old.json")
    tick(review, "htmlBox")
    export(review, tmp_path / "out")
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Change since earlier examinations" in html
    assert "2020-01-01" in html
    review.ui.priorsList.setCurrentRow(0)
    review.click("removePriorButton")
    assert review.ui.priorsList.count == 0


def test_a_volume_that_is_not_from_dicom_has_no_dicom_outputs(panel: Hands, measured: Any, ct: Any) -> None:
    stored, bodies = measured
    panel.show_measured(ct, (replace(stored, examination=with_scan(stored.examination, kind="file")), bodies))
    assert not panel.ui.segBox.enabled
    assert panel.ui.noDicomLabel.visible
    panel.ui.destinationCombo.setCurrentIndex(1)
    assert not panel.ui.exportButton.enabled


@pytest.fixture
def dicom_database(review: Hands, phantom_files: PhantomFiles, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Slicer's database in the stand-in, with the phantom's scan."""
    from slicer_standin.application.dicom import ctkDICOMDatabase

    database = ctkDICOMDatabase()
    database._add(phantom_files.dicom[0].parent)
    monkeypatch.setattr(slicer, "dicomDatabase", database)
    return database


def test_the_scan_of_an_earlier_record_is_looked_up_in_slicers_database(
    review: Hands, dicom_database: Any, tmp_path: Path
) -> None:
    from LDCTBoneDensityLib.work.ExportJob import _scanOf

    record = review.examination
    (tmp_path / "old.json").write_text(record.to_json())
    found = _scanOf(tmp_path / "old.json")
    assert found is not None
    assert len(found.files) == len(record.scan.source.sop_instance_uids)
    (tmp_path / "old.json").write_text(with_scan(record, series_uid="1.2.99").to_json())
    assert _scanOf(tmp_path / "old.json") is None


def test_objects_go_into_slicers_database_and_the_next_report_names_the_one_before(
    review: Hands, dicom_database: Any
) -> None:
    tick(review, "segBox", "srBox", "recordBox")
    review.ui.destinationCombo.setCurrentIndex(1)
    assert not review.ui.recordBox.enabled
    review.click("exportButton")
    review.finish_run()
    assert review.message == "3 objects are in Slicer's DICOM database."
    first = review.review.stored.reported["report"]["sop_instance_uid"]
    path = Path(dicom_database.fileForInstance(first))
    assert pydicom.dcmread(path).VerificationFlag == "VERIFIED"
    review.click("signButton")
    review.panel.sections.vertebrae.actions.exclude("fracture")
    review.click("exportButton")
    review.finish_run()
    second = review.review.stored.reported
    assert second["report"]["sop_instance_uid"] != first
    assert second["replaced"]["sop_instance_uid"] == first


def test_a_report_that_the_database_did_not_take_counts_as_reported_all_the_same(
    review: Hands, dicom_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from LDCTBoneDensityLib.work.DicomDatabase import DicomDatabase

    def refuse(folder: Path) -> int:
        raise UsageError.of_text("The database did not take it.")

    monkeypatch.setattr(DicomDatabase, "add", staticmethod(refuse))
    tick(review, "srBox")
    review.ui.destinationCombo.setCurrentIndex(1)
    review.click("exportButton")
    review.finish_run()
    assert "did not take it" in review.message
    assert review.review.stored.reported is not None


def test_a_closed_database_is_told_before_any_work(review: Hands, database: Any) -> None:
    database.isOpen = False
    review.ui.destinationCombo.setCurrentIndex(1)
    review.click("exportButton")
    assert "not open" in review.message
    assert not review.panel.run.isRunning


@pytest.fixture
def pacs() -> Iterator[tuple[int, list[pydicom.Dataset]]]:
    """A storage service on this machine: its port, and what it was sent."""
    from pynetdicom import AE, AllStoragePresentationContexts, evt

    received: list[pydicom.Dataset] = []

    def store(event: Any) -> int:
        received.append(event.dataset)
        return 0

    entity = AE("ARCHIVE")
    entity.supported_contexts = AllStoragePresentationContexts
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    yield server.socket.getsockname()[1], received
    server.shutdown()


def test_objects_are_sent_to_a_pacs_whose_address_is_remembered(review: Hands, pacs: Any) -> None:
    import qt

    from LDCTBoneDensityLib.panel.ExportPanel import PACS_SETTING

    port, received = pacs
    tick(review, "srBox")
    review.ui.destinationCombo.setCurrentIndex(2)
    review.ui.pacsEdit.setText(f"ARCHIVE@127.0.0.1:{port}")
    review.click("exportButton")
    review.finish_run()
    assert review.message == f"Sent to ARCHIVE@127.0.0.1:{port}."
    assert [dataset.Modality for dataset in received] == ["SR"]
    assert qt.QSettings().value(PACS_SETTING) == f"ARCHIVE@127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("address", "told"), [("", "No PACS"), ("nowhere", "TITLE@HOST:PORT"), ("http://pacs.example/x", "without TLS")]
)
def test_a_wrong_address_is_told(review: Hands, address: str, told: str) -> None:
    tick(review, "srBox")
    review.ui.destinationCombo.setCurrentIndex(2)
    review.ui.pacsEdit.setText(address)
    review.click("exportButton")
    review.finish_run()
    assert told in review.message
    assert review.review.stored.reported is None


def test_a_pacs_that_is_not_there_is_told_and_nothing_counts_as_reported(review: Hands) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tick(review, "srBox")
    review.ui.destinationCombo.setCurrentIndex(2)
    review.ui.pacsEdit.setText(f"ARCHIVE@127.0.0.1:{port}")
    review.click("exportButton")
    review.finish_run()
    assert "can't be reached" in review.message
    assert review.review.stored.reported is None
