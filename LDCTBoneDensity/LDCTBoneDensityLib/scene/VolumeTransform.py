"""Volumes under a transform."""

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ldct_bmd.ground.errors import CannotMeasure

_RIGID = 1e-4


class VolumeTransform:
    """Brings a volume out from under its transform."""

    @staticmethod
    def isNeeded(volumeNode) -> bool:
        """Whether the volume lies under a transform, as DICOM import puts a tilted scan under one."""
        return volumeNode.GetParentTransformNode() is not None

    @staticmethod
    def hardenedCopy(volumeNode):
        """Return a copy with the transform in its axes, its voxels as they are.

        Raises:
            CannotMeasure: the transform bends, scales or mirrors, so that the voxels would have to be interpolated.
        """
        name = volumeNode.GetName()
        if not _isRigid(volumeNode.GetParentTransformNode()):
            raise CannotMeasure(
                _(
                    "{name} is under the transform {transform}, which bends, scales or mirrors it, as for a tilted "
                    "gantry: take it out of the transform, or load a reconstruction without tilt."
                ).format(name=name, transform=volumeNode.GetParentTransformNode().GetName())
            )
        copy = slicer.modules.volumes.logic().CloneVolume(
            slicer.mrmlScene, volumeNode, _("{name} (hardened)").format(name=name)
        )
        copy.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
        copy.HardenTransform()
        return copy


def _isRigid(transformNode) -> bool:
    if not transformNode.IsTransformToWorldLinear():
        return False
    matrix = vtk.vtkMatrix4x4()
    transformNode.GetMatrixTransformToWorld(matrix)
    rotation = slicer.util.arrayFromVTKMatrix(matrix)[:3, :3]
    return bool(np.abs(rotation.T @ rotation - np.eye(3)).max() < _RIGID and np.linalg.det(rotation) > 0)
