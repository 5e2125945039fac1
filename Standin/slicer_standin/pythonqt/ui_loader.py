"""`qt.QUiLoader`: reads a .ui file with stand-ins for CTK's and Slicer's widgets, and refuses what Slicer has not.

Mirrors Qt's QUiLoader with CTK's and Slicer's designer plugins. The originals are lenient (an unknown class becomes
its base class, an unknown property a dynamic one); a test should fail there, so this raises RuntimeError.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from PySide6 import QtCore, QtUiTools, QtWidgets

from .dress import property_names
from .signals import connect_slot
from .standin import standin_class

# No Qt property, but Qt's form builder knows what to do with it.
_BY_THE_LOADER = {"buddy"}
# Designer's name for a QFrame that is a line; its orientation becomes the frame's shape.
_LINE = "Line"

_SCALARS = {
    "string": lambda e: e.text or "",
    "cstring": lambda e: e.text or "",
    "bool": lambda e: e.text == "true",
    "number": lambda e: int(e.text),
    "double": lambda e: float(e.text),
    "stringlist": lambda e: [item.text or "" for item in e.findall("string")],
}


def _enumeration(cls: type, text: str) -> int:
    """`ctkPathLineEdit::Files|ctkPathLineEdit::Readable`: the or of the named values of the class."""
    value = 0
    for part in text.split("|"):
        name = part.split("::")[-1]
        if not hasattr(cls, name):
            raise RuntimeError(f".ui file: {cls.__name__} has no value {part}")
        value |= int(getattr(cls, name))
    return value


def _value(cls: type, element: ET.Element) -> Any:
    if element.tag in ("enum", "set"):
        return _enumeration(cls, element.text or "")
    if element.tag not in _SCALARS:
        raise RuntimeError(f".ui file: a property of type <{element.tag}> of {cls.__name__} is not read here")
    return _SCALARS[element.tag](element)


def _own_properties(cls: type) -> set[str]:
    """Names of the properties that the stand-in classes define, not Qt."""
    return {
        name for c in cls.__mro__ if getattr(c, "STAND_IN", False) for name, v in vars(c).items()
        if isinstance(v, QtCore.Property)
    }  # fmt: skip


def _check_properties(widget: ET.Element, cls: type) -> None:
    known = property_names(cls) | _own_properties(cls)
    for prop in widget.findall("property"):
        name = prop.get("name", "")
        dynamic = prop.get("stdset") == "0" or name in _BY_THE_LOADER
        if not dynamic and name not in known:
            raise RuntimeError(f".ui file: {cls.__name__} has no property '{name}' (object {widget.get('name')})")


class QUiLoader(QtUiTools.QUiLoader):
    """Makes the widgets of a .ui file."""

    def createWidget(self, className: str, parent: QtWidgets.QWidget | None = None, name: str = "") -> Any:
        cls = standin_class(className)
        if cls is None:
            return super().createWidget(className, parent, name)
        widget = cls(parent)
        widget.setObjectName(name)
        return widget

    def load(self, device: QtCore.QIODevice, parentWidget: QtWidgets.QWidget | None = None) -> QtWidgets.QWidget:
        root = ET.fromstring(bytes(device.readAll().data()))
        own = self._take_own_properties(root)
        connections = root.find("connections")
        if connections is not None:
            root.remove(connections)
        buffer = QtCore.QBuffer()
        buffer.setData(ET.tostring(root))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parentWidget)
        if widget is None:
            raise RuntimeError(f".ui file: {self.errorString()}")

        def find(name: str) -> QtCore.QObject:
            found = widget if widget.objectName == name else widget.findChild(QtCore.QObject, name)
            if found is None:
                raise RuntimeError(f".ui file: a connection names '{name}', which is not there")
            return found

        for name, prop, value in own:
            setattr(find(name), prop, value)
        for connection in connections if connections is not None else ():
            text = {child.tag: child.text or "" for child in connection}
            connect_slot(find(text["sender"]), text["signal"], find(text["receiver"]), text["slot"])
        return widget

    def _take_own_properties(self, root: ET.Element) -> list[tuple[str, str, Any]]:
        """Checks classes and properties; takes out those of stand-ins, which Qt can't set: (object, name, value)."""
        taken = []
        qt_classes = set(self.availableWidgets())
        for widget in root.iter("widget"):
            class_name = widget.get("class", "")
            cls = standin_class(class_name)
            if cls is None and class_name not in (*qt_classes, _LINE):
                raise RuntimeError(f".ui file: no widget class {class_name} (object {widget.get('name')})")
            if class_name != _LINE:
                _check_properties(widget, cls or getattr(QtWidgets, class_name, QtWidgets.QWidget))
            if cls is None:
                continue
            names = _own_properties(cls)
            for prop in widget.findall("property"):
                if prop.get("name") in names:
                    widget.remove(prop)
                    taken.append((widget.get("name", ""), prop.get("name", ""), _value(cls, prop[0])))
        return taken
