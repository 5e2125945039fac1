"""The buttons below the table: corrections of the selected level, of the names, undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from ldct_bmd.anatomy import LEVELS, order

from ..common.Signal import Signal
from ..common.Words import reasonWords

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination

    from ..scene.ReviewSession import ReviewSession

OTHER = "other"  # see ldct_bmd.examination.ExclusionReason
Verb = Callable[["ReviewSession"], None]


class LevelActions:
    """Turns buttons into corrections.

    Attributes:
        wanted: told of a correction, a function of the session.
        segmentEditorWanted, updateWanted: told of nothing.
    """

    def __init__(self, ui, window) -> None:
        self.wanted, self.segmentEditorWanted, self.updateWanted = Signal(), Signal(), Signal()
        self._ui = ui
        self._level: str | None = None
        self._actions: list = []
        self._excludeMenu, self._renameMenu = qt.QMenu(ui.excludeButton), qt.QMenu(ui.renameButton)
        for reason, words in reasonWords().items():
            self._add(self._excludeMenu, words, lambda reason=reason: self._exclude(reason))
        ui.excludeButton.setMenu(self._excludeMenu)
        ui.renameButton.setMenu(self._renameMenu)
        self._showReason(False)
        ui.reasonEdit.connect("returnPressed()", self._excludeInOwnWords)
        self._onClick(ui.resetButton, lambda: self._want(lambda s, level=self._level: s.resetVOI(level)))
        self._onClick(ui.includeButton, lambda: self._want(lambda s, level=self._level: s.include(level)))
        self._onClick(ui.addButton, lambda: self._want(lambda s, level=self._level: s.addVOI(level)))
        self._onClick(ui.shiftUpButton, lambda: self.wanted.emit(lambda s: s.shiftNames(-1)))
        self._onClick(ui.shiftDownButton, lambda: self.wanted.emit(lambda s: s.shiftNames(1)))
        self._onClick(ui.confirmButton, lambda: self.wanted.emit(lambda s: s.confirmNames()))
        self._onClick(ui.undoButton, self._undo)
        self._onClick(ui.redoButton, self._redo)
        self._onClick(ui.editSegmentButton, self.segmentEditorWanted.emit)
        self._onClick(ui.updateButton, self.updateWanted.emit)
        self._shortcuts = []
        for keys, slot in (("Ctrl+Alt+Z", self._undo), ("Ctrl+Alt+Y", self._redo)):
            shortcut = qt.QShortcut(qt.QKeySequence(keys), window)
            shortcut.connect("activated()", slot)
            self._shortcuts.append(shortcut)

    def show(self, session: ReviewSession | None, level: str | None) -> None:
        """Enable what makes sense for ``level``."""
        ui = self._ui
        if level != self._level:
            self._showReason(False)
        self._level = level
        examination = session.examination if session is not None else None
        found = level is not None and examination is not None and level in {v.level for v in examination.vertebrae}
        measurement = examination.measurement(level) if examination is not None and level is not None else None
        measured = measurement is not None
        excluded = measured and measurement.excluded is not None
        ui.resetButton.setEnabled(measured and examination.quality.voi(level).placed_by is not None)
        ui.excludeButton.setEnabled(measured and not excluded)
        ui.includeButton.setEnabled(excluded)
        ui.renameButton.setEnabled(found)
        ui.addButton.setEnabled(found and not measured)
        for button in (ui.shiftUpButton, ui.shiftDownButton, ui.editSegmentButton, ui.updateButton):
            button.setEnabled(session is not None)
        doubtful = examination is not None and any(
            not examination.quality.certain(vertebra.level) for vertebra in examination.vertebrae
        )
        ui.confirmButton.setEnabled(doubtful)
        ui.undoButton.setEnabled(session is not None and session.canUndo)
        ui.redoButton.setEnabled(session is not None and session.canRedo)
        self._fillRenameMenu(examination, level if found else None)

    def askReason(self) -> None:
        """Open the menu of reasons, as when the box of a row is cleared."""
        button = self._ui.excludeButton
        self._excludeMenu.exec_(button.mapToGlobal(qt.QPoint(0, button.height)))

    def exclude(self, reason: str) -> None:
        """Exclude the selected level for ``reason``, as the menu does."""
        self._exclude(reason)

    def _fillRenameMenu(self, examination: Examination | None, level: str | None) -> None:
        self._renameMenu.clear()
        if examination is None or level is None:
            return
        names = [v.level for v in examination.vertebrae]
        place = names.index(level)
        above = order(names[place - 1]) if place else -1
        below = order(names[place + 1]) if place + 1 < len(names) else len(LEVELS)
        free = [name for name in LEVELS[above + 1 : below] if name != level]
        for name in free:
            self._add(self._renameMenu, name, lambda name=name: self._want(lambda s: s.rename(level, name)))
        if not free:
            self._add(self._renameMenu, _("No name is free here: shift all names"), lambda: None).setEnabled(False)

    def _add(self, menu, words: str, slot: Callable[[], None]):
        action = menu.addAction(words)
        action.connect("triggered(bool)", lambda _checked=False: slot())
        self._actions.append(action)
        return action

    def _onClick(self, button, slot: Callable[[], None]) -> None:
        button.connect("clicked(bool)", lambda _checked=False: slot())

    def _want(self, verb: Verb) -> None:
        if self._level is not None:
            self.wanted.emit(verb)

    def _exclude(self, reason: str) -> None:
        if reason == OTHER:
            self._showReason(True)
            self._ui.reasonEdit.setFocus()
            return
        self._showReason(False)
        self._want(lambda s, level=self._level: s.exclude(level, reason))

    def _excludeInOwnWords(self) -> None:
        words = self._ui.reasonEdit.text.strip()
        self._want(lambda s, level=self._level: s.exclude(level, OTHER, words))
        self._showReason(False)

    def _showReason(self, visible: bool) -> None:
        self._ui.reasonFormLabel0.setVisible(visible)
        self._ui.reasonEdit.setVisible(visible)
        self._ui.reasonEdit.clear()

    def _undo(self) -> None:
        if self._ui.undoButton.enabled:
            self.wanted.emit(lambda s: s.undo())

    def _redo(self) -> None:
        if self._ui.redoButton.enabled:
            self.wanted.emit(lambda s: s.redo())
