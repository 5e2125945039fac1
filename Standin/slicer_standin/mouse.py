"""A user's hands, for tests: clicks, drags in the views, waiting."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

import slicer
import vtk
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from .views.render_widget import RenderWidget
from .views.slice_view import qMRMLSliceView
from .views.threed_view import qMRMLThreeDView


def process_events(seconds: float = 0.0) -> None:
    """Let Qt work for so long; at least once. Deferred deletions happen too."""
    end = time.monotonic() + seconds
    while True:
        slicer.app.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        if time.monotonic() >= end:
            return
        time.sleep(0.002)


def process_until(condition: Callable[[], Any], timeout_s: float = 10.0) -> None:
    """Let Qt work until the condition holds. Raises TimeoutError."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not so after {timeout_s} s: {getattr(condition, '__name__', condition)}")
        process_events(0.005)


def click(widget: QWidget) -> None:
    """A left click in the middle of a widget, which must be enabled and shown."""
    if not widget.enabled:
        raise AssertionError(f"{widget.objectName or widget} is disabled: a user can't click it")
    if not widget.visible:
        raise AssertionError(f"{widget.objectName or widget} is not shown: a user can't click it")
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
    process_events()


def choose_from_menu(button: QWidget, words: str) -> None:
    """A click on a button that has a menu, and one on the entry of that text; LookupError if there is none."""
    found: list[bool] = []

    def choose() -> None:
        menu = QApplication.activePopupWidget()
        actions = [action for action in menu.actions() if action.text == words]
        if actions and actions[0].enabled:
            found.append(True)
            QTest.mouseClick(
                menu,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
                menu.actionGeometry(actions[0]).center(),
            )
        else:
            menu.close()

    QTimer.singleShot(0, choose)
    click(button)
    process_events()
    if not found:
        raise LookupError(f"the menu of {button.objectName} has no entry {words!r} that can be chosen")


def type_text(widget: QWidget, text: str) -> None:
    """Keys into a widget."""
    QTest.keyClicks(widget, text)
    process_events()


def _to_pixel(display: Sequence[float], view: RenderWidget) -> tuple[int, int]:
    return round(display[0]), view.height - round(display[1]) - 1


def slice_pixel(view: qMRMLSliceView, ras: Sequence[float]) -> tuple[int, int]:
    """Where a point of space is in a slice view, in widget pixels."""
    return _to_pixel(view.convertRASToXYZ(list(ras)), view)


def threed_pixel(view: qMRMLThreeDView, ras: Sequence[float]) -> tuple[int, int]:
    """Where a point of space is in a 3D view, in widget pixels."""
    coordinate = vtk.vtkCoordinate()
    coordinate.SetCoordinateSystemToWorld()
    coordinate.SetValue(*ras)
    return _to_pixel(coordinate.GetComputedDoubleDisplayValue(view.renderer()), view)


def drag(view: RenderWidget, start: tuple[int, int], end: tuple[int, int], steps: int = 10) -> None:
    """Press the left button at `start`, move to `end`, let go; pixels of the widget, from its top left corner.

    The events go to the view's interactor, as Qt's would.
    """
    interactor = view.interactor()
    view.forceRender()

    def tell(x: float, y: float) -> None:
        interactor.SetEventInformation(round(x), view.height - round(y) - 1, 0, 0, chr(0), 0, None)

    tell(*start)
    interactor.InvokeEvent("EnterEvent")
    interactor.InvokeEvent("MouseMoveEvent")
    interactor.InvokeEvent("LeftButtonPressEvent")
    for step in range(1, steps + 1):
        tell(*(s + (e - s) * step / steps for s, e in zip(start, end, strict=True)))
        interactor.InvokeEvent("MouseMoveEvent")
    interactor.InvokeEvent("LeftButtonReleaseEvent")
    interactor.InvokeEvent("LeaveEvent")
    process_events()


def drag_in_slice(name: str, ras_from: Sequence[float], ras_to: Sequence[float], steps: int = 10) -> None:
    """A drag in the slice view of that name, from a point of space to another."""
    view = slicer.app.layoutManager().sliceWidget(name).sliceView()
    drag(view, slice_pixel(view, ras_from), slice_pixel(view, ras_to), steps)


def drag_with_qt(view: RenderWidget, start: tuple[int, int], end: tuple[int, int], steps: int = 10) -> None:
    """As `drag`, with Qt mouse events sent to the widget: goes through the widget's own handlers."""
    QTest.mouseMove(view, QPoint(*start))
    process_events()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(*start))
    for step in range(1, steps + 1):
        at = QPointF(*(s + (e - s) * step / steps for s, e in zip(start, end, strict=True)))
        move = QMouseEvent(
            QEvent.Type.MouseMove, at, view.mapToGlobal(at), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        slicer.app.sendEvent(view, move)
        process_events()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(*end))
    process_events()


def _xdotool(*arguments: str) -> None:
    """Let the X server's own mouse or keyboard act: needs a window on a display."""
    xdotool = shutil.which("xdotool")
    if xdotool is None or slicer.app.platformName != "xcb":
        raise RuntimeError("real input needs xdotool and a window on an X display")
    subprocess.run([xdotool, *arguments], check=True)
    process_events(0.2)


def real_move(widget: QWidget, x: float, y: float) -> None:
    """The X server's mouse to a pixel of a widget."""
    there = widget.mapToGlobal(QPoint(round(x), round(y)))
    _xdotool("mousemove", str(there.x()), str(there.y()))


def real_click(widget: QWidget, x: float, y: float) -> None:
    """A left click of the X server's mouse on a pixel of a widget, or on whatever lies above it there."""
    real_move(widget, x, y)
    _xdotool("click", "1")


def real_wheel_down(widget: QWidget, x: float, y: float) -> None:
    """One step of the X server's wheel, towards the reader, over a pixel of a widget."""
    real_move(widget, x, y)
    _xdotool("click", "5")


def real_key(keys: str) -> None:
    """A key of the X server's keyboard, as xdotool names it ("ctrl+alt+n"), to whatever has the focus."""
    _xdotool("key", keys)


def real_drag(view: RenderWidget, start: tuple[int, int], end: tuple[int, int], steps: int = 5) -> None:
    """As `drag`, by the X server's own mouse."""
    real_move(view, *start)
    _xdotool("mousedown", "1")
    for step in range(1, steps + 1):
        real_move(view, *(s + (e - s) * step / steps for s, e in zip(start, end, strict=True)))
    _xdotool("mouseup", "1")
