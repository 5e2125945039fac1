"""A stand-in for the 3D Slicer application, for running a scripted module unmodified.

On `slicer-core` (MRML, logics, displayable managers: the application's own C++) and PySide6. It offers what the module
uses of `slicer`, `qt` and `ctk`, under the names, signatures and signal signatures of the originals, and refuses what
the originals do not have. Each file names the original that it mirrors.

    start.py        builds everything; where SLICER_BASE_PYTHON names Slicer's `Base/Python`, takes it for base_python
    pythonqt/       PySide6 behaving as PythonQt: attributes, `connect`, dialogs, .ui files
    ctk/, qmrml/    the widgets
    views/          slice and 3D views, off screen, drawn into Qt widgets
    application/    scene, modules, main window, reading and writing, DICOM
    base_python/    a small subset of Slicer's own Python
    mouse.py        a user's hands for tests; fixtures.py for pytest
    __main__.py     `python -m slicer_standin SCAN`: a window, or a picture

To add a member: look it up in the original's header, add it to the class of that name, and run
`Testing/standin/test_standin_headers.py` with SLICER_SOURCE and CTK_SOURCE.
"""

from .start import start

__all__ = ["start"]
