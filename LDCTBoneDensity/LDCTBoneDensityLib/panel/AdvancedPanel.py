"""The section for those who want to know: device, weights, levels, and the VOI in numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..common.Signal import Signal

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination
    from ldct_bmd.voi import CylinderVOI

AXIAL, ENDPLATES, AS_IT_IS = range(3)
DEVICES = ("auto", "cpu", "cuda", "mps")


class AdvancedPanel:
    """Shows the VOI of the selected level in numbers, and takes them.

    Attributes:
        voiWanted: told of a VOI without its orientation, and of one of AXIAL, ENDPLATES and AS_IT_IS.
        deviceChosen: told of a device.
    """

    def __init__(self, ui) -> None:
        self.voiWanted, self.deviceChosen = Signal(), Signal()
        self._ui = ui
        self._voi: CylinderVOI | None = None
        self._device = ""
        for words in (_("Axial, as in the paper"), _("Along the endplates"), _("As it is")):
            ui.orientationCombo.addItem(words)
        for device in DEVICES:
            ui.deviceCombo.addItem(device)
        ui.orientationCombo.setCurrentIndex(AS_IT_IS)
        ui.applyVOIButton.connect("clicked(bool)", self._apply)
        ui.deviceCombo.connect("currentIndexChanged(int)", self._deviceChanged)

    @property
    def weights(self) -> str:
        """A weights file in place of the built-in one; "" for none."""
        return self._ui.weightsPath.currentPath.strip()

    def forget(self) -> None:
        """Go back to the built-in weights: the scene is another one."""
        self._ui.weightsPath.currentPath = ""

    def showDevice(self, device: str) -> None:
        """Show the device of the settings."""
        self._device = device
        if device in DEVICES and self._ui.deviceCombo.currentText != device:
            self._ui.deviceCombo.setCurrentIndex(DEVICES.index(device))

    def show(self, examination: Examination | None, level: str | None) -> None:
        """Show the VOI of ``level``."""
        measurement = examination.measurement(level) if examination is not None and level is not None else None
        self._voi = measurement.voi if measurement is not None else None
        ui = self._ui
        for field in (ui.longSpin, ui.shortSpin, ui.heightSpin, ui.orientationCombo, ui.applyVOIButton):
            field.setEnabled(self._voi is not None)
        ui.voiLabel.setText(
            _("VOI of the selected level") if level is None else _("VOI of {level}").format(level=level)
        )
        if self._voi is not None:
            ui.longSpin.setValue(self._voi.semi_axes_mm[0])
            ui.shortSpin.setValue(self._voi.semi_axes_mm[1])
            ui.heightSpin.setValue(self._voi.height_mm)
            ui.orientationCombo.setCurrentIndex(AS_IT_IS)

    def _apply(self, _checked: bool = False) -> None:
        if self._voi is None:
            return
        ui, old = self._ui, self._voi
        voi = replace(
            old,
            semi_axes_mm=(_typed(ui.longSpin, old.semi_axes_mm[0]), _typed(ui.shortSpin, old.semi_axes_mm[1])),
            height_mm=_typed(ui.heightSpin, old.height_mm),
        )
        self.voiWanted.emit(voi, ui.orientationCombo.currentIndex)

    def _deviceChanged(self, index: int) -> None:
        if DEVICES[index] != self._device:
            self._device = DEVICES[index]
            self.deviceChosen.emit(self._device)


def _typed(field, value: float) -> float:
    """Return what a field says; one that was left alone, showing two decimals, keeps the value it stands for."""
    return value if abs(field.value - value) < 0.006 else field.value
