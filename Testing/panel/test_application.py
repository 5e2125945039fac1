"""The module in the application: its start, its reload, its own test, a Slicer that is too old, and a defect."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import slicer
from panel_fixtures import Hands

from ldct_bmd.reporting.terminology import TERMINOLOGY_CONTEXT
from slicer_standin.pythonqt.dialogs import answering


@pytest.fixture
def module_file() -> Iterator[Path]:
    """The module's file; the module is loaded anew afterwards."""
    from slicer_standin.application.modules import load_scripted_module, unload_module

    path = Path(slicer.util.modulePath("LDCTBoneDensity"))
    yield path
    unload_module("LDCTBoneDensity")
    load_scripted_module(path)


def load_again(path: Path) -> Hands:
    from slicer_standin.application.modules import load_scripted_module, unload_module

    unload_module("LDCTBoneDensity")
    load_scripted_module(path)
    slicer.util.selectModule("LDCTBoneDensity")
    return Hands()


def test_a_slicer_that_is_too_old_is_told_at_the_top_of_a_panel_that_shows_what_there_is(
    panel: Hands, ct: Any, measured: Any, module_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not panel.ui.versionLabel.visible
    monkeypatch.setattr(type(slicer.app), "minorVersion", property(lambda self: 10))
    hands = load_again(module_file)
    assert hands.ui.versionLabel.visible
    assert "5.10" in hands.ui.versionLabel.text
    assert "5.12" in hands.ui.versionLabel.text
    assert hands.ui.versionLabel.y == min(hands.ui.versionLabel.y, hands.ui.scanSection.y)
    hands.choose(ct)
    hands.click("measureButton")
    assert "5.12" in hands.message
    assert not hands.panel.run.isRunning
    hands.show_measured(ct, measured)
    assert hands.table.levels()[:3] == ["T12", "L1", "L2"]


def test_the_terminology_is_there_before_the_panel_is_opened(application: Any) -> None:
    import vtk

    names = vtk.vtkStringArray()
    slicer.modules.terminologies.logic().GetLoadedTerminologyNames(names)
    assert TERMINOLOGY_CONTEXT in {names.GetValue(i) for i in range(names.GetNumberOfValues())}


def test_the_sample_data_hold_a_scan_that_can_be_measured(panel: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    from LDCTBoneDensityLib.work.StartUp import startUp

    registered: list[dict[str, Any]] = []

    class SampleDataLogic:
        """Registers as the real one does, which compares the lengths of the lists."""

        @staticmethod
        def registerCustomSampleDataCategory(category: str, title: str) -> None:
            assert title

        @staticmethod
        def registerCustomSampleDataSource(
            category: str, sampleName: str, uris: list[str], fileNames: list[str], **rest: Any
        ) -> None:
            assert len(uris) == len(fileNames)
            registered.append(rest)

    fake = types.ModuleType("SampleData")
    fake.SampleDataLogic = SampleDataLogic  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "SampleData", fake)
    monkeypatch.setattr(slicer.modules, "sampledata", fake, raising=False)
    startUp()
    (source,) = registered
    assert Path(source["thumbnailFileName"]).is_file()
    volume, segmentation = source["customDownloader"](None)
    panel.choose(volume, segmentation)
    panel.click("measureButton")
    panel.finish_run()
    assert panel.examination.measurement("L1").mean_hu == pytest.approx(130, abs=2)


def test_the_modules_own_test_begins_with_an_empty_scene_and_passes(application: Any) -> None:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "left over")
    test = sys.modules["LDCTBoneDensity"].LDCTBoneDensityTest()
    test.runTest()
    assert slicer.mrmlScene.GetFirstNodeByName("left over") is None
    # The segments' scan, and the one that the network looked at.
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 2


def test_reload_reads_the_modules_own_packages_again_and_the_panel_works(
    panel: Hands, ct: Any, measured: Any, module_file: Path
) -> None:
    old = sys.modules["LDCTBoneDensityLib.panel.Panel"], sys.modules["ldct_bmd.voi"]
    kept = {
        name: module for name, module in sys.modules.items() if name.split(".")[0] in ("LDCTBoneDensityLib", "ldct_bmd")
    }
    slicer.modules.LDCTBoneDensityWidget.onReload()
    try:
        assert sys.modules["LDCTBoneDensityLib.panel.Panel"] is not old[0]
        assert sys.modules["ldct_bmd.voi"] is not old[1]
        hands = Hands()
        assert type(hands.panel) is sys.modules["LDCTBoneDensityLib.panel.Panel"].Panel
        hands.widget.enter()
        hands.panel.parameters.inputVolume = ct
        assert hands.ui.measureButton.enabled
    finally:
        sys.modules.update(kept)


def test_an_error_while_a_result_is_taken_is_told_and_the_panel_goes_on(
    panel: Hands, ct: Any, measured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: Any) -> None:
        raise RuntimeError("a defect")

    panel.choose(ct)
    run = panel.panel.run
    folder = run._runner.newFolder()
    with monkeypatch.context() as broken:
        broken.setattr(panel.panel.logic, "accept", break_down)
        run._take = lambda: run.measured.emit(panel.panel.logic.accept(ct, *measured))
        run._runner.finished.emit()
    assert "RuntimeError: a defect" in panel.message
    panel.wait_until_gone(folder)
    assert panel.ui.measureButton.enabled
    assert not panel.ui.cancelButton.visible
    panel.show_measured(ct, measured)
    assert panel.table.level() == "T12"


def test_a_correction_with_a_defect_is_told_and_changes_nothing(panel: Hands, ct: Any, measured: Any) -> None:
    panel.show_measured(ct, measured)
    before = panel.examination
    panel.panel.correct(lambda review: {}["no such thing"])
    assert "KeyError" in panel.message
    assert panel.examination is before
    panel.panel.correct(lambda review: review.exclude("L1", "fracture"))
    assert panel.message == ""
    assert panel.examination.measurement("L1").excluded is not None


def test_nothing_piles_up_however_often_a_level_is_selected(panel: Hands, ct: Any, measured: Any) -> None:
    import qt

    panel.show_measured(ct, measured)

    def counted() -> tuple[int, int, int]:
        panel.wait()
        actions = slicer.util.mainWindow().findChildren(qt.QAction)
        return len(actions), slicer.mrmlScene.GetNumberOfNodes(), len(panel.panel.sections.vertebrae.actions._actions)

    def go_through() -> None:
        for level in panel.table.levels():
            panel.table.select(level)
        panel.ui.densityCheckBox.setChecked(True)
        panel.panel.correct(lambda review: review.exclude("L1", "fracture"))
        panel.panel.correct(lambda review: review.undo())
        panel.ui.densityCheckBox.setChecked(False)

    go_through()
    before = counted()
    for _ in range(5):
        go_through()
    assert counted() == before


def test_what_is_made_again_leaves_nothing_of_what_it_replaced(panel: Hands, ct: Any, measured: Any) -> None:
    panel.show_measured(ct, measured)
    before = slicer.mrmlScene.GetNumberOfNodes()
    for _ in range(3):
        panel.show_measured(ct, measured)
    slicer.mrmlScene.RemoveNode(panel.review.markups.roi("L1"))
    with answering("Yes"):  # make it again
        panel.wait(0.1)
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_the_drift_plot_has_a_view_that_the_layout_leaves_alone(application: Any) -> None:
    import qt
    import vtk

    from LDCTBoneDensityLib.calibration.DriftPlot import DriftPlot

    added: list[bool] = []

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def see(_scene: Any, _event: str, node: Any) -> None:
        if node.IsA("vtkMRMLPlotViewNode"):  # as qMRMLLayoutManager does, when the node is added
            added.append(node.GetParentLayoutNode() is not None)

    before = slicer.mrmlScene.GetNumberOfNodes()
    tag = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, see)
    holder = qt.QWidget()
    plot = DriftPlot(qt.QVBoxLayout(holder), slicer.mrmlScene)
    plot._ensureWidget()
    assert added == [True]
    plot.forget()
    slicer.mrmlScene.RemoveObserver(tag)
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    holder.deleteLater()
