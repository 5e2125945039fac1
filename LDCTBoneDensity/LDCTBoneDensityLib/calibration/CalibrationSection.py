"""Putting a chosen calibration to use: in the review on display, and for what is measured from now on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ldct_bmd.calibration.carry import as_made, for_scan
from ldct_bmd.examination.conclude import conditions
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.rules import RuleSet, rules_of
from ldct_bmd.words import text

from ..common.Signal import Signal
from .CalibrationPanel import CalibrationPanel, fromText, toText
from .RulesChoice import RulesChoice
from .SiteStore import SiteStore

if TYPE_CHECKING:
    from ldct_bmd.calibration import Calibration
    from ldct_bmd.examination import Examination

    from .CalibrationDialog import CalibrationDialog


class CalibrationSection:
    """Joins the section on the calibration, its dialog and the record on display.

    Attributes:
        corrected: emits a correction, a function of the review.
        kept: emits the calibration that the next measurement takes, as text; "" for the store's.
        noted, refused: emit a sentence.
        panel: the widgets that show and choose.
        rules: chooses the rule set.
        dialog: None until it was opened.

    Args:
        ui: the widgets of the section.
        operator: gives the name of who adds calibrations.
        newDialog: makes the dialog on a store.
    """

    def __init__(
        self, ui: Any, operator: Callable[[], str], newDialog: Callable[[SiteStore], CalibrationDialog]
    ) -> None:
        self.corrected, self.kept, self.noted, self.refused = Signal(), Signal(), Signal(), Signal()
        self.dialog: CalibrationDialog | None = None
        self._store = SiteStore()
        self.panel = CalibrationPanel(ui, self._store)
        self.rules = RulesChoice(ui.rulesCombo)
        self._operator, self._newDialog = operator, newDialog
        self._volumeNode: Any = None
        self._examination: Examination | None = None
        self.panel.chosen.connect(self.use)
        self.panel.storeChosen.connect(self.useStore)
        self.panel.dialogWanted.connect(self.openDialog)
        self.panel.refused.connect(self.refused.emit)
        self.rules.chosen.connect(self.useRules)
        self.rules.refused.connect(self.refused.emit)

    def show(self, volumeNode: Any, examination: Examination | None, kept: str) -> None:
        """Show the calibration of a record, or the one that is kept for the next measurement."""
        self._volumeNode, self._examination = volumeNode, examination
        self.panel.show(examination, fromText(kept) if kept else None)
        self.rules.show(examination)

    def wanted(self, kept: str) -> tuple[Calibration, str, bool]:
        """Return what a measurement takes: a calibration, or a store that goes before it, and whether a later one may.

        UsageError if what is kept is damaged.
        """
        return fromText(kept), "" if kept else self._store.path, self.panel.allowsLater

    def use(self, calibration: Calibration) -> None:
        """Take one calibration, whatever the scan; if the review refuses it, the next measurement's stays too."""
        if self._examination is not None:
            calibration = for_scan(calibration, conditions(self._examination.scan.acquisition))
        if self._examination is not None and calibration != self._examination.calibration:
            self.corrected.emit(lambda review: review.change_calibration(calibration))
            if self._examination is None or calibration != self._examination.calibration:
                return
        self.kept.emit(toText(as_made(calibration)))
        if self._examination is None:
            self.panel.show(None, calibration)

    def useStore(self) -> None:
        """Take what the site's store has for the scan; UsageError if the store cannot be read."""
        examination = self._examination
        if examination is not None:
            calibration, choice = self._store.choose(examination.scan.acquisition, self.panel.allowsLater)
            if (calibration, choice) != (examination.calibration, examination.calibration_choice):
                self.corrected.emit(lambda review: review.change_calibration(calibration, choice))
        elif not self._store.path:
            raise UsageError("site_store.not_named")
        else:
            self.noted.emit(text("calibration_section.next_from_store"))
        self.kept.emit("")
        if self._examination is None:
            self.panel.show(None, None)

    def useRules(self, rules: RuleSet) -> None:
        """Give the category of the review on display by another rule set."""
        if self._examination is not None and rules != rules_of(self._examination.rules):
            self.corrected.emit(lambda review: review.change_rules(rules))
        self.rules.show(self._examination)

    def openDialog(self) -> None:
        """Show what the store holds."""
        if self.dialog is None:
            self.dialog = self._newDialog(self._store)
            self.dialog.changed.connect(self._storeChanged)
        self.dialog.open(self._operator(), self._volumeNode)

    def forget(self) -> None:
        """Take the dialog's nodes out of the scene, which is closing."""
        if self.dialog is not None:
            self.dialog.forget()

    def close(self) -> None:
        """Close the dialog: the panel goes away."""
        if self.dialog is not None:
            self.dialog.close()

    def _storeChanged(self) -> None:
        """Follow the store with the review on display, unless its calibration was chosen by hand or it is signed."""
        self.panel.storeChanged()
        examination = self._examination
        if examination is None or examination.signature is not None:
            return
        if examination.calibration_choice is None and not examination.calibration.nominal:
            return
        try:
            self.useStore()
        except UsageError as error:
            self.refused.emit(str(error))
