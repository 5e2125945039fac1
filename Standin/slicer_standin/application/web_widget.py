"""`slicer.qSlicerWebWidget`: mirrors Slicer's `Base/QTGUI/qSlicerWebWidget.h`.

The original shows a page in Chromium (QtWebEngine). There is none here: a text browser shows the page's words.
"""

from __future__ import annotations

from PySide6.QtCore import Property, QUrl, Signal
from PySide6.QtWidgets import QTextBrowser, QVBoxLayout, QWidget

from ..pythonqt.standin import standin


@standin
class qSlicerWebWidget(QWidget):
    """A window with one page; it loads at once, where the original tells with `loadFinished(bool)`."""

    loadFinished = Signal(bool)
    SIGNALS = ("loadFinished(bool)",)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._browser = QTextBrowser(self)
        QVBoxLayout(self).addWidget(self._browser)
        self._url = ""

    def setUrl(self, url: str) -> None:
        if not isinstance(url, str):
            raise TypeError(f"qSlicerWebWidget.setUrl takes a text, not {url!r}")
        self._url = url
        self._browser.setSource(QUrl(url))
        self.loadFinished.emit(bool(self._browser.toPlainText()))

    url = Property(str, lambda self: self._url, setUrl)
