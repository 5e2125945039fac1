"""A refusal of the engine in the words of the lab's commands."""

from ldct_bmd.ground.errors import Refusal
from ldct_bmd.words import catalogue


def worded(refusal: Refusal) -> str:
    """Return the sentence in English, with the options of the lab's commands."""
    return refusal.phrase.worded(catalogue(), "lab")
