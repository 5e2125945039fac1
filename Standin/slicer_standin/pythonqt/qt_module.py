"""The `qt` module: Qt's classes, flat, as Slicer's `Base/Python` gathers them from `PythonQt.Qt*`."""

from __future__ import annotations

import types

from PySide6 import QtCore

from .dialogs import BoolResult
from .dialogs import install as install_dialogs
from .dress import MODULES, dress_all, wrapped_classes
from .failures import install as install_failure_hook
from .signals import install as install_connect
from .ui_loader import QUiLoader


def make_qt_module() -> types.ModuleType:
    """Dress PySide6 and gather its classes."""
    dress_all()
    install_connect(wrapped_classes())
    install_dialogs()
    install_failure_hook()
    module = types.ModuleType("qt", __doc__)
    for source in MODULES:
        for name in dir(source):
            if name.startswith("Q") and not name.startswith("Qt"):
                setattr(module, name, getattr(source, name))
    vars(module).update(Qt=QtCore.Qt, QUiLoader=QUiLoader)
    return module


def make_python_qt_module() -> types.ModuleType:
    """`PythonQt`, as far as a script needs it beside `qt`."""
    module = types.ModuleType("PythonQt")
    vars(module).update(BoolResult=BoolResult)
    return module


qt = make_qt_module()
python_qt = make_python_qt_module()
