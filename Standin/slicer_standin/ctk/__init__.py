"""The `ctk` module: CTK's widgets that the module uses, and the names of those that the base classes only name."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from ..pythonqt.standin import not_built
from .collapsible_button import ctkCollapsibleButton
from .collapsible_group_box import ctkCollapsibleGroupBox
from .message_box import ctkMessageBox
from .path_line_edit import ctkPathLineEdit
from .slider_widget import ctkSliderWidget

__all__ = ["ctkCollapsibleButton", "ctkCollapsibleGroupBox", "ctkMessageBox", "ctkPathLineEdit", "ctkSliderWidget"]

# Slicer's parameterNodeWrapper/guiConnectors.py and guiCreation.py name these.
for _name in (
    "ctkCheckBox",
    "ctkCheckablePushButton",
    "ctkColorPickerButton",
    "ctkComboBox",
    "ctkDirectoryButton",
    "ctkDoubleRangeSlider",
    "ctkDoubleSlider",
    "ctkDoubleSpinBox",
    "ctkRangeWidget",
):
    globals()[_name] = not_built(_name, QWidget)
