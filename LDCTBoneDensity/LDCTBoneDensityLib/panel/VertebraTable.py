"""The table of vertebrae: one row a level, T12, L1 and L2 first, the rest foldable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.anatomy import COLOR_RGB, TARGET_LEVELS
from ldct_bmd.findings import FindingCode, Severity
from ldct_bmd.reading.rows import level_row, levels_in
from ldct_bmd.words import text

from ..common.FindingsView import severityColor
from ..common.Reveal import reveal
from ..common.Signal import Signal
from ..common.Verdicts import fractureOf
from ..common.Words import bmdWord, huWords, stateWord
from ..scene.VertebraSegments import UNNAMED_RGB

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination, Measurement

LEVEL, USE, HU, BMD, CONFIDENCE, STATE = range(6)
_SWATCH = 12
_INDENTATION = 14
_TEXT_MARGIN_X = 8  # left and right of a cell's text together
_TEXT_MARGIN_Y = 4
_MOST_LINES = 3  # of a state; the rest is in its tip


class VertebraTable:
    """Shows a record, and tells what the reader does in it.

    Attributes:
        selected: emits the selected level, None if there is none.
        inclusion: emits a level and whether its box was ticked.
    """

    def __init__(self, tree: Any) -> None:
        self.selected, self.inclusion = Signal(), Signal()
        self._tree = tree
        self._rows: dict[str, Any] = {}
        self._others: Any = None
        self._busy = False
        self._icons: dict[str, Any] = {}
        headings = ("level", "use", "hu", "bmd", "confidence", "state")
        tree.setHeaderLabels([text(f"vertebra_table.{name}") for name in headings])
        tree.headerItem().setToolTip(HU, text("vertebra_table.hu_tip"))
        tree.headerItem().setToolTip(CONFIDENCE, text("vertebra_table.confidence_tip"))
        tree.header().setStretchLastSection(True)
        tree.setIndentation(_INDENTATION)
        tree.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        for column in (LEVEL, USE, HU, BMD, CONFIDENCE):
            tree.header().setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        tree.header().connect("sectionResized(int,int,int)", lambda column, _old, _new: self._fitAll(column))
        tree.connect("currentItemChanged(QTreeWidgetItem*,QTreeWidgetItem*)", self._currentChanged)
        tree.connect("itemChanged(QTreeWidgetItem*,int)", self._itemChanged)

    def level(self) -> str | None:
        """Return the selected level, or None."""
        return self._levelOf(self._tree.currentItem())

    def levels(self) -> list[str]:
        """Return the levels that have a row, as they are shown."""
        return list(self._rows)

    def cells(self, level: str) -> list[str]:
        """Return the texts of a row."""
        return [self._rows[level].text(column) for column in range(6)]

    def isUsed(self, level: str) -> bool:
        """Whether the box of a row is ticked."""
        return self._rows[level].checkState(USE) == qt.Qt.Checked

    def setUsed(self, level: str, used: bool) -> None:
        """Tick or clear the box of a row, as a reader does."""
        self._rows[level].setCheckState(USE, qt.Qt.Checked if used else qt.Qt.Unchecked)

    def select(self, level: str | None) -> None:
        """Select the row of ``level``."""
        row = self._rows.get(level) if level is not None else None
        if row is not None:
            self._tree.setCurrentItem(row)

    def focus(self) -> None:
        """Let the reader's keys move through the rows."""
        self._tree.setFocus()

    def reveal(self) -> None:
        """Bring the table into sight."""
        reveal(self._tree)

    def show(self, examination: Examination | None) -> None:
        """Show a record; the selection stays on its level where that is still there."""
        self._busy = True
        try:
            levels = [] if examination is None else levels_in(examination)
            if levels != list(self._rows):
                self._build(examination, levels)
            if examination is not None:
                for level, row in self._rows.items():
                    self._fill(row, examination, level)
        finally:
            self._busy = False

    def showNumbers(self, measurement: Measurement) -> None:
        """Show the numbers of a VOI on the move; the rest stays as it is."""
        self._busy = True
        try:
            row = self._rows.get(measurement.level)
            if row is not None:
                row.setText(HU, huWords(measurement))
                row.setText(BMD, bmdWord(measurement.bmd_mg_cm3))
        finally:
            self._busy = False

    def showStates(self, examination: Examination) -> None:
        """Show what a VOI on the move makes of the rows; which rows there are stays as it is."""
        self._busy = True
        try:
            for measurement in examination.measurements:
                row = self._rows.get(measurement.level)
                if row is not None:
                    row.setText(STATE, stateWord(examination, measurement))
                    self._fit(row)
        finally:
            self._busy = False

    def _build(self, examination: Examination | None, levels: list[str]) -> None:
        selected = self.level()
        wasExpanded = self._others is not None and self._others.isExpanded()
        self._tree.clear()
        self._rows, self._others = {}, None
        for level in levels:
            parent = self._tree
            if level not in TARGET_LEVELS:
                if self._others is None:
                    self._others = qt.QTreeWidgetItem(self._tree)
                    self._others.setFirstColumnSpanned(True)
                parent = self._others
            row = qt.QTreeWidgetItem(parent)
            row.setData(LEVEL, qt.Qt.UserRole, level)
            row.setIcon(LEVEL, self._icon(level))
            for column in (HU, BMD, CONFIDENCE):
                row.setTextAlignment(column, qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            self._rows[level] = row
        if self._others is not None:
            self._others.setText(LEVEL, text("vertebra_table.others_count", count=self._others.childCount()))
            self._others.setExpanded(wasExpanded)
            if examination is not None and any(
                fractureOf(examination, level) is FindingCode.SUSPECTED_FRACTURE
                for level in levels
                if level not in TARGET_LEVELS
            ):
                self._others.setExpanded(True)
        if selected in self._rows:
            self._tree.setCurrentItem(self._rows[selected])

    def _fill(self, row: Any, examination: Examination, level: str) -> None:
        shown = level_row(examination, level)
        cells = {LEVEL: shown.name, HU: shown.hu, BMD: shown.bmd, CONFIDENCE: shown.confidence, STATE: shown.state}
        for column, words in cells.items():
            row.setText(column, words)
        if shown.used is None:
            row.setData(USE, qt.Qt.CheckStateRole, None)
        else:
            row.setCheckState(USE, qt.Qt.Checked if shown.used else qt.Qt.Unchecked)
            isOpen = examination.signature is None
            row.setFlags(
                row.flags() | qt.Qt.ItemIsUserCheckable if isOpen else row.flags() & ~qt.Qt.ItemIsUserCheckable
            )
        font = row.font(STATE)
        font.setBold(shown.is_open)
        row.setFont(STATE, font)
        color = severityColor(Severity.WARNING) if shown.is_open else None
        row.setData(STATE, qt.Qt.ForegroundRole, None if color is None else qt.QBrush(qt.QColor(*color)))
        row.setToolTip(STATE, "\n".join([shown.state, *shown.findings]))
        font = row.font(LEVEL)
        font.setStrikeOut(shown.used is False)
        for column in (HU, BMD):
            row.setFont(column, font)
        self._fit(row)

    def _fitAll(self, column: int) -> None:
        if column == STATE:
            for row in self._rows.values():
                self._fit(row)

    def _fit(self, row: Any) -> None:
        """Give a row the lines that its state needs: a tree wraps words, but does not ask how high they then are."""
        metrics = qt.QFontMetrics(row.font(STATE))
        width = self._tree.columnWidth(STATE) - _TEXT_MARGIN_X
        needed = metrics.boundingRect(0, 0, width, 0, qt.Qt.TextWordWrap, row.text(STATE)).height()
        row.setSizeHint(STATE, qt.QSize(0, _TEXT_MARGIN_Y + min(needed, _MOST_LINES * metrics.height())))

    def _currentChanged(self, current: Any = None, previous: Any = None) -> None:
        if not self._busy:
            self.selected.emit(self._levelOf(current))

    def _itemChanged(self, row: Any, column: int) -> None:
        level = self._levelOf(row)
        if not self._busy and column == USE and level is not None:
            self.inclusion.emit(level, row.checkState(USE) == qt.Qt.Checked)

    def _levelOf(self, row: Any) -> str | None:
        return row.data(LEVEL, qt.Qt.UserRole) if row is not None else None

    def _icon(self, level: str) -> Any:
        if level not in self._icons:
            pixmap = qt.QPixmap(_SWATCH, _SWATCH)
            pixmap.fill(qt.QColor(*COLOR_RGB.get(level, UNNAMED_RGB)))
            self._icons[level] = qt.QIcon(pixmap)
        return self._icons[level]
