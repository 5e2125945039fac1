"""What the views show beside the scan: they follow the selected level, along its endplates and with its density."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ldct_bmd.ground.errors import CannotMeasure, UsageError

from ..common.Signal import Signal
from ..scene.ViewsFollow import ViewsFollow

if TYPE_CHECKING:
    from ..scene.Review import Review


class PanelViews:
    """The two boxes below the table.

    Attributes:
        refused: told of a sentence.
    """

    def __init__(self, ui) -> None:
        self.refused = Signal()
        self._oblique, self._density = ui.obliqueCheckBox, ui.densityCheckBox
        self._review: Review | None = None
        self._level: str | None = None
        self._oblique.connect("toggled(bool)", self._obliqueToggled)
        self._density.connect("toggled(bool)", self._densityToggled)

    def show(self, review: Review | None) -> None:
        """Follow another review."""
        if review is not self._review:
            self._density.setChecked(False)
            self._review, self._level = review, None
        self._density.setEnabled(review is not None)

    def follow(self, level: str | None) -> None:
        """Centre the views on a level, along its endplates where that is wanted."""
        self._level = level
        if self._review is None or level is None:
            return
        center = self._center(level)
        if center is None:
            return
        axes = self._axes(level) if self._oblique.checked else None
        if axes is not None:
            ViewsFollow.tilt(axes, center)
        else:
            ViewsFollow.center(center)

    def redraw(self) -> None:
        """Make the density map anew after a correction."""
        if self._review is not None and self._density.checked:
            self._densityToggled(True)

    def _center(self, level: str):
        measurement = self._review.examination.measurement(level)
        if measurement is not None:
            return measurement.voi.center_lps_mm
        return next((v.centroid_lps_mm for v in self._review.examination.vertebrae if v.level == level), None)

    def _axes(self, level: str):
        from ldct_bmd.morphometry import body_axes_lps

        body = self._review.session.state.bodies.get(level)
        try:
            return body_axes_lps(body.inside, body.box, self._review.scan().geometry) if body is not None else None
        except (UsageError, CannotMeasure) as error:
            self.refused.emit(str(error))
            return None

    def _obliqueToggled(self, checked: bool) -> None:
        if not checked:
            ViewsFollow.straighten()
        self.follow(self._level)

    def _densityToggled(self, checked: bool) -> None:
        if self._review is None:
            return
        from ..scene.DensityMap import DensityMap

        try:
            if checked:
                DensityMap.show(self._review)
            else:
                DensityMap.hide(self._review)
        except (UsageError, CannotMeasure) as error:
            self._density.setChecked(False)
            self.refused.emit(str(error))
