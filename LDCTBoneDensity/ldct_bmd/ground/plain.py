"""Frozen dataclasses to plain JSON values and back, by their type hints."""

import dataclasses
import sys
import types
from collections.abc import Mapping
from enum import Enum
from numbers import Integral, Real
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
# Metadata of a field that is not part of the plain form: neither written nor read.
NOT_PLAIN: Mapping[str, bool] = types.MappingProxyType({"plain": False})


class PlainError(ValueError):
    """A plain value does not have the shape of its type; the message says where."""


def to_plain(value: Any) -> Any:
    """Return ``value`` as dict, list, str, float, int, bool or None; fields keep their names and order."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in plain_fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no plain form")


def plain_fields(kind: Any) -> list[dataclasses.Field[Any]]:
    """Return the fields of a dataclass, or of an object of one, that its plain form has."""
    return [field for field in dataclasses.fields(kind) if field.metadata.get("plain", True)]


def from_plain(kind: type[T], value: Any, where: str = "the record") -> T:
    """Return the object of type ``kind`` that ``value`` describes.

    A field with a default may be missing; nothing may be there that has no field, since it would be lost.

    Raises:
        PlainError: ``value`` is not of that shape.
    """
    result: T = _read(kind, value, where)
    return result


def _read(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_union(kind, value, where)
    if origin is tuple:
        return _read_tuple(get_args(kind), value, where)
    if origin is Literal:
        return _checked(value, value in get_args(kind), where, f"one of {get_args(kind)}")
    if origin is dict:
        _checked(value, isinstance(value, dict), where, "an object")
        return {key: _read(get_args(kind)[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    if issubclass(kind, Enum):
        _checked(value, value in [member.value for member in kind], where, "one of the known values")
        return kind(value)
    if kind is float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        _checked(value, is_number and abs(value) <= sys.float_info.max, where, "a number")
        return float(value)
    if kind is int:
        return _checked(value, isinstance(value, int) and not isinstance(value, bool), where, "a whole number")
    return _checked(value, isinstance(value, kind), where, {str: "text", bool: "true or false"}.get(kind, "known"))


def _read_union(kind: Any, value: Any, where: str) -> Any:
    """Read the first of several kinds that ``value`` has the shape of."""
    inner = [choice for choice in get_args(kind) if choice is not type(None)]
    if value is None:
        return _checked(value, len(inner) < len(get_args(kind)), where, "there")
    for choice in inner[:-1]:
        try:
            return _read(choice, value, where)
        except PlainError:
            continue
    return _read(inner[-1], value, where)


def _read_tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    _checked(value, isinstance(value, list), where, "a list")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_read(items[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    _checked(value, len(value) == len(items), where, f"a list of {len(items)}")
    return tuple(_read(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(items, value, strict=True)))


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    _checked(value, isinstance(value, dict), where, "an object")
    hints = get_type_hints(kind)
    fields = {field.name: field for field in plain_fields(kind)}
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise PlainError(f"{where} has an unknown entry, {unknown[0]}")
    for name, field in fields.items():
        has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name not in value and not has_default:
            raise PlainError(f"{where} lacks {name}")
    return kind(**{name: _read(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _checked(value: Any, is_right: bool, where: str, expected: str) -> Any:
    if not is_right:
        raise PlainError(f"{where} is not {expected}")
    return value
