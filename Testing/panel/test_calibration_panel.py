"""The section on the calibration and its dialog: from a loaded phantom volume to the numbers of the review."""

import errno
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import slicer
from calibration_fixtures import *  # noqa: F403
from calibration_fixtures import SPEC, Dialog, site_calibrations
from panel_fixtures import READER, Hands

from ldct_bmd.calibration import entered_calibration
from ldct_bmd.calibration.carry import for_scan
from ldct_bmd.calibration.store import CalibrationStore
from ldct_bmd.examination.conclude import conditions
from ldct_bmd.rules import RULE_SETS
from ldct_bmd.words import speaking

TODAY = "2024-06-01T08:00:00Z"


def keep(path: Path, *calibrations: Any) -> None:
    CalibrationStore(path).add(calibrations, TODAY, "A. Physicist")


def use_store(hands: Hands, path: Path) -> None:
    hands.ui.storePath.setCurrentPath(str(path))
    hands.ui.calibrationCombo.setCurrentIndex(3)
    hands.click("calibrationButton")


def test_the_store_gives_the_review_its_calibration_and_says_why(review: Hands, tmp_path: Path) -> None:
    path = tmp_path / "site.calibrations"
    (fitting,) = site_calibrations(review.examination.scan.acquisition, [-10], slopes=[0.81])
    (elsewhere,) = site_calibrations(review.examination.scan.acquisition, [-5], slopes=[0.6], kvp=80.0)
    keep(path, fitting, elsewhere)
    use_store(review, path)
    assert review.examination.calibration == fitting
    for measurement in review.examination.measurements:
        assert measurement.bmd_mg_cm3 == fitting.bmd_mg_cm3(measurement.mean_hu)
    assert "10 days before the scan" in review.ui.calibrationLabel.text
    assert fitting.identifier in review.ui.calibrationLabel.text
    assert review.examination.calibration_choice.matched
    review.click("undoButton")
    assert review.examination.calibration.nominal
    assert "has another one for this scan" in "\n".join(review.panel.sections.calibration.panel._findings.texts())


def test_one_of_another_voltage_is_carried_and_the_section_says_how_far(review: Hands, tmp_path: Path) -> None:
    path, scanned = tmp_path / "site.calibrations", review.examination.scan.acquisition
    (made,) = site_calibrations(scanned, [-10], kvp=100.0)
    keep(path, made)
    use_store(review, path)
    assert review.examination.calibration == for_scan(made, conditions(scanned))
    assert "made at 100 kVp, carried over to 120 kVp by simulated spectra" in review.ui.calibrationLabel.text
    shown = review.panel.sections.calibration.panel._findings.texts()
    assert any("adds a standard error" in one for one in shown)
    assert not any("has another one for this scan" in one for one in shown)


def test_a_store_without_a_fitting_one_gives_the_nominal_one_with_a_finding(review: Hands, tmp_path: Path) -> None:
    path = tmp_path / "site.calibrations"
    keep(path, *site_calibrations(review.examination.scan.acquisition, [-10], serial="other"))
    use_store(review, path)
    assert review.examination.calibration.nominal
    (told,) = [
        t for t in review.panel.sections.calibration.panel._findings.texts() if "No calibration in the store fits" in t
    ]
    assert told.startswith("Warning")
    assert "serial number" in told


def test_one_made_after_the_scan_is_taken_only_when_told_to(review: Hands, tmp_path: Path) -> None:
    path = tmp_path / "site.calibrations"
    (later,) = site_calibrations(review.examination.scan.acquisition, [3])
    keep(path, later)
    use_store(review, path)
    assert review.examination.calibration.nominal
    review.ui.laterCheckBox.setChecked(True)
    review.click("calibrationButton")
    assert review.examination.calibration == later
    assert "3 days after the scan" in review.ui.calibrationLabel.text


def test_a_store_that_can_not_be_read_is_told_and_changes_nothing(review: Hands, tmp_path: Path) -> None:
    before = review.examination
    use_store(review, tmp_path / "none")
    assert "There is no calibration store" in review.message
    assert review.examination == before


def test_the_path_of_the_store_is_the_applications_and_measures_the_next_scan(
    panel: Hands, ct: Any, tmp_path: Path
) -> None:
    panel.ui.storePath.setCurrentPath(str(tmp_path / "site.calibrations"))
    assert slicer.app.userSettings().value("LDCTBoneDensity/CalibrationStore") == str(tmp_path / "site.calibrations")
    panel.choose(ct)
    assert panel.panel.settings().calibrationStore == str(tmp_path / "site.calibrations")
    assert panel.ui.slopeSpin.isHidden()
    panel.ui.calibrationCombo.setCurrentIndex(0)
    assert panel.ui.laterCheckBox.isHidden()
    panel.click("calibrationButton")  # nominal, by the reader's own choice
    assert panel.panel.settings().calibrationStore == ""
    panel.ui.calibrationCombo.setCurrentIndex(3)
    panel.click("calibrationButton")
    assert panel.panel.settings().calibrationStore == str(tmp_path / "site.calibrations")


def enter(hands: Hands, slope: float) -> None:
    hands.ui.calibrationCombo.setCurrentIndex(2)
    hands.ui.slopeSpin.setValue(slope)
    hands.click("calibrationButton")


def test_an_entered_calibration_that_is_refused_is_not_used_for_the_next_scan(review: Hands) -> None:
    review.click("signButton")
    assert not review.ui.calibrationButton.enabled
    section = review.panel.sections.calibration
    section.use(entered_calibration(0.9, 0.0, "K2HPO4", 120.0))  # as the dialog does
    assert "signed" in review.message
    assert review.panel.parameters.calibration == ""


def test_an_entered_calibration_says_that_it_names_no_scanner_and_is_dropped_with_the_volume(review: Hands) -> None:
    enter(review, 0.9)
    assert "calibration_scanner" in review.examination.assessment.limited
    assert review.panel.settings().calibration.slope == 0.9
    ct = review.panel.volumeNode
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "other")
    review.panel.parameters.inputVolume = other
    assert review.panel.settings().calibration.nominal
    review.panel.parameters.inputVolume = ct
    assert review.panel.settings().calibration.nominal
    assert review.examination.calibration.slope == 0.9


def test_the_next_calibration_is_said_to_come_from_the_store_unless_one_was_chosen(
    panel: Hands, tmp_path: Path
) -> None:
    panel.ui.storePath.setCurrentPath(str(tmp_path / "site.calibrations"))
    panel.panel.refresh()
    assert panel.ui.calibrationLabel.text == "From the site's store, by the scan."
    panel.ui.calibrationCombo.setCurrentIndex(0)
    panel.click("calibrationButton")
    assert panel.ui.calibrationLabel.text.startswith("Nominal")
    panel.ui.calibrationCombo.setCurrentIndex(3)
    panel.click("calibrationButton")
    assert panel.ui.calibrationLabel.text == "From the site's store, by the scan."


def test_a_hidden_wish_for_later_ones_does_not_count(panel: Hands) -> None:
    panel.ui.calibrationCombo.setCurrentIndex(3)
    panel.ui.laterCheckBox.setChecked(True)
    assert panel.panel.settings().laterCalibration
    panel.ui.calibrationCombo.setCurrentIndex(0)
    assert not panel.panel.settings().laterCalibration
    panel.ui.laterCheckBox.setChecked(False)


def test_the_store_does_not_take_the_place_of_what_the_review_has_by_hand(review: Hands, tmp_path: Path) -> None:
    enter(review, 0.9)
    review.panel.parameters.calibration = ""  # as after another volume was on display
    path = tmp_path / "site.calibrations"
    keep(path, *site_calibrations(review.examination.scan.acquisition, [-10]))
    review.ui.storePath.setCurrentPath(str(path))
    review.panel.sections.calibration._storeChanged()
    assert review.examination.calibration.slope == 0.9
    review.ui.storePath.setCurrentPath("")


def test_from_a_loaded_phantom_to_a_stored_calibration_that_the_review_follows(
    review: Hands, dialog: Dialog, phantom_volume: Any
) -> None:
    dialog.find(phantom_volume)
    assert dialog.label == ""
    assert [dialog.cells(row)[0] for row in range(dialog.rows)] == list("ABCDE")
    assert all(abs(float(dialog.cells(row)[5])) < 10.0 for row in range(dialog.rows))
    node = dialog.phantom.markups.node
    assert [node.GetNthControlPointLabel(i) for i in range(10)] == [name for name in "ABCDE" for _ in range(2)]
    assert dialog.phantom.markups.model.GetPolyData().GetNumberOfPoints() > 0
    dialog.click("keepButton")
    (kept,) = CalibrationStore(dialog.path).all()
    assert kept.added_by == READER
    assert kept.calibration.slope == pytest.approx(SPEC.slope, rel=0.01)
    assert kept.calibration.intercept_mg_cm3 == pytest.approx(SPEC.intercept_mg_cm3, abs=2.0)
    assert kept.calibration.provenance.scanner.serial == review.examination.scan.acquisition.device_serial
    assert dialog.dialog.list.identifiers() == [kept.calibration.identifier]
    assert review.examination.calibration == kept.calibration
    assert review.examination.calibration_choice.matched


def test_a_moved_rod_is_fitted_again_and_one_in_the_wrong_place_refused(dialog: Dialog, found: Any) -> None:
    dialog.take(found)
    before = dialog.phantom.measured
    dialog.move("C", 1.0)
    after = dialog.phantom.measured
    assert after.found_by == "points"
    assert after.fit.residuals_hu != before.fit.residuals_hu
    assert after.fit.slope == pytest.approx(SPEC.slope, rel=0.01)
    assert "set by hand" in dialog.ui.fitLabel.text
    dialog.move("C", 19.0)
    assert dialog.phantom.measured is None
    assert "Rod C" in dialog.label or "rod C" in dialog.label
    assert not dialog.ui.keepButton.enabled
    dialog.move("C", -20.0)
    assert dialog.phantom.measured is not None


def test_a_phantom_with_a_rod_missing_is_refused_in_the_engines_words(dialog: Dialog, broken_volume: Any) -> None:
    dialog.find(broken_volume)
    assert re.fullmatch(r"Rod A of Pad 7 is missing: its place, with \d+ HU, .*", dialog.label)
    assert dialog.phantom.markups.node is None
    assert not dialog.ui.keepButton.enabled


def test_points_set_by_hand_are_the_fallback(dialog: Dialog, found: Any) -> None:
    dialog.take(replace(found, measured=None, refused=""))
    assert "Move both points of each rod" in dialog.label
    assert dialog.phantom.measured is None
    node = dialog.phantom.markups.node
    ends = [end for rod in found.measured.rods for end in (rod.start_lps_mm, rod.end_lps_mm)]
    for number, (x, y, z) in enumerate(ends):
        node.SetNthControlPointPositionWorld(number, -x, -y, z)
    dialog.hands.wait_until(lambda: dialog.phantom.measured is not None)
    assert dialog.label == ""
    assert dialog.phantom.measured.fit.slope == pytest.approx(SPEC.slope, rel=0.01)


def test_an_example_is_no_certificate_and_is_not_kept(dialog: Dialog, found: Any) -> None:
    example = replace(found.measured.phantom, example=True)
    dialog.take(replace(found, phantom=example, measured=replace(found.measured, phantom=example)))
    assert "those of an example" in dialog.label
    dialog.click("keepButton")
    assert "nominal" in dialog.label
    assert not dialog.path.exists()


def test_another_description_lets_go_of_the_fit_with_the_one_before(dialog: Dialog, found: Any, tmp_path: Path) -> None:
    dialog.take(found)
    assert dialog.ui.fitLabel.text.startswith("Pad 7: BMD =")
    dialog.ui.phantomPath.setCurrentPath(str(tmp_path / "other.json"))
    assert dialog.phantom.measured is None
    assert not dialog.ui.keepButton.enabled


def test_a_phantom_volume_that_was_changed_in_the_scene_is_not_kept(dialog: Dialog, found: Any) -> None:
    changed = replace(found.scan, source=replace(found.scan.source, modified=True))
    dialog.take(replace(found, scan=changed))
    dialog.click("keepButton")
    assert "differs from the files" in dialog.label
    assert not dialog.path.exists()


def test_nothing_is_kept_without_an_operator(dialog: Dialog, found: Any) -> None:
    dialog.take(found)
    dialog.ui.operatorEdit.setText(" ")
    dialog.click("keepButton")
    assert "Say who" in dialog.label
    assert not dialog.path.exists()


def test_a_full_disk_is_told_and_leaves_no_folder(
    dialog: Dialog, phantom_volume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from LDCTBoneDensityLib.work.PhantomJob import PhantomJob

    folders: list[Path] = []

    def full(job: PhantomJob, *_arguments: Any) -> None:
        folders.append(job.folder)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(PhantomJob, "lay", full)
    dialog.ui.phantomVolumeCombo.setCurrentNode(phantom_volume)
    dialog.click("findButton")
    assert "No space left on device" in dialog.label
    assert not folders[0].exists()
    assert not dialog.phantom.isRunning


def test_a_wrong_description_is_told(dialog: Dialog, phantom_volume: Any, tmp_path: Path) -> None:
    dialog.ui.phantomVolumeCombo.setCurrentNode(phantom_volume)
    for path, told in (("", "No description is named"), (str(tmp_path / "none.json"), "There is no phantom file")):
        dialog.ui.phantomPath.setCurrentPath(path)
        dialog.click("findButton")
        assert told in dialog.label


def test_retired_ones_are_told_and_the_review_lets_go_of_them(review: Hands, dialog: Dialog) -> None:
    made = site_calibrations(review.examination.scan.acquisition, [-40, -10], slopes=[0.75, 0.8])
    keep(dialog.path, *made)
    dialog.dialog.refresh()
    review.panel.sections.calibration._storeChanged()
    assert review.examination.calibration == made[1]
    newest = made[1].identifier
    assert dialog.dialog.list.identifiers() == [newest, made[0].identifier]
    dialog.dialog.list.select(newest)
    assert "Standard errors" in dialog.ui.detailsEdit.plainText
    assert not dialog.ui.retireButton.enabled
    dialog.ui.becauseEdit.setText("The pad was upside down")
    dialog.click("retireButton")
    assert dialog.dialog.list.identifiers() == [made[0].identifier]
    assert review.examination.calibration == made[0]
    dialog.ui.retiredCheckBox.setChecked(True)
    assert dialog.dialog.list.cells(newest)[7] == "retired"
    dialog.dialog.list.select(newest)
    assert "The pad was upside down" in dialog.ui.detailsEdit.plainText


def test_a_signed_review_keeps_its_calibration_when_the_store_changes(review: Hands, dialog: Dialog) -> None:
    review.click("signButton")
    keep(dialog.path, *site_calibrations(review.examination.scan.acquisition, [-10]))
    review.panel.sections.calibration._storeChanged()
    assert review.examination.calibration.nominal
    assert "has another one for this scan" in "\n".join(review.panel.sections.calibration.panel._findings.texts())


def test_the_drift_is_a_chart_with_limits_and_alarms(review: Hands, dialog: Dialog) -> None:
    slopes = [*(0.74 + 0.001 * (k % 2) for k in range(8)), 0.79]
    keep(dialog.path, *site_calibrations(review.examination.scan.acquisition, range(-300, -30, 30), slopes=slopes))
    dialog.dialog.refresh()
    dialog.ui.tabs.setCurrentIndex(2)
    with speaking("zh"):  # the fonts that VTK draws with hold no Chinese
        dialog.ui.quantityCombo.setCurrentIndex(0)
    chart = dialog.dialog.plot.chart
    names = [chart.GetNthPlotSeriesNode(i).GetName() for i in range(chart.GetNumberOfPlotSeriesNodes())]
    assert names == ["slope", "mean of the baseline", "upper limit", "lower limit", "out of control"]
    table = chart.GetNthPlotSeriesNode(0).GetTableNode().GetTable()
    assert [table.GetValueByName(row, "slope").ToDouble() for row in range(9)] == pytest.approx(slopes)
    alarms = chart.GetNthPlotSeriesNode(4).GetTableNode().GetTable()
    assert {alarms.GetValueByName(row, "out of control").ToDouble() for row in range(alarms.GetNumberOfRows())} == {
        0.79
    }
    assert "跳变" in dialog.ui.driftLabel.text
    assert "控制限，0.7" in dialog.ui.driftLabel.text
    view = dialog.ui.plotHolder.layout().itemAt(0).widget().plotView()
    assert view.chart().GetNumberOfPlots() == 5
    dialog.hands.wait(0.2)
    image = view.grab().toImage()
    seen = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(0, image.height(), 3)}
    assert len(seen) > 3  # axes, line, alarm


def test_too_few_phantom_scans_are_plotted_without_limits(review: Hands, dialog: Dialog) -> None:
    keep(dialog.path, *site_calibrations(review.examination.scan.acquisition, [-60, -30]))
    dialog.dialog.refresh()
    dialog.ui.tabs.setCurrentIndex(2)
    assert dialog.dialog.plot.chart.GetNumberOfPlotSeriesNodes() == 1
    assert "2 scans are too few for control limits; 6 are needed." in dialog.ui.driftLabel.text


def test_the_dialog_leaves_nothing_in_the_scene(review: Hands, dialog: Dialog, found: Any) -> None:
    before = node_ids()
    dialog.take(found)
    keep(dialog.path, *site_calibrations(review.examination.scan.acquisition, [-60, -30]))
    dialog.dialog.refresh()
    dialog.ui.tabs.setCurrentIndex(2)
    assert len(node_ids()) == len(before) + 6  # points, circles, chart, its line and table, the view
    dialog.click("closeButton")
    assert node_ids() == before


def test_a_scene_that_closes_takes_the_rods_along(dialog: Dialog, found: Any) -> None:
    dialog.take(found)
    slicer.mrmlScene.Clear(False)
    dialog.hands.wait()
    assert dialog.phantom.measured is None
    assert dialog.phantom.markups.points() == {}


def node_ids() -> set[str]:
    """Nodes that are not the application's own, but for displays and storage of one another."""
    scene = slicer.mrmlScene
    nodes = [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]
    return {node.GetID() for node in nodes if node.IsA("vtkMRMLMarkupsNode") or node.IsA("vtkMRMLModelNode")} | {
        node.GetID() for node in nodes if "Plot" in node.GetClassName() or node.IsA("vtkMRMLTableNode")
    }


def test_another_rule_set_gives_the_category_anew_and_is_taken_for_the_next_scan(review: Hands) -> None:
    import qt

    from LDCTBoneDensityLib.calibration.RulesChoice import RULES_SETTING

    combo = review.ui.rulesCombo
    assert combo.currentText == "ACR practice parameter"
    before = review.examination
    combo.setCurrentIndex(1)
    combo.activated.emit(1)
    assert review.examination.assessment.rules == RULE_SETS["china"]
    assert "rule set: Chinese expert consensus 2020" in review.ui.statementLabel.text
    assert review.panel.settings().rules == RULE_SETS["china"]
    review.click("undoButton")
    assert review.examination == before
    assert combo.currentText == "ACR practice parameter"
    qt.QSettings().setValue(RULES_SETTING, "")


def test_a_file_that_is_no_rule_set_is_told_and_changes_nothing(
    review: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qt

    before = review.examination
    path = tmp_path / "rules.json"
    path.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: str(path))
    combo = review.ui.rulesCombo
    combo.setCurrentIndex(combo.count - 1)
    combo.activated.emit(combo.count - 1)
    assert "is no file of rules" in review.message
    assert review.examination == before
    assert combo.currentText == "ACR practice parameter"
