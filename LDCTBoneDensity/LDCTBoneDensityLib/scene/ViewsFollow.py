"""The slice views follow the selected vertebra."""

import numpy as np
import slicer

_TO_RAS = np.diag([-1.0, -1.0, 1.0])


class ViewsFollow:
    """Centres all slice views, and tilts them on request."""

    @staticmethod
    def center(pointLPS) -> None:
        """Centre all slice views on a point."""
        r, a, s = _TO_RAS @ np.asarray(pointLPS)
        for node in _sliceNodes():
            node.JumpSliceByCentering(r, a, s)

    @staticmethod
    def tilt(axesLPS: np.ndarray, pointLPS) -> None:
        """Lay the views along a body: rows of ``axesLPS`` are left, back and up."""
        left, back, up = (_TO_RAS @ axis for axis in np.asarray(axesLPS))
        point = _TO_RAS @ np.asarray(pointLPS)
        for node in _sliceNodes():
            normal, across = {"Sagittal": (-left, -back), "Coronal": (-back, left)}.get(
                _baseOrientation(node), (up, left)
            )
            node.SetSliceToRASByNTP(*normal, *across, *point, 0)

    @staticmethod
    def straighten() -> None:
        """Lay the views along the patient again."""
        for node in _sliceNodes():
            node.SetOrientation(_baseOrientation(node))


def _sliceNodes() -> list:
    manager = slicer.app.layoutManager()
    if manager is None:
        return []
    return [manager.sliceWidget(name).mrmlSliceNode() for name in manager.sliceViewNames()]


def _baseOrientation(node) -> str:
    """Return which of the three planes a view shows when it is not tilted."""
    default = node.GetDefaultOrientation()
    return default if default in ("Axial", "Sagittal", "Coronal") else "Axial"
