"""Mirrors CTK `Libs/Widgets/ctkMessageBox.h`: a message box with "Don't show this message again"."""

from __future__ import annotations

from PySide6.QtCore import Property
from PySide6.QtWidgets import QMessageBox, QWidget

from ..pythonqt.standin import standin


@standin
class ctkMessageBox(QMessageBox):
    """`dontShowAgainSettingsKey` is kept but nothing is skipped: a test wants to see every message."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key = ""
        self._dont_show_again = False

    def setDontShowAgainSettingsKey(self, key: str) -> None:
        self._key = key

    def setDontShowAgain(self, dont_show: bool) -> None:
        self._dont_show_again = dont_show

    dontShowAgainSettingsKey = Property(str, lambda self: self._key, setDontShowAgainSettingsKey)
    dontShowAgain = Property(bool, lambda self: self._dont_show_again, setDontShowAgain)
