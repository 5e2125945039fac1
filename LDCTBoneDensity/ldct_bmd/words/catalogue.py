"""Texts by key, one folder per language; each of its JSON files holds one topic."""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh")


class Catalogue:
    """The texts of one language.

    A text is a format string over named facts. Some format specifications are added to Python's. Lists:
    ``{levels:and}`` ("a", "a and b", "a, b and c"), ``{levels:or}`` ("a, b or c"), ``{levels:comma}`` ("a, b, c") and
    ``{levels:semicolon}`` ("a; b; c"). ``{months:plural:month|months}`` takes the first form for one (of a number, or
    of the items of a list), the second otherwise. A key ``code@face`` goes before ``code`` where that face speaks.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take the texts by key."""
        self._texts = texts
        self._formatter = _Formatter(texts)

    def __call__(self, key: str, face: str | None = None, /, **facts: object) -> str:
        """Return the text of ``key`` with ``facts`` set in; KeyError if there is none, or a fact is missing."""
        return self._formatter.vformat(self.template(key, face), (), facts)

    def __contains__(self, key: object) -> bool:
        """Return whether there is a text of ``key``."""
        return key in self._texts

    def template(self, key: str, face: str | None = None) -> str:
        """Return the text of ``key`` as it stands in the file."""
        special = f"{key}@{face}"
        return self._texts[special] if special in self._texts else self._texts[key]

    def __iter__(self) -> Iterator[str]:
        """Go through all keys."""
        return iter(self._texts)

    def listed(self, items: Collection[object]) -> str:
        """Return "a", "a and b" or "a, b and c"."""
        return self._formatter.listed(items)


class _Formatter(Formatter):
    def __init__(self, texts: Mapping[str, str]) -> None:
        self._pairs = {how: texts.get(how, "{first}, {last}") for how in ("and", "or")}
        self._marks = {"comma": texts.get("comma", ", "), "semicolon": texts.get("semicolon", "; ")}

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec in self._pairs:
            return self.listed(value, format_spec)
        if format_spec in self._marks:
            return self._marks[format_spec].join(map(str, value))
        if format_spec.startswith("plural:"):
            one, _, more = format_spec.removeprefix("plural:").partition("|")
            return one if (value if isinstance(value, (int, float)) else len(value)) == 1 else more
        formatted: str = super().format_field(value, format_spec)
        return formatted

    def listed(self, items: Collection[object], how: str = "and") -> str:
        texts = [str(item) for item in items]
        if len(texts) < 2:
            return "".join(texts)
        return self._pairs[how].format(first=self._marks["comma"].join(texts[:-1]), last=texts[-1])


@cache
def catalogue(language: str = ENGLISH) -> Catalogue:
    """Return the catalogue of ``language``; ValueError if there is none, or two of its files share a key."""
    if language not in LANGUAGES:
        raise ValueError(f"there is no catalogue of {language}")
    texts: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / language).glob("*.json")):
        topic = json.loads(path.read_text(encoding="utf-8"))
        twice = texts.keys() & topic.keys()
        if twice:
            raise ValueError(f"{path.name} holds {sorted(twice)} again")
        texts |= topic
    return Catalogue(texts)
