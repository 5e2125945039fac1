"""The section that measures: source of the vertebrae, the button, and what a first run installs."""

from typing import Any

import qt

from ..common.Signal import Signal


class MeasurePanel:
    """Lets a reader measure, and go to the report after that.

    Attributes:
        started, reportWanted: emit nothing, when the buttons are pressed.
    """

    def __init__(self, ui: Any) -> None:
        self.started, self.reportWanted = Signal(), Signal()
        self._ui = ui
        ui.requirementsLabel.setTextFormat(qt.Qt.PlainText)
        ui.measureButton.connect("clicked(bool)", lambda _checked=False: self.started.emit())
        ui.toReportButton.connect("clicked(bool)", lambda _checked=False: self.reportWanted.emit())

    def allow(self, canMeasure: bool, hasSource: bool, hasReview: bool) -> None:
        """Enable what makes sense now."""
        self._ui.measureButton.setEnabled(canMeasure)
        self._ui.wholeCheckBox.setEnabled(hasSource)
        self._ui.toReportButton.setEnabled(hasReview)

    def requirements(self, sentence: str) -> None:
        """Show what a first measurement will install."""
        self._ui.requirementsLabel.setText(sentence)
        self._ui.requirementsLabel.setVisible(bool(sentence))
