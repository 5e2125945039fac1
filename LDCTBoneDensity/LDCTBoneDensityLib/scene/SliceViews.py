"""The slice views follow the selected vertebra."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .Nodes import TO_RAS

_PLANES = ("Axial", "Sagittal", "Coronal")


class SliceViews:
    """Centres slice views, and tilts them on request.

    Args:
        nodes: gives the slice nodes of the views that follow.
    """

    def __init__(self, nodes: Callable[[], Iterable[Any]]) -> None:
        self._nodes = nodes
        self._before: dict[str, str] = {}

    def center(self, pointLPS: Sequence[float]) -> None:
        """Centre all of them on a point."""
        r, a, s = TO_RAS @ np.asarray(pointLPS)
        for node in self._nodes():
            node.JumpSliceByCentering(r, a, s)

    def zoom(self, extentMm: float) -> None:
        """Let the shorter side of each view show ``extentMm``."""
        for node in self._nodes():
            width, height, _ = node.GetDimensions()
            if min(width, height) > 0:
                scale = extentMm / min(width, height)
                node.SetFieldOfView(width * scale, height * scale, node.GetFieldOfView()[2])

    def tilt(self, axesLPS: Sequence[Sequence[float]] | np.ndarray, pointLPS: Sequence[float]) -> None:
        """Lay them along a body: rows of ``axesLPS`` are left, back and up. Up and sides stay as in the usual views."""
        left, back, up = (TO_RAS @ axis for axis in np.asarray(axesLPS))
        turn = np.column_stack([-left, -back, up])  # from the patient's R, A, S to the body's
        r, a, s = TO_RAS @ np.asarray(pointLPS)
        for node in self._nodes():
            plane = self._before.setdefault(node.GetID(), _planeOf(node))
            preset = node.GetSliceOrientationPreset(plane)
            axes = turn @ np.array([[preset.GetElement(i, j) for j in range(3)] for i in range(3)])
            wasModified = node.StartModify()
            for i in range(3):
                for j in range(3):
                    node.GetSliceToRAS().SetElement(i, j, axes[i, j])
            node.UpdateMatrices()
            node.EndModify(wasModified)
            node.JumpSliceByCentering(r, a, s)

    def straighten(self) -> None:
        """Lay them as they were before they were tilted."""
        for node in self._nodes():
            node.SetOrientation(self._before.get(node.GetID()) or _planeOf(node))
        self._before.clear()

    def viewIDs(self, *wanted: str) -> list[str]:
        """Return the IDs of the nodes of the views that show these planes: "Axial", "Sagittal", "Coronal"."""
        planes = {node.GetID(): self._before.get(node.GetID()) or _planeOf(node) for node in self._nodes()}
        return [nodeID for nodeID, plane in planes.items() if plane in wanted]


def _planeOf(node: Any) -> str:
    """Return the plane that a view shows, or shows by default where it lies otherwise."""
    shown, default = node.GetOrientation(), node.GetDefaultOrientation()
    return next((plane for plane in (shown, default) if plane in _PLANES), "Axial")
