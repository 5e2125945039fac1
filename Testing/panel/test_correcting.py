"""A reader's corrections on the panel and in the views: numbers, category and nodes follow, and all can be undone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import slicer
from panel_fixtures import READER, Hands, shift


@pytest.fixture
def review(panel: Hands, ct: Any, measured: Any) -> Hands:
    """The panel with the phantom measured, L1 selected."""
    panel.show_measured(ct, measured)
    panel.table.select("L1")
    panel.wait(0.1)
    return panel


@pytest.fixture
def slow_to_keep(review: Hands) -> Iterator[Hands]:
    """A panel that does not keep a VOI by itself while a test looks, however busy the machine is."""
    timer = review.panel._settle
    usual_ms = timer.interval
    timer.setInterval(600_000)
    yield review
    timer.setInterval(usual_ms)


def center(hands: Hands, level: str) -> np.ndarray:
    return np.array(hands.review.markups.roi(level).GetCenterWorld())


def test_dragging_a_voi_in_a_slice_view_changes_its_row(review: Hands) -> None:
    from slicer_standin import mouse

    before, numbers = review.table.cells("L1"), []
    review.review.measured.connect(lambda measurement: numbers.append(measurement.mean_hu))
    start = center(review, "L1")
    mouse.drag_in_slice("Red", start, start + np.array([8.0, 0.0, 0.0]))
    assert np.abs(center(review, "L1") - start)[0] > 4.0
    assert len(set(numbers)) > 3, "the numbers follow while the mouse moves"
    after = review.table.cells("L1")
    assert after[2] != before[2]
    assert after[5] == "corrected"
    assert [entry.what for entry in review.examination.history] == ["voi_moved"], "one drag is one correction"
    assert review.examination.history[0].reader == READER


def test_the_numbers_follow_a_voi_at_once_and_the_category_soon_after_both_as_they_are_kept(
    slow_to_keep: Hands,
) -> None:
    review = slow_to_keep
    before, statement = review.table.cells("L1"), review.ui.statementLabel.text
    shift(review.review.markups.roi("L1"), 9.0)
    moved = review.table.cells("L1")
    assert moved[2:4] != before[2:4]
    review.wait_until(lambda: review.ui.statementLabel.text != statement)
    assert review.table.cells("L1")[5] == "corrected"
    shown = review.ui.statementLabel.text
    assert review.examination.history == (), "nothing is kept yet"
    review.panel.commit()
    assert review.table.cells("L1")[2:4] == moved[2:4]
    assert review.ui.statementLabel.text == shown


def test_dragging_a_voi_in_the_3d_view_changes_its_row(review: Hands) -> None:
    from slicer_standin import mouse

    slicer.util.resetThreeDViews()
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    before, start = review.table.cells("L1"), center(review, "L1")
    pixel = mouse.threed_pixel(view, start)
    mouse.drag(view, pixel, (pixel[0] + 15, pixel[1]))
    assert np.abs(center(review, "L1") - start).max() > 1.0
    assert review.table.cells("L1")[2] != before[2]


def test_the_cylinder_follows_the_roi(review: Hands) -> None:
    roi, cylinder = review.review.markups.roi("L1"), review.review.markups.cylinder("L1")
    roi.SetSize(30.0, 20.0, 12.0)
    bounds = np.array(cylinder.GetPolyData().GetBounds()).reshape(3, 2)
    assert np.diff(bounds, axis=1).ravel() == pytest.approx([30.0, 20.0, 12.0], abs=0.1)


def test_a_voi_that_is_set_by_other_means_than_a_handle_is_kept_once_it_rests(review: Hands) -> None:
    for step_mm in (1.0, 1.5, 0.5):
        shift(review.review.markups.roi("L1"), step_mm)
    assert review.examination.history == ()
    review.wait_until(lambda: review.examination.history)
    assert [entry.what for entry in review.examination.history] == ["voi_moved"]


def test_a_voi_dragged_out_of_the_scan_is_told_and_goes_back(review: Hands) -> None:
    start, before = center(review, "L1"), review.table.cells("L1")
    shift(review.review.markups.roi("L1"), 400.0)
    assert "leaves the scan" in review.message
    review.wait_until(lambda: np.allclose(center(review, "L1"), start))
    assert review.table.cells("L1") == before
    assert review.examination.history == ()


def test_excluding_l1_leaves_it_out_of_the_mean_and_shows_why(review: Hands) -> None:
    review.panel.sections.vertebrae.actions.exclude("fracture")
    assert review.table.cells("L1")[5] == "excluded: fracture"
    assert not review.table.isUsed("L1")
    assert review.examination.assessment.levels == ("L2",)
    assert "L1 excluded: fracture" in review.ui.statementLabel.text
    assert review.ui.automaticLabel.text.startswith("Automatic result:")
    review.click("includeButton")
    assert review.table.isUsed("L1")
    assert review.examination.assessment.levels == ("L1", "L2")


def test_clearing_the_box_of_a_level_asks_for_the_reason(review: Hands) -> None:
    from slicer_standin.pythonqt.dialogs import answering

    with answering("Cyst"):
        review.table.setUsed("L2", False)
    assert review.examination.measurement("L2").excluded.reason == "cyst"
    review.table.setUsed("L2", True)
    assert review.examination.measurement("L2").excluded is None


def test_a_reason_in_own_words_is_typed_into_the_panel(review: Hands) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from slicer_standin import mouse

    assert not review.ui.reasonEdit.visible
    review.panel.sections.vertebrae.actions.exclude("other")
    assert review.ui.reasonEdit.visible
    mouse.type_text(review.ui.reasonEdit, "haemangioma")
    QTest.keyClick(review.ui.reasonEdit, Qt.Key.Key_Return)
    assert review.table.cells("L1")[5] == "excluded: other: haemangioma"


def test_shifting_the_names_renames_rows_segments_and_vois_and_undo_brings_them_back(review: Hands) -> None:
    from LDCTBoneDensityLib.scene.VertebraSegments import VertebraSegments

    segments = VertebraSegments.levels(review.review.segmentationNode)
    review.click("shiftDownButton")
    assert VertebraSegments.levels(review.review.segmentationNode)["L2"] == segments["L1"]
    segment = review.review.segmentationNode.GetSegmentation().GetSegment(segments["L1"])
    assert segment.GetName() == "L2"
    assert np.array(segment.GetColor()) * 255 == pytest.approx([255, 144, 32], abs=0.5)
    assert review.review.markups.roi("L3") is not None
    review.click("undoButton")
    assert VertebraSegments.levels(review.review.segmentationNode) == segments
    assert review.review.markups.roi("L3") is None
    assert review.examination.history == ()


def test_renaming_a_level_keeps_its_numbers(review: Hands) -> None:
    last = review.examination.vertebrae[-1].level
    review.table.select(last)
    mean = review.examination.measurement(last)
    review.panel.correct(lambda review: review.rename(last, "L5"))
    assert "L5" in review.table.levels()
    assert review.examination.vertebrae[-1].level == "L5"
    assert mean is None or review.examination.measurement("L5").mean_hu == mean.mean_hu


def test_undo_and_redo_walk_through_the_corrections(review: Hands) -> None:
    fresh = review.table.cells("L1")
    review.panel.sections.vertebrae.actions.exclude("cyst")
    review.panel.correct(lambda review: review.include("L1"))
    review.panel.sections.vertebrae.actions.exclude("tumour")
    for _ in range(3):
        review.click("undoButton")
    assert review.table.cells("L1") == fresh
    assert not review.ui.undoButton.enabled
    for _ in range(3):
        review.click("redoButton")
    assert review.table.cells("L1")[5] == "excluded: tumour"
    assert not review.ui.redoButton.enabled


def test_reset_puts_the_automatic_voi_back(review: Hands) -> None:
    fresh = review.table.cells("L1")
    shift(review.review.markups.roi("L1"), 4.0)
    review.panel.commit()
    assert review.table.cells("L1") != fresh
    review.click("resetButton")
    assert review.table.cells("L1") == fresh


def test_a_voi_can_be_added_to_any_other_vertebra(review: Hands) -> None:
    other = "L3"
    assert review.table.cells(other)[5] == "not measured"
    review.table.select(other)
    review.click("addButton")
    assert review.table.cells(other)[5] == "added"
    assert review.review.markups.roi(other).GetDisplayNode().GetVisibility()


def test_an_edited_segment_places_its_voi_anew(review: Hands) -> None:
    from LDCTBoneDensityLib.scene.VertebraSegments import VertebraSegments

    node, before = review.review.segmentationNode, review.table.cells("L1")
    segment = VertebraSegments.segmentOf(node, "L1")
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, review.panel.volumeNode)
    mask[:, :, : mask.shape[2] // 2] = 0  # one side is cut away
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment, review.panel.volumeNode)
    review.click("updateButton")
    assert review.message == "VOIs placed again: L1."
    assert [entry.what for entry in review.examination.history] == ["body_edited"]
    assert review.table.cells("L1")[2] != before[2]
    review.click("undoButton")
    assert review.table.cells("L1") == before
    again = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, review.panel.volumeNode)
    assert again.sum() > mask.sum(), "undo brings the segment back"
    review.click("updateButton")
    assert review.message == "No segment was changed."


def test_a_correction_without_a_reader_is_refused_and_nothing_changes(review: Hands) -> None:
    from slicer_standin.pythonqt.dialogs import answering

    review.ui.readerEdit.setText(" ")
    with answering(None):
        review.panel.sections.vertebrae.actions.exclude("cyst")
    assert "needs the reader's name" in review.message
    assert review.examination.history == ()


def test_the_voi_can_be_set_in_numbers_and_turned_to_the_endplates(review: Hands) -> None:
    review.ui.heightSpin.setValue(7.0)
    review.click("applyVOIButton")
    voi = review.examination.measurement("L1").voi
    assert voi.height_mm == 7.0
    assert voi.semi_axes_mm == review.examination.measurement("L1").automatic.voi.semi_axes_mm
    review.ui.orientationCombo.setCurrentIndex(1)
    review.click("applyVOIButton")
    turned = np.array(review.examination.measurement("L1").voi.axes_lps)
    assert turned @ turned.T == pytest.approx(np.eye(3), abs=1e-6)
    assert 0.0 < np.degrees(np.arccos(turned[2, 2])) < 25.0


def test_selecting_a_row_centres_the_views_and_shows_its_handles_alone(review: Hands) -> None:
    review.table.select("L2")
    review.wait()
    node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    assert node.GetSliceToRAS().GetElement(2, 3) == pytest.approx(center(review, "L2")[2], abs=1.0)
    shown = [
        level for level in ("T12", "L1", "L2") if review.review.markups.roi(level).GetDisplayNode().GetVisibility()
    ]
    assert shown == ["L2"]


VIEWS = ("Red", "Green", "Yellow")


def slice_axes(name: str) -> np.ndarray:
    """Columns: the view's right, its top and its normal, in RAS."""
    matrix = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().GetSliceToRAS()
    return np.array([[matrix.GetElement(i, j) for j in range(3)] for i in range(3)])


def test_views_along_the_endplates_tilt_with_the_vertebra_and_go_back(review: Hands) -> None:
    straight = {name: slice_axes(name) for name in VIEWS}
    review.click("obliqueCheckBox")
    tilted = {name: slice_axes(name) for name in VIEWS}
    assert 0.5 < np.degrees(np.arccos(tilted["Red"][2, 2])) < 25.0
    for name in VIEWS:  # top stays top, left stays left: front is at the top of the axial view, as it was
        angles = np.degrees(np.arccos(np.clip((straight[name] * tilted[name]).sum(axis=0), -1.0, 1.0)))
        assert angles.max() < 25.0, name
    review.table.select("L2")
    review.click("obliqueCheckBox")
    for name in VIEWS:
        assert slice_axes(name) == pytest.approx(straight[name]), name


def test_the_density_map_shows_calibrated_values_and_can_be_taken_away(review: Hands) -> None:
    review.ui.densityCheckBox.setChecked(True)
    volumes = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    node = slicer.mrmlScene.GetFirstNodeByName("CT BMD map (mg/cm3)")
    assert node.GetDisplayNode().GetColorNode() is not None
    values = slicer.util.arrayFromVolume(node)
    inside = values[values > -500]
    assert np.median(inside) == pytest.approx(review.examination.assessment.mean_bmd_mg_cm3, abs=15.0)
    review.ui.densityCheckBox.setChecked(False)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == volumes - 1


def test_another_calibration_changes_every_bmd_and_can_be_undone(review: Hands) -> None:
    before = review.table.cells("L1")
    review.ui.calibrationCombo.setCurrentIndex(2)
    review.ui.slopeSpin.setValue(0.9)
    review.ui.interceptSpin.setValue(1.0)
    review.click("calibrationButton")
    assert review.table.cells("L1")[3] != before[3]
    assert review.table.cells("L1")[2] == before[2]
    assert "It fits the tube voltage of this scan, 120 kVp." in review.ui.calibrationLabel.text
    review.click("undoButton")
    assert review.table.cells("L1") == before


def test_a_signed_review_takes_no_correction_until_the_signature_is_off(review: Hands) -> None:
    review.click("signButton")
    assert f"Signed by {READER}" in review.ui.signatureLabel.text
    review.panel.sections.vertebrae.actions.exclude("cyst")
    assert "signature" in review.message
    assert review.examination.measurement("L1").excluded is None
    review.click("signButton")
    assert review.ui.signatureLabel.text == "Not signed."
    review.panel.sections.vertebrae.actions.exclude("cyst")
    assert review.examination.measurement("L1").excluded is not None
