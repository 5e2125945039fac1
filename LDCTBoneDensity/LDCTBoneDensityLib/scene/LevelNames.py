"""The names of the levels, written beside the vertebrae."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ldct_bmd.words import text

from .Nodes import TO_RAS, isAlive, removeNode

# From a body's middle to the patient's right and to the front (LPS, mm): off the bone in both views of the column.
_BESIDE_LPS_MM = (-32.0, -30.0, 0.0)
_COLOR = (1.0, 1.0, 1.0)
_TEXT_SCALE, _GLYPH_SCALE = 3.0, 0.3


class LevelNames:
    """Shows names in the views whose nodes ``viewIDs`` gives.

    Args:
        scene: gives the scene.
    """

    def __init__(self, scene: Callable[[], Any], viewIDs: Callable[[], Sequence[str]]) -> None:
        self._scene, self._viewIDs = scene, viewIDs
        self._node: Any = None
        self._shown: list[tuple[str, Sequence[float]]] = []

    @property
    def node(self) -> Any:
        """The point list that holds the names, or None."""
        return self._node if isAlive(self._node) else None

    def show(self, names: Sequence[tuple[str, Sequence[float]]]) -> None:
        """Show these names, each with the middle of its body (LPS, mm), and no others."""
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
        for name, middle in names:
            node.AddControlPointWorld(*(TO_RAS @ (np.asarray(middle) + _BESIDE_LPS_MM)).tolist(), name)
        node.SetLocked(True)
        node.EndModify(wasModified)

    def _made(self) -> Any:
        node = self._scene().AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", text("scene.level_names"))
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetColor(*_COLOR)
        display.SetSelectedColor(*_COLOR)
        display.SetTextScale(_TEXT_SCALE)
        display.SetGlyphScale(_GLYPH_SCALE)
        display.SetPointLabelsVisibility(True)
        display.SetOccludedVisibility(True)
        display.SetOccludedOpacity(1.0)
        # A name beside the bone lies in no slice through it.
        display.SetSliceProjection(True)
        display.SetSliceProjectionUseFiducialColor(True)
        display.SetSliceProjectionOpacity(1.0)
        for viewID in self._viewIDs():
            display.AddViewNodeID(viewID)
        return node
