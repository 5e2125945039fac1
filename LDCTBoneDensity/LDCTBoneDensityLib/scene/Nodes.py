"""Small questions about nodes, and the arrays in them: VTK and numpy alone, so that any scene will do."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import get_vtk_array_type, numpy_to_vtk, vtk_to_numpy

TO_RAS = np.diag([-1.0, -1.0, 1.0])  # from LPS, and back


def isAlive(node: Any) -> bool:
    """Whether a node is in a scene."""
    return node is not None and node.GetScene() is not None


def removeNode(scene: Any, node: Any) -> None:
    """Take a node out of ``scene``, together with what is there for it alone: how it is shown, and its file's name."""
    parts = [node.GetNthDisplayNodeID(i) for i in range(_count(node, "Display"))]
    parts += [node.GetNthStorageNodeID(i) for i in range(_count(node, "Storage"))]
    if node.GetScene() is scene:
        scene.RemoveNode(node)
    for part in map(scene.GetNodeByID, filter(None, parts)):
        if part is not None:
            scene.RemoveNode(part)


def _count(node: Any, kind: str) -> int:
    count = getattr(node, f"GetNumberOf{kind}Nodes", None)
    return 0 if count is None else count()


def arrayOf(matrix: vtk.vtkMatrix4x4) -> NDArray[np.float64]:
    """Return a 4 x 4 matrix as an array."""
    return np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])


def matrixOf(array: NDArray[np.float64]) -> vtk.vtkMatrix4x4:
    """Return a 4 x 4 array as a matrix."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=float).ravel().tolist())
    return matrix


def voxelsOf(volumeNode: Any) -> NDArray[Any]:
    """Return the voxels of a scalar volume, (k, j, i): the node's own memory."""
    image = volumeNode.GetImageData()
    array: NDArray[Any] = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    return array


def setVoxels(volumeNode: Any, voxels: NDArray[Any]) -> None:
    """Give a scalar volume a copy of ``voxels`` (k, j, i)."""
    image = vtk.vtkImageData()
    image.SetDimensions(voxels.shape[::-1])
    flat = np.ascontiguousarray(voxels).ravel()
    image.GetPointData().SetScalars(numpy_to_vtk(flat, deep=True, array_type=get_vtk_array_type(flat.dtype)))
    volumeNode.SetAndObserveImageData(image)
