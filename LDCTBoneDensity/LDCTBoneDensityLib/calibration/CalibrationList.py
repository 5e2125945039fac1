"""The calibrations in the site's store: a row each, one in full, retiring one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.calibration.described import added_words, described, retired_words
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.words import text

from ..common.Signal import Signal
from ..common.Words import NONE
from .SiteStore import SiteStore

if TYPE_CHECKING:
    from ldct_bmd.calibration.store import StoredCalibration

DATE, SLOPE, INTERCEPT, KVP, SCANNER, MADE, VALID, STATE = range(8)


class CalibrationList:
    """The dialog's page on what is there.

    Attributes:
        retired: emits what was retired.
        refused: emits a sentence.

    Args:
        operator: gives the operator's name.
    """

    def __init__(self, ui: Any, store: SiteStore, operator: Callable[[], str]) -> None:
        self.retired, self.refused = Signal(), Signal()
        self._ui, self._store, self._operator = ui, store, operator
        self._rows: dict[str, tuple[Any, StoredCalibration]] = {}
        self._stored: Sequence[StoredCalibration] = ()
        headings = ("date", "slope", "intercept", "kvp", "scanner", "made_from", "valid_until", "state")
        ui.calibrationTree.setHeaderLabels([text(f"calibration_list.{name}") for name in headings])
        ui.calibrationTree.connect("currentItemChanged(QTreeWidgetItem*,QTreeWidgetItem*)", self._selected)
        ui.retiredCheckBox.connect("toggled(bool)", lambda _checked: self.show(self._stored))
        ui.becauseEdit.connect("textChanged(QString)", lambda _text: self._allow())
        ui.retireButton.connect("clicked(bool)", lambda _checked: self._retire())
        self._allow()

    def show(self, stored: Sequence[StoredCalibration]) -> None:
        """Show these, the newest scan first; the selection stays where it can."""
        self._stored = stored
        kept = self.identifier()
        tree = self._ui.calibrationTree
        tree.clear()
        self._rows = {}
        count = sum(one.retired is not None for one in stored)
        self._ui.retiredCheckBox.setText(text("calibration_list.show_retired", count=count))
        wanted = [one for one in stored if one.retired is None or self._ui.retiredCheckBox.checked]
        for one in sorted(wanted, key=_dateOf, reverse=True):
            row = qt.QTreeWidgetItem(tree)
            for column, cell in enumerate(_cells(one)):
                row.setText(column, cell)
            row.setDisabled(False)
            self._rows[one.calibration.identifier] = (row, one)
        for column in range(tree.columnCount):
            tree.resizeColumnToContents(column)
        self.select(kept if kept in self._rows else next(iter(self._rows), None))
        self._allow()

    def identifiers(self) -> list[str]:
        """Return the identifiers of the rows, from the top."""
        return list(self._rows)

    def cells(self, identifier: str) -> list[str]:
        """Return the texts of a row."""
        return [self._rows[identifier][0].text(column) for column in range(8)]

    def identifier(self) -> str | None:
        """Return the identifier of the selected row, or None."""
        item = self._ui.calibrationTree.currentItem()
        return next((identifier for identifier, (row, _one) in self._rows.items() if row is item), None)

    def select(self, identifier: str | None) -> None:
        """Select a row, and show its calibration in full."""
        if identifier is not None:
            self._ui.calibrationTree.setCurrentItem(self._rows[identifier][0])
        self._selected()

    def _selected(self) -> None:
        identifier = self.identifier()
        words: list[str] = []
        if identifier is not None:
            one = self._rows[identifier][1]
            words = [*described(one.calibration), added_words(one), retired_words(one)]
        self._ui.detailsEdit.setPlainText("\n".join(filter(None, words)))
        self._allow()

    def _allow(self) -> None:
        identifier = self.identifier()
        canRetire = identifier is not None and self._rows[identifier][1].retired is None
        self._ui.becauseEdit.setEnabled(canRetire)
        self._ui.retireButton.setEnabled(canRetire and bool(self._ui.becauseEdit.text.strip()))

    def _retire(self) -> None:
        identifier = self.identifier()
        if identifier is None:
            return
        try:
            retired = self._store.retire(identifier, self._ui.becauseEdit.text.strip(), self._operator())
        except UsageError as error:
            self.refused.emit(str(error))
            return
        self._ui.becauseEdit.setText("")
        self.retired.emit(retired)


def _dateOf(one: StoredCalibration) -> str:
    provenance = one.calibration.provenance
    return (provenance.date if provenance is not None else None) or ""


def _cells(one: StoredCalibration) -> tuple[str, ...]:
    calibration, provenance = one.calibration, one.calibration.provenance
    scanner = provenance.scanner if provenance is not None else None
    return (
        _dateOf(one) or NONE,
        f"{calibration.slope:.4f}",
        f"{calibration.intercept_mg_cm3:+.2f}",
        NONE if calibration.kvp is None else f"{calibration.kvp:g}",
        NONE if scanner is None else str(scanner),
        NONE if provenance is None else provenance.phantom or provenance.method.value,
        (provenance.valid_until if provenance is not None else None) or NONE,
        text("store.in_use") if one.retired is None else text("store.is_retired"),
    )
