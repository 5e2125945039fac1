"""Putting a chosen calibration to use: in the review on display, and for what is measured from now on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ldct_bmd.ground.errors import UsageError

from . import CalibrationPanel as calibrations

if TYPE_CHECKING:
    from ldct_bmd.calibration import Calibration

    from ..panel.Panel import Panel
    from ..scene.ReviewSession import ReviewSession
    from .CalibrationDialog import CalibrationDialog


class CalibrationUse:
    """Joins the section on the calibration, its dialog and the review.

    Attributes:
        dialog: None until it was opened.

    Args:
        do: lets a function of the session correct the review.
        window: the widget that the dialog belongs to.
        dialogPath: the dialog's .ui file.
    """

    def __init__(self, panel: Panel, do: Callable[[Callable[[ReviewSession], None]], None], window, dialogPath) -> None:
        self.dialog: CalibrationDialog | None = None
        self._panel, self._do = panel, do
        self._window, self._dialogPath = window, dialogPath
        panel.calibration.chosen.connect(self.use)
        panel.calibration.storeChosen.connect(self.useStore)
        panel.calibration.dialogWanted.connect(self.openDialog)

    def use(self, calibration: Calibration) -> None:
        """Take one calibration, whatever the scan; where the review refuses it, the next measurement's stays too."""
        panel = self._panel
        if panel.review is not None and calibration != panel.review.examination.calibration:
            self._do(lambda session: session.changeCalibration(calibration))
            if calibration != panel.review.examination.calibration:
                return
        if panel.parameters is not None:
            panel.parameters.calibration = calibrations.toText(calibration)
        if panel.review is None:
            panel.calibration.show(None, calibration)

    def useStore(self) -> None:
        """Take what the site's store has for the scan; UsageError where the store can't be read."""
        panel = self._panel
        if panel.review is not None:
            examination = panel.review.examination
            made, allowsLater = examination.scan.acquisition, panel.calibration.allowsLater
            calibration, choice = panel.calibration.store.choose(made, allowsLater)
            if (calibration, choice) != (examination.calibration, examination.calibration_choice):
                self._do(lambda session: session.changeCalibration(calibration, choice))
        elif not panel.calibration.store.path:
            raise UsageError(_("No store is named: choose the site's store above."))
        else:
            panel.measurePanel.note(_("The next measurement takes its calibration from the store."))
        if panel.parameters is not None:
            panel.parameters.calibration = ""
        if panel.review is None:
            panel.calibration.show(None, None)

    def openDialog(self) -> None:
        """Show what the store holds."""
        if self.dialog is None:
            from .CalibrationDialog import CalibrationDialog

            self.dialog = CalibrationDialog(self._dialogPath, self._window, self._panel.calibration.store)
            self.dialog.changed.connect(self._storeChanged)
        self.dialog.open(self._panel.report.reader(), self._panel.volumeNode)

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
        panel = self._panel
        panel.calibration.storeChanged()
        review = panel.review
        if review is None or review.examination.signature is not None:
            return
        examination = review.examination
        if examination.calibration_choice is None and not examination.calibration.nominal:
            return
        try:
            self.useStore()
        except UsageError as error:
            panel.measurePanel.refuse(str(error))
