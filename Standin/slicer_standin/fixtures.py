"""Pytest fixtures: the application once a process, a fresh scene for every test.

A `conftest.py` takes them with `from slicer_standin.fixtures import *`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["application", "expected_failures", "fresh_application", "load_module", "scripted_modules"]

# Before Qt, VTK or matplotlib are imported. matplotlib would take the running QApplication for its own drawing.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")

WINDOW_SIZE = (1100, 800)


@pytest.fixture(scope="session")
def scripted_modules() -> list[Path]:
    """Files of the modules that the application finds at start-up; a conftest.py puts its own in place of this."""
    return []


@pytest.fixture(scope="session")
def application(scripted_modules: list[Path]) -> Any:
    """`slicer.app`, with its main window shown; dialogs wait for no user (see `pythonqt.dialogs.answering`)."""
    import slicer_standin
    from slicer_standin.application.modules import load_scripted_module
    from slicer_standin.pythonqt.dialogs import answer_automatically

    app = slicer_standin.start()
    answer_automatically()
    for path in scripted_modules:
        if app.moduleManager().module(path.stem) is None:  # two folders of tests in one process share the application
            load_scripted_module(path)
    app.startupCompleted.emit()
    window = _main_window()
    window.resize(*WINDOW_SIZE)
    window.show()
    return app


def _main_window() -> Any:
    import slicer

    return slicer.util.mainWindow()


def _main_window_alone(app: Any) -> None:
    """Close what another test left open, and make the main window the active one: keys and shortcuts go there."""
    from PySide6.QtWidgets import QApplication

    from slicer_standin.mouse import process_until

    window = _main_window()
    while (popup := QApplication.activePopupWidget()) is not None:
        popup.close()
    for other in QApplication.topLevelWidgets():
        if other is not window and other.isVisible():
            other.close()
    if not window.isVisible():
        window.show()
    window.activateWindow()
    process_until(lambda: app.activeWindow() is window)


def _reset_views(manager: Any) -> None:
    """The layout, orientations and positions of the start: a closed scene leaves the views as they are."""
    import slicer

    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    for name, orientation in (("Red", "Axial"), ("Green", "Coronal"), ("Yellow", "Sagittal")):
        node = manager.sliceWidget(name).mrmlSliceNode()
        node.SetOrientation(orientation)
        node.SetXYZOrigin(0, 0, 0)
        node.JumpSliceByCentering(0, 0, 0)


@pytest.fixture
def expected_failures() -> list[str]:
    """Parts of texts of errors in handlers that this test provokes; put them in."""
    return []


@pytest.fixture(autouse=True)
def fresh_application(
    application: Any, expected_failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """An empty scene, empty settings and the usual layout, the main window in front.

    The test fails on an error in a handler or an observer.
    """
    import slicer
    import slicer.packaging

    from slicer_standin.mouse import process_events
    from slicer_standin.pythonqt.failures import take_failures

    def install_nothing(requirements: Any, *_: Any, **__: Any) -> None:
        raise AssertionError(
            f"the test installs {requirements}: put a function in place of slicer.packaging.pip_install"
        )

    monkeypatch.setattr(slicer.packaging, "pip_install", install_nothing)
    _main_window_alone(application)
    take_failures()
    yield
    process_events()
    slicer.mrmlScene.Clear(False)
    process_events()
    _reset_views(application.layoutManager())
    application.settings().clear()
    application._testing = False
    unexpected = [f for f in take_failures() if not any(part in f for part in expected_failures)]
    assert not unexpected, "\n".join(unexpected)


@pytest.fixture
def load_module(application: Any) -> Iterator[Callable[[Path], Any]]:
    """A function of a scripted module's file: loads and selects it, gives its widget object; unloaded afterwards."""
    import slicer

    from slicer_standin.application.modules import load_scripted_module, unload_module

    loaded: list[str] = []

    def load(path: Path) -> Any:
        load_scripted_module(path)
        loaded.append(path.stem)
        slicer.util.selectModule(path.stem)
        return getattr(slicer.modules, f"{path.stem}Widget")

    yield load
    for name in loaded:
        if application.moduleManager().module(name) is not None:
            unload_module(name)
