"""VTK observations that end with their widget, as those of the originals' `QVTK_OBJECT` do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject


class Observations:
    """What a widget observes; all of it ends when Qt deletes the widget."""

    def __init__(self, widget: QObject) -> None:
        self._tags: dict[str, list[tuple[Any, int]]] = {}
        tags = self._tags  # not self or the widget, which must be free to go
        widget.destroyed.connect(lambda *_: _remove([pair for group in tags.values() for pair in group]))

    def add(self, group: str, target: Any, event: Any, callback: Callable[..., None]) -> None:
        """Observe under a group's name."""
        self._tags.setdefault(group, []).append((target, target.AddObserver(event, callback)))

    def remove(self, group: str) -> None:
        """End all of a group."""
        _remove(self._tags.pop(group, []))


def _remove(pairs: list[tuple[Any, int]]) -> None:
    for target, tag in pairs:
        target.RemoveObserver(tag)
