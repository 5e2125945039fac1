"""The 3D views look at the column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .Nodes import TO_RAS

_MARGIN_MM = 40.0  # a body's own size, and some air
_FROM_RAS = (0.35, 0.93, 0.1)  # from the front, a little from the patient's right


def viewNodesIn(scene: Any) -> list[Any]:
    """Return the nodes of the 3D views."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLViewNode")
    return [scene.GetNthNodeByClass(i, "vtkMRMLViewNode") for i in range(count)]


def lookAt(scene: Any, middlesLPS: Sequence[Sequence[float]]) -> None:
    """Turn the cameras of ``scene`` so that all bodies with these middles (LPS, mm) are seen, upright."""
    points = np.asarray(middlesLPS, dtype=float) @ TO_RAS
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    extent = float(np.ptp(points, axis=0).max()) + 2 * _MARGIN_MM
    direction = np.asarray(_FROM_RAS) / np.linalg.norm(_FROM_RAS)
    for i in range(scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")):
        camera = scene.GetNthNodeByClass(i, "vtkMRMLCameraNode")
        distance = extent / 2 / math.tan(math.radians(camera.GetViewAngle()) / 2)
        camera.SetFocalPoint(*center)
        camera.SetPosition(*(center + distance * direction))
        camera.SetViewUp(0.0, 0.0, 1.0)
        camera.ResetClippingRange()
