"""Bringing a widget into sight."""

from typing import Any


def reveal(widget: Any) -> None:
    """Open the sections that ``widget`` is in, and scroll to it."""
    around = []
    parent = widget.parentWidget()
    while parent is not None:
        around.append(parent)
        parent = parent.parentWidget()
    for parent in around:
        if getattr(parent, "collapsed", False) is True:
            parent.collapsed = False
    for parent in around:
        if hasattr(parent, "ensureWidgetVisible"):
            parent.ensureWidgetVisible(widget)
