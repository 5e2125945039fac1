"""What the views show together with the scan: the selected level, along its endplates, and the density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.words import text

from ..common.Signal import Signal
from ..common.Words import levelWord
from ..scene.HeightLines import HeightLines
from ..scene.NamedPoints import NamedPoints
from ..scene.SpineCamera import lookAt, viewNodesIn

if TYPE_CHECKING:
    from ..scene.SceneReview import SceneReview
    from ..scene.SliceViews import SliceViews


BONE_WINDOW_HU = (1800.0, 400.0)  # width and level, as radiologists set it for bone
# From a body's middle to the patient's right and to the front (LPS, mm): off the bone in both views of the column.
_BESIDE_LPS_MM = (-32.0, -30.0, 0.0)
_VESSEL_COLOR = (1.0, 0.35, 0.3)
VIEW_MM = 110.0  # a lumbar vertebra and its neighbours: three bodies of 28 mm, their discs, and half a disc beyond


class ReviewViews:
    """The two boxes below the table.

    Attributes:
        refused: emits a sentence.
        heights: the heights of the selected level, if a fracture of it is in question.
        names: the names of the levels.
        aorta: where the aorta was measured, if contrast agent is named or seen.
    """

    def __init__(self, obliqueBox: Any, densityBox: Any, sliceViews: SliceViews) -> None:
        self.refused = Signal()
        self._oblique, self._density, self._sliceViews = obliqueBox, densityBox, sliceViews
        self._review: SceneReview | None = None
        self._level: str | None = None
        self.heights = HeightLines(lambda: slicer.mrmlScene, lambda: sliceViews.viewIDs("Sagittal"))
        self.names = NamedPoints(lambda: slicer.mrmlScene, self._viewsWithNames, text("scene.level_names"))
        self.aorta = NamedPoints(
            lambda: slicer.mrmlScene, self._viewsWithNames, text("scene.aorta"), _VESSEL_COLOR, 1.3
        )
        self._oblique.connect("toggled(bool)", self._obliqueToggled)
        self._density.connect("toggled(bool)", self._densityToggled)

    def show(self, review: SceneReview | None) -> None:
        """Follow another review."""
        if review is not self._review:
            self._density.setChecked(False)
            self._review, self._level = review, None
        self._showHeights()
        self._showNames()
        self._density.setEnabled(review is not None)

    def follow(self, level: str | None) -> None:
        """Centre the views on a level, along its endplates where that is wanted."""
        self._level = level
        if self._review is None or level is None:
            self._showHeights()
            return
        center = self._showHeights() or _center(self._review, level)
        if center is None:
            return
        axes = self._axes(self._review, level) if self._oblique.checked else None
        if axes is not None:
            self._sliceViews.tilt(axes, center)
        else:
            self._sliceViews.center(center)

    def frame(self) -> None:
        """Look at what was measured: bone window, the selected vertebra and its neighbours, the column in 3D."""
        if self._review is None:
            return
        display = self._review.volumeNode.GetDisplayNode()
        if display is not None:
            display.SetAutoWindowLevel(False)
            display.SetWindowLevel(*BONE_WINDOW_HU)
        self._sliceViews.zoom(VIEW_MM)
        middles = [vertebra.centroid_lps_mm for vertebra in self._review.examination.vertebrae]
        if middles:
            lookAt(slicer.mrmlScene, middles)
        self.follow(self._level)

    def redraw(self) -> None:
        """Make the density map anew after a correction."""
        if self._review is not None and self._density.checked:
            self._densityToggled(True)

    def _viewsWithNames(self) -> list[str]:
        return [
            *self._sliceViews.viewIDs("Sagittal", "Coronal"),
            *(one.GetID() for one in viewNodesIn(slicer.mrmlScene)),
        ]

    def _showNames(self) -> None:
        if self._review is None:
            self.names.show([])
            self.aorta.show([])
            return
        examination = self._review.examination
        self.names.show(
            [
                (levelWord(examination, one.level), np.add(one.centroid_lps_mm, _BESIDE_LPS_MM).tolist())
                for one in examination.vertebrae
            ]
        )
        self.aorta.show([("", disc.center_lps_mm) for disc in examination.aorta])

    def _showHeights(self) -> Sequence[float] | None:
        return self.heights.show(self._review.examination if self._review is not None else None, self._level)

    def _axes(self, review: SceneReview, level: str) -> Any:
        from ldct_bmd.morphometry import body_axes_lps

        body = review.bodies.get(level)
        try:
            return body_axes_lps(body.inside, body.box, review.scan().geometry) if body is not None else None
        except (UsageError, CannotMeasure) as error:
            self.refused.emit(str(error))
            return None

    def _obliqueToggled(self, checked: bool) -> None:
        if not checked:
            self._sliceViews.straighten()
        self.follow(self._level)

    def _densityToggled(self, checked: bool) -> None:
        if self._review is None:
            return
        from ..scene.DensityMap import OPACITY, DensityMap

        try:
            if not checked:
                DensityMap.remove(self._review)
                return
            node = DensityMap.make(self._review)
        except (UsageError, CannotMeasure) as error:
            self._density.setChecked(False)
            self.refused.emit(str(error))
            return
        if node is not None:
            slicer.util.setSliceViewerLayers(foreground=node, foregroundOpacity=OPACITY)


def _center(review: SceneReview, level: str) -> Sequence[float] | None:
    measurement = review.examination.measurement(level)
    if measurement is not None:
        return measurement.voi.center_lps_mm
    vertebrae = {v.level: v for v in review.examination.vertebrae}
    vertebrae |= {one.key: one.vertebra for one in review.examination.unnamed}
    return vertebrae[level].centroid_lps_mm if level in vertebrae else None
