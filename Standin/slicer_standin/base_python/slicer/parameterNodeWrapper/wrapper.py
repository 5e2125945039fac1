"""The `@parameterNodeWrapper` decorator: typed members on a parameter node, tied to widgets."""

from __future__ import annotations

import logging
import typing
from typing import Any

import qt
import slicer
import vtk

from .annotations import Default, split_annotations
from .connectors import Connector, create_connector
from .serializers import Serializer

SlicerParameterNamePropertyName = "SlicerParameterName"


def _member(serializer: Serializer, default: Any) -> property:
    def read(self: Any) -> Any:
        if not serializer.is_in(self.parameterNode):  # closing the scene clears the node
            serializer.write(self.parameterNode, default)
        return serializer.read(self.parameterNode)

    def write(self: Any, value: Any) -> None:
        with slicer.util.NodeModify(self.parameterNode):
            serializer.write(self.parameterNode, value)

    return property(read, write)


class _Wrapper:
    """What the decorator adds to the class."""

    allParameters: dict[str, Serializer]
    _defaults: dict[str, Any]
    _datatypes: dict[str, Any]
    _is_parameter_node_wrapper = True

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._connections: dict[int, tuple[dict[str, Connector], int]] = {}
        self._next_tag = 0
        self._updating = False
        for name, serializer in self.allParameters.items():
            if not serializer.is_in(parameterNode):
                serializer.write(parameterNode, self._defaults[name])

    def default(self, paramName: str) -> Default:
        return Default(self._defaults[paramName])

    @classmethod
    def dataType(cls, paramName: str) -> Any:
        return cls._datatypes[paramName]

    def getValue(self, paramName: str) -> Any:
        self._check(paramName)
        return getattr(self, paramName)

    def setValue(self, paramName: str, value: Any) -> None:
        self._check(paramName)
        setattr(self, paramName, value)

    def _check(self, name: str) -> None:
        if name not in self.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}; there are {list(self.allParameters)}")

    def connectGui(self, gui: Any) -> int:
        """A widget, or the object of `childWidgetVariables`; ties all that have a SlicerParameterName."""
        is_widget = isinstance(gui, qt.QWidget)
        widgets = (
            gui.findChildren(qt.QWidget) if is_widget else [w for w in vars(gui).values() if hasattr(w, "property")]
        )
        named = {w.property(SlicerParameterNamePropertyName): w for w in widgets}
        return self.connectParametersToGui({name: w for name, w in named.items() if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        for name in mapping:
            self._check(name)
        connectors = {name: create_connector(widget, self._datatypes[name]) for name, widget in mapping.items()}
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.on_changed(self._to_node(name, connector))
        observer = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._to_gui())
        self._next_tag += 1
        self._connections[self._next_tag] = (connectors, observer)
        return self._next_tag

    def disconnectGui(self, guiTag: int) -> None:
        if guiTag in self._connections:
            connectors, observer = self._connections.pop(guiTag)
            for connector in connectors.values():
                connector.on_changed(None)
            self.RemoveObserver(observer)

    def _to_node(self, name: str, connector: Connector) -> Any:
        def changed() -> None:
            if not self._updating:
                self.setValue(name, connector.read())

        return changed

    def _to_gui(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            for connectors, _ in list(self._connections.values()):
                for name, connector in connectors.items():
                    connector.write(self.getValue(name))
        finally:
            self._updating = False

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified: int) -> None:
        self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def _wrap(cls: type) -> type:
    serializers, defaults, datatypes = {}, {}, {}
    for name, datatype in typing.get_type_hints(cls, include_extras=True).items():
        if hasattr(_Wrapper, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
        plain, annotations = split_annotations(datatype)
        serializer = Serializer(name, plain, annotations)
        annotated = next((a.value for a in annotations if isinstance(a, Default)), serializer.default())
        unused = [a for a in annotations if not isinstance(a, Default) and not hasattr(a, "validate")]
        if unused:
            logging.warning("Unused annotations: %s", unused)
        serializers[name], datatypes[name] = serializer, datatype
        defaults[name] = getattr(cls, name, annotated)
        setattr(cls, name, _member(serializer, defaults[name]))
    for name, value in vars(_Wrapper).items():
        if not name.startswith("__") or name == "__init__":
            setattr(cls, name, value)
    for name, found in (("allParameters", serializers), ("_defaults", defaults), ("_datatypes", datatypes)):
        setattr(cls, name, found)
    return cls


def isParameterNodeWrapper(classOrObj: Any) -> bool:
    return getattr(classOrObj, "_is_parameter_node_wrapper", False)


def parameterNodeWrapper(classtype: type | None = None) -> Any:
    """With or without parentheses."""
    return _wrap if classtype is None else _wrap(classtype)
