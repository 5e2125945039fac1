"""How long work reports where it is, and how it is cancelled."""

from typing import Protocol

from ..words import catalogue, current_language, text


class Cancelled(Exception):
    """Raised by a progress callback to stop the work; nothing is written after it."""


class Progress(Protocol):
    """Called between small steps of work. It cancels by raising :class:`Cancelled`."""

    def __call__(self, stage: str, fraction: float) -> None:
        """Report that ``fraction`` (0 to 1) of ``stage`` ("read", "segment", ...) is done."""


def silent(stage: str, fraction: float) -> None:
    """Report nothing and never cancel."""


def stage_words(stage: str) -> str:
    """Return a stage as a user reads it; one that the catalogue does not know stays as it is."""
    key = f"stage.{stage}"
    return text(key) if key in catalogue(current_language()) else stage
