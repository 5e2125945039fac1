"""`slicer.app`: mirrors `Base/QTCore/qSlicerCoreApplication.h` and `Base/QTGUI/qSlicerApplication.h`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import QLocale, QSettings, Signal
from PySide6.QtWidgets import QApplication

from ..pythonqt.standin import standin
from .io_manager import qSlicerIOManager
from .layout_manager import qSlicerLayoutManager
from .modules import qSlicerModuleManager
from .scene import Core

VERSION = (5, 12, 4)


@standin
class qSlicerApplication(QApplication):
    """The application; `testingEnabled()` is off, so that messages are shown as to a user."""

    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)
    renderPaused = Signal(bool)
    SIGNALS = ("startupCompleted()", "mrmlSceneChanged(vtkMRMLScene*)", "renderPaused(bool)")

    def __init__(self, temporary: Path) -> None:
        super().__init__(["Slicer"])
        QLocale.setDefault(QLocale.c())
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(temporary / "settings"))
        self.setOrganizationName("StandIn")
        self.setApplicationName("Slicer")
        self.setApplicationVersion(".".join(map(str, VERSION)))
        self.setStyle("fusion")
        self._temporary = temporary
        self._testing = False
        self._core: Any = None  # a Core, once there is one
        self._settings = QSettings()
        self._modules = qSlicerModuleManager()
        self._io = qSlicerIOManager()
        self._layout: qSlicerLayoutManager | None = None

    def _set_core(self, core: Core) -> None:
        self._core = core

    def _set_layout_manager(self, manager: qSlicerLayoutManager) -> None:
        self._layout = manager

    @property
    def applicationLocaleName(self) -> str:
        if str(self._settings.value("Internationalization/Enabled", "")).lower() != "true":
            return "en_US"
        return str(self._settings.value("language", "") or "en_US")

    def mrmlScene(self) -> Any:
        return self._core.scene

    def applicationLogic(self) -> Any:
        return self._core.application_logic

    def moduleLogic(self, moduleName: str) -> Any:
        return self._core.application_logic.GetModuleLogic(moduleName)

    def dicomDatabase(self) -> Any:
        return slicer.dicomDatabase

    def moduleManager(self) -> qSlicerModuleManager:
        return self._modules

    def layoutManager(self) -> qSlicerLayoutManager | None:
        return self._layout

    def ioManager(self) -> qSlicerIOManager:
        return self._io

    def coreIOManager(self) -> qSlicerIOManager:
        return self._io

    def settings(self) -> QSettings:
        return self._settings

    def userSettings(self) -> QSettings:
        return self._settings

    def revisionUserSettings(self) -> QSettings:
        return self._settings

    def testingEnabled(self) -> bool:
        return self._testing

    def moduleDocumentationUrl(self, moduleName: str) -> str:
        return f"{self.documentationBaseUrl}user_guide/modules/{moduleName.lower()}.html"

    def setRenderPaused(self, pause: bool) -> None:
        if self._layout is not None:
            self._layout.setRenderPaused(pause)
        self.renderPaused.emit(pause)

    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        self.setRenderPaused(False)

    def restart(self) -> None:
        raise NotImplementedError("the stand-in does not restart")

    majorVersion = property(lambda self: VERSION[0])
    minorVersion = property(lambda self: VERSION[1])
    mainApplicationName = property(lambda self: "Slicer")
    mainApplicationMajorVersion = property(lambda self: VERSION[0])
    mainApplicationMinorVersion = property(lambda self: VERSION[1])
    mainApplicationPatchVersion = property(lambda self: VERSION[2])
    revision = property(lambda self: "34304")
    documentationBaseUrl = property(lambda self: f"https://slicer.readthedocs.io/en/{VERSION[0]}.{VERSION[1]}/")
    slicerHome = property(lambda self: str(self._temporary))
    temporaryPath = property(lambda self: str(self._temporary))
    os = property(lambda self: "linux")
