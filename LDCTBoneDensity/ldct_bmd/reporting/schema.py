"""The JSON Schemas of the record and of a worklist, made from their dataclasses.

``measurement.schema.json`` and ``worklist.schema.json`` are the published copies.
"""

import json
from pathlib import Path
from typing import Any

from ..assessment import Assessment
from ..examination import SCHEMA, Examination
from ..findings import Finding, Severity
from ..ground.kinds import Anything, Either, ListOf, Nothing, OneOf, Record, Row, Simple, Table, kind_of
from ..worklist import SCHEMA as WORKLIST_SCHEMA
from ..worklist import Worklist

PUBLISHED = Path(__file__).with_name("measurement.schema.json")
PUBLISHED_WORKLIST = Path(__file__).with_name("worklist.schema.json")
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
    record = kind_of(Examination)
    if not isinstance(record, Record):
        raise TypeError("the record is a dataclass")
    root = _object(record, definitions)
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


def worklist_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what ``write_worklist`` writes."""
    definitions: dict[str, Any] = {}
    worklist = kind_of(Worklist)
    if not isinstance(worklist, Record):
        raise TypeError("the worklist is a dataclass")
    root = _object(worklist, definitions)
    root["properties"] = {"schema": {"const": WORKLIST_SCHEMA}, **root["properties"]}
    root["required"] = ["schema", *root["required"]]
    title = {"$id": f"urn:ldct-bmd:{WORKLIST_SCHEMA}", "title": f"Worklist of ldct-bmd, {WORKLIST_SCHEMA}"}
    return {"$schema": _DIALECT, **title, **root, "$defs": dict(sorted(definitions.items()))}


def schema_text(schema: dict[str, Any] | None = None) -> str:
    """Return a schema, by default that of the record, as the published file holds it."""
    return json.dumps(record_schema() if schema is None else schema, indent=1, ensure_ascii=False) + "\n"


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    kind = kind_of(hint)
    match kind:
        case Anything():
            return {}
        case Nothing():
            return {"type": "null"}
        case Simple():
            return dict(_SIMPLE[kind.type])
        case Either():
            return {"anyOf": [_schema(one, definitions) for one in kind.choices]}
        case OneOf():
            return {"enum": list(kind.values)}
        case ListOf():
            return {"type": "array", "items": _schema(kind.item, definitions)}
        case Row():
            items = [_schema(one, definitions) for one in kind.items]
            return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
        case Table():
            return {"type": "object", "additionalProperties": _schema(kind.item, definitions)}
        case Record():
            return _reference(kind, definitions)


def _reference(kind: Record, definitions: dict[str, Any]) -> dict[str, Any]:
    name = kind.type.__name__
    if name not in definitions:
        definitions[name] = {}  # a class may hold itself
        definitions[name] = _object(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _object(kind: Record, definitions: dict[str, Any]) -> dict[str, Any]:
    required = [field.name for field in kind.fields if field.is_required]
    return {
        "type": "object",
        "description": (kind.type.__doc__ or "").partition("\n")[0],
        "properties": {field.name: _schema(field.hint, definitions) for field in kind.fields},
        "required": [*required, "severity"] if kind.type is Finding else required,
        "additionalProperties": False,
    }
