"""The mouse wheel scrolls the panel, and changes nothing that it passes over."""

from typing import Any

import qt


class WheelGuard(qt.QObject):
    """Hands the wheel on from closed combo boxes, and from numbers that are not being typed, to what scrolls.

    Args:
        window: what holds the widgets.
    """

    def __init__(self, window: Any) -> None:
        qt.QObject.__init__(self, window)
        for kind in (qt.QComboBox, qt.QAbstractSpinBox):
            for widget in window.findChildren(kind):
                widget.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Qt asks this before a widget gets an event; True: it does not."""
        if event.type() != qt.QEvent.Wheel:
            return False
        if watched.inherits("QAbstractSpinBox") and watched.hasFocus():
            return False
        event.ignore()
        return True
