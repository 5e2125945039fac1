"""A volume node as the engine sees it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import vtk

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan import Geometry
from ldct_bmd.scan.frame import AxisMap, axes_to_lps, make_geometry
from ldct_bmd.scan.image_files import FILE_ENDINGS
from ldct_bmd.scan.volume import Volume

from .Nodes import arrayOf, voxelsOf

_PERPENDICULAR = 1e-4


@dataclass(frozen=True)
class SourceFiles:
    """The files that a volume was loaded from, as far as they are still there; ``kind`` is "dicom", "file" or ""."""

    kind: Literal["dicom", "file", ""]
    paths: tuple[Path, ...]


class DicomFiles(Protocol):
    """A DICOM database, as far as files are looked up in it; named as ctkDICOMDatabase names it."""

    def fileForInstance(self, sopInstanceUID: str) -> str:
        """Return the path of an instance, "" if it is not there."""
        ...


class VolumeReader:
    """Reads geometry, voxels and files of one scalar volume.

    Attributes:
        stored: the node's own grid, IJK to LPS.
        geometry: the engine's grid, which differs in order and sign of the axes only.
        axisMap: from the node's grid to the engine's.

    Raises:
        CannotMeasure: the node has no voxels, is under a transform, or its axes are not perpendicular.
    """

    def __init__(self, volumeNode: Any) -> None:
        if volumeNode.GetImageData() is None:
            raise CannotMeasure("scene.volume_empty", name=volumeNode.GetName())
        if volumeNode.GetParentTransformNode() is not None:
            raise CannotMeasure("scene.volume_transformed", name=volumeNode.GetName())
        self.volumeNode = volumeNode
        self.stored = _storedGeometry(volumeNode)
        self.axisMap: AxisMap = axes_to_lps(self.stored)
        self.geometry: Geometry = self.axisMap.geometry(self.stored)

    def voxels(self) -> np.ndarray:
        """Return the node's voxels on the engine's grid, (z, y, x): a view wherever the node's array allows one."""
        return self.axisMap.view(voxelsOf(self.volumeNode))

    def volume(self, database: DicomFiles | None) -> Volume:
        """Return the volume without its voxels, as a job describes it."""
        files = self.files(database)
        return Volume(self.stored, self.geometry, files.kind, tuple(map(str, files.paths)))

    def files(self, database: DicomFiles | None) -> SourceFiles:
        """Return what the volume was loaded from; a file that is gone or renamed counts as none.

        The paths are absolute, since the engine's process starts in another folder.
        """
        uids = (self.volumeNode.GetAttribute("DICOM.instanceUIDs") or "").split()
        if uids and database is not None:
            paths = [Path(database.fileForInstance(uid) or "").absolute() for uid in uids]
            return SourceFiles("dicom", tuple(paths)) if all(p.is_file() for p in paths) else SourceFiles("", ())
        storage = self.volumeNode.GetStorageNode()
        path = Path((storage.GetFullNameFromFileName() if storage is not None else "") or "")
        if path.is_file() and path.name.lower().endswith(FILE_ENDINGS):
            return SourceFiles("file", (path.absolute(),))
        return SourceFiles("", ())


def _storedGeometry(volumeNode: Any) -> Geometry:
    """Return the IJK grid in LPS, from the very numbers that the node holds."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASDirectionMatrix(matrix)
    toLPS = np.array([-1.0, -1.0, 1.0])
    direction = toLPS[:, np.newaxis] * arrayOf(matrix)[:3, :3]
    if np.abs(direction.T @ direction - np.eye(3)).max() > _PERPENDICULAR:
        raise CannotMeasure("scene.volume_tilted", name=volumeNode.GetName())
    size = volumeNode.GetImageData().GetDimensions()
    return make_geometry(size, volumeNode.GetSpacing(), toLPS * np.array(volumeNode.GetOrigin()), direction)
