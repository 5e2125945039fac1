"""Findings as notes: a word for how much each matters, and a colour next to it."""

from collections.abc import Sequence
from typing import Any

import qt

from ldct_bmd.findings import Finding, Severity
from ldct_bmd.words import text

_COLORS = {Severity.ERROR: (192, 57, 43), Severity.WARNING: (214, 137, 16), Severity.INFO: (46, 134, 193)}
# Faint enough for the text of a light and of a dark style.
_STYLE = (
    "QLabel {{ border-style: solid; border-width: 0 0 0 4px; border-color: rgb({0}, {1}, {2}); "
    "background-color: rgba({0}, {1}, {2}, 35); padding: 2px 2px 2px 6px; }}"
)


def severityColor(severity: Severity) -> tuple[int, int, int]:
    """Return the colour (RGB, 0 to 255) of how much something matters."""
    return _COLORS[severity]


def noteStyle(severity: Severity) -> str:
    """Return the style sheet of a note on a QLabel."""
    return _STYLE.format(*_COLORS[severity])


class FindingsView:
    """Fills a layout with notes.

    Args:
        widget: the widget that holds the notes, with a vertical layout.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = widget
        self._labels: list[Any] = []

    def show(self, findings: Sequence[Finding], remark: str = "") -> None:
        """Show these findings, and a remark after them."""
        notes = [(f.severity, text(f"note.{f.severity.value}", message=f.message)) for f in findings]
        if remark:
            notes.append((Severity.INFO, text("note.info", message=remark)))
        self.showNotes(notes)

    def showNotes(self, notes: Sequence[tuple[Severity, str]]) -> None:
        """Show sentences, each with how much it matters."""
        while len(self._labels) > len(notes):
            label = self._labels.pop()
            self._widget.layout().removeWidget(label)
            label.hide()
            label.deleteLater()
        while len(self._labels) < len(notes):
            label = qt.QLabel()
            label.setTextFormat(qt.Qt.PlainText)
            # Else a long sentence would widen the panel: a collapsible section never gets less than its hint.
            label.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
            label.setWordWrap(True)
            self._widget.layout().addWidget(label)
            self._labels.append(label)
        for label, (severity, words) in zip(self._labels, notes, strict=True):
            label.setStyleSheet(noteStyle(severity))
            label.setText(words)
        self._widget.setVisible(bool(notes))

    def texts(self) -> list[str]:
        """Return what the notes say."""
        return [label.text for label in self._labels]
