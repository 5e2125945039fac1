"""Puts the widget and application classes where the application has them: in the `slicer` namespace."""

from __future__ import annotations

import slicer
from PySide6.QtWidgets import QWidget

from .application import app, io_manager, layout_manager, main_window, modules, segment_editor, web_widget
from .pythonqt.standin import not_built
from .qmrml import node_combo_box, widget
from .views import plot_view, slice_view, threed_view

_SOURCES = (
    app,
    io_manager,
    layout_manager,
    main_window,
    modules,
    node_combo_box,
    plot_view,
    segment_editor,
    slice_view,
    threed_view,
    web_widget,
    widget,
)

# Slicer's parameterNodeWrapper/guiConnectors.py and guiCreation.py name these.
_NAMED_ONLY = ("qMRMLRangeWidget", "qMRMLSliderWidget", "qMRMLSpinBox")


def fill_slicer_namespace() -> None:
    """Every stand-in class under its own name."""
    for source in _SOURCES:
        for name, cls in vars(source).items():
            if getattr(cls, "STAND_IN", False) and cls.__module__ == source.__name__:
                setattr(slicer, name, cls)
    for name in _NAMED_ONLY:
        setattr(slicer, name, not_built(name, QWidget))
