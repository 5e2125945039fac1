"""Builds the stand-in: call `start()` before the first `import qt`, `ctk` or `slicer` of anything else."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

BASE_PYTHON = Path(__file__).parent / "base_python"

# Modules of slicer-core under the names that the application gives its kits.
_KITS = ("MRMLCore", "MRMLLogic", "vtkITK", "vtkSegmentationCore", "vtkTeem")


def base_python() -> Path:
    """The folder of `ScriptedLoadableModule.py` and the like: Slicer's own where SLICER_BASE_PYTHON names it."""
    named = os.environ.get("SLICER_BASE_PYTHON")
    if not named:
        return BASE_PYTHON
    if not (Path(named) / "slicer" / "ScriptedLoadableModule.py").is_file():
        raise RuntimeError(f"SLICER_BASE_PYTHON={named}: no slicer/ScriptedLoadableModule.py in it")
    return Path(named)


def _add_kits() -> None:
    import slicer_core

    for kit in _KITS:
        module = getattr(slicer_core, kit)
        sys.modules.setdefault(kit, module)
        sys.modules.setdefault(f"{kit}Python", module)


def start() -> Any:
    """The application, with scene, modules, views and main window (not shown). A second call gives the first's."""
    if "qt" in sys.modules:
        return sys.modules["slicer"].app
    if sys.platform == "linux":  # the views are drawn off screen; VTK would look for an X server first
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    from .pythonqt.qt_module import python_qt, qt

    sys.modules["qt"] = qt
    sys.modules["PythonQt"] = python_qt
    import slicer

    slicer.__path__.append(str(base_python() / "slicer"))
    from . import ctk
    from .application.app import qSlicerApplication
    from .application.dicom import ctkDICOMDatabase, ctkDICOMIndexer
    from .application.layout_manager import qSlicerLayoutManager
    from .application.main_window import qSlicerMainWindow
    from .application.modules import make_slicer_modules, qSlicerLoadableModule
    from .application.scene import make_core
    from .application.segment_editor import SegmentEditorModule
    from .application.subject_hierarchy import SubjectHierarchyItems
    from .namespace import fill_slicer_namespace

    sys.modules["ctk"] = ctk
    vars(ctk).update(ctkDICOMIndexer=ctkDICOMIndexer)
    _add_kits()
    make_slicer_modules()
    fill_slicer_namespace()
    temporary = Path(tempfile.mkdtemp(prefix="slicer-standin-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    app = qSlicerApplication(temporary)
    slicer.app = app
    core = make_core(temporary)
    app._set_core(core)
    slicer.mrmlScene = core.scene
    app._subject_hierarchy = SubjectHierarchyItems(core.scene)
    for name, logic in core.module_logics.items():
        app.moduleManager()._add(qSlicerLoadableModule(name, logic))
    app.moduleManager()._add(SegmentEditorModule())
    slicer.dicomDatabase = ctkDICOMDatabase()
    layout = qSlicerLayoutManager(core.scene, core.application_logic)
    app._set_layout_manager(layout)
    app._main_window = qSlicerMainWindow(layout.viewport())
    return app
