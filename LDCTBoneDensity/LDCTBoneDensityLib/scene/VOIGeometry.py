"""Between the engine's cylinder (LPS) and Slicer's box that it fills, and its surface (RAS)."""

from dataclasses import replace
from typing import Any

import numpy as np
import vtk

from ldct_bmd.voi import CylinderVOI

from .Nodes import TO_RAS, arrayOf
from .Nodes import matrixOf as nodeMatrix

_CORNERS = 72


class VOIGeometry:
    """Conversions of one VOI."""

    @staticmethod
    def matrixOf(voi: CylinderVOI) -> np.ndarray:
        """Return the 4 x 4 matrix from the box's own axes (long, short, cylinder) to RAS."""
        matrix = np.eye(4)
        matrix[:3, :3] = TO_RAS @ np.array(voi.axes_lps).T
        matrix[:3, 3] = TO_RAS @ np.array(voi.center_lps_mm)
        return matrix

    @staticmethod
    def toROI(voi: CylinderVOI, roiNode: Any) -> None:
        """Make the ROI the box that the cylinder fills."""
        wasModified = roiNode.StartModify()
        roiNode.SetSize(2 * voi.semi_axes_mm[0], 2 * voi.semi_axes_mm[1], voi.height_mm)
        roiNode.SetAndObserveObjectToNodeMatrix(nodeMatrix(VOIGeometry.matrixOf(voi)))
        roiNode.EndModify(wasModified)

    @staticmethod
    def fromROI(roiNode: Any) -> CylinderVOI:
        """Return the cylinder that fills the ROI; ValueError where it has no size."""
        matrix = arrayOf(roiNode.GetObjectToWorldMatrix())
        lengths = np.linalg.norm(matrix[:3, :3], axis=0)
        size = np.array(roiNode.GetSize()) * lengths
        axes = (TO_RAS @ (matrix[:3, :3] / lengths)).T.tolist()
        x, y, z = (TO_RAS @ matrix[:3, 3]).tolist()
        return CylinderVOI(
            center_lps_mm=(x, y, z),
            semi_axes_mm=(float(size[0]) / 2, float(size[1]) / 2),
            axes_lps=(tuple(axes[0]), tuple(axes[1]), tuple(axes[2])),
            height_mm=float(size[2]),
        )

    @staticmethod
    def differ(one: CylinderVOI, other: CylinderVOI, tolerance: float = 1e-4) -> bool:
        """Whether two VOIs differ by more than a conversion to an ROI and back does."""
        return any(
            np.abs(np.asarray(getattr(one, name)) - np.asarray(getattr(other, name))).max() > tolerance
            for name in ("center_lps_mm", "semi_axes_mm", "axes_lps", "height_mm")
        )

    @staticmethod
    def surface(voi: CylinderVOI) -> Any:
        """Return the closed elliptic cylinder as polydata in RAS."""
        source = vtk.vtkCylinderSource()  # its axis is y
        source.SetRadius(1.0)
        source.SetHeight(1.0)
        source.SetResolution(_CORNERS)
        transform = vtk.vtkTransform()
        transform.SetMatrix(nodeMatrix(VOIGeometry.matrixOf(voi)))
        transform.Scale(voi.semi_axes_mm[0], voi.semi_axes_mm[1], voi.height_mm)
        transform.RotateX(90)
        moved = vtk.vtkTransformPolyDataFilter()
        moved.SetInputConnection(source.GetOutputPort())
        moved.SetTransform(transform)
        moved.Update()
        return moved.GetOutput()

    @staticmethod
    def turned(voi: CylinderVOI, axesLPS: np.ndarray) -> CylinderVOI:
        """Return ``voi`` about the same centre along other axes, rows: long, short, cylinder axis."""
        rows = np.asarray(axesLPS, dtype=float).tolist()
        return replace(voi, axes_lps=(tuple(rows[0]), tuple(rows[1]), tuple(rows[2])))
