"""The slice views follow the selected vertebra."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .Nodes import TO_RAS


class SliceViews:
    """Centres slice views, and tilts them on request.

    Args:
        nodes: gives the slice nodes of the views that follow.
    """

    def __init__(self, nodes: Callable[[], Iterable[Any]]) -> None:
        self._nodes = nodes

    def center(self, pointLPS: Sequence[float]) -> None:
        """Centre all of them on a point."""
        r, a, s = TO_RAS @ np.asarray(pointLPS)
        for node in self._nodes():
            node.JumpSliceByCentering(r, a, s)

    def tilt(self, axesLPS: Sequence[Sequence[float]] | np.ndarray, pointLPS: Sequence[float]) -> None:
        """Lay them along a body: rows of ``axesLPS`` are left, back and up."""
        left, back, up = (TO_RAS @ axis for axis in np.asarray(axesLPS))
        point = TO_RAS @ np.asarray(pointLPS)
        for node in self._nodes():
            normal, across = {"Sagittal": (-left, -back), "Coronal": (-back, left)}.get(
                _baseOrientation(node), (up, left)
            )
            node.SetSliceToRASByNTP(*normal, *across, *point, 0)

    def straighten(self) -> None:
        """Lay them along the patient again."""
        for node in self._nodes():
            node.SetOrientation(_baseOrientation(node))


def _baseOrientation(node: Any) -> str:
    """Return which of the three planes a view shows when it is not tilted."""
    default = node.GetDefaultOrientation()
    return default if default in ("Axial", "Sagittal", "Coronal") else "Axial"
