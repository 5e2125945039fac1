"""Mirrors CTK `Libs/Widgets/ctkCollapsibleButton.h`: a button over its contents, which it shows and hides."""

from __future__ import annotations

from PySide6.QtCore import Property, QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QStyle, QStyleOptionButton, QWidget

from ..pythonqt.standin import standin

_MAXIMUM = 16777215  # QWIDGETSIZE_MAX


@standin
class ctkCollapsibleButton(QAbstractButton):
    """Checkable in CTK only where `checkable` is set; `collapsed` works either way."""

    contentsCollapsed = Signal(bool)
    SIGNALS = ("contentsCollapsed(bool)",)

    def __init__(self, text: str | QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent if isinstance(text, str) or text is None else text)
        self._collapsed = False
        self._collapsed_height = 14
        self._hidden_by_collapse: list[QWidget] = []
        self._forcing = False
        self.setSizePolicy(QSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred))
        if isinstance(text, str):
            self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, self._button_height(), 0, 0)
        self.toggled.connect(self._on_toggled)

    def _button_height(self) -> int:
        return self.fontMetrics().height() + 8

    def _get_collapsed(self) -> bool:
        return self._collapsed

    def setCollapsed(self, collapsed: bool) -> None:
        if self.isCheckable():
            self.setChecked(not collapsed)
        else:
            self._collapse(collapsed)

    collapsed = Property(bool, _get_collapsed, setCollapsed)

    def _get_collapsed_height(self) -> int:
        return self._collapsed_height

    def setCollapsedHeight(self, height: int) -> None:
        self._collapsed_height = height
        self.updateGeometry()

    collapsedHeight = Property(int, _get_collapsed_height, setCollapsedHeight)

    def _on_toggled(self, checked: bool) -> None:
        if self.isCheckable():
            self._collapse(not checked)

    def _collapse(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        self._show_children()
        self.updateGeometry()
        self.update()
        self.contentsCollapsed.emit(collapsed)

    def _show_children(self) -> None:
        """Hides what the collapse hides; a child that was hidden on its own stays hidden afterwards."""
        if self._collapsed:
            children = [c for c in self.children() if isinstance(c, QWidget)]
            for widget in children:
                widget.installEventFilter(self)
            widgets = [c for c in children if not c.isHidden()]
            self._hidden_by_collapse += widgets
            for widget in widgets:
                self._force(widget, False)
            self.setMaximumHeight(self._button_height() + self._collapsed_height)
        else:
            self.setMaximumHeight(_MAXIMUM)
            for widget in self._hidden_by_collapse:
                self._force(widget, True)
            self._hidden_by_collapse = []

    def _force(self, widget: QWidget, visible: bool) -> None:
        """As ctkCollapsibleButton::setChildVisibility: shows or hides as if nobody had asked for it."""
        self._forcing = True
        widget.setVisible(visible)
        widget.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
        self._forcing = False

    def eventFilter(self, child: QObject, event: QEvent) -> bool:
        """A child that the module hides or shows while the contents are collapsed is so when they open."""
        asked = event.type() in (QEvent.Type.HideToParent, QEvent.Type.ShowToParent)
        if asked and self._collapsed and not self._forcing:
            self._hidden_by_collapse = [w for w in self._hidden_by_collapse if w is not child]
            if event.type() == QEvent.Type.ShowToParent:
                self._hidden_by_collapse.append(child)
                self._force(child, False)
        return False

    def showEvent(self, event: QShowEvent) -> None:
        if self._collapsed:
            self._show_children()
        super().showEvent(event)

    def sizeHint(self) -> QSize:
        return self._with_button(super().sizeHint)

    def minimumSizeHint(self) -> QSize:
        return self._with_button(super().minimumSizeHint)

    def _with_button(self, contents: QSize) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self.text) + 40
        if self._collapsed:
            return QSize(width, self._button_height() + self._collapsed_height)
        return contents.expandedTo(QSize(width, self._button_height()))

    def hitButton(self, position: QPoint) -> bool:
        return position.y() < self._button_height()

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(self._button_height())
        option.text = ("▸ " if self._collapsed else "▾ ") + self.text
        option.state |= QStyle.StateFlag.State_Sunken if self.isDown() else QStyle.StateFlag.State_Raised
        painter = QPainter(self)
        self.style().drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        if self.hasFocus():
            painter.drawRect(option.rect.adjusted(2, 2, -3, -3))
        painter.drawText(option.rect.adjusted(8, 0, -4, 0), 0x0001 | 0x0080, option.text)  # left, vertically centred
        painter.end()
