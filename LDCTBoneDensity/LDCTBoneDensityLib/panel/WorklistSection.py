"""The section on the worklist: which results there are, and the buttons that go through them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qt

from ldct_bmd.findings import Severity
from ldct_bmd.reading.going import row_cells
from ldct_bmd.words import text

from ..common.FindingsView import noteStyle
from ..common.PathField import onPathChanged
from ..common.Reveal import reveal
from ..common.Signal import Signal
from ..work.WorklistSession import Shown, WorklistSession

URGENCY, PATIENT, DATE, BMD, STATE = range(5)
_KEYS = {"next": "Ctrl+Alt+N", "sign": "Ctrl+Alt+S"}


class WorklistSection:
    """Shows rows, and tells what the reader wants.

    Attributes:
        pathChosen: emits a path: a worklist's file or a folder of results; "" for none.
        rowWanted: emits the number of a row.
        nextWanted, signNextWanted: emit nothing.

    Args:
        window: the parent of the file dialog, and what the shortcuts work in.
    """

    def __init__(self, ui: Any, window: Any) -> None:
        self.pathChosen, self.rowWanted, self.nextWanted, self.signNextWanted = (Signal() for _ in range(4))
        self._ui, self._window = ui, window
        self._session: WorklistSession | None = None
        self._rows: dict[int, Any] = {}
        ui.worklistPath.setCurrentPath("")  # CTK may have put there what another module keeps
        headings = ("urgency", "patient", "date", "bmd", "state")
        ui.worklistTree.setHeaderLabels([text(f"worklist_section.{name}") for name in headings])
        ui.worklistLabel.setTextFormat(qt.Qt.PlainText)
        for shown in Shown:
            ui.worklistFilterCombo.addItem(text(f"worklist_section.show.{shown.value}"))
        onPathChanged(ui.worklistPath, self.pathChosen.emit)
        ui.worklistFolderButton.connect("clicked(bool)", self._chooseFolder)
        ui.worklistFilterCombo.connect("currentIndexChanged(int)", lambda _index: self.show(self._session))
        ui.worklistTree.connect("itemActivated(QTreeWidgetItem*,int)", self._activated)
        ui.nextButton.connect("clicked(bool)", lambda _checked=False: self.nextWanted.emit())
        ui.signNextButton.connect("clicked(bool)", lambda _checked=False: self.signNextWanted.emit())
        self._shortcuts = []
        # Not the buttons' own: those would not work while the section is closed.
        for keys, slot in ((_KEYS["next"], self._nextByKeys), (_KEYS["sign"], self.signNextWanted.emit)):
            shortcut = qt.QShortcut(qt.QKeySequence(keys), window)
            shortcut.connect("activated()", slot)
            self._shortcuts.append(shortcut)
        self.show(None)

    def show(self, session: WorklistSession | None) -> None:
        """Show the rows that the filter lets through; the open one is selected."""
        self._session = session
        tree = self._ui.worklistTree
        tree.clear()
        self._rows = {}
        rows = [] if session is None else session.rows(self._shown())
        for number, row in rows:
            item = qt.QTreeWidgetItem(tree)
            for column, words in enumerate(row_cells(row)):
                item.setText(column, words)
            item.setToolTip(STATE, row.facts.reason or ", ".join(row.facts.findings))
            item.setData(URGENCY, qt.Qt.UserRole, number)
            self._rows[number] = item
        for column in range(tree.columnCount):  # the last one too: it stretches, but from no less than its size
            tree.resizeColumnToContents(column)
        if session is not None and session.current in self._rows:
            tree.setCurrentItem(self._rows[session.current])
        if session is not None:
            self.note(session.counts())

    def allow(self, canGoOn: bool, canSign: bool) -> None:
        """Enable what makes sense now."""
        self._ui.nextButton.setEnabled(canGoOn)
        self._ui.signNextButton.setEnabled(canSign)

    def numbers(self) -> list[int]:
        """Return the numbers of the rows on display, from the top."""
        return list(self._rows)

    def cells(self, number: int) -> list[str]:
        """Return the texts of a row."""
        return [self._rows[number].text(column) for column in range(5)]

    def note(self, sentence: str) -> None:
        """Show how far the list is."""
        self._say(sentence, Severity.INFO)

    def refuse(self, sentence: str) -> None:
        """Show what cannot be done, also to a reader who pressed keys while the section was closed."""
        self._say(sentence, Severity.ERROR)
        reveal(self._ui.worklistLabel)

    def _say(self, sentence: str, severity: Severity) -> None:
        self._ui.worklistLabel.setStyleSheet(noteStyle(severity))
        self._ui.worklistLabel.setText(sentence)
        self._ui.worklistLabel.setVisible(bool(sentence))

    def _shown(self) -> Shown:
        shown: Sequence[Shown] = tuple(Shown)
        return shown[self._ui.worklistFilterCombo.currentIndex]

    def _chooseFolder(self, _checked: bool = False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self._window, text("worklist_section.choose_folder"))
        if folder:
            self._ui.worklistPath.setCurrentPath(str(Path(folder)))

    def _activated(self, item: Any, _column: int = 0) -> None:
        self.rowWanted.emit(item.data(URGENCY, qt.Qt.UserRole))

    def _nextByKeys(self) -> None:
        if self._ui.nextButton.enabled:
            self.nextWanted.emit()
