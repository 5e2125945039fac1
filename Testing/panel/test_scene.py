"""The review lives in the scene: saved, reopened, beside another one, and with nodes deleted under it."""

from pathlib import Path
from typing import Any

import numpy as np
import slicer
from panel_fixtures import Database, Hands, PhantomFiles, load_dicom, shift


def corrected(panel: Hands, ct: Any, measured: Any) -> None:
    panel.show_measured(ct, measured)
    panel.table.select("L1")
    panel.panel.sections.vertebrae.actions.exclude("fracture")
    shift(panel.review.markups.roi("L2"), 3.0)
    panel.panel.commit()


def test_saving_and_reopening_the_scene_brings_the_review_back_with_its_history(
    panel: Hands, ct: Any, measured: Any, tmp_path: Path
) -> None:
    corrected(panel, ct, measured)
    record, cells = panel.examination.to_json(), {level: panel.table.cells(level) for level in panel.table.levels()}
    bodies = dict(panel.review.bodies)
    path = tmp_path / "review.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(False)
    panel.wait()
    assert panel.table.levels() == []
    slicer.util.loadScene(str(path))
    panel.wait(0.1)
    assert panel.examination.to_json() == record
    assert {level: panel.table.cells(level) for level in panel.table.levels()} == cells
    assert [entry.what for entry in panel.examination.history] == ["level_excluded", "voi_moved"]
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == len(panel.examination.measurements)
    again = panel.review.bodies
    assert all(np.array_equal(again[level].inside, bodies[level].inside) for level in bodies)
    panel.table.select("L2")
    panel.click("resetButton")
    assert panel.table.cells("L2")[5] == "automatic"


def test_the_record_is_the_truth_on_reload_whatever_the_rois_say(
    panel: Hands, ct: Any, measured: Any, tmp_path: Path
) -> None:
    panel.show_measured(ct, measured)
    review = panel.review
    record = panel.examination.to_json()
    review.markups.forget()  # as a scene that another program wrote
    slicer.mrmlScene.GetFirstNodeByName("VOI L1").SetCenter(0.0, 0.0, 0.0)
    path = tmp_path / "odd.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(False)
    slicer.util.loadScene(str(path))
    panel.wait(0.1)
    assert panel.examination.to_json() == record
    x, y, z = panel.examination.measurement("L1").voi.center_lps_mm
    assert np.allclose(panel.review.markups.roi("L1").GetCenterWorld(), [-x, -y, z], atol=1e-3)


def test_two_examinations_side_by_side_are_not_mixed_up(
    panel: Hands, ct: Any, measured: Any, phantom_files: PhantomFiles, database: Database
) -> None:
    panel.show_measured(ct, measured)
    other = load_dicom(phantom_files.dicom, database, "other")
    panel.show_measured(other, measured)
    panel.table.select("L1")
    panel.panel.sections.vertebrae.actions.exclude("cyst")
    panel.panel.parameters.inputVolume = ct
    assert panel.table.cells("L1")[5] == "automatic"
    assert panel.examination.history == ()
    panel.table.select("L1")
    panel.panel.sections.vertebrae.actions.exclude("tumour")
    panel.panel.parameters.inputVolume = other
    assert panel.table.cells("L1")[5] == "excluded: cyst"
    assert len(panel.examination.history) == 1
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTextNode") == 2


def test_a_deleted_voi_and_segmentation_are_made_again_if_the_reader_says_so(
    panel: Hands, ct: Any, measured: Any
) -> None:
    from slicer_standin.pythonqt.dialogs import answering

    panel.show_measured(ct, measured)
    record = panel.examination.to_json()
    slicer.mrmlScene.RemoveNode(panel.review.markups.roi("L1"))
    slicer.mrmlScene.RemoveNode(panel.review.markups.cylinder("L2"))
    slicer.mrmlScene.RemoveNode(panel.review.segmentationNode)
    with answering("Yes") as shown:
        panel.wait_until(lambda: panel.review.segmentationNode is not None and panel.review.markups.roi("L1"))
    assert len(shown) == 1, "asked once, whatever was deleted at a time"
    assert panel.review.markups.cylinder("L2").GetScene() is slicer.mrmlScene
    assert panel.examination.to_json() == record
    assert "made again" in panel.message


def test_deleting_the_volume_closes_its_review_and_the_panel_stays_usable(
    panel: Hands, ct: Any, measured: Any, phantom_files: PhantomFiles, database: Database
) -> None:
    panel.show_measured(ct, measured)
    slicer.mrmlScene.RemoveNode(ct)
    panel.wait()
    assert panel.review is None
    assert panel.table.levels() == []
    other = load_dicom(phantom_files.dicom, database, "other")
    panel.show_measured(other, measured)
    assert panel.table.levels()[:3] == ["T12", "L1", "L2"]


def test_voxels_changed_after_measuring_are_not_measured_into_the_old_record(
    panel: Hands, ct: Any, measured: Any
) -> None:
    panel.show_measured(ct, measured)
    slicer.util.arrayFromVolume(ct)[:] += 100
    slicer.util.arrayFromVolumeModified(ct)
    shift(panel.review.markups.roi("L1"), 1.0)
    assert "no longer the volume that was measured" in panel.message
    panel.panel.commit()
    assert panel.examination.history == ()


def shown_nodes(volume: Any) -> list[bool]:
    """Whether the segmentation and the cylinders of the review of a volume are on display."""
    from LDCTBoneDensityLib.scene.ReviewStore import reviewNodeOf, viewNodesOf

    nodes = [node for node in viewNodesOf(reviewNodeOf(volume)) if not node.IsA("vtkMRMLMarkupsROINode")]
    return [bool(node.GetDisplayNode().GetVisibility()) for node in nodes]


def test_one_scan_is_shown_at_a_time(
    panel: Hands, ct: Any, measured: Any, phantom_files: PhantomFiles, database: Database
) -> None:
    panel.show_measured(ct, measured)
    panel.table.select("L2")
    other = load_dicom(phantom_files.dicom, database, "other")
    panel.show_measured(other, measured)
    assert set(shown_nodes(ct)) == {False}
    assert set(shown_nodes(other)) == {True}
    assert panel.message == "Measured: other."
    background = slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    assert background.GetBackgroundVolumeID() == other.GetID()
    panel.choose(ct)
    assert set(shown_nodes(ct)) == {True}
    assert set(shown_nodes(other)) == {False}
    assert background.GetBackgroundVolumeID() == ct.GetID()
    assert panel.message == ""
    level = panel.table.level()
    handles = [roi.GetDisplayNode().GetVisibility() for roi in slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")]
    assert level is not None
    assert sum(handles) == 1, "those of the selected row of the scan on display, and no other"
    assert panel.review.markups.roi(level).GetDisplayNode().GetVisibility()
