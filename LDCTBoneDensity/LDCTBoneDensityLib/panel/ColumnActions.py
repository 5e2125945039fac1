"""The buttons on the whole column: all names up or down, names confirmed, vertebrae taken out or added by drawing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.anatomy import LEVELS, order

from ..common.Signal import Signal

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination


class ColumnActions:
    """Turns buttons into corrections of names and vertebrae.

    Attributes:
        wanted: emits a correction, a function of the review.
        drawingWanted: emits the level of a vertebra that is to be drawn.
    """

    def __init__(self, ui: Any) -> None:
        self.wanted, self.drawingWanted = Signal(), Signal()
        self._ui = ui
        self._level: str | None = None
        self._missing: list[str] = []
        self._menu = qt.QMenu(ui.addBodyButton)
        ui.addBodyButton.setMenu(self._menu)
        self._onClick(ui.shiftUpButton, lambda review: review.shift_names(-1))
        self._onClick(ui.shiftDownButton, lambda review: review.shift_names(1))
        self._onClick(ui.confirmButton, lambda review: review.confirm_names())
        ui.removeBodyButton.connect("clicked(bool)", lambda _checked=False: self._remove())

    def show(self, examination: Examination | None, level: str | None) -> None:
        """Enable what makes sense for the column, and for ``level``."""
        isOpen = examination is not None and examination.signature is None
        names = [vertebra.level for vertebra in examination.vertebrae] if examination is not None else []
        isDoubtful = examination is not None and any(not examination.quality.certain(name) for name in names)
        self._level = level if level in names else None
        for button in (self._ui.shiftUpButton, self._ui.shiftDownButton, self._ui.addBodyButton):
            button.setEnabled(isOpen)
        self._ui.confirmButton.setEnabled(isOpen and isDoubtful)
        self._ui.removeBodyButton.setEnabled(isOpen and self._level is not None)
        self._fill(_missing(names))

    def _fill(self, missing: list[str]) -> None:
        if missing == self._missing:
            return
        self._missing = missing
        self._menu.clear()
        for name in missing:
            action = self._menu.addAction(name)
            action.connect("triggered(bool)", partial(self._draw, name))

    def _draw(self, level: str, _checked: bool = False) -> None:
        self.drawingWanted.emit(level)

    def _remove(self) -> None:
        level = self._level
        if level is not None:
            self.wanted.emit(lambda review: review.remove_vertebra(level))

    def _onClick(self, button: Any, verb: Any) -> None:
        button.connect("clicked(bool)", lambda _checked=False: self.wanted.emit(verb))


def _missing(names: list[str]) -> list[str]:
    """Return the levels that no vertebra has, from the one above the column to the one below it."""
    if not names:
        return []
    first, last = max(order(names[0]) - 1, 0), min(order(names[-1]) + 1, len(LEVELS) - 1)
    return [level for level in LEVELS[first : last + 1] if level not in names]
