"""PySide6 classes made to behave as PythonQt wraps them.

Mirrors PythonQt's `PythonQtInstanceWrapper.cpp`: Qt properties are attributes, and a name that a C++ object does not
have can't be set on it. The classes are changed in place, so that objects that Qt itself makes are dressed too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

MODULES = (QtCore, QtGui, QtWidgets, QtNetwork)

# Properties in Qt, but methods in PythonQt's classes too; the method wins there.
_STAY_METHODS = {"parent", "layout", "children", "focus"}

# Virtual getters: reading them as a property would ask the wrapper for an override, which reads the property again.
_VIRTUAL = {"sizeHint", "minimumSizeHint"}

# Names of the properties of every dressed class, its bases' included. Asked here and not of `staticMetaObject`
# later: PySide6 takes that object for deleted once a widget that was asked for its meta object is gone.
_property_names: dict[type, frozenset[str]] = {}

_read = QtCore.QObject.property
_write = QtCore.QObject.setProperty


class PropertyAttribute:
    """A Qt property read and written as an attribute; the class itself keeps the method of the same name."""

    def __init__(self, name: str, method: Any) -> None:
        self._name = name
        self._method = method

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self._method
        if self._name in _VIRTUAL:
            return self._method(instance)
        value = _read(instance, self._name)
        return bytes(value.data()).decode() if isinstance(value, QtCore.QByteArray) else value

    def __set__(self, instance: Any, value: Any) -> None:
        write_property(instance, self._name, value, _write)


# PythonQt's conversions (PythonQtConversion.cpp): the truth of anything for bool, the text of anything for QString.
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "bool": bool,
    "int": int,
    "double": float,
    "QString": str,
    "QStringList": lambda values: [str(v) for v in values],
}


def write_property(instance: Any, name: str, value: Any, write: Callable[[Any, str, Any], Any]) -> None:
    """Set a Qt property after PythonQt's conversion. Raises AttributeError where it is read-only or does not fit."""
    prop = instance.metaObject().property(instance.metaObject().indexOfProperty(name))
    if not prop.isWritable():
        raise AttributeError(f"Property '{name}' of {type(instance).__name__} object is not writable")
    try:
        converted = _CONVERSIONS.get(prop.typeName(), lambda v: v)(value)
    except (TypeError, ValueError) as error:
        raise AttributeError(f"Property '{name}' of type '{prop.typeName()}' does not accept {value!r}") from error
    if write(instance, name, converted) is False:
        raise AttributeError(f"Property '{name}' of type '{prop.typeName()}' does not accept {value!r}")


def _dress(cls: type) -> None:
    meta = cls.__dict__.get("staticMetaObject")
    if meta is None:
        return
    names = [meta.property(i).name() for i in range(meta.propertyCount())]
    _property_names[cls] = frozenset(names)
    for i, name in enumerate(names):
        overridden = name in vars(cls)  # as QPushButton.sizeHint hides QWidget's
        if name not in _STAY_METHODS and (i >= meta.propertyOffset() or overridden):
            setattr(cls, name, PropertyAttribute(name, getattr(cls, name, None)))


def property_names(cls: type) -> frozenset[str]:
    """Names of the Qt properties of a class, or of the class of Qt that a Python class derives from."""
    return next((_property_names[c] for c in cls.__mro__ if c in _property_names), frozenset())


def _find(cls: type, name: str) -> Any:
    """What the class itself holds under the name, unbound; None where there is nothing."""
    return next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)


def _has_dynamic_property(instance: Any, name: str) -> bool:
    return isinstance(instance, QtCore.QObject) and QtCore.QByteArray(name.encode()) in instance.dynamicPropertyNames()


def _refusing_setattr(original: Callable[[Any, str, Any], None]) -> Callable[[Any, str, Any], None]:
    def set_attribute(self: Any, name: str, value: Any) -> None:
        cls = type(self)
        known = _find(cls, name)
        if isinstance(known, QtCore.Property):  # of a stand-in; by its setter, so that errors are raised from here
            write_property(self, name, value, lambda instance, _, converted: known.fset(instance, converted))
        elif hasattr(known, "__set__") or isinstance(value, QtCore.SignalInstance):
            # A property, a public member as QStyleOption has them, or PySide6 keeping a signal that it has bound.
            original(self, name, value)
        elif _has_dynamic_property(self, name):
            _write(self, name, value)
        elif known is not None and (cls.__module__.startswith("PySide6") or getattr(cls, "STAND_IN", False)):
            raise AttributeError(f"'{name}' can not be overwritten on {cls.__name__} object")
        elif cls.__module__.startswith("PySide6") or (getattr(cls, "STAND_IN", False) and not name.startswith("_")):
            raise AttributeError(
                f"'{name}' does not exist on {cls.__name__} and creating new attributes on C++ objects is not allowed"
            )
        else:
            original(self, name, value)

    return set_attribute


def _class_name(self: QtCore.QObject) -> str:
    return self.metaObject().className()


def wrapped_classes() -> list[type]:
    """Every class that PySide6 wraps in the modules dressed here."""
    found = (getattr(module, name) for module in MODULES for name in dir(module))
    return [cls for cls in found if inspect.isclass(cls) and issubclass(cls, shiboken6.Shiboken.Object)]


def dress_all() -> None:
    """Dress every class of the Qt modules; call once, before any widget is made."""
    if isinstance(_find(QtWidgets.QWidget, "enabled"), PropertyAttribute):
        return
    for cls in wrapped_classes():
        _dress(cls)
    QtCore.QObject.name = _find(QtCore.QObject, "objectName")  # PythonQt's older name for it
    QtCore.QObject.className = _class_name
    refusing = _refusing_setattr(object.__setattr__)
    for cls in (shiboken6.Shiboken.Object, *wrapped_classes()):
        cls.__setattr__ = refusing
