"""Reading and writing nodes and scenes.

Mirrors `Base/QTCore/qSlicerCoreIOManager.h`, `Modules/Loadable/Volumes/qSlicerVolumesReader.cxx`,
`Modules/Loadable/Data/qSlicerSceneReader.cxx` and `qSlicerSceneWriter.cxx`, for the file types named here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
import vtk
from PySide6.QtCore import QObject, Signal

from ..pythonqt.standin import standin

# Extension -> file type, the longest extension first.
_TYPES = {
    ".seg.nrrd": "SegmentationFile",
    ".mrk.json": "MarkupsFile",
    ".nii.gz": "VolumeFile",
    ".nrrd": "VolumeFile",
    ".nhdr": "VolumeFile",
    ".nii": "VolumeFile",
    ".mha": "VolumeFile",
    ".mhd": "VolumeFile",
    ".mrml": "SceneFile",
    ".mrb": "SceneFile",
    ".ctbl": "ColorTableFile",
    ".h5": "TransformFile",
    ".tfm": "TransformFile",
    ".vtk": "ModelFile",
    ".vtp": "ModelFile",
    ".stl": "ModelFile",
    ".csv": "TableFile",
    ".tsv": "TableFile",
    ".txt": "TextFile",
    ".json": "TextFile",
}
# File type -> node class, for those that a default storage node reads.
_NODE_CLASSES = {
    "SegmentationFile": "vtkMRMLSegmentationNode",
    "TransformFile": "vtkMRMLTransformNode",
    "ModelFile": "vtkMRMLModelNode",
    "TableFile": "vtkMRMLTableNode",
    "TextFile": "vtkMRMLTextNode",
    "ColorTableFile": "vtkMRMLColorTableNode",
}


def _read_volume(properties: dict[str, Any]) -> list[Any]:
    path = properties["fileName"]
    flags = {"labelmap": 0x1, "center": 0x2, "singleFile": 0x4, "autoWindowLevel": 0x8, "discardOrientation": 0x10}
    options = sum(bit for name, bit in flags.items() if properties.get(name))
    name = properties.get("name") or Path(path).name.split(".")[0]
    node = slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)
    if node is None:
        return []
    if properties.get("show", True):
        logic = slicer.app.applicationLogic()
        is_label_map = node.IsA("vtkMRMLLabelMapVolumeNode")
        selection = logic.GetSelectionNode()
        (selection.SetActiveLabelVolumeID if is_label_map else selection.SetActiveVolumeID)(node.GetID())
        logic.PropagateVolumeSelection()
    return [node]


def _read_markups(properties: dict[str, Any]) -> list[Any]:
    ids = slicer.modules.markups.logic().LoadMarkups(properties["fileName"], properties.get("name", ""))
    return [slicer.mrmlScene.GetNodeByID(i) for i in (ids or "").split(",") if i]


def _read_scene(properties: dict[str, Any]) -> list[Any]:
    scene, path, clear = slicer.mrmlScene, properties["fileName"], bool(properties.get("clear", False))
    if path.endswith(".mrb"):
        ok = scene.ReadFromMRB(path, clear)
    else:
        scene.SetURL(path)
        ok = scene.Connect() if clear else scene.Import()
    return [scene] if ok else []


def _read_storable(file_type: str) -> Callable[[dict[str, Any]], list[Any]]:
    def read(properties: dict[str, Any]) -> list[Any]:
        scene, path = slicer.mrmlScene, properties["fileName"]
        name = properties.get("name") or Path(path).name.split(".")[0]
        node = scene.AddNewNodeByClass(_NODE_CLASSES[file_type], scene.GetUniqueNameByString(name))
        node.AddDefaultStorageNode(path)
        if not node.GetStorageNode().ReadData(node):
            scene.RemoveNode(node.GetStorageNode())
            scene.RemoveNode(node)
            return []
        if hasattr(node, "CreateDefaultDisplayNodes"):
            node.CreateDefaultDisplayNodes()
        return [node]

    return read


_READERS = {
    "VolumeFile": _read_volume,
    "MarkupsFile": _read_markups,
    "SceneFile": _read_scene,
    **{t: _read_storable(t) for t in _NODE_CLASSES},
}


@standin
class qSlicerIOManager(QObject):
    """`slicer.app.ioManager()` and `coreIOManager()`."""

    newFileLoaded = Signal(object)
    fileSaved = Signal(object)
    SIGNALS = ("newFileLoaded(qSlicerIO::IOProperties)", "fileSaved(qSlicerIO::IOProperties)")

    def fileType(self, file: Any) -> str:
        name = str(file).lower()
        return next((file_type for extension, file_type in _TYPES.items() if name.endswith(extension)), "NoFile")

    def fileWriterFileType(self, node: Any, extension: str = "") -> str:
        return "SceneFile" if node is slicer.mrmlScene else "NodeFile"

    def loadNodes(
        self, fileType: str, parameters: dict[str, Any], loadedNodes: Any = None, userMessages: Any = None
    ) -> bool:
        if fileType not in _READERS:
            raise NotImplementedError(f"the application may read '{fileType}', the stand-in does not")
        nodes = _READERS[fileType](parameters) if Path(parameters["fileName"]).is_file() else []
        if not nodes and userMessages is not None:
            userMessages.AddMessage(vtk.vtkCommand.ErrorEvent, f"Loading {parameters['fileName']} - load failed.")
        for node in nodes:
            if loadedNodes is not None and node is not slicer.mrmlScene:
                loadedNodes.AddItem(node)
        self.newFileLoaded.emit(parameters)
        return bool(nodes)

    def loadScene(self, fileName: str, clear: bool = True, userMessages: Any = None) -> bool:
        return self.loadNodes("SceneFile", {"fileName": fileName, "clear": clear}, None, userMessages)

    def saveNodes(self, fileType: str, parameters: dict[str, Any], userMessages: Any = None, scene: Any = None) -> bool:
        path = str(parameters["fileName"])
        if fileType == "SceneFile":
            ok = self._save_scene(path)
        else:
            node = slicer.mrmlScene.GetNodeByID(parameters["nodeID"])
            node.AddDefaultStorageNode()
            storage = node.GetStorageNode()
            storage.SetFileName(path)
            ok = bool(storage.WriteData(node))
        if ok:
            self.fileSaved.emit(parameters)
        return ok

    def _save_scene(self, path: str) -> bool:
        scene = slicer.mrmlScene
        if not path.endswith((".mrb", ".mrml")):
            raise NotImplementedError("the stand-in saves a scene as .mrb or .mrml only")
        scene.SetURL(path)
        scene.SetRootDirectory(str(Path(path).parent))
        return bool(scene.WriteToMRB(path, None) if path.endswith(".mrb") else scene.Commit())
