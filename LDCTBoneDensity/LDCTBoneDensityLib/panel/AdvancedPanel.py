"""The section for those who want to know: device, weights, packages, levels, and the VOI in numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.words import text

from ..common.PathField import onPathChanged, pathIn
from ..common.Signal import Signal

if TYPE_CHECKING:
    from ldct_bmd.voi import CylinderVOI

    from ..scene.SceneReview import SceneReview

AXIAL, ENDPLATES, AS_IT_IS = range(3)
DEVICES = ("auto", "cpu", "cuda", "mps")


class AdvancedPanel:
    """Shows the VOI of the selected level in numbers, and takes them.

    Attributes:
        corrected: emits a correction, a function of the review: the VOI in the numbers that were entered.
        refused: emits a sentence.
        deviceChosen: emits a device.
        packagesFolderChosen: emits a folder of packages to install from; "" for none.
    """

    def __init__(self, ui: Any) -> None:
        self.corrected, self.refused = Signal(), Signal()
        self.deviceChosen, self.packagesFolderChosen = Signal(), Signal()
        self._ui = ui
        self._review: SceneReview | None = None
        self._level: str | None = None
        self._voi: CylinderVOI | None = None
        self._device = ""
        for words in (text("voi_section.axial"), text("voi_section.endplates"), text("voi_section.as_it_is")):
            ui.orientationCombo.addItem(words)
        for device in DEVICES:
            ui.deviceCombo.addItem(device)
        ui.orientationCombo.setCurrentIndex(AS_IT_IS)
        self.forget()
        ui.applyVOIButton.connect("clicked(bool)", self._apply)
        ui.deviceCombo.connect("currentIndexChanged(int)", self._deviceChanged)
        onPathChanged(ui.packagesPath, self.packagesFolderChosen.emit)

    @property
    def weights(self) -> str:
        """A weights file in place of the built-in one; "" for none."""
        return pathIn(self._ui.weightsPath)

    def log(self, words: str) -> None:
        """Add what the engine wrote."""
        self._ui.logEdit.appendPlainText(words)

    def forget(self) -> None:
        """Go back to the built-in weights: the scene is another one."""
        self._ui.weightsPath.currentPath = ""

    def showDevice(self, device: str) -> None:
        """Show the device of the settings."""
        self._device = device
        if device in DEVICES and self._ui.deviceCombo.currentText != device:
            self._ui.deviceCombo.setCurrentIndex(DEVICES.index(device))

    def showPackagesFolder(self, folder: str) -> None:
        """Show the folder of the settings."""
        self._ui.packagesPath.currentPath = folder

    def show(self, review: SceneReview | None, level: str | None) -> None:
        """Show the VOI of ``level``."""
        self._review, self._level = review, level
        measurement = review.examination.measurement(level) if review is not None and level is not None else None
        self._voi = measurement.voi if measurement is not None else None
        ui = self._ui
        for field in (ui.longSpin, ui.shortSpin, ui.heightSpin, ui.orientationCombo, ui.applyVOIButton):
            field.setEnabled(self._voi is not None and review is not None and not review.isSigned)
        ui.voiLabel.setText(text("panel.voiLabel.text") if level is None else text("voi_section.level", level=level))
        if self._voi is not None:
            ui.longSpin.setValue(self._voi.semi_axes_mm[0])
            ui.shortSpin.setValue(self._voi.semi_axes_mm[1])
            ui.heightSpin.setValue(self._voi.height_mm)
            ui.orientationCombo.setCurrentIndex(AS_IT_IS)

    def _apply(self, _checked: bool = False) -> None:
        if self._voi is None or self._review is None or self._level is None:
            return
        ui, old = self._ui, self._voi
        voi = replace(
            old,
            semi_axes_mm=(_typed(ui.longSpin, old.semi_axes_mm[0]), _typed(ui.shortSpin, old.semi_axes_mm[1])),
            height_mm=_typed(ui.heightSpin, old.height_mm),
        )
        level = self._level
        try:
            turned = self._turned(voi, ui.orientationCombo.currentIndex, self._review, level)
        except (UsageError, CannotMeasure) as error:
            self.refused.emit(str(error))
            return
        self.corrected.emit(lambda review: review.move_voi(level, turned))

    def _turned(self, voi: CylinderVOI, orientation: int, review: SceneReview, level: str) -> CylinderVOI:
        if orientation == AS_IT_IS:
            return voi
        from ldct_bmd.morphometry import body_axes_lps

        from ..scene.VOIGeometry import VOIGeometry

        geometry = review.scan().geometry
        if orientation == AXIAL:
            return VOIGeometry.turned(voi, np.array(geometry.direction).T)
        body = review.bodies.get(level)
        axes = body_axes_lps(body.inside, body.box, geometry) if body is not None else None
        if axes is None:
            raise UsageError("voi_section.no_endplates", level=level)
        return VOIGeometry.turned(voi, axes)

    def _deviceChanged(self, index: int) -> None:
        if DEVICES[index] != self._device:
            self._device = DEVICES[index]
            self.deviceChosen.emit(self._device)


def _typed(field: Any, value: float) -> float:
    """Return what a field says; one that was left alone, showing two decimals, keeps the value it stands for."""
    return value if abs(field.value - value) < 0.006 else field.value
