"""Points in the scene, each with a name if it has one: the levels beside the vertebrae, and the aorta."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .Nodes import TO_RAS, isAlive, removeNode

_TEXT_SCALE = 3.0


class NamedPoints:
    """Shows names in the views whose nodes ``viewIDs`` gives.

    Args:
        scene: gives the scene.
        title: of the list, as the scene shows it.
        color: red, green, blue.
        glyphScale: how large a point is drawn.
    """

    def __init__(
        self,
        scene: Callable[[], Any],
        viewIDs: Callable[[], Sequence[str]],
        title: str,
        color: tuple[float, float, float] = (1.0, 1.0, 1.0),
        glyphScale: float = 0.3,
    ) -> None:
        self._scene, self._viewIDs = scene, viewIDs
        self._title, self._color, self._glyphScale = title, color, glyphScale
        self._node: Any = None
        self._shown: list[tuple[str, Sequence[float]]] = []

    @property
    def node(self) -> Any:
        """The point list that holds the names, or None."""
        return self._node if isAlive(self._node) else None

    def show(self, names: Sequence[tuple[str, Sequence[float]]]) -> None:
        """Show these names, each with its place (LPS, mm), and no others."""
        if self.node is not None and list(names) == self._shown:
            return
        self._shown = list(names)
        if not names:
            if self.node is not None:
                removeNode(self._node.GetScene(), self._node)
            self._node = None
            return
        if self.node is None:
            self._node = self._made()
        node = self._node
        wasModified = node.StartModify()
        node.RemoveAllControlPoints()
        for name, place in names:
            node.AddControlPointWorld(
                *(TO_RAS @ np.asarray(place)).tolist(), name or " "
            )  # without one Slicer gives its own
        node.SetLocked(True)
        node.EndModify(wasModified)

    def _made(self) -> Any:
        node = self._scene().AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", self._title)
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetColor(*self._color)
        display.SetSelectedColor(*self._color)
        display.SetTextScale(_TEXT_SCALE)
        display.SetGlyphScale(self._glyphScale)
        display.SetPointLabelsVisibility(True)
        display.SetOccludedVisibility(True)
        display.SetOccludedOpacity(1.0)
        # What lies beside the bone lies in no slice through it.
        display.SetSliceProjection(True)
        display.SetSliceProjectionUseFiducialColor(True)
        display.SetSliceProjectionOpacity(1.0)
        for viewID in self._viewIDs():
            display.AddViewNodeID(viewID)
        return node
