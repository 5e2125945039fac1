"""A small subset of Slicer's `Base/Python/slicer/i18n.py`, written anew: `tr` and `translate`."""

from __future__ import annotations

import inspect
import logging
import re
from functools import cache
from pathlib import Path

_PLACEHOLDER = re.compile(r"(?<!\{)\{([^{}]+)\}(?!\})")


def translate(context: str, text: str) -> str:
    """The text in the application's language."""
    from slicer import app

    return app.translate(context, text)


@cache
def getContext(sourceFile: str) -> str:
    """`Package.File` for a file of a package, else `File`."""
    path = Path(sourceFile)
    in_package = (path.parent / "__init__.py").is_file()
    return f"{path.parent.name}.{path.stem}" if in_package else path.stem


def tr(text: str) -> str:
    """`translate` with the calling file as the context; a translation that loses a placeholder is not taken."""
    frame = inspect.currentframe()
    caller = frame.f_back if frame is not None else None
    if caller is None:
        return text
    translated = translate(getContext(caller.f_code.co_filename), text)
    if set(_PLACEHOLDER.findall(text)) != set(_PLACEHOLDER.findall(translated)):
        logging.warning("translation of '%s' to '%s': placeholders do not match", text, translated)
        return text
    return translated
