"""What can go wrong through no defect of the software.

A refusal is a code and facts. Its sentence says to a user what is wrong and what to do; it is composed from the
catalogue of words (``refusal.<code>``) when it is read, in the language and for the face that then speaks.
"""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, TypeVar, Union

from ..words import Fact, Phrase, told

_Kind = TypeVar("_Kind", bound="Refusal")
_Given = Union[Fact, PurePath, "Refusal", Sequence[Union[str, Phrase]]]  # noqa: UP007
_PREFIX = "refusal."


class Refusal(Exception):
    """Something that is not done, and why.

    Attributes:
        phrase: what is said of it.
    """

    def __init__(self, code: str, /, **facts: _Given) -> None:
        """Refuse with a code of the catalogue and the facts that its text names.

        A path among the facts becomes its text, and another refusal what is said of it.
        """
        self._take(Phrase(_PREFIX + code, {name: _fact(given) for name, given in facts.items()}))

    @classmethod
    def of(cls: type[_Kind], phrase: Phrase) -> _Kind:
        """Return the refusal of which ``phrase`` is said."""
        refusal = cls.__new__(cls)
        refusal._take(phrase)
        return refusal

    @classmethod
    def of_text(cls: type[_Kind], sentence: str) -> _Kind:
        """Return a refusal with a sentence of its own, for who has no catalogue of words."""
        return cls.of(told(sentence))

    @property
    def code(self) -> str:
        """Which refusal this is, such as "scan.no_images"; stable, so that others may rely on it."""
        return self.phrase.code.removeprefix(_PREFIX)

    @property
    def facts(self) -> dict[str, Fact]:
        """What the sentence names."""
        return self.phrase.facts

    def __str__(self) -> str:
        """Return the sentence."""
        return str(self.phrase)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as a phrase."""
        return type(self).of, (self.phrase,)

    def _take(self, phrase: Phrase) -> None:
        super().__init__(phrase)
        self.phrase = phrase


class CannotMeasure(Refusal):
    """The input cannot be measured (command line: exit 3)."""


class UsageError(Refusal):
    """The request itself makes no sense, whatever the input (command line: exit 2)."""


class OutOfReach(UsageError):
    """The request makes sense; what it writes to or asks does not let it (command line: exit 4).

    A folder that can't be written or that another writes to, a full disk, a PACS, a database, a cluster.
    """


def _fact(given: _Given) -> Fact:
    if isinstance(given, Refusal):
        return given.phrase
    if isinstance(given, PurePath):
        return str(given)
    return tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else given
