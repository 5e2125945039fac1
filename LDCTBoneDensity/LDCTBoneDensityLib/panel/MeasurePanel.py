"""The section that measures: source of the vertebrae, the button, progress, cancel, and what went wrong."""

from typing import Any

import qt

from ldct_bmd.findings import Severity
from ldct_bmd.ground.progress import stage_words
from ldct_bmd.words import text

from ..common.FindingsView import noteStyle
from ..common.Signal import Signal


class MeasurePanel:
    """Shows how far a run is.

    Attributes:
        started, cancelled: emit nothing, when the buttons are pressed.
    """

    def __init__(self, ui: Any) -> None:
        self.started, self.cancelled = Signal(), Signal()
        self._ui = ui
        self._remarks: list[str] = []
        ui.messageLabel.setTextFormat(qt.Qt.PlainText)
        ui.requirementsLabel.setTextFormat(qt.Qt.PlainText)
        ui.measureButton.connect("clicked(bool)", self._start)
        ui.cancelButton.connect("clicked(bool)", self._cancel)

    def allow(self, hasVolume: bool, isRunning: bool, hasSource: bool) -> None:
        """Enable what makes sense now."""
        self._ui.measureButton.setEnabled(hasVolume and not isRunning)
        self._ui.cancelButton.setVisible(isRunning)
        self._ui.progressBar.setVisible(isRunning)
        self._ui.wholeCheckBox.setEnabled(hasSource)

    def progress(self, stage: str, fraction: float, name: str) -> None:
        """Show stage and fraction of the run on the volume called ``name``."""
        self._ui.progressBar.setValue(int(100 * min(max(fraction, 0.0), 1.0)))
        self._ui.progressBar.setFormat(f"{name}: {stage_words(stage)} %p %" if stage else f"{name}: %p %")

    def requirements(self, sentence: str) -> None:
        """Show what a first measurement will install."""
        self._ui.requirementsLabel.setText(sentence)
        self._ui.requirementsLabel.setVisible(bool(sentence))

    @property
    def message(self) -> str:
        """What the section says happened."""
        return str(self._ui.messageLabel.text)

    def refuse(self, sentence: str) -> None:
        """Show what went wrong."""
        self._show(self._with_remarks(text("measure_section.refused", sentence=sentence)), Severity.ERROR)

    def note(self, sentence: str) -> None:
        """Show what was done; "" takes the last message away."""
        if not sentence:
            self._remarks.clear()
        self._show(self._with_remarks(sentence), Severity.WARNING if self._remarks else Severity.INFO)

    def remark(self, sentence: str) -> None:
        """Show what the engine said by the way, and again before what is said next."""
        self._remarks.append(sentence)
        self._show(self._with_remarks(""), Severity.WARNING)

    def _with_remarks(self, sentence: str) -> str:
        return " ".join(words for words in (*self._remarks, sentence) if words)

    def _show(self, words: str, severity: Severity) -> None:
        label = self._ui.messageLabel
        # It keeps its place when it is empty: a button must not move away below the mouse that presses it.
        label.setStyleSheet(noteStyle(severity) if words else "")
        label.setText(words)

    def _start(self, _checked: bool = False) -> None:
        self.started.emit()

    def _cancel(self, _checked: bool = False) -> None:
        self.cancelled.emit()
