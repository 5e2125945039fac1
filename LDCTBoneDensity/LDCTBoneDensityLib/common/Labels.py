"""The texts of a .ui file's widgets, from the catalogue: ``panel.WIDGET.PROPERTY``."""

from __future__ import annotations

from typing import Any

import slicer

from ldct_bmd.words import catalogue, text

from .WheelGuard import WheelGuard

PROPERTIES = (
    *("text", "title", "windowTitle", "toolTip", "placeholderText"),
    *("accessibleName", "noneDisplay", "suffix"),
)


def loadLabelledUI(path: str) -> Any:
    """Return the widget that a .ui file describes, with its texts in the language that is spoken."""
    window = slicer.util.loadUI(path)
    WheelGuard(window)
    widgets = {window.objectName: window, **vars(slicer.util.childWidgetVariables(window))}
    for name, widget in widgets.items():
        for what in PROPERTIES:
            key = f"panel.{name}.{what}"
            if key in catalogue():
                _set(widget, what, text(key))
    return window


def _set(widget: Any, what: str, words: str) -> None:
    if what == "title" and not hasattr(widget, what):  # a page of a QTabWidget, whose stack is its parent
        tabs = widget.parent().parent()
        tabs.setTabText(tabs.indexOf(widget), words)
    else:
        setattr(widget, what, words)
