"""The three heights of one vertebral body, drawn where they were measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ldct_bmd.words import text

from .Nodes import TO_RAS, isAlive, removeNode

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination

_COLOR = (1.0, 0.85, 0.1)
_NAMES = ("anterior", "middle", "posterior")
_LINE_MM, _TEXT_SCALE = 0.6, 2.6


class HeightLines:
    """Shows the heights of a body that may be fractured as three lines with their lengths in mm, in the sagittal views.

    Args:
        scene: the scene that the lines are in.
        viewIDs: gives the IDs of the nodes of the views that show them.
    """

    def __init__(self, scene: Callable[[], Any], viewIDs: Callable[[], Sequence[str]]) -> None:
        self._scene, self._viewIDs = scene, viewIDs
        self._nodes: list[Any] = []

    @property
    def nodes(self) -> list[Any]:
        """The lines on display, front to back."""
        return [node for node in self._nodes if isAlive(node)]

    def show(self, examination: Examination | None, level: str | None) -> Sequence[float] | None:
        """Show the heights of ``level`` if a fracture of it is in question, and of no other.

        Returns:
            The middle of the body in its mid-sagittal plane (LPS, mm); None if no lines are shown.
        """
        lines = () if examination is None or level is None else _linesOf(examination, level)
        while len(self.nodes) > len(lines):
            self._remove(self.nodes[-1])
        self._nodes = self.nodes
        while len(self._nodes) < len(lines):
            self._nodes.append(self._made())
        for node, name, (top, bottom) in zip(self._nodes, _NAMES, lines, strict=False):
            node.SetName(text(f"scene.height.{name}", level=level))
            display = node.GetDisplayNode()
            display.RemoveAllViewNodeIDs()
            for viewID in self._viewIDs():
                display.AddViewNodeID(viewID)
            node.RemoveAllControlPoints()
            length = float(np.linalg.norm(np.subtract(top, bottom)))
            for point, label in ((top, f"{length:.1f}"), (bottom, " ")):  # without one Slicer gives its own
                node.AddControlPointWorld(*(TO_RAS @ point).tolist(), label)
            node.SetLocked(True)
        if not lines:
            return None
        top, bottom = lines[1]
        return [(one + other) / 2 for one, other in zip(top, bottom, strict=True)]

    def clear(self) -> None:
        """Take the lines out of the scene."""
        for node in self.nodes:
            self._remove(node)
        self._nodes = []

    def _made(self) -> Any:
        scene = self._scene()
        node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetColor(*_COLOR)
        display.SetSelectedColor(*_COLOR)
        display.SetPointLabelsVisibility(True)  # the length at the top end; names would lie over each other
        display.SetPropertiesLabelVisibility(False)
        display.SetTextScale(_TEXT_SCALE)
        display.SetGlyphScale(1.0)
        display.SetCurveLineSizeMode(display.UseLineDiameter)
        display.SetLineDiameter(_LINE_MM)
        # The mid-sagittal plane of a turned body is not the slice's.
        display.SetSliceProjection(True)
        display.SetSliceProjectionUseFiducialColor(True)
        display.SetSliceProjectionOpacity(1.0)
        return node

    def _remove(self, node: Any) -> None:
        removeNode(node.GetScene(), node)


def _linesOf(examination: Examination, level: str) -> Sequence[tuple[Any, Any]]:
    """Return top and bottom of each height, LPS in mm; () if no fracture was suspected or confirmed there."""
    suspected = any(loss.level == level and loss.suspected for loss in examination.height_losses)
    judged = any(reading.level == level for reading in examination.quality.fracture_readings)
    found = next((one.heights for one in examination.quality.heights if one.level == level), None)
    return found.lines_lps_mm if found is not None and (suspected or judged) else ()
