"""The assessment: mean of L1 and L2, category, what limits it, T12 beside it, and the automatic result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.words import text

from .AssessmentBar import AssessmentBar
from .ResultButtons import ResultButtons

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination

    from .ReferencePopulation import ReferencePopulation


class AssessmentPanel:
    """Shows what a record concludes.

    Attributes:
        buttons: hand the numbers on.

    Args:
        population: what the patient is compared with.
    """

    def __init__(self, ui: Any, population: ReferencePopulation) -> None:
        self._population = population
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
