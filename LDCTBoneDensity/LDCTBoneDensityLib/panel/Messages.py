"""What a run or a correction says, next to the buttons that start it: progress, cancel, and a sentence."""

from collections.abc import Sequence
from typing import Any

import qt

from ldct_bmd.findings import Severity
from ldct_bmd.ground.progress import stage_words
from ldct_bmd.words import text

from ..common.FindingsView import noteStyle
from ..common.Signal import Signal

_BAR_PX = 30  # a progress bar and what is left free above it


class Messages:
    """Says the same in several places: on a small screen one of them is in sight.

    Attributes:
        cancelled: emits nothing, when a run is to stop.
        said: the sentence on display.

    Args:
        places: of each the label, the progress bar and the button that cancels.
    """

    def __init__(self, places: Sequence[tuple[Any, Any, Any]]) -> None:
        self.cancelled, self.said = Signal(), ""
        self._places = places
        self._remarks: list[str] = []
        self._heights = [label.minimumHeight for label, _bar, _button in places]
        for label, _bar, button in places:
            label.setTextFormat(qt.Qt.PlainText)
            button.connect("clicked(bool)", lambda _checked=False: self.cancelled.emit())

    def allow(self, isRunning: bool) -> None:
        """Show progress while the engine is at work."""
        for (label, bar, button), height in zip(self._places, self._heights, strict=True):
            label.setMinimumHeight(height - _BAR_PX if isRunning else height)  # no button below moves
            bar.setVisible(isRunning)
            button.setVisible(isRunning)

    def progress(self, stage: str, fraction: float, name: str) -> None:
        """Show stage and fraction of the run on the volume called ``name``."""
        for _label, bar, _button in self._places:
            bar.setValue(int(100 * min(max(fraction, 0.0), 1.0)))
            bar.setFormat(f"{name}: {stage_words(stage)} %p %" if stage else f"{name}: %p %")

    def refuse(self, sentence: str) -> None:
        """Show what went wrong."""
        self._show(self._withRemarks(text("measure_section.refused", sentence=sentence)), Severity.ERROR)

    def note(self, sentence: str) -> None:
        """Show what was done; "" takes the last message away."""
        if not sentence:
            self._remarks.clear()
        self._show(self._withRemarks(sentence), Severity.WARNING if self._remarks else Severity.INFO)

    def remark(self, sentence: str) -> None:
        """Show what the engine said by the way, and again before what is said next."""
        self._remarks.append(sentence)
        self._show(self._withRemarks(""), Severity.WARNING)

    def _withRemarks(self, sentence: str) -> str:
        return " ".join(words for words in (*self._remarks, sentence) if words)

    def _show(self, words: str, severity: Severity) -> None:
        self.said = words
        for label, _bar, _button in self._places:
            # It keeps its place when it is empty: a button must not move away below the mouse that presses it.
            label.setStyleSheet(noteStyle(severity) if words else "")
            label.setText(words)
