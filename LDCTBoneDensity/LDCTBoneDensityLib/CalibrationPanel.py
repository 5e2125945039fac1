"""The section on the calibration: which one, whether it fits the scan, where it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import qt
from ldct_bmd.calibration import MATERIALS, NOMINAL, Calibration, KvpFit, entered_calibration, load_calibration
from ldct_bmd.errors import UsageError
from slicer.i18n import tr as _

from .Signal import Signal

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination

NOMINAL_CHOICE, FILE_CHOICE, ENTERED_CHOICE, STORE_CHOICE = range(4)


class CalibrationPanel:
    """Shows and chooses the calibration.

    Attributes:
        chosen: told of a calibration that the reader wants to be used.
        storeChosen: told of a folder of calibrations, of which each scan's own is taken.
        refused: told of a sentence.
    """

    def __init__(self, ui) -> None:
        self.chosen, self.storeChosen, self.refused = Signal(), Signal(), Signal()
        self._ui = ui
        ui.calibrationLabel.setTextFormat(qt.Qt.PlainText)
        ui.calibrationCombo.addItem(_("Nominal, from physics"))
        ui.calibrationCombo.addItem(_("A calibration file"))
        ui.calibrationCombo.addItem(_("Entered numbers"))
        ui.calibrationCombo.addItem(_("The site's store, by the scan"))
        for material in MATERIALS:
            ui.materialCombo.addItem(material)
        ui.slopeSpin.setValue(NOMINAL.slope)
        ui.interceptSpin.setValue(NOMINAL.intercept_mg_cm3)
        ui.kvpSpin.setValue(NOMINAL.kvp)
        ui.calibrationCombo.connect("currentIndexChanged(int)", self._choiceChanged)
        ui.calibrationButton.connect("clicked(bool)", self._use)
        self._choiceChanged(NOMINAL_CHOICE)

    def show(self, examination: Examination | None, calibration: Calibration) -> None:
        """Show the calibration of a record, or the one that the next measurement uses."""
        used = examination.calibration if examination is not None else calibration
        lines = [
            _("{name}: BMD = {slope:g} x HU {intercept:+g} mg/cm3, {material} equivalent.").format(
                name=used.name, slope=used.slope, intercept=used.intercept_mg_cm3, material=used.material
            )
        ]
        if examination is not None:
            lines.append(_fitWords(used, examination.scan.kvp))
            lines += _reasonWords(examination)
        lines.append(used.source)
        self._ui.calibrationLabel.setText("\n".join(lines))

    def _choiceChanged(self, choice: int) -> None:
        self._ui.calibrationPath.setEnabled(choice in (FILE_CHOICE, STORE_CHOICE))
        for field in (self._ui.slopeSpin, self._ui.interceptSpin, self._ui.materialCombo, self._ui.kvpSpin):
            field.setEnabled(choice == ENTERED_CHOICE)

    def _use(self, _checked: bool = False) -> None:
        try:
            if self._ui.calibrationCombo.currentIndex == STORE_CHOICE:
                self.storeChosen.emit(str(self._path()))
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
        path = self._ui.calibrationPath.currentPath
        if not path:
            raise UsageError(_("No calibration file or folder is named: choose one."))
        return Path(path)


def _reasonWords(examination: Examination) -> list[str]:
    choice = examination.calibration_choice
    return [] if choice is None else [choice.reason]


def _fitWords(calibration: Calibration, scanKvp: float | None) -> str:
    fit = calibration.kvp_fit(scanKvp)
    if fit is KvpFit.FITS:
        return _("It fits the tube voltage of this scan, {kvp:g} kVp.").format(kvp=scanKvp)
    if fit is KvpFit.MISMATCH:
        return _("It does not fit this scan: made at {own:g} kVp, the scan at {kvp:g} kVp.").format(
            own=calibration.kvp, kvp=scanKvp
        )
    return _("Whether it fits this scan can't be told: a tube voltage is not known.")


def toText(calibration: Calibration) -> str:
    """Return a calibration as the parameter node keeps it."""
    from ldct_bmd.examination.plain import to_plain

    return json.dumps(to_plain(calibration))


def fromText(text: str) -> Calibration:
    """Return the calibration that the parameter node keeps, the nominal one where it keeps none."""
    if not text:
        return NOMINAL
    from ldct_bmd.examination.plain import PlainError, from_plain

    try:
        return from_plain(Calibration, json.loads(text))
    except (ValueError, PlainError) as error:
        raise UsageError(_("The scene's calibration is damaged: choose one again.")) from error
