"""Modules: those of the application as named logics, and scripted modules loaded from their file.

Mirrors `Base/QTCore/qSlicerAbstractCoreModule.h`, `qSlicerModuleManager.h`, `qSlicerModuleFactoryManager.h` and
`Base/QTGUI/qSlicerScriptedLoadableModule.cxx`, `qSlicerScriptedLoadableModuleWidget.cxx`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QVBoxLayout

from ..pythonqt.standin import standin
from ..qmrml.widget import qSlicerWidget


@standin
class qSlicerLoadableModule(QObject):
    """A module of the application, as far as its logic."""

    def __init__(self, name: str, logic: Any) -> None:
        super().__init__()
        self._name = name
        self._logic = logic

    name = property(lambda self: self._name)
    title = property(lambda self: self._name)

    def logic(self) -> Any:
        return self._logic

    def widgetRepresentation(self) -> Any:
        raise NotImplementedError(f"module {self._name} has a panel in the application, but not in the stand-in")


def _written(attribute: str, default: Any) -> property:
    """A property that the module's Python class sets on its parent."""

    def read(self: Any) -> Any:
        return self._values.get(attribute, default)

    def write(self: Any, value: Any) -> None:
        if not isinstance(value, type(default)):
            raise TypeError(f"parent.{attribute} takes a {type(default).__name__}, not {value!r}")
        self._values[attribute] = value

    return property(read, write)


@standin
class qSlicerScriptedLoadableModule(QObject):
    """The `parent` of a ScriptedLoadableModule."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._values: dict[str, Any] = {}
        self._widget: qSlicerScriptedLoadableModuleWidget | None = None

    title = _written("title", "")
    categories = _written("categories", [])
    contributors = _written("contributors", [])
    dependencies = _written("dependencies", [])
    associatedNodeTypes = _written("associatedNodeTypes", [])
    helpText = _written("helpText", "")
    acknowledgementText = _written("acknowledgementText", "")
    icon = _written("icon", QIcon())
    hidden = _written("hidden", False)
    index = _written("index", -1)
    widgetRepresentationCreationEnabled = _written("widgetRepresentationCreationEnabled", True)
    name = property(lambda self: self._path.stem)
    path = property(lambda self: str(self._path))
    defaultDocumentationLink = property(lambda self: slicer.app.moduleDocumentationUrl(self._path.stem))

    def widgetRepresentation(self) -> qSlicerScriptedLoadableModuleWidget:
        if self._widget is None:
            self._widget = self.createNewWidgetRepresentation()
        return self._widget

    def createNewWidgetRepresentation(self) -> qSlicerScriptedLoadableModuleWidget:
        widget = qSlicerScriptedLoadableModuleWidget()
        widget.setMRMLScene(slicer.mrmlScene)
        widget._set_python_source(self._path)
        widget.setup()
        return widget


@standin
class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """The `parent` of a ScriptedLoadableModuleWidget."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        QVBoxLayout(self)
        self._python_self: Any = None
        self._path = Path()
        self._entered = False

    def _set_python_source(self, path: Path) -> None:
        self._path = path
        name = f"{path.stem}Widget"
        self._python_self = getattr(sys.modules[path.stem], name)(self)
        setattr(slicer.modules, name, self._python_self)

    def reload(self) -> None:
        self._set_python_source(self._path)
        self.setup()

    def self(self) -> Any:
        return self._python_self

    def setup(self) -> None:
        self._python_self.setup()

    def enter(self) -> None:
        self._entered = True
        getattr(self._python_self, "enter", lambda: None)()

    def exit(self) -> None:
        self._entered = False
        getattr(self._python_self, "exit", lambda: None)()

    isEntered = property(lambda self: self._entered)
    moduleName = property(lambda self: self._path.stem)


@standin
class qSlicerModuleFactoryManager(QObject):
    """`slicer.app.moduleManager().factoryManager()`."""

    def loadedModuleNames(self) -> list[str]:
        return list(vars(slicer.moduleNames))

    def isLoaded(self, name: str) -> bool:
        return name in vars(slicer.moduleNames)


@standin
class qSlicerModuleManager(QObject):
    """Knows the modules by name."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)
    SIGNALS = ("moduleLoaded(QString)", "moduleAboutToBeUnloaded(QString)")

    def __init__(self) -> None:
        super().__init__()
        self._factory = qSlicerModuleFactoryManager()
        self._modules: dict[str, Any] = {}

    def factoryManager(self) -> qSlicerModuleFactoryManager:
        return self._factory

    def modulesNames(self) -> list[str]:
        return list(self._modules)

    def module(self, name: str) -> Any:
        return self._modules.get(name)

    def _add(self, module: Any) -> None:
        """What slicerqt.py does when a module is loaded."""
        self._modules[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        setattr(slicer.moduleNames, module.name, module.name)
        self.moduleLoaded.emit(module.name)

    def _unload(self, name: str) -> None:
        """What happens to a module when the application closes or reloads it."""
        self.moduleAboutToBeUnloaded.emit(name)
        self._modules.pop(name, None)
        for attribute in (f"{name}Instance", f"{name}Widget", name.lower()):
            vars(slicer.modules).pop(attribute, None)
        vars(slicer.moduleNames).pop(name, None)


def make_slicer_modules() -> None:
    """`slicer.modules` and `slicer.moduleNames`, as `Base/Python/slicer/__init__.py` makes them."""
    for name in ("modules", "moduleNames"):
        module = ModuleType(name)
        for dunder in [key for key in vars(module) if key.startswith("__")]:
            if name == "moduleNames":
                vars(module).pop(dunder)
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)


def load_scripted_module(path: Path) -> qSlicerScriptedLoadableModule:
    """Import the file and make its module instance, as the application does at start-up."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} is no Python module")
    source = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = source
    spec.loader.exec_module(source)
    module = qSlicerScriptedLoadableModule(path)
    instance = getattr(source, path.stem)(module)
    setattr(slicer.modules, f"{path.stem}Instance", instance)
    slicer.app.moduleManager()._add(module)
    slicer.util.mainWindow().moduleSelector()._add(module.name)
    getattr(instance, "setup", lambda: None)()
    return module


def unload_module(name: str) -> None:
    """Take a scripted module out, as the application does when it quits: exit, then cleanup."""
    window = slicer.util.mainWindow()
    if window.moduleSelector().selectedModule == name:
        window._close_module()
    module = slicer.app.moduleManager().module(name)
    widget = module._widget
    slicer.app.moduleManager()._unload(name)
    window.moduleSelector()._remove(name)
    sys.modules.pop(name, None)
    if widget is not None:
        widget.deleteLater()
