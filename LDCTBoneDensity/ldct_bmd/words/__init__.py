"""The words of every sentence that a user sees, by key and language: the one catalogue.

Whoever has something to say says a key and facts; a sentence is composed here and nowhere else.
"""

from .catalogue import ENGLISH, LANGUAGES, Catalogue, catalogue
from .current import LANGUAGE_VARIABLE, current_language, is_spoken, speak, speaking, text
from .phrase import TOLD, Fact, Phrase, told

__all__ = [
    "ENGLISH",
    "LANGUAGES",
    "LANGUAGE_VARIABLE",
    "TOLD",
    "Catalogue",
    "Fact",
    "Phrase",
    "catalogue",
    "current_language",
    "is_spoken",
    "speak",
    "speaking",
    "text",
    "told",
]
