"""Measuring from the panel: the same numbers as the command line, in the background, and what goes wrong."""

from pathlib import Path
from typing import Any

import pytest
import slicer
from helpers_segments import true_bodies
from panel_fixtures import Database, Hands, PhantomFiles, load_dicom, volume_node

from ldct_bmd.cli.measuring import Request, measure_scan
from ldct_bmd.jobs.folder import load


def same_record(one: Any, other: Any) -> None:
    """Both records, less the name of the mask's file, whose bytes differ."""
    for values in (a := one.comparable(), b := other.comparable()):
        del values["software"]["model_sha256"], values["files"]
    assert a == b


def test_the_panel_gives_the_record_of_the_command_line_to_the_last_digit(
    panel: Hands, ct: Any, phantom_files: PhantomFiles, tmp_path: Path
) -> None:
    panel.choose(ct, true_bodies(ct, phantom_files))
    panel.click("measureButton")
    panel.finish_run()
    assert panel.message == "Measured: CT."
    request = Request(
        phantom_files.dicom[0].parent,
        tmp_path / "out",
        segmentation_file=phantom_files.label_file,
        segmentation_values="verse",
        segmentation_parts="body",
    )
    same_record(panel.examination, measure_scan(request, lambda stage, fraction: None))
    assert panel.table.cells("L1")[2] == "{0.mean_hu:.1f} ± {0.sd_hu:.1f}".format(panel.examination.measurement("L1"))


def test_a_job_holds_no_path_that_depends_on_the_folder_in_which_slicer_was_started(
    application: Any, phantom_files: PhantomFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from LDCTBoneDensityLib.work.MeasureJob import MeasureJob, MeasureSettings

    monkeypatch.chdir(phantom_files.dicom[0].parent)
    relative = Database()
    ct = load_dicom(tuple(Path(path.name) for path in phantom_files.dicom), relative, "CT")
    monkeypatch.setattr(slicer, "dicomDatabase", relative, raising=False)
    job = MeasureJob(tmp_path)
    job.layMeasurement(ct, MeasureSettings(weights="w.safetensors", calibrationStore="site.calibrations"))
    spec = load(tmp_path)
    assert Path(spec.segmentation.weights) == Path("w.safetensors").absolute()
    assert Path(spec.calibration.path) == Path("site.calibrations").absolute()
    assert [Path(file) for file in spec.source.files] == list(phantom_files.dicom)


def test_the_table_lists_the_targets_first_and_the_views_hold_segments_and_vois(
    panel: Hands, ct: Any, measured: Any
) -> None:
    panel.show_measured(ct, measured)
    assert panel.table.levels()[:3] == ["T12", "L1", "L2"]
    assert panel.table.level() == "T12"
    segmentation = panel.review.segmentationNode.GetSegmentation()
    names = [segmentation.GetNthSegment(i).GetName() for i in range(segmentation.GetNumberOfSegments())]
    assert {"T12", "L1", "L2"} <= set(names)
    assert panel.review.markups.roi("T12").GetDisplayNode().GetVisibility()
    assert not panel.review.markups.roi("L1").GetDisplayNode().GetVisibility()
    assert panel.review.markups.cylinder("L1").GetDisplayNode().GetVisibility2D()


def test_a_volume_without_tags_is_measured_and_what_is_missing_is_told(
    panel: Hands, phantom_files: PhantomFiles, database: Database
) -> None:
    with_tags = load_dicom(phantom_files.dicom, database, "tagged")
    volume = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, with_tags, "bare")
    volume.RemoveAttribute("DICOM.instanceUIDs")
    panel.choose(volume, true_bodies(volume, phantom_files))
    panel.wait()
    assert "No DICOM tags" in panel.ui.patientLabel.text
    panel.click("measureButton")
    panel.finish_run()
    assert panel.examination.scan.acquisition.kvp is None
    assert any("tube voltage" in text for text in panel.panel.sections.scan.findings.texts())


def test_a_run_tells_its_stages_and_leaves_the_panel_usable(panel: Hands, ct: Any, phantom_files: PhantomFiles) -> None:
    told: list[str] = []
    panel.choose(ct, true_bodies(ct, phantom_files))
    panel.panel.run.progressed.connect(lambda stage, fraction, name: told.append(stage))
    panel.click("measureButton")
    assert panel.ui.cancelButton.visible
    assert not panel.ui.measureButton.enabled
    panel.ui.levelsEdit.setText("L1")
    assert panel.panel.parameters.levels == "L1"
    panel.finish_run()
    assert [stage for i, stage in enumerate(told) if stage not in told[:i]] == ["read", "segment", "label", "measure"]
    assert panel.ui.measureButton.enabled


def test_a_cancelled_run_leaves_nothing_behind_and_the_next_one_works(
    panel: Hands, ct: Any, phantom_files: PhantomFiles
) -> None:
    panel.choose(ct, true_bodies(ct, phantom_files))
    panel.click("measureButton")
    folder = panel.panel.run._runner.folder
    panel.wait(0.3)
    panel.click("cancelButton")
    panel.finish_run()
    assert panel.message == "Cancelled: nothing was kept."
    assert panel.review is None
    panel.wait_until_gone(folder)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTextNode") == 0
    panel.click("measureButton")
    panel.finish_run()
    assert panel.examination.measurement("L1") is not None


def test_measuring_twice_replaces_the_first_result(
    panel: Hands, ct: Any, measured: Any, phantom_files: PhantomFiles
) -> None:
    panel.show_measured(ct, measured)
    panel.choose(ct, true_bodies(ct, phantom_files))
    panel.click("measureButton")
    panel.finish_run()
    assert panel.examination.history == ()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTextNode") == 1
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == len(panel.examination.measurements)
    # The reader's own segmentation and the result's.
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2
    level = panel.table.level()
    assert panel.review.markups.roi(level).GetDisplayNode().GetVisibility(), "the selected row has its handles"


def test_measuring_a_reviewed_scan_again_asks_and_sets_the_review_aside(
    panel: Hands, ct: Any, measured: Any, phantom_files: PhantomFiles
) -> None:
    from slicer_standin.pythonqt.dialogs import answering

    panel.show_measured(ct, measured)
    panel.review.do(lambda review: review.exclude("L1", "cyst"))
    reviewed = panel.examination
    panel.choose(ct, true_bodies(ct, phantom_files))
    with answering("No"):
        panel.click("measureButton")
    assert not panel.panel.run.isRunning
    with answering("Yes"):
        panel.click("measureButton")
    panel.finish_run()
    assert panel.examination.history == ()
    visible = [node.GetDisplayNode().GetVisibility() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")]
    assert len(visible) == 3
    with answering("Yes") as shown:
        panel.click("discardButton")
    assert "set aside comes back" in shown[0].text
    assert panel.examination == reviewed
    assert panel.table.cells("L1")[5] == "excluded: cyst"
    assert panel.review.segmentationNode.GetDisplayNode().GetVisibility()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTextNode") == 1
    with answering("Yes"):
        panel.click("discardButton")
    assert panel.review is None
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTextNode") == 0
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 0


def test_a_failing_engine_is_told_in_a_sentence_and_the_panel_goes_on(panel: Hands, ct: Any, tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"no weights")
    panel.choose(ct)
    panel.ui.weightsPath.currentPath = str(weights)
    panel.click("measureButton")
    panel.finish_run()
    assert "weights.safetensors holds no weights of this software" in panel.message
    assert panel.ui.measureButton.enabled
    assert panel.review is None


def test_an_engine_that_dies_is_told(panel: Hands, ct: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from LDCTBoneDensityLib.work import EngineRunner

    monkeypatch.setattr(EngineRunner, "python", lambda: "/no/such/python")
    panel.choose(ct)
    panel.click("measureButton")
    panel.finish_run()
    assert "could not be started" in panel.message
    assert panel.ui.measureButton.enabled


def test_closing_the_scene_during_a_run_stops_it_and_breaks_nothing(
    panel: Hands, ct: Any, phantom_files: PhantomFiles
) -> None:
    panel.choose(ct, true_bodies(ct, phantom_files))
    panel.click("measureButton")
    slicer.mrmlScene.Clear(False)
    panel.wait(0.5)
    assert not panel.panel.run.isRunning
    assert panel.review is None
    assert panel.table.levels() == []
    assert not panel.ui.measureButton.enabled


def test_deleting_the_volume_during_its_run_cancels_the_run(panel: Hands, ct: Any, phantom_files: PhantomFiles) -> None:
    panel.choose(ct, true_bodies(ct, phantom_files))
    panel.click("measureButton")
    slicer.mrmlScene.RemoveNode(ct)
    panel.finish_run()
    assert panel.review is None
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTextNode") == 0


def test_another_volume_on_display_does_not_get_the_result_of_the_run(
    panel: Hands, ct: Any, phantom_files: PhantomFiles, database: Database
) -> None:
    other = load_dicom(phantom_files.dicom, database, "other")
    panel.choose(ct, true_bodies(ct, phantom_files))
    panel.click("measureButton")
    panel.panel.parameters.inputVolume = other
    panel.finish_run()
    assert panel.review is None
    panel.panel.parameters.inputVolume = ct
    assert panel.review.volumeNode is ct


def test_a_rigidly_moved_volume_is_measured_in_a_hardened_copy(
    panel: Hands, ct: Any, phantom_files: PhantomFiles
) -> None:
    import vtk

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 12.0)
    transform.SetMatrixTransformToParent(matrix)
    source = true_bodies(ct, phantom_files)
    source.SetAndObserveTransformNodeID(transform.GetID())
    source.HardenTransform()
    ct.SetAndObserveTransformNodeID(transform.GetID())
    panel.choose(ct, source)
    panel.click("measureButton")
    panel.finish_run()
    assert panel.review.volumeNode is not ct
    assert panel.review.volumeNode.GetName() == "CT (hardened)"
    assert panel.examination.scan.acquisition.kvp == 120.0
    assert "differs from the files" in panel.review.stored.remark
    assert ct.GetParentTransformNode() is transform


def test_a_volume_under_a_scaling_transform_is_refused_with_what_to_do(panel: Hands, ct: Any) -> None:
    import vtk

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "tilt")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(1, 2, 0.3)
    transform.SetMatrixTransformToParent(matrix)
    ct.SetAndObserveTransformNodeID(transform.GetID())
    panel.choose(ct)
    panel.click("measureButton")
    assert "take it out of the transform" in panel.message
    assert not panel.panel.run.isRunning


def test_a_changed_volume_is_measured_as_it_is_and_that_is_told(
    panel: Hands, ct: Any, phantom_files: PhantomFiles
) -> None:
    voxels = slicer.util.arrayFromVolume(ct)
    voxels[:, 20:30, 20:30] += 7
    slicer.util.arrayFromVolumeModified(ct)
    panel.choose(ct, true_bodies(ct, phantom_files))
    panel.click("measureButton")
    panel.finish_run()
    assert "differs from the files" in panel.review.stored.remark
    assert panel.examination.scan.source.sop_instance_uids == ()
    assert panel.examination.scan.acquisition.kvp == 120.0
    assert "scan_modified" in panel.examination.assessment.limited


def test_a_stored_orientation_other_than_the_engines_gives_the_same_numbers(
    panel: Hands, ct: Any, measured: Any, phantom_files: PhantomFiles
) -> None:
    import SimpleITK as sitk

    image = sitk.ReadImage([str(path) for path in phantom_files.dicom])
    turned = volume_node(sitk.DICOMOrient(image, "SAR"), "turned")
    panel.choose(turned, true_bodies(turned, phantom_files))
    panel.click("measureButton")
    panel.finish_run()
    for found in measured[0].examination.measurements:
        assert panel.examination.measurement(found.level).mean_hu == pytest.approx(found.mean_hu, abs=1e-6)


def test_the_scans_line_says_date_and_exposure_as_the_report_does(panel: Hands, ct: Any, measured: Any) -> None:
    from ldct_bmd.reporting.page.about import acquisition_words
    from ldct_bmd.words import catalogue

    panel.choose(ct)
    before = panel.ui.patientLabel.text
    panel.show_measured(ct, measured)
    assert panel.ui.patientLabel.text == before
    made = panel.examination.scan.acquisition
    assert acquisition_words(made, catalogue()) in before
    assert "120 kVp" in before
    date = made.acquisition_date or made.study_date
    assert f"{date[:4]}-{date[4:6]}-{date[6:]}" in before
