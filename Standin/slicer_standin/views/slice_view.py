"""A slice view: mirrors Slicer's `Libs/MRML/Widgets/qMRMLSliceView.h` and `qMRMLSliceWidget.h`."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Property, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ..ctk.slider_widget import ctkSliderWidget
from ..pythonqt.standin import standin
from ..qmrml.widget import qMRMLWidget
from .render_widget import AbstractView

# Registered by qMRMLSliceView::initDisplayableManagers and by the setup() of the Segmentations, Markups and
# Transforms modules.
DISPLAYABLE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLLinearTransformsDisplayableManager",
)


def displayable_manager_group(factory: Any, names: tuple[str, ...], renderer: Any) -> Any:
    """Registers the managers that slicer-core has and makes a group of them."""
    for name in names:
        if hasattr(slicer, name) and not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.SetRenderer(renderer)
    group.Initialize(factory, renderer)
    return group


@standin
class qMRMLSliceView(AbstractView):
    """The picture of a slice with everything drawn over it."""

    resized = Signal(QSize)
    SIGNALS = ("resized(QSize)",)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        overlay = vtk.vtkRenderer()
        overlay.SetLayer(1)
        overlay.GetActiveCamera().ParallelProjectionOn()
        self._window.SetNumberOfLayers(2)
        self._window.AddRenderer(overlay)
        self._window.SetAlphaBitPlanes(1)
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._image_actor = vtk.vtkActor2D()
        self._image_actor.SetMapper(self._mapper)
        self._image_actor.GetProperty().SetDisplayLocationToBackground()
        self._image_actor.VisibilityOff()
        self._renderer.AddViewProp(self._image_actor)
        self._node: Any = None
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self._group = displayable_manager_group(factory, DISPLAYABLE_MANAGERS, self._renderer)
        self._observe_group(self._group)
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()
        self._style.SetDisplayableManagers(self._group)
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._style.SetInteractor(self._interactor)

    def _on_resized(self, size: QSize) -> None:
        self.resized.emit(size)

    def mrmlSliceNode(self) -> Any:
        return self._node

    def setMRMLSliceNode(self, node: Any) -> None:
        self._node = node
        self._group.SetMRMLDisplayableNode(node)

    def sliceViewInteractorStyle(self) -> Any:
        return self._style

    def interactorObserver(self) -> Any:
        return self._style

    def displayableManagerByClassName(self, class_name: str) -> Any:
        return self._group.GetDisplayableManagerByClassName(class_name)

    def getDisplayableManagers(self, collection: Any) -> None:
        for i in range(self._group.GetDisplayableManagerCount()):
            collection.AddItem(self._group.GetNthDisplayableManager(i))

    def _show_image(self, connection: Any) -> None:
        if connection is not None:
            self._mapper.SetInputConnection(connection)
        self._image_actor.SetVisibility(connection is not None)
        self.scheduleRender()

    def convertDeviceToXYZ(self, xy: list[int]) -> list[float]:
        xyz = [0.0, 0.0, 0.0]
        self.displayableManagerByClassName("vtkMRMLCrosshairDisplayableManager").ConvertDeviceToXYZ(*xy, xyz)
        return xyz

    def convertRASToXYZ(self, ras: list[float]) -> list[float]:
        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self._node.GetXYToRAS(), inverse)
        return list(inverse.MultiplyPoint((*ras, 1.0))[:3])

    def convertXYZToRAS(self, xyz: list[float]) -> list[float]:
        return list(self._node.GetXYToRAS().MultiplyPoint((*xyz, 1.0))[:3])


@standin
class qMRMLSliceWidget(qMRMLWidget):
    """A slice view under its bar: name, offset and slider. The bar is narrower than the real controller."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = qMRMLSliceView(self)
        self._logic = slicer.vtkMRMLSliceLogic()
        self._label = QLabel(self)
        self._slider = ctkSliderWidget(self)
        self._slider.setSuffix(" mm")
        bar = QHBoxLayout()
        bar.setContentsMargins(4, 0, 4, 0)
        bar.addWidget(self._label)
        bar.addWidget(self._slider, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._view, 1)
        self._view.resized.connect(self._on_resized)
        self._slider.valueChanged.connect(self._on_slider)

    def _set_up(self, application_logic: Any, scene: Any, name: str, orientation: str, color: str) -> None:
        """What qMRMLLayoutSliceViewFactory does: gives the widget its logic, its node and its place in the scene."""
        logic = self._logic
        logic.SetMRMLApplicationLogic(application_logic)
        application_logic.GetSliceLogics().AddItem(logic)
        self._view._style.SetSliceLogic(logic)
        logic.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._on_logic())
        self.setMRMLScene(scene)
        logic.SetMRMLScene(scene)
        node = logic.AddSliceNode(name)
        node.SetLayoutLabel(name[0])
        node.SetDefaultOrientation(orientation)
        node.SetOrientation(orientation)
        node.SetMappedInLayout(1)
        self._view.setMRMLSliceNode(node)
        self._label.setText(node.GetLayoutLabel())
        self._label.setStyleSheet(f"background: {color}; padding: 1px 6px")
        scene.AddObserver(scene.EndBatchProcessEvent, lambda *_: self._on_resized(self._view.size))

    def _on_logic(self) -> None:
        self._view._show_image(self._logic.GetImageDataConnection())
        bounds = [0.0] * 6
        self._logic.GetLowestVolumeSliceBounds(bounds)
        was_blocked = self._slider.blockSignals(True)
        if bounds[5] > bounds[4]:
            self._slider.setRange(bounds[4], bounds[5])
        self._slider.setValue(self._logic.GetSliceOffset())
        self._slider.blockSignals(was_blocked)

    def _on_slider(self, offset: float) -> None:
        self._logic.SetSliceOffset(offset)

    def _on_resized(self, size: QSize) -> None:
        self._logic.ResizeSliceNode(size.width(), size.height())

    def sliceView(self) -> qMRMLSliceView:
        return self._view

    def viewWidget(self) -> QWidget:
        return self._view

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._view.mrmlSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def interactorStyle(self) -> Any:
        return self._view.sliceViewInteractorStyle()

    def setSliceOrientation(self, orientation: str) -> None:
        self.mrmlSliceNode().SetOrientation(orientation)

    sliceOrientation = Property(str, lambda self: self.mrmlSliceNode().GetOrientation(), setSliceOrientation)
    sliceViewName = Property(str, lambda self: self.mrmlSliceNode().GetLayoutName())
    sliceViewLabel = Property(str, lambda self: self.mrmlSliceNode().GetLayoutLabel())

    def fitSliceToBackground(self) -> None:
        self._on_resized(self._view.size)
        self._logic.FitSliceToBackground(True)

    def sliceOffsetSliderOrientation(self) -> Qt.Orientation:
        return Qt.Orientation.Horizontal
