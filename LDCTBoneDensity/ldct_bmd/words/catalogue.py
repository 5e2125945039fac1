"""Texts by key, one folder per language; each of its JSON files holds one topic."""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Protocol, runtime_checkable

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh")
_PAIRS = ("and", "or")


@runtime_checkable
class Worded(Protocol):
    """A fact that is itself composed from the catalogue."""

    def worded(self, catalogue: "Catalogue", face: str | None) -> str:
        """Return its words."""
        ...


class Catalogue:
    """The texts of one language.

    A text is a format string over named facts. Six format specifications are added to Python's: ``{levels:and}`` lists
    ("a", "a and b", "a, b and c") and ``{levels:or}`` does so with "or", ``{reasons:join:; }`` puts the given text
    between items, ``{months:plural:month|months}`` takes the first form for one (of a number, or of the items of a
    list), the second otherwise, ``{loss:percent}`` writes a fraction in whole percent without the sign, and
    ``{intercept:term:.2f}`` a number as it is added to a sum ("+ 0.30", "− 2.00"). A key ``code@face`` goes before
    ``code`` where that face speaks. A fact that is a phrase, or a list of them, is composed
    in the same language.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take the texts by key."""
        self._texts = texts
        self._formatter = _Formatter(
            {how: texts.get(how, "{first}, {last}") for how in _PAIRS}, texts.get("comma", ", ")
        )

    def __call__(self, key: str, face: str | None = None, /, **facts: object) -> str:
        """Return the text of ``key`` with ``facts`` set in; KeyError if there is none, or a fact is missing."""
        worded = {name: self._worded(fact, face) for name, fact in facts.items()}
        return self._formatter.vformat(self.template(key, face), (), worded)

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

    def _worded(self, fact: object, face: str | None) -> object:
        if isinstance(fact, (tuple, list)):
            return tuple(self._worded(item, face) for item in fact)
        # Asking a plain value for a Protocol takes longer than composing the text.
        is_plain = isinstance(fact, (str, int, float, type(None)))
        return fact.worded(self, face) if not is_plain and isinstance(fact, Worded) else fact


class _Formatter(Formatter):
    def __init__(self, pairs: Mapping[str, str], comma: str) -> None:
        self._pairs, self._comma = pairs, comma

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec in self._pairs:
            return self.listed(value, format_spec)
        if format_spec.startswith("join:"):
            return format_spec.removeprefix("join:").join(str(item) for item in value)
        if format_spec == "percent":
            return f"{100 * value:.0f}"
        if format_spec.startswith("term:"):
            return ("− " if value < 0 else "+ ") + format(abs(value), format_spec.removeprefix("term:"))
        if format_spec.startswith("plural:"):
            one, _, more = format_spec.removeprefix("plural:").partition("|")
            return one if (value if isinstance(value, (int, float)) else len(value)) == 1 else more
        formatted: str = super().format_field(value, format_spec)
        return formatted

    def listed(self, items: Collection[object], how: str = "and") -> str:
        texts = [str(item) for item in items]
        if len(texts) < 2:
            return "".join(texts)
        return self._pairs[how].format(first=self._comma.join(texts[:-1]), last=texts[-1])


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
