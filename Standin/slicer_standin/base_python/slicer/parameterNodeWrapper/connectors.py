"""Ties a widget to a parameter: which widget class shows which type, and through which property and signal."""

from __future__ import annotations

import enum
import pathlib
from collections.abc import Callable
from typing import Any

import ctk
import qt
import slicer

from .annotations import Choice, Maximum, Minimum, WithinRange, split_annotations
from .serializers import node_classes


class Connector:
    """`property` is read and written, `signal` announces a change."""

    def __init__(self, widget: Any, property_name: str, signal: str, plain: Any) -> None:
        self.widget = widget
        self._property = property_name
        self._signal = signal
        self._plain = plain
        self._callback: Callable[[], None] | None = None

    def read(self) -> Any:
        return self._plain(getattr(self.widget, self._property))

    def write(self, value: Any) -> None:
        if self._property and getattr(self.widget, self._property) != value:
            setattr(self.widget, self._property, str(value) if isinstance(value, pathlib.Path) else value)

    def on_changed(self, callback: Callable[[], None] | None) -> None:
        if self._callback is not None and self._signal:
            self.widget.disconnect(self._signal, self._changed)
        self._callback = callback
        if callback is not None and self._signal:
            self.widget.connect(self._signal, self._changed)

    def _changed(self) -> None:
        if self._callback is not None:
            self._callback()


class NodeConnector(Connector):
    """A node selector; the parameter's type decides what it offers."""

    def __init__(self, widget: Any, plain: Any) -> None:
        super().__init__(widget, "", "currentNodeChanged(vtkMRMLNode*)", plain)
        widget.nodeTypes = [cls().GetClassName() for cls in node_classes(plain)]

    def read(self) -> Any:
        return self.widget.currentNode()

    def write(self, value: Any) -> None:
        self.widget.setCurrentNode(value)


class TextConnector(Connector):
    """A text field of several lines."""

    def read(self) -> str:
        return self.widget.toPlainText()

    def write(self, value: str) -> None:
        if value != self.widget.toPlainText():
            self.widget.setPlainText(value)


class ChoiceConnector(Connector):
    """A combo box that is filled from the choices: label and value."""

    def __init__(self, widget: Any, choices: list[tuple[str, Any]]) -> None:
        super().__init__(widget, "", "currentIndexChanged(int)", None)
        self._choices = choices
        widget.clear()
        widget.addItems([label for label, _ in choices])

    def read(self) -> Any:
        return self._choices[self.widget.currentIndex][1]

    def write(self, value: Any) -> None:
        self.widget.currentIndex = next(i for i, (_, choice) in enumerate(self._choices) if choice == value)


def _limit(widget: Any, annotations: list[Any]) -> None:
    """The range of a number widget, from the annotations."""
    within = next((a for a in annotations if isinstance(a, WithinRange)), None)
    if within is not None:
        widget.setRange(within.minimum, within.maximum)
        return
    for annotation in annotations:
        if isinstance(annotation, Minimum):
            widget.setMinimum(annotation.minimum)
        elif isinstance(annotation, Maximum):
            widget.setMaximum(annotation.maximum)


def create_connector(widget: Any, datatype: Any) -> Connector:
    """Raises RuntimeError where the original has no connector for that widget and type, or the subset lacks it."""
    plain, annotations = split_annotations(datatype)
    kind = type(widget)
    if node_classes(plain) and kind is slicer.qMRMLNodeComboBox:
        return NodeConnector(widget, plain)
    made = _number_connector(widget, plain) if plain in (int, float) else _plain_connector(widget, plain)
    if plain in (int, float) and made is not None:
        _limit(widget, annotations)
    if made is None and kind is qt.QComboBox:
        made = _choice_connector(widget, plain, annotations)
    if made is None:
        raise RuntimeError(f"no connector from {datatype} to {kind.__name__}")
    return made


def _number_connector(widget: Any, plain: Any) -> Connector | None:
    if plain is int and type(widget) in (qt.QSpinBox, qt.QSlider):
        return Connector(widget, "value", "valueChanged(int)", int)
    if type(widget) in (qt.QDoubleSpinBox, ctk.ctkSliderWidget):
        return Connector(widget, "value", "valueChanged(double)", plain)
    return None


def _plain_connector(widget: Any, plain: Any) -> Connector | None:
    kind = type(widget)
    if plain is bool and kind in (qt.QCheckBox, qt.QPushButton):
        return Connector(widget, "checked", "toggled(bool)", bool)
    if plain is pathlib.Path and kind is ctk.ctkPathLineEdit:
        return Connector(widget, "currentPath", "currentPathChanged(QString)", pathlib.Path)
    if plain is str and kind is qt.QLineEdit:
        return Connector(widget, "text", "textChanged(QString)", str)
    if plain is str and kind is qt.QLabel:
        return Connector(widget, "text", "", str)
    if plain is str and kind is qt.QTextEdit:
        return TextConnector(widget, "", "textChanged()", str)
    return None


def _choice_connector(widget: Any, plain: Any, annotations: list[Any]) -> Connector | None:
    choice = next((a for a in annotations if isinstance(a, Choice)), None)
    if choice is not None:
        return ChoiceConnector(widget, [(str(c), c) for c in choice.choices])
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        label = getattr(plain, "label", lambda member: member.name)
        return ChoiceConnector(widget, [(label(member), member) for member in plain])
    return None
