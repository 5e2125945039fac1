"""Volumes under a transform."""

from typing import Any

import numpy as np
import slicer
import vtk

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.words import text

from .Nodes import arrayOf

_RIGID = 1e-4


class VolumeTransform:
    """Brings a volume out from under its transform."""

    @staticmethod
    def isNeeded(volumeNode: Any) -> bool:
        """Whether the volume lies under a transform, as DICOM import puts a tilted scan under one."""
        return volumeNode.GetParentTransformNode() is not None

    @staticmethod
    def hardenedCopy(volumeNode: Any) -> Any:
        """Return a copy with the transform in its axes, its voxels as they are.

        Raises:
            CannotMeasure: the transform bends, scales or mirrors, so that the voxels would have to be interpolated.
        """
        name, transform = volumeNode.GetName(), volumeNode.GetParentTransformNode()
        if not _isRigid(transform):
            raise CannotMeasure("scene.transform_not_rigid", name=name, transform=transform.GetName())
        copy = slicer.vtkSlicerVolumesLogic.CloneVolume(
            volumeNode.GetScene(), volumeNode, text("scene.hardened", name=name)
        )
        copy.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
        copy.HardenTransform()
        return copy


def _isRigid(transformNode: Any) -> bool:
    if not transformNode.IsTransformToWorldLinear():
        return False
    matrix = vtk.vtkMatrix4x4()
    transformNode.GetMatrixTransformToWorld(matrix)
    rotation = arrayOf(matrix)[:3, :3]
    return bool(np.abs(rotation.T @ rotation - np.eye(3)).max() < _RIGID and np.linalg.det(rotation) > 0)
