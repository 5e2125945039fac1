"""Mirrors CTK `Libs/Widgets/ctkCollapsibleGroupBox.h`: a checkable group box that hides its contents."""

from __future__ import annotations

from PySide6.QtCore import Property
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGroupBox, QWidget

from ..pythonqt.standin import standin

_MAXIMUM = 16777215  # QWIDGETSIZE_MAX


@standin
class ctkCollapsibleGroupBox(QGroupBox):
    """Collapsed is unchecked."""

    def __init__(self, title: str | QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent if isinstance(title, str) or title is None else title)
        if isinstance(title, str):
            self.setTitle(title)
        self._hidden_by_collapse: list[QWidget] = []
        self._collapsed_height = 14
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._show_children)

    def setCollapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    def setCollapsedHeight(self, height: int) -> None:
        self._collapsed_height = height

    collapsed = Property(bool, lambda self: not self.isChecked(), setCollapsed)
    collapsedHeight = Property(int, lambda self: self._collapsed_height, setCollapsedHeight)

    def _show_children(self, show: bool) -> None:
        if show:
            for widget in self._hidden_by_collapse:
                widget.setVisible(True)
            self._hidden_by_collapse = []
        else:
            self._hidden_by_collapse += [c for c in self.children() if isinstance(c, QWidget) and not c.isHidden()]
            for widget in self._hidden_by_collapse:
                widget.setVisible(False)
        self.setMaximumHeight(_MAXIMUM if show else self.fontMetrics().height() + self._collapsed_height)

    def showEvent(self, event: QShowEvent) -> None:
        if self.collapsed:
            self._show_children(False)
        super().showEvent(event)
