"""The language that is spoken, and the face (command line, panel, browser) that speaks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .catalogue import ENGLISH, LANGUAGES, catalogue

LANGUAGE_VARIABLE = "LDCT_BMD_LANGUAGE"
_language: ContextVar[str | None] = ContextVar("language", default=None)
_face: ContextVar[str | None] = ContextVar("face", default=None)


class _Process:
    """What all threads speak, whenever they were started, outside a block of their own."""

    language: str | None = None
    face: str | None = None


def speak(language: str | None = None, face: str | None = None) -> None:
    """Speak ``language`` ("en", "zh", or a locale such as "zh_CN.UTF-8") from now on, as ``face``; None keeps it.

    It holds in the whole process; within a block of :func:`speaking` that block goes first. A language without a
    catalogue is English.
    """
    if language is not None:
        _Process.language = _known(language)
    if face is not None:
        _Process.face = face


@contextmanager
def speaking(language: str, face: str | None = None) -> Iterator[None]:
    """Speak ``language`` within a block and in this thread, as ``face`` (None: as before)."""
    tokens = _language.set(_known(language)), _face.set(face if face is not None else _current_face())
    try:
        yield
    finally:
        _language.reset(tokens[0])
        _face.reset(tokens[1])


def current_language() -> str:
    """Return the language that is spoken.

    That of :func:`speaking`, else of :func:`speak`, else of ``LDCT_BMD_LANGUAGE``, else English.
    """
    return _language.get() or _Process.language or _known(os.environ.get(LANGUAGE_VARIABLE, ""))


def text(key: str, /, **facts: object) -> str:
    """Return the text of ``key`` in the language that is spoken, as the face that speaks words it."""
    return catalogue(current_language())(key, _current_face(), **facts)


def is_spoken(language: str) -> bool:
    """Return whether there is a catalogue of ``language``, a code or a locale."""
    return _tongue(language) in LANGUAGES


def _current_face() -> str | None:
    return _face.get() or _Process.face


def _known(language: str) -> str:
    return _tongue(language) if is_spoken(language) else ENGLISH


def _tongue(language: str) -> str:
    return language.replace("-", "_").partition("_")[0].lower()
