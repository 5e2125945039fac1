"""What a type of plain values is made of: the one place where type hints are taken apart."""

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

# Metadata of a field that is not part of the plain form: neither written nor read.
NOT_PLAIN: Mapping[str, bool] = types.MappingProxyType({"plain": False})


@dataclasses.dataclass(frozen=True)
class Anything:
    """Whatever JSON can hold."""


@dataclasses.dataclass(frozen=True)
class Simple:
    """A str, bool, int or float."""

    type: Any


@dataclasses.dataclass(frozen=True)
class Nothing:
    """None alone."""


@dataclasses.dataclass(frozen=True)
class Either:
    """One of several types, the first that fits; ``choices`` are type hints."""

    choices: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class ListOf:
    """A tuple of any length; ``item`` is a type hint."""

    item: Any


@dataclasses.dataclass(frozen=True)
class Row:
    """A tuple of fixed length; ``items`` are type hints."""

    items: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A dict with texts as keys; ``item`` is a type hint."""

    item: Any


@dataclasses.dataclass(frozen=True)
class OneOf:
    """A Literal's values, or those of the members of an Enum, which is then its ``type``."""

    values: tuple[Any, ...]
    type: Any = None


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a dataclass; ``hint`` is its type hint, and it may be missing unless ``is_required``."""

    name: str
    hint: Any
    is_required: bool


@dataclasses.dataclass(frozen=True)
class Record:
    """A dataclass."""

    type: Any
    fields: tuple[Field, ...]


Kind = Union[Anything, Simple, Nothing, Either, ListOf, Row, Table, OneOf, Record]  # noqa: UP007 (Python 3.10)


@cache
def kind_of(hint: Any) -> Kind:
    """Return what ``hint`` is made of; TypeError if it has no plain form."""
    if hint is Any:
        return Anything()
    if hint in (str, bool, int, float):
        return Simple(hint)
    if hint is type(None):
        return Nothing()
    kind = _generic(get_origin(hint), get_args(hint))
    if kind is not None:
        return kind
    if isinstance(hint, type) and issubclass(hint, Enum):
        return OneOf(tuple(member.value for member in hint), hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        return Record(hint, tuple(Field(f.name, hints[f.name], _is_required(f)) for f in plain_fields(hint)))
    raise TypeError(f"{hint} has no plain form")


def takes_none(hint: Any) -> bool:
    """Return whether a value of this type may be None."""
    kind = kind_of(hint)
    return isinstance(kind, (Anything, Nothing)) or (isinstance(kind, Either) and type(None) in kind.choices)


def plain_fields(kind: Any) -> list[dataclasses.Field[Any]]:
    """Return the fields of a dataclass, or of an object of one, that its plain form has."""
    return [field for field in dataclasses.fields(kind) if field.metadata.get("plain", True)]


def _generic(origin: Any, arguments: tuple[Any, ...]) -> Kind | None:
    if origin in (Union, types.UnionType):
        return Either(arguments)
    if origin is Literal:
        return OneOf(arguments)
    if origin is tuple:
        return ListOf(arguments[0]) if arguments[-1] is Ellipsis else Row(arguments)
    return Table(arguments[1]) if origin in (dict, Mapping) else None


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
