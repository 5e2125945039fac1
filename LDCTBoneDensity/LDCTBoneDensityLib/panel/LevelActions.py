"""The buttons below the table: corrections of the selected level, undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.anatomy import LEVELS, order
from ldct_bmd.words import text

from ..common.Signal import Signal
from ..common.Words import reasonWords

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination
    from ldct_bmd.review import Review

OTHER = "other"  # see ldct_bmd.examination.ExclusionReason


class LevelActions:
    """Turns buttons into corrections.

    Attributes:
        wanted: emits a correction, a function of the review.
        segmentEditorWanted, updateWanted: emit nothing.
    """

    def __init__(self, ui: Any, window: Any) -> None:
        self.wanted, self.segmentEditorWanted, self.updateWanted = Signal(), Signal(), Signal()
        self._ui = ui
        self._level: str | None = None
        self._actions: list[Any] = []
        self._excludeMenu, self._renameMenu = qt.QMenu(ui.excludeButton), qt.QMenu(ui.renameButton)
        for reason, words in reasonWords().items():
            self._add(self._excludeMenu, words, partial(self._exclude, reason))
        # Made once and shown as they fit: what is made at every selection stays in memory.
        self._names = {name: self._add(self._renameMenu, name, partial(self._rename, name)) for name in LEVELS}
        self._noName = self._add(self._renameMenu, text("level_actions.no_free_name"), lambda: None)
        self._noName.setEnabled(False)
        ui.excludeButton.setMenu(self._excludeMenu)
        ui.renameButton.setMenu(self._renameMenu)
        self._showReason(False)
        ui.reasonEdit.connect("returnPressed()", self._excludeInOwnWords)
        self._onClick(ui.resetButton, lambda: self._want(lambda review, level: review.reset_voi(level)))
        self._onClick(ui.includeButton, lambda: self._want(lambda review, level: review.include(level)))
        self._onClick(ui.addButton, lambda: self._want(lambda review, level: review.add_voi(level)))
        self._onClick(ui.undoButton, self._undo)
        self._onClick(ui.redoButton, self._redo)
        self._onClick(ui.editSegmentButton, self.segmentEditorWanted.emit)
        self._onClick(ui.updateButton, self.updateWanted.emit)
        self._shortcuts = []
        for keys, slot in (("Ctrl+Alt+Z", self._undo), ("Ctrl+Alt+Y", self._redo)):
            shortcut = qt.QShortcut(qt.QKeySequence(keys), window)
            shortcut.connect("activated()", slot)
            self._shortcuts.append(shortcut)

    def show(self, review: Review | None, level: str | None) -> None:
        """Enable what makes sense for ``level``: nothing of a signed review."""
        ui = self._ui
        if review is not None and review.examination.signature is not None:
            review = None
        if level != self._level:
            self._showReason(False)
        self._level = level
        examination = review.examination if review is not None else None
        found = level is not None and examination is not None and level in {v.level for v in examination.vertebrae}
        measurement = examination.measurement(level) if examination is not None and level is not None else None
        measured = measurement is not None
        excluded = measurement is not None and measurement.excluded is not None
        ui.resetButton.setEnabled(examination is not None and measured and _isPlaced(examination, level))
        ui.excludeButton.setEnabled(measured and not excluded)
        ui.includeButton.setEnabled(excluded)
        ui.renameButton.setEnabled(found)
        ui.addButton.setEnabled(found and not measured)
        for button in (ui.editSegmentButton, ui.updateButton):
            button.setEnabled(review is not None)
        ui.undoButton.setEnabled(review is not None and review.can_undo)
        ui.redoButton.setEnabled(review is not None and review.can_redo)
        self._fillRenameMenu(examination, level if found else None)

    def askReason(self) -> None:
        """Open the menu of reasons, as when the box of a row is cleared."""
        button = self._ui.excludeButton
        self._excludeMenu.exec_(button.mapToGlobal(qt.QPoint(0, button.height)))

    def exclude(self, reason: str) -> None:
        """Exclude the selected level for ``reason``, as the menu does."""
        self._exclude(reason)

    def _fillRenameMenu(self, examination: Examination | None, level: str | None) -> None:
        free: list[str] = []
        if examination is not None and level is not None:
            names = [v.level for v in examination.vertebrae]
            place = names.index(level)
            above = order(names[place - 1]) if place else -1
            below = order(names[place + 1]) if place + 1 < len(names) else len(LEVELS)
            free = [name for name in LEVELS[above + 1 : below] if name != level]
        for name, action in self._names.items():
            action.setVisible(name in free)
        self._noName.setVisible(not free)

    def _add(self, menu: Any, words: str, slot: Callable[[], None]) -> Any:
        action = menu.addAction(words)
        action.connect("triggered(bool)", lambda _checked=False: slot())
        self._actions.append(action)
        return action

    def _onClick(self, button: Any, slot: Callable[[], None]) -> None:
        button.connect("clicked(bool)", lambda _checked=False: slot())

    def _want(self, verb: Callable[[Review, str], None]) -> None:
        level = self._level
        if level is not None:
            self.wanted.emit(lambda review: verb(review, level))

    def _rename(self, name: str) -> None:
        self._want(lambda review, level: review.rename(level, name))

    def _exclude(self, reason: str) -> None:
        if reason == OTHER:
            self._showReason(True)
            self._ui.reasonEdit.setFocus()
            return
        self._showReason(False)
        self._want(lambda review, level: review.exclude(level, reason))

    def _excludeInOwnWords(self) -> None:
        words = self._ui.reasonEdit.text.strip()
        self._want(lambda review, level: review.exclude(level, OTHER, words))
        self._showReason(False)

    def _showReason(self, visible: bool) -> None:
        self._ui.reasonFormLabel0.setVisible(visible)
        self._ui.reasonEdit.setVisible(visible)
        self._ui.reasonEdit.clear()

    def _undo(self) -> None:
        if self._ui.undoButton.enabled:
            self.wanted.emit(lambda review: review.undo())

    def _redo(self) -> None:
        if self._ui.redoButton.enabled:
            self.wanted.emit(lambda review: review.redo())


def _isPlaced(examination: Examination, level: str | None) -> bool:
    return level is not None and examination.quality.voi(level).placed_by is not None
