"""The choice of a rule set: for the review on display and for what is measured next, kept for all scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.rules import ACR, RULE_SETS, RuleSet, load_rules, rules_of
from ldct_bmd.words import text

from ..common.Signal import Signal

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination

RULES_SETTING = "LDCTBoneDensity/Rules"


class RulesChoice:
    """A combo box with the published rule sets and a site's own from a file.

    Attributes:
        chosen: emits a rule set that the reader wants to be used.
        refused: emits a sentence.

    Args:
        combo: a QComboBox.
    """

    def __init__(self, combo: Any) -> None:
        self.chosen, self.refused = Signal(), Signal()
        self._combo = combo
        self._sets: list[RuleSet] = []
        self._shown: RuleSet | None = None
        combo.connect("activated(int)", self._activated)
        self.show(None)

    def show(self, examination: Examination | None) -> None:
        """Show the rule set of a record, or the one that the next measurement takes."""
        self._combo.setEnabled(examination is None or examination.signature is None)
        if examination is not None:
            self._fill(rules_of(examination.rules))
            return
        try:
            self._fill(rules_of(self.wanted()))
        except UsageError:
            self._fill(ACR)  # what is wrong with the file is told when it is needed

    def wanted(self) -> RuleSet | None:
        """Return what the next measurement takes; None: the usual one. UsageError if the site's file is none."""
        kept = str(qt.QSettings().value(RULES_SETTING, "") or "")
        return load_rules(kept) if kept else None

    def _fill(self, current: RuleSet) -> None:
        if current == self._shown:
            return
        published = list(RULE_SETS.values())
        self._sets = published if current in published else [*published, current]
        self._combo.clear()
        for rules in self._sets:
            self._combo.addItem(str(rules.title))
        self._combo.addItem(text("calibration_section.rules_file"))
        self._combo.setCurrentIndex(self._sets.index(current))
        self._shown = current

    def _activated(self, index: int) -> None:
        shown, self._shown = self._shown, None  # whatever comes of it, the list is made again
        try:
            if index < len(self._sets):
                self._keep(self._sets[index], self._sets[index].name)
            else:
                self._ask()
        except UsageError as error:
            self.refused.emit(str(error))
        if self._shown is None and shown is not None:
            self._fill(shown)

    def _ask(self) -> None:
        path = qt.QFileDialog.getOpenFileName(None, text("calibration_section.rules_file"), "", "JSON (*.json)")
        if path:
            self._keep(load_rules(path), path)

    def _keep(self, rules: RuleSet, name: str) -> None:
        if rules.name in RULE_SETS or name != rules.name:  # a set that only the record holds has no file to come from
            qt.QSettings().setValue(RULES_SETTING, name)
        self.chosen.emit(rules)
