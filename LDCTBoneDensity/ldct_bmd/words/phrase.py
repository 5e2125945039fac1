"""What is to be said, as facts: a key of the catalogue, and what is set into its text."""

from dataclasses import dataclass, field, replace
from typing import Union

from .catalogue import Catalogue
from .current import text

TOLD = "told"  # the code of a phrase that has a text and no facts, as records of earlier versions hold it


@dataclass(frozen=True)
class Phrase:
    """A sentence, or a part of one, that is composed when it is shown.

    Attributes:
        code: its key in the catalogue.
        facts: plain values by the names that the text gives them; a phrase among them is composed first.
        text: the words that were shown, where they must stay as they were; None where they are composed.
    """

    code: str
    facts: "dict[str, Fact]" = field(default_factory=dict, hash=False)
    text: str | None = None

    def __str__(self) -> str:
        """Return the words: those that were shown, else those of the language that is spoken."""
        return text(self.code, **self.facts) if self.text is None else self.text

    def worded(self, catalogue: Catalogue, face: str | None) -> str:
        """Return the words of one language, as ``face`` says them."""
        return catalogue(self.code, face, **self.facts) if self.text is None else self.text

    def frozen(self) -> "Phrase":
        """Return the same phrase, whose words stay as they are now."""
        return replace(self, text=str(self))

    def thawed(self) -> "Phrase":
        """Return the same phrase, composed again whenever it is shown, if there are facts to do so."""
        return self if self.code == TOLD else replace(self, text=None)


Fact = Union[bool, int, float, str, tuple[Union[str, Phrase], ...], Phrase, None]  # noqa: UP007


def told(words: str) -> Phrase:
    """Return a phrase of which no more is known than its words."""
    return Phrase(TOLD, {}, words)
