"""Mirrors Slicer's `Libs/MRML/Widgets/qMRMLLayoutManager.h` and `Base/QTGUI/qSlicerLayoutManager.h`.

Three slice views (Red, Green, Yellow) and one 3D view, made once. The layouts that show some of them are known; any
other layout is refused.
"""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from ..pythonqt.standin import standin
from ..views.slice_view import qMRMLSliceWidget
from ..views.threed_view import qMRMLThreeDWidget

# Name, orientation and colour, from the layouts of vtkMRMLLayoutLogic.cxx.
_SLICES = (("Red", "Axial", "#F34A33"), ("Green", "Coronal", "#6EB04B"), ("Yellow", "Sagittal", "#EDD54C"))

_Layout = slicer.vtkMRMLLayoutNode
# Layout -> view: row, column, rows, columns of the grid.
_PLACES: dict[int, dict[str, tuple[int, int, int, int]]] = {
    _Layout.SlicerLayoutFourUpView: {
        "Red": (0, 0, 1, 1), "1": (0, 1, 1, 1), "Green": (1, 0, 1, 1), "Yellow": (1, 1, 1, 1),
    },
    _Layout.SlicerLayoutConventionalView: {
        "1": (0, 0, 1, 3), "Red": (1, 0, 1, 1), "Green": (1, 1, 1, 1), "Yellow": (1, 2, 1, 1),
    },
    _Layout.SlicerLayoutConventionalWidescreenView: {
        "1": (0, 0, 3, 1), "Red": (0, 1, 1, 1), "Green": (1, 1, 1, 1), "Yellow": (2, 1, 1, 1),
    },
    _Layout.SlicerLayoutOneUp3DView: {"1": (0, 0, 1, 1)},
    _Layout.SlicerLayoutOneUpRedSliceView: {"Red": (0, 0, 1, 1)},
    _Layout.SlicerLayoutOneUpGreenSliceView: {"Green": (0, 0, 1, 1)},
    _Layout.SlicerLayoutOneUpYellowSliceView: {"Yellow": (0, 0, 1, 1)},
}  # fmt: skip


@standin
class qSlicerLayoutManager(QObject):
    """`layout` is that of the layout node of the scene."""

    layoutChanged = Signal(int)
    SIGNALS = ("layoutChanged(int)",)

    def __init__(self, scene: Any, application_logic: Any) -> None:
        super().__init__()
        self._scene = scene
        self._viewport = QWidget()
        self._grid = QGridLayout(self._viewport)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._slices: dict[str, qMRMLSliceWidget] = {}
        for name, orientation, color in _SLICES:
            self._slices[name] = qMRMLSliceWidget(self._viewport)
            self._slices[name]._set_up(application_logic, scene, name, orientation, color)
        self._three_d = qMRMLThreeDWidget(self._viewport)
        self._three_d._set_up(application_logic, scene, "1")
        self._layout_logic = slicer.vtkMRMLLayoutLogic()
        self._layout_logic.SetMRMLScene(scene)
        self._shown = -1
        self.setLayout(_Layout.SlicerLayoutFourUpView)
        self._layout_logic.GetLayoutNode().AddObserver("ModifiedEvent", lambda *_: self._follow_node())

    def _widgets(self) -> dict[str, QWidget]:
        return {**self._slices, "1": self._three_d}

    def viewport(self) -> QWidget:
        return self._viewport

    def mrmlScene(self) -> Any:
        return self._scene

    def layoutLogic(self) -> Any:
        return self._layout_logic

    def setLayout(self, layout: int) -> None:
        if layout not in _PLACES:
            raise NotImplementedError(f"layout {layout} exists in the application, but the stand-in does not build it")
        self._layout_logic.GetLayoutNode().SetViewArrangement(layout)
        self._follow_node()

    def _follow_node(self) -> None:
        layout = self._layout_logic.GetLayoutNode().GetViewArrangement()
        if layout == self._shown or layout not in _PLACES:
            return
        self._shown = layout
        for name, widget in self._widgets().items():
            self._grid.removeWidget(widget)
            if name in _PLACES[layout]:
                self._grid.addWidget(widget, *_PLACES[layout][name])
            widget.setVisible(name in _PLACES[layout])
            node = widget.mrmlViewNode() if name == "1" else widget.mrmlSliceNode()
            node.SetMappedInLayout(1 if name in _PLACES[layout] else 0)
        self.layoutChanged.emit(layout)

    layout = Property(int, lambda self: self._layout_logic.GetLayoutNode().GetViewArrangement(), setLayout)
    threeDViewCount = Property(int, lambda self: 1)
    tableViewCount = Property(int, lambda self: 0)
    plotViewCount = Property(int, lambda self: 0)

    def sliceViewNames(self) -> list[str]:
        return list(self._slices)

    def sliceWidget(self, name: str) -> qMRMLSliceWidget | None:
        return self._slices.get(name)

    def threeDWidget(self, view: int | str) -> qMRMLThreeDWidget | None:
        return self._three_d if view in (0, "1", "View1") else None

    def activeMRMLThreeDViewNode(self) -> Any:
        return self._three_d.mrmlViewNode()

    def mrmlSliceLogics(self) -> Any:
        return slicer.app.applicationLogic().GetSliceLogics()

    def mrmlViewLogics(self) -> Any:
        return slicer.app.applicationLogic().GetViewLogics()

    def resetSliceViews(self) -> None:
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        self._three_d.threeDView().resetCamera()
        self._three_d.threeDView().resetFocalPoint()

    def setRenderPaused(self, pause: bool) -> None:
        for widget in self._widgets().values():
            widget.viewWidget().setRenderPaused(pause)

    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        self.setRenderPaused(False)
