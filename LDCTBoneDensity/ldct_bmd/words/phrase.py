"""Something that is said within a sentence, before anybody says it."""

from typing import Any

from .current import text


class Phrase:
    """The key of a text and its facts; the words are found when it is read, in the language that is then spoken."""

    def __init__(self, key: str, /, **facts: Any) -> None:
        """Take the key and the facts that its text names."""
        self.key = key
        self.facts = facts

    def __str__(self) -> str:
        """Return the words."""
        return text(self.key, **self.facts)
