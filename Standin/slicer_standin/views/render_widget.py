"""A VTK render window in a Qt widget that `QWidget.grab()` can see.

`AbstractView` stands in for `ctkVTKAbstractView.h`, of which qMRMLSliceView and qMRMLThreeDView are. The window is
rendered off screen and its picture drawn into the widget; Qt's mouse and key events go to VTK's interactor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from PySide6.QtCore import QPointF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QEnterEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget
from vtkmodules.util.numpy_support import vtk_to_numpy

_BUTTONS = {
    Qt.MouseButton.LeftButton: "LeftButton",
    Qt.MouseButton.RightButton: "RightButton",
    Qt.MouseButton.MiddleButton: "MiddleButton",
}
_RENDER_DELAY_MS = 15  # ctkVTKAbstractView gathers requests at its maximum update rate of 60 per second


class RenderWidget(QWidget):
    """Base of all views."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renderer = vtk.vtkRenderer()
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)  # as ctkVTKAbstractView has it
        self._window.SetSize(300, 300)
        self._window.AddRenderer(self._renderer)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._interactor.Initialize()
        self._image: QImage | None = None
        self._paused = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_RENDER_DELAY_MS)
        self._timer.timeout.connect(self._on_timer)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(100, 100)

    def _schedule_render(self) -> None:
        if not self._paused and not self._timer.isActive():
            self._timer.start()

    def _force_render(self) -> None:
        """Render now and keep the picture; nothing happens while the view is not shown, as in the original."""
        self._timer.stop()
        if not self.isVisible():
            return
        self._window.Render()
        width, height = self._window.GetSize()
        pixels = vtk.vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels)
        rows = np.ascontiguousarray(vtk_to_numpy(pixels).reshape(height, width, 4)[::-1])
        self._image = QImage(rows.data, width, height, 4 * width, QImage.Format.Format_RGBX8888).copy()
        self.update()

    def _on_timer(self) -> None:
        if not self._paused:
            self._force_render()

    def _set_render_paused(self, pause: bool) -> None:
        self._paused = max(0, self._paused + (1 if pause else -1))
        if not self._paused:
            self._schedule_render()

    def _observe_group(self, group: Any) -> None:
        group.AddObserver(vtk.vtkCommand.UpdateEvent, lambda *_: self._schedule_render())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image is not None:
            painter = QPainter(self)
            painter.drawImage(0, 0, self._image)
            painter.end()

    def showEvent(self, event: QShowEvent) -> None:
        self._schedule_render()

    def resizeEvent(self, event: QResizeEvent) -> None:
        width, height = event.size().width(), event.size().height()
        self._window.SetSize(width, height)
        self._interactor.SetSize(width, height)
        self._interactor.InvokeEvent("ConfigureEvent")
        self._on_resized(event.size())
        self._schedule_render()

    def _on_resized(self, size: QSize) -> None:
        """For the slice view, which tells its size."""

    def _tell_position(self, position: QPointF, modifiers: Qt.KeyboardModifier, key: str = chr(0)) -> None:
        self._interactor.SetEventInformation(
            int(position.x()),
            self.height - int(position.y()) - 1,
            int(bool(modifiers & Qt.KeyboardModifier.ControlModifier)),
            int(bool(modifiers & Qt.KeyboardModifier.ShiftModifier)),
            key,
            0,
            None,
        )

    def _mouse(self, event: QMouseEvent, action: str) -> None:
        if event.button() in _BUTTONS:
            self._tell_position(event.position(), event.modifiers())
            self._interactor.InvokeEvent(f"{_BUTTONS[event.button()]}{action}Event")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._mouse(event, "Press")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._mouse(event, "Release")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._mouse(event, "Press")
        self._mouse(event, "DoubleClick")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._tell_position(event.position(), event.modifiers())
        self._interactor.InvokeEvent("MouseMoveEvent")

    def enterEvent(self, event: QEnterEvent) -> None:
        self._tell_position(event.position(), Qt.KeyboardModifier.NoModifier)
        self._interactor.InvokeEvent("EnterEvent")

    def leaveEvent(self, event: Any) -> None:
        self._interactor.InvokeEvent("LeaveEvent")

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._tell_position(event.position(), event.modifiers())
        forward = event.angleDelta().y() > 0
        self._interactor.InvokeEvent("MouseWheelForwardEvent" if forward else "MouseWheelBackwardEvent")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._interactor.SetKeyCode(event.text()[:1] or chr(0))
        self._interactor.InvokeEvent("KeyPressEvent")
        self._interactor.InvokeEvent("CharEvent")


class AbstractView(RenderWidget):
    """What slice and 3D views have of ctkVTKAbstractView; a plot view is none."""

    def renderWindow(self) -> Any:
        return self._window

    def interactor(self) -> Any:
        return self._interactor

    def scheduleRender(self) -> None:
        self._schedule_render()

    def forceRender(self) -> None:
        self._force_render()

    def setRenderPaused(self, pause: bool) -> None:
        self._set_render_paused(pause)

    def pauseRender(self) -> None:
        self._set_render_paused(True)

    def resumeRender(self) -> None:
        self._set_render_paused(False)
