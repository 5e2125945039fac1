"""The assessment: mean of L1 and L2, category, what limits it, T12 beside it, and the automatic result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.words import text

from ..common.Signal import Signal
from .AssessmentBar import AssessmentBar
from .ResultButtons import ResultButtons

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination

    from .ReferencePopulation import ReferencePopulation


class AssessmentPanel:
    """Shows what a record concludes.

    Attributes:
        buttons: hand the numbers on.
        corrected: emits a correction, a function of the review.

    Args:
        population: what the patient is compared with.
    """

    def __init__(self, ui: Any, population: ReferencePopulation) -> None:
        self.corrected = Signal()
        self._population = population
        self._contrast = ui.contrastButton
        self._contrast.connect("clicked(bool)", self._judgeContrast)
        self._shown: Examination | None = None
        population.changed.connect(lambda: self.show(self._shown))
        self.buttons = ResultButtons(ui)
        self._bar = AssessmentBar(ui.barLabel)
        self._statement, self._reference, self._automatic = ui.statementLabel, ui.referenceLabel, ui.automaticLabel
        for label in (self._statement, self._reference, self._automatic):
            label.setTextFormat(qt.Qt.PlainText)
        font = self._statement.font
        font.setBold(True)
        self._statement.setFont(font)

    def show(self, examination: Examination | None) -> None:
        """Show the assessment of ``examination``."""
        self._shown = examination
        self._showContrast(examination)
        if examination is None:
            self._bar.show(None, None, None)
            for label in (self._statement, self._reference, self._automatic):
                label.setText("")
            self._statement.setText(text("assessment.not_measured"))
            return
        assessment, automatic = examination.assessment, examination.automatic
        self._bar.show(
            assessment.mean_bmd_mg_cm3,
            # The scale is one of K2HPO4 equivalents: pale under another number.
            assessment.category if assessment.k2hpo4_parts is None else None,
            automatic.assessment.mean_bmd_mg_cm3 if automatic is not None else None,
            assessment.rules,
        )
        self._statement.setText(assessment.statement)
        from ldct_bmd.reading.concluded import automatic_line, lines_beside

        beside = (*lines_beside(examination), self._population.line(examination))
        self._reference.setText("\n".join(filter(None, beside)))
        self._automatic.setText(automatic_line(examination))

    def _showContrast(self, examination: Examination | None) -> None:
        """Leave it to the reader whether there was contrast agent, where header or aorta say so."""
        self._contrast.setVisible(examination is not None and _showsContrast(examination))
        if examination is not None:
            isDenied = examination.quality.contrast_denied_by is not None
            self._contrast.setText(text("verdict.contrast" if isDenied else "panel.contrastButton.text"))
            self._contrast.setEnabled(examination.signature is None)

    def _judgeContrast(self, _checked: bool = False) -> None:
        if self._shown is None:
            return
        if self._shown.quality.contrast_denied_by is None:
            self.corrected.emit(lambda review: review.deny_contrast())
        else:
            self.corrected.emit(lambda review: review.admit_contrast())


def _showsContrast(examination: Examination) -> bool:
    from ldct_bmd.quality import shows_contrast

    return shows_contrast(examination.scan.acquisition.contrast_agent, examination.quality.tissue)
