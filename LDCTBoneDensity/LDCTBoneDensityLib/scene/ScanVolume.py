"""A scan that the engine read, as a volume in a scene."""

from typing import Any

import numpy as np

from ldct_bmd.scan import CTScan

from .Nodes import TO_RAS, matrixOf, setVoxels

_WINDOW_HU, _LEVEL_HU = 1500.0, 300.0  # for bone


def addVolume(scene: Any, scan: CTScan, name: str) -> Any:
    """Return a new volume node on the engine's grid, shown in a bone window."""
    geometry = scan.geometry
    matrix = np.eye(4)
    matrix[:3, :3] = TO_RAS @ np.array(geometry.direction) * np.array(geometry.spacing_mm)
    matrix[:3, 3] = TO_RAS @ np.array(geometry.origin_lps_mm)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(matrixOf(matrix))
    setVoxels(node, scan.hu)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(_WINDOW_HU, _LEVEL_HU)
    return node
