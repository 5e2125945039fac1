"""What can go wrong through no defect of the software.

A refusal is a code and facts. Its sentence says to a user what is wrong and what to do; it is composed from the
catalogue of words (``refusal.<code>``) when it is read, in the language and for the face that then speaks.
"""

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, TypeVar

from ..words import Phrase, text

_Kind = TypeVar("_Kind", bound="Refusal")


class Refusal(Exception):
    """Something that is not done, and why.

    Attributes:
        code: which refusal this is, such as "scan.no_images"; stable, others may rely on it.
        facts: what the sentence names, by name: numbers, texts, phrases, lists of them, or a refusal that is quoted.
    """

    def __init__(self, code: str, /, **facts: Any) -> None:
        """Refuse with ``code`` and its facts; a path among them becomes its text."""
        if " " in code:
            code, facts = "said", {"sentence": code}
        super().__init__(code)
        self.code = code
        self.facts = {name: str(fact) if isinstance(fact, PurePath) else fact for name, fact in facts.items()}

    @classmethod
    def of_text(cls: type[_Kind], sentence: str) -> _Kind:
        """Return a refusal whose one fact is its sentence, for who has no catalogue of words."""
        return cls("said", sentence=sentence)

    def __str__(self) -> str:
        """Return the sentence."""
        return text(f"refusal.{self.code}", **self.facts)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as code and facts."""
        return _made, (type(self), self.code, self.facts)

    def plain(self) -> dict[str, Any]:
        """Return code, facts and sentence as JSON holds them."""
        return {
            "code": self.code,
            "facts": {name: _plain(fact) for name, fact in self.facts.items()},
            "sentence": str(self),
        }


class CannotMeasure(Refusal):
    """The input cannot be measured (command line: exit 3)."""


class UsageError(Refusal):
    """The request itself makes no sense, whatever the input (command line: exit 2)."""


def _made(kind: type[Refusal], code: str, facts: dict[str, Any]) -> Refusal:
    return kind(code, **facts)


def _plain(fact: Any) -> Any:
    if isinstance(fact, Refusal):
        return fact.plain()
    if isinstance(fact, Phrase):
        return {"key": fact.key, "facts": {name: _plain(own) for name, own in fact.facts.items()}}
    return [_plain(item) for item in fact] if isinstance(fact, Iterable) and not isinstance(fact, str) else fact
