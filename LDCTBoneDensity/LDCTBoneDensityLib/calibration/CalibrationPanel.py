"""The section on the calibration: which one applies and why, and where another comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.calibration import MATERIALS, NOMINAL, Calibration, KvpFit, entered_calibration, load_calibration
from ldct_bmd.calibration.described import carried_line
from ldct_bmd.findings import FindingCode
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.words import text

from ..common.FindingsView import FindingsView
from ..common.PathField import onPathChanged, pathIn
from ..common.Signal import Signal
from .SiteStore import SiteStore

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination

NOMINAL_CHOICE, FILE_CHOICE, ENTERED_CHOICE, STORE_CHOICE = range(4)
_CODES = (
    FindingCode.KVP_MISMATCH,
    FindingCode.KVP_UNKNOWN,
    FindingCode.CALIBRATION_MATERIAL,
    FindingCode.MATERIAL_CONVERTED,
    FindingCode.NOMINAL_CALIBRATION,
    FindingCode.BEAM_FILTER_MISMATCH,
    FindingCode.CALIBRATION_CARRIED,
    FindingCode.CALIBRATION_SCANNER,
    FindingCode.CALIBRATION_DATE,
    FindingCode.NO_MATCHING_CALIBRATION,
    FindingCode.CALIBRATION_DRIFT,
    FindingCode.CALIBRATION_QA_MISSED,
)


class CalibrationPanel:
    """Shows and chooses the calibration.

    Attributes:
        chosen: emits a calibration that the reader wants to be used.
        storeChosen: emits nothing, if each scan is to get what the site's store has for it.
        dialogWanted: emits nothing.
        refused: emits a sentence.
        store: the site's.
    """

    def __init__(self, ui: Any, store: SiteStore) -> None:
        self.chosen, self.storeChosen, self.dialogWanted, self.refused = Signal(), Signal(), Signal(), Signal()
        self.store = store
        self._ui = ui
        self._findings = FindingsView(ui.calibrationFindings)
        self._shown: tuple[Examination | None, Calibration | None] = (None, None)
        self._known: tuple[object, str] = (None, "")
        ui.calibrationLabel.setTextFormat(qt.Qt.PlainText)
        ui.calibrationCombo.addItem(text("calibration_section.nominal"))
        ui.calibrationCombo.addItem(text("calibration_section.file"))
        ui.calibrationCombo.addItem(text("calibration_section.entered"))
        ui.calibrationCombo.addItem(text("calibration_section.store"))
        for material in MATERIALS:
            ui.materialCombo.addItem(material)
        ui.slopeSpin.setValue(NOMINAL.slope)
        ui.interceptSpin.setValue(NOMINAL.intercept_mg_cm3)
        ui.kvpSpin.setValue(NOMINAL.kvp)
        ui.storePath.setCurrentPath(self.store.path)
        ui.calibrationPath.setCurrentPath("")  # CTK may have put there what another module keeps
        onPathChanged(ui.storePath, self._storePathChanged)
        ui.laterCheckBox.connect("toggled(bool)", self.storeChanged)
        ui.calibrationCombo.connect("currentIndexChanged(int)", self._choiceChanged)
        ui.calibrationButton.connect("clicked(bool)", self._use)
        ui.calibrationsButton.connect("clicked(bool)", self._openDialog)
        ui.calibrationCombo.setCurrentIndex(STORE_CHOICE if self.store.path else NOMINAL_CHOICE)
        self._choiceChanged(ui.calibrationCombo.currentIndex)

    @property
    def allowsLater(self) -> bool:
        """Whether the reader takes one made after the scan where there is none before it; not where nobody sees it."""
        ui = self._ui
        return ui.calibrationCombo.currentIndex == STORE_CHOICE and bool(ui.laterCheckBox.checked)

    def show(self, examination: Examination | None, calibration: Calibration | None) -> None:
        """Show the calibration of a record, or the one that the next measurement uses; None: none was chosen."""
        self._shown = (examination, calibration)
        isSigned = examination is not None and examination.signature is not None
        for widget in (self._ui.calibrationCombo, self._ui.calibrationButton):
            widget.setEnabled(not isSigned)
        if examination is None and calibration is None and self.store.path:
            self._ui.calibrationLabel.setText(text("calibration_section.from_store"))
            self._findings.show([])
            return
        used = examination.calibration if examination is not None else calibration or NOMINAL
        lines = [
            text(
                "calibration_section.line",
                name=used.name,
                slope=used.slope,
                intercept=used.intercept_mg_cm3,
                material=used.material,
            )
        ]
        if examination is not None:
            lines.append(_fitWords(used, examination.scan.acquisition.kvp))
            lines += _reasonWords(examination)
        lines.append(used.source)
        self._ui.calibrationLabel.setText("\n".join(lines))
        findings = examination.findings if examination is not None else ()
        self._findings.show([f for f in findings if f.code in _CODES], self._storeWords(examination))

    def storeChanged(self) -> None:
        """Look into the store again."""
        self._known = (None, "")
        self.show(*self._shown)

    def _storeWords(self, examination: Examination | None) -> str:
        """Return what the store has for this scan, where that is not what is used; asked once a scan."""
        if not self.store.path or examination is None:
            return ""
        key = (examination.scan, examination.calibration, self.store.path, self.allowsLater)
        if self._known[0] != key:
            self._known = (key, self._askStore(examination))
        return self._known[1]

    def _askStore(self, examination: Examination) -> str:
        try:
            calibration, choice = self.store.choose(examination.scan.acquisition, self.allowsLater)
        except UsageError as error:
            return str(error)
        if calibration == examination.calibration:
            return ""
        if not choice.matched:
            return str(choice.reason)
        return text("calibration_section.other_in_store", reason=choice.reason)

    def _storePathChanged(self, path: str) -> None:
        self.store.setPath(path)
        self.storeChanged()

    def _choiceChanged(self, choice: int) -> None:
        ui = self._ui
        entered = choice == ENTERED_CHOICE
        for number, (field, shown) in enumerate(
            (
                (ui.calibrationPath, choice == FILE_CHOICE),
                (ui.slopeSpin, entered),
                (ui.interceptSpin, entered),
                (ui.materialCombo, entered),
                (ui.kvpSpin, entered),
            ),
            start=1,
        ):
            field.setVisible(shown)
            getattr(ui, f"calibrationFormLabel{number}").setVisible(shown)
        ui.laterCheckBox.setVisible(choice == STORE_CHOICE)
        self.storeChanged()

    def _openDialog(self, _checked: bool = False) -> None:
        self.dialogWanted.emit()

    def _use(self, _checked: bool = False) -> None:
        try:
            if self._ui.calibrationCombo.currentIndex == STORE_CHOICE:
                self.storeChosen.emit()
            else:
                self.chosen.emit(self._calibration())
        except UsageError as error:
            self.refused.emit(str(error))

    def _calibration(self) -> Calibration:
        ui, choice = self._ui, self._ui.calibrationCombo.currentIndex
        if choice == FILE_CHOICE:
            return load_calibration(self._path())
        if choice == ENTERED_CHOICE:
            return entered_calibration(
                ui.slopeSpin.value, ui.interceptSpin.value, ui.materialCombo.currentText, ui.kvpSpin.value
            )
        return NOMINAL

    def _path(self) -> Path:
        path = pathIn(self._ui.calibrationPath)
        if not path:
            raise UsageError("calibration_section.no_file")
        return Path(path)


def _reasonWords(examination: Examination) -> list[str]:
    """Return why a store's was taken; where none fitted, a finding says so."""
    choice = examination.calibration_choice
    return [str(choice.reason)] if choice is not None and choice.matched else []


def _fitWords(calibration: Calibration, scanKvp: float | None) -> str:
    carried = carried_line(calibration)
    if carried is not None:
        return text("calibration_section.carried", line=carried)
    fit = calibration.kvp_fit(scanKvp)
    if fit is KvpFit.FITS:
        return text("calibration_section.kvp_fits", kvp=scanKvp)
    if fit is KvpFit.MISMATCH:
        return text("calibration_section.kvp_differs", own=calibration.kvp, kvp=scanKvp)
    return text("calibration_section.kvp_unknown")


def toText(calibration: Calibration) -> str:
    """Return a calibration as the parameter node keeps it."""
    from ldct_bmd.ground.plain import to_plain

    return json.dumps(to_plain(calibration))


def fromText(kept: str) -> Calibration:
    """Return the calibration that the parameter node keeps, the nominal one where it keeps none."""
    if not kept:
        return NOMINAL
    from ldct_bmd.ground.plain import PlainError, from_plain

    try:
        return from_plain(Calibration, json.loads(kept))
    except (ValueError, RecursionError, PlainError) as error:
        raise UsageError("calibration_section.damaged") from error
