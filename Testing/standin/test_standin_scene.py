"""The stand-in's scene, modules, views and mouse: real MRML, and what the application does around it."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from numpy.typing import NDArray

SIZE = 40  # voxels of 2 mm: 80 mm, centred on the origin


def cube() -> NDArray[np.int16]:
    voxels = np.full((SIZE, SIZE, SIZE), -1000, np.int16)
    voxels[10:30, 10:30, 10:30] = 200
    return voxels


@pytest.fixture
def volume(application: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    to_ras = np.diag([-2.0, -2.0, 2.0, 1.0])
    to_ras[:3, 3] = (SIZE, SIZE, -SIZE)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(to_ras))
    slicer.util.updateVolumeFromArray(node, cube())
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


@pytest.fixture
def roi(volume: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "VOI")
    node.CreateDefaultDisplayNodes()
    node.SetSize(20, 20, 20)
    node.GetDisplayNode().SetHandlesInteractive(True)
    return node


def items() -> list[str]:
    import vtk

    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), ids)
    return [hierarchy.GetItemName(ids.GetId(i)) for i in range(ids.GetNumberOfIds())]


def brightness(widget: Any) -> float:
    """Mean of the picture that `grab()` gives, over the red channel."""
    image = widget.grab().toImage()
    red = [image.pixelColor(x, y).red() for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)]
    return float(np.mean(red))


def test_a_node_has_an_item_in_the_subject_hierarchy_for_as_long_as_it_lives(volume: Any) -> None:
    assert items() == ["CT"]
    slicer.mrmlScene.RemoveNode(volume)
    assert items() == []


def test_a_drag_in_a_slice_view_moves_the_roi_to_where_the_mouse_let_go(roi: Any) -> None:
    from slicer_standin import mouse

    mouse.drag_in_slice("Red", (0, 0, 0), (10, 6, 0))
    assert roi.GetCenter() == pytest.approx((10, 6, 0), abs=1.0)  # a pixel is 0.3 mm or so


def test_a_drag_by_qt_events_does_the_same(roi: Any) -> None:
    from slicer_standin import mouse

    view = slicer.app.layoutManager().sliceWidget("Green").sliceView()
    mouse.drag_with_qt(view, mouse.slice_pixel(view, (0, 0, 0)), mouse.slice_pixel(view, (8, 0, -6)))
    assert roi.GetCenter() == pytest.approx((8, 0, -6), abs=1.0)


def test_a_drag_in_the_3d_view_moves_the_roi(roi: Any) -> None:
    from slicer_standin import mouse

    slicer.app.layoutManager().resetThreeDViews()
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    start = mouse.threed_pixel(view, roi.GetCenter())
    mouse.drag(view, start, (start[0] + 30, start[1]))
    assert np.linalg.norm(roi.GetCenter()) > 5


def test_the_views_are_in_the_picture_of_the_window(volume: Any) -> None:
    from slicer_standin import mouse

    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    view.forceRender()
    shown = brightness(view)
    slicer.util.setSliceViewerLayers(background=None)
    view.forceRender()
    mouse.process_events()
    assert shown > brightness(view) + 20  # the cube fills a quarter of the view, at 255


def test_a_scene_comes_back_from_an_mrb(volume: Any, roi: Any, tmp_path: Path) -> None:
    roi.SetCenter(3, 4, 5)
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(False)
    assert items() == []
    slicer.util.loadScene(path)
    assert np.array_equal(slicer.util.arrayFromVolume(slicer.util.getNode("CT")), cube())
    assert slicer.util.getNode("VOI").GetCenter() == pytest.approx((3, 4, 5))
    assert sorted(items()) == ["CT", "VOI"]


def test_the_views_live_through_a_closed_scene(volume: Any, roi: Any) -> None:
    slicer.mrmlScene.Clear(False)
    view = slicer.app.layoutManager().sliceWidget("Red")
    assert view.mrmlSliceNode().GetScene() is slicer.mrmlScene
    view.sliceView().forceRender()
    slicer.app.layoutManager().threeDWidget(0).threeDView().forceRender()


def test_a_volume_is_saved_and_loaded_by_its_file(volume: Any, tmp_path: Path) -> None:
    path = tmp_path / "ct.nrrd"
    assert slicer.util.saveNode(volume, str(path))
    again = slicer.util.loadVolume(path)
    assert np.array_equal(slicer.util.arrayFromVolume(again), cube())
    with pytest.raises(RuntimeError, match=r"missing\.nrrd"):
        slicer.util.loadVolume(tmp_path / "missing.nrrd")


def test_a_layout_shows_the_views_it_names(application: Any) -> None:
    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    shown = {name for name in manager.sliceViewNames() if manager.sliceWidget(name).visible}
    assert (shown, manager.threeDWidget(0).visible) == ({"Red"}, False)
    with pytest.raises(NotImplementedError):
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutDual3DView)


@pytest.fixture
def selector(application: Any) -> Any:
    widget = slicer.qMRMLNodeComboBox()
    widget.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    widget.setMRMLScene(slicer.mrmlScene)
    yield widget
    widget.setMRMLScene(None)


def test_a_node_selector_takes_the_first_volume_and_moves_on_when_it_goes(selector: Any) -> None:
    got = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", got.append)
    first, second = (slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name) for name in "ab")
    assert selector.currentNode() is first
    slicer.mrmlScene.RemoveNode(first)
    assert selector.currentNode() is second
    slicer.mrmlScene.RemoveNode(second)
    assert got == [first, second, None]


def test_a_node_selector_with_none_waits_to_be_asked(selector: Any) -> None:
    selector.noneEnabled = True
    valid = []
    selector.connect("currentNodeChanged(bool)", valid.append)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "a")
    assert selector.currentNode() is None
    selector.setCurrentNode(node)
    selector.setCurrentNode(None)
    assert valid == [True, False]


def test_a_node_selector_leaves_out_hidden_nodes_and_other_types(selector: Any) -> None:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "m")
    hidden = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScalarVolumeNode")
    hidden.UnRegister(None)
    hidden.SetHideFromEditors(True)
    slicer.mrmlScene.AddNode(hidden)
    assert (selector.nodeCount(), selector.currentNode()) == (0, None)


MODULE = """
import enum, pathlib, qt, slicer
from typing import Annotated
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import *
from slicer.parameterNodeWrapper import parameterNodeWrapper, Choice, WithinRange, Default

class Kind(enum.Enum):
    ONE = 1
    TWO = 2

class Small(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Small")
        parent.categories = ["Tests"]

@parameterNodeWrapper
class SmallParameters:
    volume: slicer.vtkMRMLScalarVolumeNode
    size: Annotated[float, WithinRange(1, 9)] = 3.0
    count: int = 4
    on: bool = True
    text: str = "text"
    path: pathlib.Path
    kind: Kind
    side: Annotated[str, Choice(["left", "right"])] = "right"

class SmallWidget(ScriptedLoadableModuleWidget):
    events = []
    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.box = qt.QDoubleSpinBox()
        self.side = qt.QComboBox()
        self.check = qt.QCheckBox()
        for widget, name in ((self.box, "size"), (self.side, "side"), (self.check, "on")):
            widget.setProperty("SlicerParameterName", name)
            self.layout.addWidget(widget)
        self.parameters = SmallParameters(SmallLogic().getParameterNode())
        self.tag = self.parameters.connectGui(self.parent)
    def enter(self): self.events.append("enter")
    def exit(self): self.events.append("exit")
    def cleanup(self):
        self.events.append("cleanup")
        self.parameters.disconnectGui(self.tag)

class SmallLogic(ScriptedLoadableModuleLogic):
    pass
"""


@pytest.fixture
def small(load_module: Callable[[Path], Any], tmp_path: Path) -> Any:
    path = tmp_path / "Small.py"
    path.write_text(textwrap.dedent(MODULE))
    return load_module(path)


def test_a_module_is_found_by_name_and_its_panel_entered(small: Any) -> None:
    module = slicer.modules.small
    assert (module.name, module.title, module.categories) == ("Small", "Small", ["Tests"])
    assert slicer.util.getModuleWidget("Small") is small
    assert small.events == ["enter"]


def test_leaving_a_module_exits_it_and_unloading_cleans_up(small: Any) -> None:
    from slicer_standin.application.modules import unload_module

    slicer.util.selectModule("SegmentEditor")
    assert small.events == ["enter", "exit"]
    slicer.util.selectModule("Small")
    unload_module("Small")
    assert small.events == ["enter", "exit", "enter", "exit", "cleanup"]
    assert not hasattr(slicer.modules, "SmallWidget")


def test_a_parameter_starts_at_its_default_and_keeps_what_it_is_given(small: Any, tmp_path: Path) -> None:
    p = small.parameters
    assert (p.size, p.count, p.on, p.text, p.kind.name, p.side, p.volume) == (
        3.0,
        4,
        True,
        "text",
        "ONE",
        "right",
        None,
    )
    p.count, p.text, p.path, p.kind = 7, "t", tmp_path, type(p.kind).TWO
    p.volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "a")
    again = type(p)(p.parameterNode)
    assert (again.count, again.text, again.path, again.kind.name, again.volume.GetName()) == (
        7,
        "t",
        tmp_path,
        "TWO",
        "a",
    )


@pytest.mark.parametrize(("name", "value"), [("size", 10.0), ("side", "up"), ("count", None), ("volume", "x")])
def test_a_parameter_refuses_what_it_may_not_be(small: Any, name: str, value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        setattr(small.parameters, name, value)


def test_a_widget_follows_its_parameter_and_the_parameter_the_widget(small: Any) -> None:
    assert (small.box.minimum, small.box.maximum, small.box.value) == (1.0, 9.0, 3.0)
    small.parameters.size = 5.0
    small.parameters.side = "left"
    assert (small.box.value, small.side.currentText) == (5.0, "left")
    small.box.value = 6.5
    small.side.currentIndex = 1
    small.check.click()
    assert (small.parameters.size, small.parameters.side, small.parameters.on) == (6.5, "right", False)


def test_a_disconnected_widget_no_longer_follows(small: Any) -> None:
    small.parameters.disconnectGui(small.tag)
    small.parameters.size = 5.0
    small.box.value = 7.0
    assert small.parameters.size == 5.0


def test_the_parameters_are_at_their_defaults_after_the_scene_was_closed(small: Any) -> None:
    small.parameters.size = 5.0
    slicer.mrmlScene.Clear(False)
    assert small.parameters.size == 3.0


def test_a_series_is_loaded_with_its_instance_uids_and_its_tags_can_be_asked(application: Any, tmp_path: Path) -> None:
    from ldct_bmd_lab.phantom import PhantomSpec, build_phantom, write_dicom
    from slicer_standin.application.dicom import load_dicom

    spec = PhantomSpec(matrix=(64, 64), spacing_mm=(3.0, 3.0, 3.0), top_level="L1", bottom_level="L1", table=False)
    write_dicom(build_phantom(spec), tmp_path)
    node = load_dicom(tmp_path)
    uids = node.GetAttribute("DICOM.instanceUIDs").split()
    assert len(uids) == node.GetImageData().GetDimensions()[2]
    file = slicer.dicomDatabase.fileForInstance(uids[0])
    assert Path(file).is_file()
    assert slicer.dicomDatabase.fileValue(file, "0008,0060") == "CT"
    assert slicer.dicomDatabase.fileForInstance("1.2.3") == ""
    z = float(slicer.dicomDatabase.instanceValue(uids[0], "0020,0032").split("\\")[2])
    assert node.GetOrigin()[2] == pytest.approx(z, abs=0.01)


def test_missing_packages_are_asked_for_once_and_declining_is_an_error(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qt

    from slicer_standin.pythonqt.dialogs import answering

    installed = []
    monkeypatch.setattr(slicer.packaging, "pip_install", lambda requirements, **_: installed.append(requirements))
    slicer.packaging.pip_ensure(["numpy>=1"])
    with answering(qt.QMessageBox.Cancel) as shown, pytest.raises(RuntimeError, match="declined"):
        slicer.packaging.pip_ensure(["no-such-package>=1"], requester="Small")
    assert "no-such-package" in shown[0].details
    with answering(qt.QMessageBox.Ok):
        slicer.packaging.pip_ensure(["numpy>=1", "no-such-package>=1"], requester="Small", prompt_restart=False)
    assert installed == [["no-such-package>=1"]]
