"""How values are kept in a vtkMRMLScriptedModuleNode: as the original keeps them, so that scenes can be exchanged."""

from __future__ import annotations

import enum
import pathlib
import types
from typing import Any, Union, get_args, get_origin

import slicer

from .annotations import Choice


def node_classes(plain: Any) -> tuple[type, ...]:
    """The node classes of a type: one node class, or a union of node classes and None. Empty for any other type."""
    members = get_args(plain) if get_origin(plain) in (Union, types.UnionType) else (plain,)
    members = tuple(m for m in members if m is not type(None))
    fits = all(isinstance(m, type) and issubclass(m, slicer.vtkMRMLNode) for m in members)
    return members if fits else ()


class Serializer:
    """One member of a wrapper: its name, type and validators."""

    def __init__(self, name: str, plain: Any, annotations: list[Any]) -> None:
        self.name = name
        self.plain = plain
        self.validators = [a for a in annotations if hasattr(a, "validate")]
        known = (str, bool, int, float, pathlib.Path)
        is_enum = isinstance(plain, type) and issubclass(plain, enum.Enum)
        if not (plain in known or is_enum or node_classes(plain)):
            raise NotImplementedError(f"parameter '{name}' of type {plain}: not in the stand-in's subset")

    def default(self) -> Any:
        if node_classes(self.plain):
            return None
        if issubclass(self.plain, enum.Enum):
            return next(iter(self.plain))
        choice = next((v for v in self.validators if isinstance(v, Choice)), None)
        return choice.choices[0] if choice is not None else self.plain()

    def is_in(self, node: Any) -> bool:
        return bool(node.HasParameter(self.name))

    def check(self, value: Any) -> None:
        classes = node_classes(self.plain)
        if classes:
            if value is not None and not isinstance(value, classes):
                raise ValueError(f"'{self.name}' takes a {classes}, not {value!r}")
            return
        accepted = (int, float) if self.plain is float else self.plain
        if value is None or not isinstance(value, accepted):
            raise ValueError(f"'{self.name}' takes a {self.plain.__name__}, not {value!r}")
        for validator in self.validators:
            validator.validate(value)

    def write(self, node: Any, value: Any) -> None:
        self.check(value)
        if node_classes(self.plain):
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        elif isinstance(value, enum.Enum):
            node.SetParameter(self.name, value.name)
        else:
            node.SetParameter(self.name, str(value))

    def read(self, node: Any) -> Any:
        if node_classes(self.plain):
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if self.plain is bool:
            return text == "True"
        return self.plain[text] if issubclass(self.plain, enum.Enum) else self.plain(text)
