"""The reader's verdicts on the selected level: whether it is fractured, and whether its outline is good."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.verdicts import GRADES
from ldct_bmd.words import text

from ..common.Signal import Signal
from ..common.Verdicts import fractureOf, hasDoubtfulOutline, suggestedGrades

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination
    from ldct_bmd.review import Review


class VerdictActions:
    """A button with a menu for the fracture, and one for the outline.

    Attributes:
        wanted: emits a correction, a function of the review.
    """

    def __init__(self, fractureButton: Any, outlineButton: Any) -> None:
        self.wanted = Signal()
        self._fracture, self._outline = fractureButton, outlineButton
        self._level: str | None = None
        self._menu = qt.QMenu(fractureButton)
        self._grades = {
            grade: self._add(text("verdict.fracture_of_grade", grade=grade), self._confirmation(grade))
            for grade in GRADES
        }
        self._add(text("verdict.fracture"), self._confirmation(None))
        self._menu.addSeparator()
        self._dismissal = self._add(text("verdict.no_fracture"), lambda review, level: review.dismiss_suspicion(level))
        fractureButton.setMenu(self._menu)
        outlineButton.connect("clicked(bool)", lambda _checked=False: self._give(lambda r, at: r.confirm_outline(at)))

    def show(self, examination: Examination | None, level: str | None) -> None:
        """Enable what makes sense for ``level``."""
        self._level = level
        known = {v.level for v in examination.vertebrae} if examination is not None else set()
        isOpen = examination is not None and examination.signature is None and level in known
        self._fracture.setEnabled(isOpen)
        self._outline.setEnabled(isOpen and hasDoubtfulOutline(examination, level))
        self._dismissal.setEnabled(isOpen and fractureOf(examination, level) is not None)
        suggested = suggestedGrades(examination, level)
        for grade, action in self._grades.items():
            key = "verdict.fracture_of_suggested_grade" if grade in suggested else "verdict.fracture_of_grade"
            action.setText(text(key, grade=grade))

    def _confirmation(self, grade: int | None) -> Callable[[Review, str], None]:
        return lambda review, level: review.confirm_fracture(level, grade)

    def _add(self, words: str, verb: Callable[[Review, str], None]) -> Any:
        action = self._menu.addAction(words)
        action.connect("triggered(bool)", lambda _checked=False: self._give(verb))
        return action

    def _give(self, verb: Callable[[Review, str], None]) -> None:
        level = self._level
        if level is not None:
            self.wanted.emit(lambda review: verb(review, level))
