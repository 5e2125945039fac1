"""Bringing widgets into sight."""

from collections.abc import Iterator
from typing import Any

import qt

_LAID_OUT_MS = 50  # a section that was opened has its height after this


def reveal(*widgets: Any) -> None:
    """Open the sections that ``widgets`` are in, and scroll to each of them: the last one counts most."""
    for widget in widgets:
        for parent in _around(widget):
            if getattr(parent, "collapsed", False) is True:
                parent.collapsed = False
    _scroll(widgets)
    # Before that the area does not know how far it can be scrolled.
    qt.QTimer.singleShot(_LAID_OUT_MS, lambda: _scroll(widgets))


def _scroll(widgets: tuple[Any, ...]) -> None:
    for widget in widgets:
        for parent in _around(widget):
            if hasattr(parent, "ensureWidgetVisible"):
                parent.ensureWidgetVisible(widget)


def _around(widget: Any) -> Iterator[Any]:
    parent = widget.parentWidget()
    while parent is not None:
        yield parent
        parent = parent.parentWidget()
