"""Frozen dataclasses to plain JSON values and back, by their type hints; the one reader of both."""

import dataclasses
import json
import math
import sys
from collections.abc import Mapping
from enum import Enum
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

from ..words import Fact, Phrase
from .errors import UsageError
from .files import read_text
from .kinds import (
    Anything,
    Either,
    ListOf,
    Nothing,
    OneOf,
    Record,
    Row,
    Simple,
    Table,
    kind_of,
    plain_fields,
    takes_none,
)

T = TypeVar("T")
THE_RECORD = Phrase("plain.record")
_DEEPEST = 64  # what a record holds is nested some ten deep
_LONGEST_NUMBER = 40  # digits
_MOST_LISTED = 16  # more names than that help nobody


class PlainError(ValueError):
    """A plain value does not have the shape of its type; ``phrase`` says where, and what must be there."""

    def __init__(self, phrase: Phrase) -> None:
        super().__init__(phrase)
        self.phrase = phrase


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


def from_plain(kind: type[T], value: Any, what: str | Phrase = THE_RECORD) -> T:
    """Return the object of type ``kind`` that ``value`` describes; an error calls it ``what``.

    A field with a default may be missing; nothing may be there that has no field, since it would be lost.

    Raises:
        PlainError: ``value`` is not of that shape.
    """
    result: T = _read(kind, value, _Place(what))
    return result


def plain_json(text: str) -> Any:
    """Return what JSON text holds: no key twice, of which readers would see one or the other, and finite numbers.

    Raises:
        json.JSONDecodeError: it is not JSON.
        PlainError: a key comes twice, a number is not finite or of absurd length, or it is nested too deep.
    """
    try:
        value = json.loads(
            text, parse_float=_finite, parse_constant=_finite, parse_int=_whole, object_pairs_hook=_each_once
        )
        _check_depth(value, _DEEPEST)
    except RecursionError as error:
        raise PlainError(Phrase("plain.too_deep")) from error
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        raise PlainError(Phrase("plain.twice", {"key": next(key for key in keys if keys.count(key) > 1)}))
    return values


def _finite(number: str) -> float:
    """Read a number of JSON text; Python would also take NaN, Infinity and 1e999."""
    value = float(number)
    if not math.isfinite(value):
        raise PlainError(Phrase("plain.finite", {"number": number[:_LONGEST_NUMBER]}))
    return value


def _whole(number: str) -> int:
    if len(number) > _LONGEST_NUMBER:
        raise PlainError(Phrase("plain.long_number", {"digits": len(number)}))
    return int(number)


def _check_depth(value: Any, left: int) -> None:
    if left == 0:
        raise PlainError(Phrase("plain.too_deep"))
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(item, (dict, list)):
            _check_depth(item, left - 1)


def read_json(path: Path, what: str | Phrase) -> Any:
    """Return what a JSON file holds; UsageError, which calls it ``what``, if it can't be read."""
    try:
        return plain_json(read_text(Path(path)))
    except OSError as error:
        raise UsageError("file.unreadable", what=what, problem=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise UsageError("file.not_text", what=what) from error
    except json.JSONDecodeError as error:
        raise UsageError("file.not_json", what=what, line=error.lineno, problem=error.msg) from error
    except PlainError as error:
        raise UsageError("file.unreadable", what=what, problem=error.phrase) from error


class _Place(NamedTuple):
    """Where a value stands in what is read: "the record", "fit.points"."""

    what: str | Phrase
    path: str = ""

    def field(self, name: str) -> "_Place":
        return _Place(self.what, f"{self.path}.{name}" if self.path else name)

    def item(self, number: int) -> "_Place":
        return _Place(self.what, f"{self.path}[{number}]")

    def refuse(self, problem: str, **facts: Fact) -> NoReturn:
        where = Phrase("plain.place", {"what": self.what, "path": self.path}) if self.path else self.what
        raise PlainError(Phrase(f"plain.{problem}", {"where": where, **facts}))


def _read(hint: Any, value: Any, place: _Place) -> Any:
    kind = kind_of(hint)
    match kind:
        case Anything():
            return value
        case Simple():
            return _read_simple(kind, value, place)
        case Nothing():
            return None if value is None else place.refuse("null")
        case Either():
            return _read_either(kind, value, place)
        case OneOf():
            return _read_one(kind, value, place)
        case Record():
            return _read_record(kind, value, place)
        case Table():
            return {key: _read(kind.item, item, place.field(key)) for key, item in _object(value, place).items()}
        case ListOf():
            return tuple(_read(kind.item, item, place.item(i)) for i, item in enumerate(_list(value, place)))
        case Row():
            items = _list(value, place, len(kind.items))
            return tuple(
                _read(hint, item, place.item(i)) for i, (hint, item) in enumerate(zip(kind.items, items, strict=True))
            )


def _read_simple(kind: Simple, value: Any, place: _Place) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind.type is float:
        return float(value) if is_number and abs(value) <= sys.float_info.max else place.refuse("number")
    if kind.type is int:
        return value if is_number and isinstance(value, int) else place.refuse("whole")
    return value if isinstance(value, kind.type) else place.refuse("text" if kind.type is str else "boolean")


def _read_either(kind: Either, value: Any, place: _Place) -> Any:
    """Read as the first of several types that ``value`` has the shape of; the last one says what is wrong."""
    if value is None:
        return None if type(None) in kind.choices else place.refuse("missing")
    choices = [choice for choice in kind.choices if choice is not type(None)]
    for choice in choices[:-1]:
        try:
            return _read(choice, value, place)
        except PlainError:
            continue
    return _read(choices[-1], value, place)


def _read_one(kind: OneOf, value: Any, place: _Place) -> Any:
    # 1 == True, and neither stands for the other.
    if not any(value == known and type(value) is type(known) for known in kind.values):
        known = tuple(str(one) for one in kind.values)
        return place.refuse("choice", values=known) if len(known) <= _MOST_LISTED else place.refuse("unknown_value")
    return value if kind.type is None else kind.type(value)


def _read_record(kind: Record, value: Any, place: _Place) -> Any:
    values = _object(value, place)
    fields = {field.name: field for field in kind.fields}
    unknown = sorted(set(values) - set(fields))
    if unknown and len(fields) <= _MOST_LISTED:
        place.refuse("unknown_key_of", key=unknown[0], allowed=tuple(fields))
    if unknown:
        place.refuse("unknown_key", key=unknown[0])
    missing = [
        name
        for name, field in fields.items()
        if field.is_required and (name not in values or (values[name] is None and not takes_none(field.hint)))
    ]
    if missing:
        place.refuse("lacks", names=tuple(missing))
    return kind.type(**{name: _read(fields[name].hint, item, place.field(name)) for name, item in values.items()})


def _object(value: Any, place: _Place) -> dict[str, Any]:
    return value if isinstance(value, dict) else place.refuse("object")


def _list(value: Any, place: _Place, length: int | None = None) -> list[Any]:
    if not isinstance(value, list):
        place.refuse("list")
    return value if length in (None, len(value)) else place.refuse("list_of", length=length)
