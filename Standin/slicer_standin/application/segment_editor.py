"""The Segment Editor module, as far as another module hands it its nodes.

Mirrors `Modules/Scripted/SegmentEditor/SegmentEditor.py` (`widgetRepresentation().self().editor`) and
`Modules/Loadable/Segmentations/Widgets/qMRMLSegmentEditorWidget.h`. There are no effects: a test edits segments with
`slicer.util.updateSegmentBinaryLabelmapFromArray`.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from ..pythonqt.standin import standin
from ..qmrml.widget import qMRMLWidget


@standin
class qMRMLSegmentEditorWidget(qMRMLWidget):
    """Keeps the nodes that it was given."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segmentation: Any = None
        self._volume: Any = None
        self._segment_id = ""

    def setSegmentationNode(self, node: Any) -> None:
        self._segmentation = node

    def segmentationNode(self) -> Any:
        return self._segmentation

    def setSourceVolumeNode(self, node: Any) -> None:
        self._volume = node

    def sourceVolumeNode(self) -> Any:
        return self._volume

    def setCurrentSegmentID(self, segment_id: str) -> None:
        self._segment_id = segment_id

    def currentSegmentID(self) -> str:
        return self._segment_id


class _SegmentEditorWidget:
    """`SegmentEditorWidget`, the Python side."""

    def __init__(self) -> None:
        self.editor = qMRMLSegmentEditorWidget()


class _Panel(qMRMLWidget):
    """The module's widget."""

    def __init__(self) -> None:
        super().__init__()
        self._python_self = _SegmentEditorWidget()
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("The Segment Editor's effects are not part of the stand-in."))
        layout.addWidget(self._python_self.editor)

    def self(self) -> Any:
        return self._python_self

    def enter(self) -> None:
        """As every module widget."""

    def exit(self) -> None:
        """As every module widget."""


class SegmentEditorModule(QObject):
    """`slicer.modules.segmenteditor`."""

    name = property(lambda self: "SegmentEditor")

    def __init__(self) -> None:
        super().__init__()
        self._panel: _Panel | None = None

    def widgetRepresentation(self) -> _Panel:
        if self._panel is None:
            self._panel = _Panel()
        return self._panel
