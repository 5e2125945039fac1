"""The reference of the record and of a worklist, from their JSON Schemas and the docstrings of their dataclasses."""

import inspect
from collections.abc import Iterator
from typing import Any

from griffe import Docstring, DocstringSectionKind

from ldct_bmd.examination import Examination
from ldct_bmd.ground.kinds import Either, ListOf, Record, Row, Table, kind_of
from ldct_bmd.reporting.schema import record_schema, worklist_schema
from ldct_bmd.worklist import Worklist

from .markdown import cell, code, table
from .roles import plain

_RECORD = """# Record

`measurement.json` is the one record of an examination: what was read, found, measured and corrected, by whom, with
which model and calibration. Lengths are in mm and points in LPS, unless a name says otherwise. `ldct-bmd schema`
prints its JSON Schema, which this page is made from. Fields are added; none changes its meaning within a schema.
Older records are read.
"""
_WORKLIST = """# Worklist

`worklist.json` lists results in the order in which a reader should open them. `ldct-bmd worklist` writes it, the
panel reads it. Its JSON Schema ships as `ldct_bmd/reporting/worklist.schema.json`.
"""


def record_page() -> str:
    """Return the page on ``measurement.json``."""
    return _page(_RECORD, record_schema(), Examination)


def worklist_page() -> str:
    """Return the page on ``worklist.json``."""
    return _page(_WORKLIST, worklist_schema(), Worklist)


def described(kind: type) -> dict[str, str]:
    """Return what the docstrings of a dataclass and its bases say of its fields."""
    told: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        for section in Docstring(plain(inspect.cleandoc(base.__doc__ or "")), lineno=1).parse("google", warnings=False):
            if section.kind is DocstringSectionKind.attributes:
                for one in section.value:
                    # Several that share a line: "a, b, c: what they are".
                    told |= dict.fromkeys((name.strip() for name in one.name.split(",")), one.description)
    return told


def dataclasses_of(hint: Any) -> Iterator[tuple[str, type]]:
    """Yield each dataclass that a type is made of, with its name, itself first."""
    seen: set[type] = set()

    def walk(hint: Any) -> Iterator[tuple[str, type]]:
        kind = kind_of(hint)
        match kind:
            case Record():
                if kind.type not in seen:
                    seen.add(kind.type)
                    yield kind.type.__name__, kind.type
                    for field in kind.fields:
                        yield from walk(field.hint)
            case Either():
                for one in kind.choices:
                    yield from walk(one)
            case ListOf() | Table():
                yield from walk(kind.item)
            case Row():
                for one in kind.items:
                    yield from walk(one)

    yield from walk(hint)


def _page(head: str, schema: dict[str, Any], root: type) -> str:
    classes = dict(dataclasses_of(root))
    parts = [head, _section(root.__name__, schema, classes)]
    order = [name for name in classes if name in schema["$defs"]]
    parts += [_section(name, schema["$defs"][name], classes) for name in order]
    return "\n".join(parts)


def _section(name: str, schema: dict[str, Any], classes: dict[str, type]) -> str:
    told = described(classes[name])
    rows = [
        (
            code(field),
            _type(value) + ("" if field in schema["required"] else ", may be left out"),
            cell(told.get(field, "")),
        )
        for field, value in schema["properties"].items()
    ]
    return f"## {name}\n\n{cell(plain(schema['description']))}\n\n{table(('field', 'type', ''), rows)}"


def _type(schema: dict[str, Any]) -> str:
    """Return a schema in words; an object is a link to its section."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return code(str(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(str(value)) for value in schema["enum"][:8]) + (" ..." if len(schema["enum"]) > 8 else "")
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array" and "prefixItems" in schema:
        kinds = [_type(one) for one in schema["prefixItems"]]
        return f"{len(kinds)} x {kinds[0]}" if len(set(kinds)) == 1 else f"({', '.join(kinds)})"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if schema.get("type") == "object":
        return f"object by name of {_type(schema['additionalProperties'])}"
    return {
        None: "anything",
        "number": "number",
        "integer": "whole number",
        "string": "text",
        "boolean": "yes or no",
    }.get(schema.get("type"), str(schema.get("type")))
