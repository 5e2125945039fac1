"""The words of the report, by key; another language is another file beside ``strings.en.json``.

The statement and the messages of findings are part of the record and stay as they were written into it.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

Strings = Mapping[str, str]


class Catalogue:
    """The strings of one language."""

    def __init__(self, strings: Strings) -> None:
        """Take the strings by key."""
        self._strings = strings

    def __call__(self, key: str, **values: object) -> str:
        """Return the string of ``key`` with ``values`` set in; KeyError if there is none."""
        return self._strings[key].format(**values) if values else self._strings[key]

    def __contains__(self, key: str) -> bool:
        """Tell whether there is a string of ``key``."""
        return key in self._strings

    def listed(self, items: tuple[str, ...]) -> str:
        """Return "a", "a and b" or "a, b and c"."""
        if len(items) < 2:
            return "".join(items)
        return self("and", first=", ".join(items[:-1]), last=items[-1])


@cache
def catalogue(language: str = "en") -> Catalogue:
    """Return the catalogue of ``language``."""
    path = Path(__file__).with_name(f"strings.{language}.json")
    return Catalogue(json.loads(path.read_text(encoding="utf-8")))
