"""The DICOM database and the loading of a series.

Mirrors CTK's `Libs/DICOM/Core/ctkDICOMDatabase.h` (the look-ups), `ctkDICOMIndexer.h` and Slicer's
`Modules/Scripted/DICOMPlugins/DICOMScalarVolumePlugin.py` (loadFilesWithSeriesReader, setVolumeNodeProperties). The
acquisition transform that the original adds where slices are not evenly spaced is left out: such a series is refused.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import slicer
import vtk
from PySide6.QtCore import QObject

from ..pythonqt.standin import standin

_SAME_STEP_MM = 0.01


def _text(dataset: pydicom.Dataset, tag: str) -> str:
    """A value as DCMTK writes it: several parted by backslashes."""
    group, number = (int(part, 16) for part in tag.split(","))
    element = dataset.get((group, number))
    if element is None or element.value is None:
        return ""
    return "\\".join(map(str, element.value)) if element.VM > 1 else str(element.value)


@standin
class ctkDICOMDatabase(QObject):
    """`slicer.dicomDatabase`: knows the files of the series that were loaded."""

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[str, Path] = {}  # by SOP instance UID
        self._headers: dict[str, pydicom.Dataset] = {}  # by file

    isOpen = property(lambda self: True)

    def _add(self, folder: Path, copies: Path | None = None) -> dict[str, list[Path]]:
        """Index a folder, or copies of its files in ``copies``: series UID -> files."""
        series: dict[str, list[Path]] = {}
        for path in sorted(p for p in folder.iterdir() if p.is_file()):
            try:
                header = pydicom.dcmread(path, stop_before_pixels=True)
            except pydicom.errors.InvalidDicomError:
                continue
            if copies is not None:
                path = Path(shutil.copy(path, copies / str(header.SOPInstanceUID)))
            self._files[str(header.SOPInstanceUID)] = path
            self._headers[str(path)] = header
            series.setdefault(str(header.SeriesInstanceUID), []).append(path)
        return series

    def fileForInstance(self, sopInstanceUID: str) -> str:
        return str(self._files.get(sopInstanceUID, ""))

    def instanceForFile(self, fileName: str) -> str:
        return self.fileValue(fileName, "0008,0018")

    def seriesForFile(self, fileName: str) -> str:
        return self.fileValue(fileName, "0020,000E")

    def filesForSeries(self, seriesUID: str, hits: int = -1) -> list[str]:
        found = [str(path) for path in self._files.values() if self.seriesForFile(str(path)) == seriesUID]
        return found if hits < 0 else found[:hits]

    def instancesForSeries(self, seriesUID: str, hits: int = -1) -> list[str]:
        return [self.instanceForFile(file) for file in self.filesForSeries(seriesUID, hits)]

    def fileValue(self, fileName: str, tag: str) -> str:
        header = self._headers.get(fileName)
        return "" if header is None else _text(header, tag)

    def instanceValue(self, sopInstanceUID: str, tag: str) -> str:
        return self.fileValue(self.fileForInstance(sopInstanceUID), tag)


@standin
class ctkDICOMIndexer(QObject):
    """Mirrors CTK's `Libs/DICOM/Core/ctkDICOMIndexer.h`, background import off: all is done when a call returns."""

    def addDirectory(
        self, db: ctkDICOMDatabase, directoryName: str, copyFile: bool = False, includeHidden: bool = True
    ) -> None:
        copies = None
        if copyFile:
            copies = Path(slicer.app.temporaryPath) / "dicom"
            copies.mkdir(exist_ok=True)
        db._add(Path(directoryName), copies)

    def waitForImportFinished(self, msecTimeout: int = -1) -> None:
        pass


def _in_order(files: list[Path], headers: dict[str, pydicom.Dataset]) -> list[Path]:
    """By position along the normal. Raises ValueError where the slices are not evenly spaced."""
    first = headers[str(files[0])]
    row, column = np.array(first.ImageOrientationPatient[:3], float), np.array(first.ImageOrientationPatient[3:], float)
    normal = np.cross(row, column)
    place = {f: float(normal @ np.array(headers[str(f)].ImagePositionPatient, float)) for f in files}
    ordered = sorted(files, key=place.__getitem__)
    steps = np.diff([place[f] for f in ordered])
    if len(steps) and np.ptp(steps) > _SAME_STEP_MM:
        raise ValueError(f"slices {steps.min():.2f} to {steps.max():.2f} mm apart: the stand-in reads even stacks only")
    return ordered


def _read(files: list[Path], name: str) -> Any:
    reader = slicer.vtkITKArchetypeImageSeriesScalarReader()
    reader.SetArchetype(str(files[0]))
    for file in files:
        reader.AddFileName(str(file))
    reader.SetSingleFile(0)
    reader.SetOutputScalarTypeToNative()
    reader.SetDesiredCoordinateOrientationToNative()
    reader.SetUseNativeOriginOn()
    reader.SetDICOMImageIOApproachToGDCM()
    reader.Update()
    if reader.GetErrorCode():
        raise ValueError(f"{files[0].parent} can't be read as a volume")
    change = vtk.vtkImageChangeInformation()
    change.SetInputConnection(reader.GetOutputPort())
    change.SetOutputSpacing(1, 1, 1)
    change.SetOutputOrigin(0, 0, 0)
    change.Update()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAndObserveImageData(change.GetOutputDataObject(0))
    node.SetRASToIJKMatrix(reader.GetRasToIjkMatrix())
    node.CreateDefaultDisplayNodes()
    return node


def load_dicom(folder: Path, series_uid: str | None = None) -> Any:
    """Load a series, as a user does in the DICOM module; the longest one where none is named."""
    database = slicer.dicomDatabase
    series = database._add(folder)
    if not series:
        raise ValueError(f"{folder}: no DICOM files")
    files = series[series_uid] if series_uid else max(series.values(), key=len)
    files = _in_order(files, database._headers)
    header = database._headers[str(files[0])]
    node = _read(files, f"{header.get('SeriesNumber', '')}: {header.get('SeriesDescription', 'CT')}")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    if not slicer.vtkMRMLVolumeNode.IsIJKCoordinateSystemRightHanded(matrix):
        slicer.vtkMRMLVolumeNode.ReverseSliceOrder(node.GetImageData(), matrix)
        node.SetIJKToRASMatrix(matrix)
        files = files[::-1]
    node.SetAttribute("DICOM.instanceUIDs", " ".join(database.instanceForFile(str(f)) for f in files))
    logic = slicer.app.applicationLogic()
    logic.GetSelectionNode().SetActiveVolumeID(node.GetID())
    logic.PropagateVolumeSelection()
    return node
