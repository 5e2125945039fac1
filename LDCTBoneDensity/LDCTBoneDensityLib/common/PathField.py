"""A line with a path, ctkPathLineEdit, as the panel uses it."""

from collections.abc import Callable
from typing import Any


def pathIn(field: Any) -> str:
    """Return the path in a line; "" if there is none."""
    return str(field.currentPath).strip()


def onPathChanged(field: Any, slot: Callable[[str], None]) -> None:
    """Call ``slot`` with the path whenever it changes, also when it is cleared.

    CTK emits no path that is empty: only that the input is not valid any more.
    """
    field.connect("currentPathChanged(QString)", lambda _path: slot(pathIn(field)))
    field.connect("validInputChanged(bool)", lambda _isValid: slot(pathIn(field)))
