"""The MRML scene, the application logic and the module logics, without Qt.

Mirrors what Slicer's `Base/QTCore/qSlicerCoreApplication.cxx` (`init`, `setMRMLScene`) and the loadable modules'
`setup()` do at start-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
import vtk

from .terminologies import write_default_terminologies

# Module name -> logic class, as the loadable modules' createLogic() makes them.
MODULE_LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Units": "vtkSlicerUnitsLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "ViewControllers": "vtkSlicerViewControllersLogic",
    "Data": "vtkSlicerDataModuleLogic",
}


@dataclass(frozen=True)
class Core:
    """Everything that lives as long as the application."""

    scene: Any
    application_logic: Any
    module_logics: dict[str, Any]


def _enable_data_io(scene: Any, cache: Path) -> None:
    """Reading an MRB needs a cache manager and a data IO manager on the scene."""
    manager = slicer.vtkCacheManager()
    manager.SetRemoteCacheDirectory(str(cache))
    scene.SetCacheManager(manager)
    data_io = slicer.vtkDataIOManager()
    data_io.SetCacheManager(manager)
    scene.SetDataIOManager(data_io)


def make_core(temporary: Path) -> Core:
    """`temporary` is an existing folder for the share and cache directories."""
    share, cache = temporary / "share", temporary / "cache"
    for folder in (share / "ColorFiles", cache):
        folder.mkdir(parents=True)
    write_default_terminologies(share)
    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetHomeDirectory(str(temporary))
    logic.SetShareDirectory(share.name)  # relative to the home directory
    logic.SetMRMLScene(scene)
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    _enable_data_io(scene, cache)
    for factory in (
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
        slicer.vtkMRMLSliceViewDisplayableManagerFactory,
    ):
        factory.GetInstance().SetMRMLApplicationLogic(logic)
    logics = {}
    for name, class_name in MODULE_LOGICS.items():
        module_logic = getattr(slicer, class_name)()
        if hasattr(module_logic, "SetModuleShareDirectory"):
            module_logic.SetModuleShareDirectory(str(share))
        module_logic.SetMRMLApplicationLogic(logic)
        module_logic.SetMRMLScene(scene)
        logic.SetModuleLogic(name, module_logic)
        logics[name] = module_logic
    logic.SetColorLogic(logics["Colors"])  # qSlicerColorsModule::setup
    logics["Colors"].AddDefaultColorNodes()
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return Core(scene, logic, logics)
