"""A 3D view: mirrors Slicer's `Libs/MRML/Widgets/qMRMLThreeDView.h` and `qMRMLThreeDWidget.h`."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ..pythonqt.standin import standin
from ..qmrml.widget import qMRMLWidget
from .render_widget import AbstractView
from .slice_view import displayable_manager_group

# Registered by qMRMLThreeDView::initDisplayableManagers and by the modules' setup(). The slice edges are left out:
# they need the 3D view's SSAO pass, which off-screen software rendering does not have.
DISPLAYABLE_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLVolumeRenderingDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLTransformsDisplayableManager3D",
    "vtkMRMLLinearTransformsDisplayableManager",
)


@standin
class qMRMLThreeDView(AbstractView):
    """Segments, models and markups in space."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renderer.GradientBackgroundOn()
        self._node: Any = None
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        self._group = displayable_manager_group(factory, DISPLAYABLE_MANAGERS, self._renderer)
        self._observe_group(self._group)
        self._style = slicer.vtkMRMLThreeDViewInteractorStyle()
        self._style.SetDisplayableManagers(self._group)
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyle3D())
        self._style.SetInteractor(self._interactor)

    def renderer(self) -> Any:
        return self._renderer

    def mrmlViewNode(self) -> Any:
        return self._node

    def setMRMLViewNode(self, node: Any) -> None:
        self._node = node
        self._renderer.SetBackground(node.GetBackgroundColor())
        self._renderer.SetBackground2(node.GetBackgroundColor2())
        self._group.SetMRMLDisplayableNode(node)

    def cameraNode(self) -> Any:
        return slicer.modules.cameras.logic().GetViewActiveCameraNode(self._node)

    def interactorObserver(self) -> Any:
        return self._style

    def displayableManagerByClassName(self, class_name: str) -> Any:
        return self._group.GetDisplayableManagerByClassName(class_name)

    def resetFocalPoint(self) -> None:
        bounds = [0.0] * 6
        self._renderer.ComputeVisiblePropBounds(bounds)
        if bounds[1] >= bounds[0]:
            camera = self._renderer.GetActiveCamera()
            center = [(bounds[2 * i] + bounds[2 * i + 1]) / 2 for i in range(3)]
            shift = [c - f for c, f in zip(center, camera.GetFocalPoint(), strict=True)]
            camera.SetPosition([p + s for p, s in zip(camera.GetPosition(), shift, strict=True)])
            camera.SetFocalPoint(center)
            self.scheduleRender()

    def resetCamera(
        self, resetRotation: bool = True, resetTranslation: bool = True, resetDistance: bool = True
    ) -> None:
        self.cameraNode().Reset(resetRotation, resetTranslation, resetDistance, self._renderer)


@standin
class qMRMLThreeDWidget(qMRMLWidget):
    """A 3D view; the real one has a bar above it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = qMRMLThreeDView(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self._logic: Any = None

    def _set_up(self, application_logic: Any, scene: Any, name: str) -> None:
        """What qMRMLLayoutThreeDViewFactory does."""
        self._logic = slicer.vtkMRMLViewLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        application_logic.GetViewLogics().AddItem(self._logic)
        self.setMRMLScene(scene)
        self._logic.SetMRMLScene(scene)
        node = self._logic.AddViewNode(name)
        node.SetMappedInLayout(1)
        self._view.setMRMLViewNode(node)

    def threeDView(self) -> qMRMLThreeDView:
        return self._view

    def viewWidget(self) -> QWidget:
        return self._view

    def viewLogic(self) -> Any:
        return self._logic

    def mrmlViewNode(self) -> Any:
        return self._view.mrmlViewNode()
