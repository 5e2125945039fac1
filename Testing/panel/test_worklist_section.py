"""Going through a worklist from the panel: what is shown, opened, signed and written back."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import slicer
from panel_fixtures import Hands, PhantomFiles

from ldct_bmd.examination import Examination, conclude, is_intact, record_sha256, sign
from ldct_bmd.ground.lock import locked
from ldct_bmd.ground.plain import to_plain
from ldct_bmd.ground.progress import silent
from ldct_bmd.jobs.measuring import measure_as
from ldct_bmd.jobs.spec import InputScan, LabelMap, MeasureSpec, ResultFolder
from ldct_bmd.reporting.files import FHIR_FILE
from ldct_bmd.reporting.held import earlier_in, holds_label_maps
from ldct_bmd.reporting.opened import open_result
from ldct_bmd.reporting.output import Output
from ldct_bmd.reporting.outputs import Pixels, source_of, update_report
from ldct_bmd.words import text
from ldct_bmd.worklist import Facts, Progress, Row, Urgency, ordered, row_of, write_worklist
from LDCTBoneDensityLib.work.ExportSettings import ExportSettings

NAMES = ("one", "two", "three")


@pytest.fixture(scope="module")
def measured_folder(phantom_files: PhantomFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result of the phantom, as the engine writes it."""
    folder = tmp_path_factory.mktemp("measured") / "result"
    labels = LabelMap("verse", "body", str(phantom_files.label_file))
    scan = InputScan(str(phantom_files.dicom[0].parent))
    measure_as(MeasureSpec(scan, labels, result=ResultFolder(str(folder))), silent)
    return folder


def record_in(folder: Path) -> Examination:
    return Examination.from_json((folder / "measurement.json").read_text(encoding="utf-8"))


@pytest.fixture
def results(measured_folder: Path, phantom_files: PhantomFiles, tmp_path: Path) -> Path:
    """Three results and a scan that could not be measured, in a list."""
    scan = str(phantom_files.dicom[0].parent)
    rows = []
    for number, name in enumerate(NAMES):
        shutil.copytree(measured_folder, tmp_path / name)
        row = row_of(record_in(tmp_path / name), name, scan)
        rows.append(replace(row, facts=replace(row.facts, scan_date=f"2020010{number + 1}")))
    rows[2] = replace(rows[2], urgency=Urgency.FRACTURE)
    rows.append(Row(None, Progress.REFUSED, Urgency.NONE, Facts(patient_id="P4", reason="No spine was found.")))
    write_worklist(ordered(rows), tmp_path / "worklist.json")
    return tmp_path


def moved_aside(folder: Path) -> None:
    """Move a folder where a process leaves it that is killed while it replaces it in two renames."""
    aside = folder.parent / f".{'0' * 32}.partial" / "old"
    aside.mkdir(parents=True)
    folder.rename(aside / folder.name)


class Reader(Hands):
    """Hands on the worklist's section."""

    def __init__(self, hands: Hands) -> None:
        super().__init__()
        self.worklisting = hands.widget.worklisting
        self.section = hands.panel.sections.worklist

    @property
    def opened(self) -> str | None:
        case = self.worklisting.case
        return None if case is None else case.folder.name

    @property
    def said(self) -> str:
        return self.ui.worklistLabel.text

    def press(self, keys: str) -> None:
        """Press keys, as a reader whose focus is somewhere in the panel."""
        from PySide6.QtGui import QKeySequence
        from PySide6.QtTest import QTest

        combination = QKeySequence(keys)[0]
        QTest.keyClick(self.ui.vertebraTree, combination.key(), combination.keyboardModifiers())
        self.wait()


@pytest.fixture
def reader(panel: Hands, results: Path) -> Iterator[Reader]:
    hands = Reader(panel)
    hands.ui.worklistSection.collapsed = False
    hands.ui.worklistFilterCombo.setCurrentIndex(0)
    hands.ui.worklistPath.setCurrentPath(str(results / "worklist.json"))
    yield hands
    hands.panel.run.abandon()
    hands.ui.worklistPath.setCurrentPath("")
    hands.worklisting.forget()
    hands.ui.worklistSection.collapsed = True


def test_a_result_that_a_killed_run_had_moved_is_put_back_and_the_reader_told(reader: Reader, results: Path) -> None:
    reader.worklisting.load(str(results))
    moved_aside(results / "three")
    reader.worklisting.next()
    assert reader.opened == "three"
    assert "An earlier run was killed while it replaced" in reader.said
    assert "three: the earlier content is back in its place" in reader.said


def test_a_folder_of_results_is_listed_whole_though_one_had_been_moved(reader: Reader, results: Path) -> None:
    (results / "worklist.json").unlink()
    moved_aside(results / "two")
    reader.worklisting.load(str(results))
    assert len(reader.section.numbers()) == len(NAMES)
    assert "two: the earlier content is back in its place" in reader.said


def test_rows_are_shown_by_urgency_and_filtered_by_state(reader: Reader) -> None:
    assert [reader.section.cells(number)[2] for number in reader.section.numbers()] == [
        "2020-01-03",
        "2020-01-01",
        "2020-01-02",
    ]
    assert reader.section.cells(0)[0] == "fracture"
    assert reader.section.cells(0)[4] == "to read"
    assert "To read: 3. Signed: 0. Without a result: 1." in reader.said
    reader.ui.worklistFilterCombo.setCurrentIndex(2)
    (number,) = reader.section.numbers()
    assert reader.section.cells(number)[1] == "P4"
    reader.ui.worklistFilterCombo.setCurrentIndex(3)
    assert len(reader.section.numbers()) == 4


def test_a_folder_of_results_is_a_list_too_whose_scans_are_in_slicers_database(
    reader: Reader, results: Path, ct: Any
) -> None:
    (results / "worklist.json").unlink()
    slicer.mrmlScene.RemoveNode(ct)  # its files stay in the database
    reader.ui.worklistPath.setCurrentPath(str(results))
    assert len(reader.section.numbers()) == 3
    reader.click("nextButton")
    assert reader.opened == "one"


def test_a_scan_that_is_nowhere_is_told(reader: Reader, results: Path) -> None:
    (results / "worklist.json").unlink()
    reader.ui.worklistPath.setCurrentPath(str(results))
    reader.click("nextButton")
    assert "scan of one was not found" in reader.said
    assert reader.opened is None
    reader.ui.worklistPath.setCurrentPath(str(results / "nothing"))
    assert "can't be read" in reader.said
    assert not reader.ui.nextButton.enabled


def test_next_loads_scan_and_review_and_takes_the_one_before_away(reader: Reader) -> None:
    reader.click("nextButton")
    assert reader.opened == "three"
    assert reader.table.level() == "T12"
    assert reader.examination.measurement("L1") is not None
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    reader.click("nextButton")
    reader.click("nextButton")
    assert reader.opened == "two"
    assert reader.ui.nextButton.enabled, "the others were not signed"
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes


def test_a_review_from_a_result_can_be_corrected_and_gives_the_engines_numbers(reader: Reader, results: Path) -> None:
    reader.click("nextButton")
    before = record_in(results / "three")
    reader.panel.correct(lambda review: review.exclude("L1", "fracture"))
    reader.panel.correct(lambda review: review.include("L1"))
    for said in before.measurements:
        assert reader.examination.measurement(said.level).mean_hu == said.mean_hu


def test_keys_alone_sign_a_case_write_it_into_its_folder_and_open_the_next(reader: Reader, results: Path) -> None:
    keys = ("Ctrl+Alt+N", "Down", "Down", "Ctrl+Alt+S")  # L1 and L2 are looked at
    assert len(keys) < 10
    for key in keys:
        reader.press(key)
    assert reader.opened == "one"  # at once, while the first is written
    assert reader.panel.run.isRunning
    assert not reader.ui.signNextButton.enabled
    reader.finish_run()
    written = record_in(results / "three")
    assert written.signature is not None
    assert written.signature.reader == "Dr. Reader"
    assert is_intact(written)
    assert reader.ui.signNextButton.enabled
    assert "To read: 2. Signed: 1." in reader.said
    volumes = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    assert volumes == 1  # the signed one went when it was written
    assert (results / "three" / "vertebrae.seg.nrrd").is_file()


def test_what_was_asked_for_on_the_command_line_is_written_again_with_the_signature(
    reader: Reader, results: Path, phantom_files: PhantomFiles
) -> None:
    pytest.importorskip("fhir.resources")
    folder, scan = results / "three", phantom_files.dicom[0].parent
    opened = open_result(folder, scan)
    pixels = Pixels(opened.scan, opened.column, source_of(scan, opened.scan))
    update_report(folder, opened.examination, pixels, wanted={Output.SEG, Output.LABEL_MAP, Output.FHIR})
    reader.press("Ctrl+Alt+N")
    reader.press("Ctrl+Alt+S")
    reader.finish_run()
    written = record_in(folder)
    assert written.signature is not None
    assert record_sha256(written) in (folder / FHIR_FILE).read_text(encoding="utf-8")
    assert holds_label_maps(folder / "dicom" / "seg.dcm")


def test_a_case_that_is_opened_is_looked_at_as_after_a_measurement(reader: Reader) -> None:
    from LDCTBoneDensityLib.common.Reveal import reveal

    window, ui = slicer.util.mainWindow(), reader.ui
    window.resize(1366, 768)
    window.show()
    for section in (ui.calibrationSection, ui.reportSection, ui.advancedSection):
        section.collapsed = True
    reveal(ui.worklistPath)
    reader.wait_until(lambda: not ui.signNextButton.visibleRegion().isEmpty())
    reader.press("Ctrl+Alt+N")
    display = reader.panel.volumeNode.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (1800.0, 400.0)
    assert min(slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceNode().GetFieldOfView()[:2]) < 120.0
    tree = ui.vertebraTree
    row = tree.visualItemRect(reader.table._rows["L2"])
    reader.wait_until(lambda: tree.viewport().visibleRegion().contains(row.center()))
    assert not ui.signNextButton.visibleRegion().isEmpty(), "together with the button that goes on"


def test_the_list_is_read_on_a_small_screen_without_scrolling_sideways(reader: Reader) -> None:
    slicer.util.mainWindow().resize(1366, 768)
    bar = reader.ui.worklistTree.horizontalScrollBar()
    reader.wait_until(lambda: bar.maximum == 0, 20.0)


def test_what_is_sent_of_a_case_has_the_form_of_its_folder_and_names_the_report_there(
    reader: Reader, results: Path, phantom_files: PhantomFiles
) -> None:
    folder, scan = results / "three", phantom_files.dicom[0].parent
    opened = open_result(folder, scan)
    pixels = Pixels(opened.scan, opened.column, source_of(scan, opened.scan))
    update_report(folder, opened.examination, pixels, wanted={Output.SEG, Output.SR, Output.LABEL_MAP})
    wanted: list[ExportSettings] = []
    reader.panel.sections.report.export.wanted.connect(wanted.append)
    reader.press("Ctrl+Alt+N")
    reader.click("exportButton")  # no folder is named: refused after the settings were made
    assert Output.LABEL_MAP in wanted[-1].outputs
    assert wanted[-1].home == folder  # whose report knows what it compares with
    assert reader.review.stored.reported == to_plain(earlier_in(folder))
    reader.click("nextButton")  # another result, without DICOM objects
    reader.wait_until(lambda: reader.ui.exportButton.enabled)
    reader.click("exportButton")
    assert Output.LABEL_MAP not in wanted[-1].outputs
    assert reader.review.stored.reported is None


def test_a_comparison_that_the_new_report_does_not_have_is_told(reader: Reader, results: Path) -> None:
    page = results / "three" / "report.html"
    page.write_text(f"<html><body><h2>{text('section.priors')}</h2></body></html>", encoding="utf-8")
    reader.press("Ctrl+Alt+N")
    reader.press("Ctrl+Alt+S")
    reader.finish_run()
    assert record_in(results / "three").signature is not None
    assert "no longer compares with earlier examinations" in reader.message


def test_the_keys_that_sign_a_case_sign_a_review_of_no_worklist_too(reader: Reader, ct: Any, measured: Any) -> None:
    reader.ui.worklistPath.setCurrentPath("")
    reader.ui.worklistSection.collapsed = True
    reader.show_measured(ct, measured)
    reader.press("Ctrl+Alt+S")
    assert reader.examination.signature.reader == "Dr. Reader"
    assert "Signed by Dr. Reader" in reader.message
    assert reader.ui.worklistSection.collapsed
    reader.press("Ctrl+Alt+S")
    assert reader.examination.signature is not None, "the keys take nothing off"


def test_a_review_on_display_is_not_signed_in_the_stead_of_the_case(
    reader: Reader, results: Path, ct: Any, measured: Any
) -> None:
    reader.show_measured(ct, measured)
    other = reader.review
    reader.press("Ctrl+Alt+N")
    case = reader.review
    reader.choose(ct)
    reader.click("signNextButton")
    assert other.examination.signature is None
    assert record_in(results / "three").signature is None
    assert "three was not on display" in reader.said
    assert reader.review is case
    reader.click("signNextButton")
    reader.finish_run()
    assert record_in(results / "three").signature is not None


@pytest.fixture
def doubtful(results: Path) -> Path:
    """The most urgent case has an L1 that may be fractured, and a calibration for another tube voltage."""
    path = results / "three" / "measurement.json"
    examination = record_in(path.parent)
    quality = examination.quality
    heights = tuple(
        replace(one, heights=replace(one.heights, anterior_mm=0.6 * one.heights.anterior_mm))
        if one.level == "L1"
        else one
        for one in quality.heights
    )
    calibration = replace(examination.calibration, kvp=80.0)
    changed = replace(examination, quality=replace(quality, heights=heights), calibration=calibration)
    path.write_text(conclude(changed).to_json() + "\n", encoding="utf-8")
    return path


def test_what_is_open_before_the_signature_is_brought_into_sight_one_after_the_other(
    doubtful: Path, reader: Reader
) -> None:
    ui = reader.ui
    reader.press("Ctrl+Alt+N")
    for section in (ui.worklistSection, ui.reportSection):
        section.collapsed = True
    reader.table.select("L2")
    reader.press("Ctrl+Alt+S")
    assert record_in(doubtful.parent).signature is None
    assert "A fracture of L1 is suspected" in reader.said
    assert reader.table.level() == "L1", "where it is decided"
    for widget in (ui.worklistLabel, ui.openPointsView, ui.signButton):
        assert widget.visible
    reader.panel.correct(lambda review: review.dismiss_suspicion("L1"))
    reader.press("Ctrl+Alt+S")
    assert "80 kVp" in reader.said
    assert ui.seenBox.visible
    assert reader.opened == "three"
    ui.seenBox.setChecked(True)
    reader.press("Ctrl+Alt+S")
    assert reader.opened == "one"
    reader.finish_run()
    assert record_in(doubtful.parent).signature is not None


def test_a_corrected_case_is_written_with_its_vois(reader: Reader, results: Path) -> None:
    reader.click("nextButton")
    reader.panel.correct(lambda review: review.exclude("L1", "fracture"))
    reader.click("signNextButton")
    reader.finish_run()
    written = record_in(results / "three")
    assert written.measurement("L1").excluded is not None
    assert written.assessment.levels == ("L2",)
    assert is_intact(written)


def test_a_corrected_case_that_was_not_signed_stays_in_the_scene(reader: Reader, results: Path) -> None:
    reader.click("nextButton")
    left = reader.review
    reader.panel.correct(lambda review: review.exclude("L1", "fracture"))
    reader.click("nextButton")
    assert reader.opened == "one"
    assert left.volumeNode.GetScene() is not None
    assert record_in(results / "three").measurement("L1").excluded is None


def test_a_case_that_someone_else_writes_is_not_lost(reader: Reader, results: Path) -> None:
    reader.click("nextButton")
    with locked(results / "three"):
        reader.click("signNextButton")
        reader.finish_run()
    assert "three was not saved" in reader.said
    assert record_in(results / "three").signature is None
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert {node.GetName() for node in volumes} == {"three", "one"}


def test_a_case_that_was_changed_since_it_was_opened_is_not_overwritten(reader: Reader, results: Path) -> None:
    reader.click("nextButton")
    path = results / "three" / "measurement.json"
    signed = sign(record_in(path.parent), "Dr. Other", "2020-01-01T00:00:00Z")
    path.write_text(signed.to_json() + "\n", encoding="utf-8")
    reader.click("signNextButton")
    assert "was changed since it was opened" in reader.said
    assert record_in(path.parent).signature.reader == "Dr. Other"
    assert reader.opened == "three"


def test_what_was_passed_over_comes_after_the_last(reader: Reader, results: Path) -> None:
    for name in ("three", "one", "two"):
        reader.click("nextButton")
        assert reader.opened == name
    reader.click("signNextButton")
    assert reader.opened == "three", "it is still to be read"
    reader.finish_run()
    assert record_in(results / "two").signature is not None
    reader.click("signNextButton")
    reader.finish_run()
    reader.click("signNextButton")
    reader.finish_run()
    assert "To read: 0. Signed: 3." in reader.said
    assert not reader.ui.nextButton.enabled


def test_a_case_that_is_signed_already_is_passed_over(reader: Reader, results: Path) -> None:
    path = results / "three" / "measurement.json"
    signed = sign(record_in(path.parent), "Dr. Other", "2020-01-01T00:00:00Z")
    path.write_text(signed.to_json() + "\n", encoding="utf-8")
    reader.click("nextButton")
    assert reader.opened == "one"
    assert "Signed: 1." in reader.said


def test_a_scan_that_is_not_the_one_of_the_result_is_refused(reader: Reader, results: Path, tmp_path: Path) -> None:
    row = row_of(record_in(results / "one"), "one", str(tmp_path))
    write_worklist(ordered([row]), results / "worklist.json")
    reader.ui.worklistPath.setCurrentPath("")
    reader.ui.worklistPath.setCurrentPath(str(results / "worklist.json"))
    reader.click("nextButton")
    assert reader.opened is None
    assert reader.said
    assert reader.review is None


def test_closing_the_scene_lets_go_of_the_case(reader: Reader) -> None:
    reader.click("nextButton")
    slicer.mrmlScene.Clear(False)
    reader.wait()
    assert reader.opened is None
    reader.click("nextButton")
    assert reader.opened == "three"


def test_a_file_that_is_no_worklist_is_told(reader: Reader, tmp_path: Path) -> None:
    path: Any = tmp_path / "other.json"
    path.write_text('{"schema": "something/1"}')
    reader.ui.worklistPath.setCurrentPath(str(path))
    assert "other.json" in reader.said
    assert not reader.ui.nextButton.enabled
