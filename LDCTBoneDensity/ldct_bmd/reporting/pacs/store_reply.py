"""What a server says to a store request: PS3.18 section 10.5.3, in JSON or in XML."""

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree

from ...ground.errors import OutOfReach, UsageError
from ...ground.text import visible
from ...words import Phrase
from .exchange import Reply
from .outgoing import Answer

LONGEST_TARGET = 100
REFERENCED, FAILED = "00081199", "00081198"
_UID, _REASON, _WARNING = "00081155", "00081197", "00081196"
# Statuses whose body says what became of each object.
_TELLING = (200, 202, 409)
Items = list[dict[str, list[str]]]


def read_store_reply(reply: Reply, host: str) -> Answer:
    """Return what a reply says of the objects; UsageError for one by which none was stored."""
    status = reply.status
    refusal = _refusal(reply, host)
    if refusal is not None:
        raise refusal
    if status not in _TELLING and not 200 <= status < 300:
        return Answer(problem=Phrase("pacs.problem.failed", {"host": host, "status": status}))
    found = _sequences(reply.body)
    stored = dict(_statuses(found.get(REFERENCED, []), _WARNING))
    refused = dict(_statuses(found.get(FAILED, []), _REASON))
    return Answer(stored, refused, None if stored or refused else _unreadable(reply, host))


def _refusal(reply: Reply, host: str) -> UsageError | None:
    """Return what a status means by which nothing was stored; None for any other."""
    status = reply.status
    if 300 <= status < 400:
        return OutOfReach("pacs.redirected", host=host, target=visible(reply.location, LONGEST_TARGET), status=status)
    if status in (401, 403):
        return OutOfReach("pacs.credentials", host=host, status=status)
    if status == 407:
        return OutOfReach("pacs.proxy", host=host, status=status)
    if status in (404, 405, 406, 415):
        return OutOfReach("pacs.no_store", host=host, status=status)
    if status == 413:
        return OutOfReach("pacs.too_large", host=host, status=status)
    if status in (429, 503):
        return OutOfReach("pacs.busy", host=host, status=status)
    if 400 <= status < 500 and status not in _TELLING:
        return OutOfReach("pacs.refused", host=host, status=status)
    return None


def _unreadable(reply: Reply, host: str) -> Phrase:
    kind = "empty" if not reply.body.strip() else "page" if "html" in reply.kind else "foreign"
    return Phrase(f"pacs.problem.{kind}", {"host": host, "status": reply.status})


def _statuses(items: Items, tag: str) -> Iterator[tuple[str, int]]:
    for item in items:
        code = next(iter(item.get(tag, [])), "0")
        for uid in item.get(_UID, []):
            yield uid, int(code) if code.isdecimal() and len(code) < 6 else 0


def _sequences(body: bytes) -> dict[str, Items]:
    """Return the two sequences that say what became of the objects, as far as ``body`` holds them."""
    try:
        told = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return {}
    return _from_xml(told) if told.lstrip().startswith("<") else _from_json(told)


def _from_json(told: str) -> dict[str, Items]:
    try:
        read = json.loads(told)
    except (ValueError, RecursionError):
        return {}
    # A single dataset is meant; some servers wrap it in a list.
    datasets = read if isinstance(read, list) else [read]
    found: dict[str, Items] = {}
    for dataset in datasets:
        if isinstance(dataset, dict):
            for tag in (REFERENCED, FAILED):
                found.setdefault(tag, []).extend(_json_item(item) for item in _values(dataset.get(tag)))
    return found


def _json_item(item: Any) -> dict[str, list[str]]:
    if not isinstance(item, dict):
        return {}
    return {tag: [str(value) for value in _values(item.get(tag))] for tag in (_UID, _REASON, _WARNING)}


def _values(element: Any) -> list[Any]:
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _from_xml(told: str) -> dict[str, Items]:
    if "<!DOCTYPE" in told or "<!ENTITY" in told:
        return {}  # the native model has none, and an entity may stand for gigabytes
    try:
        root = ElementTree.parse(io.StringIO(told)).getroot()
    except ElementTree.ParseError:
        return {}
    return {
        tag: [
            {own: [value.text or "" for value in _named(item, own, "Value")] for own in (_UID, _REASON, _WARNING)}
            for item in _named(root, tag, "Item")
        ]
        for tag in (REFERENCED, FAILED)
    }


def _named(parent: ElementTree.Element, tag: str, child: str) -> Iterable[ElementTree.Element]:
    """Return the children called ``child`` of the attributes ``tag`` of a parent, in any name space."""
    return [
        inner
        for attribute in parent
        if attribute.get("tag") == tag
        for inner in attribute
        if inner.tag.rpartition("}")[2] == child
    ]


def read_listing(reply: Reply) -> frozenset[str] | None:
    """Return the SOP instance UIDs that a server lists (QIDO-RS); None if its answer is not a list."""
    if reply.status in (204, 404):
        return frozenset()
    if reply.status != 200:
        return None
    try:
        read = json.loads(reply.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, list) or not all(isinstance(one, dict) for one in read):
        return None
    return frozenset(str(uid) for one in read for uid in _values(one.get("00080018")))
