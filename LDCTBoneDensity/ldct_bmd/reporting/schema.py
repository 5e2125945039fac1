"""The JSON Schema of the record, made from its dataclasses; ``measurement.schema.json`` is the published copy."""

import dataclasses
import json
import types
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..assessment import Assessment
from ..examination import SCHEMA, Examination
from ..findings import Finding, Severity

PUBLISHED = Path(__file__).with_name("measurement.schema.json")
_SENTENCES: dict[type, str] = {Finding: "message", Assessment: "statement"}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
}


def record_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what ``Examination.to_json`` writes."""
    definitions: dict[str, Any] = {}
    root = _object(Examination, definitions)
    root["properties"] = {"schema": {"const": SCHEMA}, **root["properties"]}
    root["required"] = ["schema", *root["required"]]
    # Written for readers of the file: the severity follows from the code, a sentence that is not frozen from the facts.
    definitions["Finding"]["properties"]["severity"] = {"enum": [severity.value for severity in Severity]}
    for kind, sentence in _SENTENCES.items():
        definition = definitions[kind.__name__]
        del definition["properties"]["text"]
        definition["properties"] |= {sentence: _SIMPLE[str], "frozen": _SIMPLE[bool]}
        definition["required"] += [sentence, "frozen"]
    return {
        "$schema": _DIALECT,
        "$id": f"urn:ldct-bmd:{SCHEMA}",
        "title": f"Record of ldct-bmd, {SCHEMA}",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """Return the schema as the published file holds it."""
    return json.dumps(record_schema(), indent=1, ensure_ascii=False) + "\n"


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind is Any:
        return {}
    if kind in _SIMPLE:
        return dict(_SIMPLE[kind])
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if one is type(None) else _schema(one, definitions) for one in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return {"type": "array", "items": _schema(arguments[0], definitions)}
        items = [_schema(one, definitions) for one in arguments]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # a class may hold itself
            definitions[kind.__name__] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    raise TypeError(f"{kind} has no JSON Schema")


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    fields = dataclasses.fields(kind)
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return {
        "type": "object",
        "description": (kind.__doc__ or "").partition("\n")[0],
        "properties": {field.name: _schema(hints[field.name], definitions) for field in fields},
        "required": [*required, "severity"] if kind is Finding else required,
        "additionalProperties": False,
    }
