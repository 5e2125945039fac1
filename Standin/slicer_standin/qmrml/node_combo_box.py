"""Mirrors Slicer `Libs/MRML/Widgets/qMRMLNodeComboBox.h`: chooses a node of the scene.

As in the original: without "None" the first fitting node is chosen by itself, the choice moves to a neighbour when its
node goes, and the widget is disabled until it has a scene.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QWidget

from ..pythonqt.standin import standin
from .observations import Observations


def _flag(name: str, default: bool) -> Property:
    def write(self: Any, value: bool) -> None:
        setattr(self, f"_{name}", value)
        self._refresh()

    return Property(bool, lambda self: getattr(self, f"_{name}", default), write)


@standin
class qMRMLNodeComboBox(QWidget):
    """Signals carry the node, or None."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAddedByUserAction = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    currentNodeRenamed = Signal(str)
    nodeAboutToBeEdited = Signal(object)
    SIGNALS = (
        "currentNodeChanged(vtkMRMLNode*)",
        "currentNodeChanged(bool)",
        "currentNodeIDChanged(QString)",
        "nodeActivated(vtkMRMLNode*)",
        "nodeAdded(vtkMRMLNode*)",
        "nodeAddedByUser(vtkMRMLNode*)",
        "nodeAddedByUserAction(vtkMRMLNode*)",
        "nodeAboutToBeRemoved(vtkMRMLNode*)",
        "currentNodeRenamed(QString)",
        "nodeAboutToBeEdited(vtkMRMLNode*)",
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._observations = Observations(self)
        self._current: Any = None
        self._rows: list[Any] = []  # nodes, None, or the name of an action
        self._base_names: dict[str, str] = {}
        self._attributes: list[tuple[str, str, str | None]] = []
        self._node_types: list[str] = []
        self._none_display = "None"
        self._combo = QComboBox(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self.setFocusProxy(self._combo)
        self._combo.activated.connect(self._on_activated)
        self._combo.currentIndexChanged.connect(self._on_index)
        self.setEnabled(False)

    showHidden = _flag("showHidden", False)
    showChildNodeTypes = _flag("showChildNodeTypes", True)
    noneEnabled = _flag("noneEnabled", False)
    addEnabled = _flag("addEnabled", True)
    removeEnabled = _flag("removeEnabled", True)
    editEnabled = _flag("editEnabled", False)
    renameEnabled = _flag("renameEnabled", False)
    selectNodeUponCreation = _flag("selectNodeUponCreation", True)

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._observations.remove("scene")
        self._scene = scene
        if scene is not None:
            for event in (
                scene.NodeRemovedEvent,
                scene.EndBatchProcessEvent,
                scene.EndCloseEvent,
                scene.EndImportEvent,
            ):
                self._observations.add("scene", scene, event, self._on_scene)
            self._observations.add("scene", scene, scene.NodeAddedEvent, self._on_node_added)
        self.setEnabled(scene is not None)
        self._refresh()

    def _on_scene(self, *_: Any) -> None:
        self._refresh()

    @vtk.calldata_type(vtk.VTK_OBJECT)  # type: ignore[untyped-decorator]
    def _on_node_added(self, _caller: Any, _event: str, node: Any) -> None:
        if node is not None and self._fits(node):
            self._refresh()
            self.nodeAdded.emit(node)

    def _fits(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        fitting = [
            t for t in self._node_types if (node.IsA(t) if self.showChildNodeTypes else node.GetClassName() == t)
        ]
        wanted = [(name, value) for node_type, name, value in self._attributes if node.IsA(node_type)]
        return bool(fitting) and all(
            node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name)) for name, value in wanted
        )

    def _refresh(self) -> None:
        if self._scene is None or self._scene.IsBatchProcessing():
            return
        old_row = next((i for i, row in enumerate(self._rows) if row is self._current), -1)
        scene_nodes = [self._scene.GetNthNode(i) for i in range(self._scene.GetNumberOfNodes())]
        nodes = [node for node in scene_nodes if self._fits(node)]
        rows: list[Any] = ([None] if self.noneEnabled else []) + nodes
        self._rows = rows + [action for action in self._actions() if nodes or action.startswith("Create")]
        if self._current is not None and self._current not in nodes:  # gone: its neighbour
            self._set_current(rows[min(old_row, len(rows) - 1)] if rows else None)
        elif self._current is None and not self.noneEnabled and nodes:
            self._set_current(nodes[0])
        self._show_rows()

    def _actions(self) -> list[str]:
        label = self._scene.GetTypeDisplayNameByClassName(self._node_types[0]) if len(self._node_types) == 1 else "node"
        offered = {"Rename current": self.renameEnabled, "Edit current": self.editEnabled}
        create = [f"Create new {self._scene.GetTypeDisplayNameByClassName(t)}" for t in self._node_types]
        return (
            [f"{action} {label}" for action, enabled in offered.items() if enabled]
            + (create if self.addEnabled else [])
            + ([f"Delete current {label}"] if self.removeEnabled else [])
        )

    def _show_rows(self) -> None:
        was_blocked = self._combo.blockSignals(True)
        self._combo.clear()
        for row in self._rows:
            self._combo.addItem(self._none_display if row is None else row if isinstance(row, str) else row.GetName())
        self._combo.setCurrentIndex(next((i for i, row in enumerate(self._rows) if row is self._current), -1))
        self._combo.blockSignals(was_blocked)

    def _set_current(self, node: Any) -> None:
        if node is self._current:
            return
        self._observations.remove("name")
        self._current = node
        if node is not None:
            self._observations.add("name", node, vtk.vtkCommand.ModifiedEvent, self._on_node_modified)
        self._show_rows()
        self.currentNodeChanged.emit(node)
        self.currentNodeIDChanged.emit(node.GetID() if node is not None else "")

    def _on_node_modified(self, node: Any, _event: str) -> None:
        index = self._combo.currentIndex
        if node is self._current and index >= 0 and self._combo.itemText(index) != node.GetName():
            self._combo.setItemText(index, node.GetName())
            self.currentNodeRenamed.emit(node.GetName())

    def _on_index(self, index: int) -> None:
        row = self._rows[index] if 0 <= index < len(self._rows) else None
        if not isinstance(row, str):
            self._set_current(row)

    def _on_activated(self, index: int) -> None:
        row = self._rows[index]
        if not isinstance(row, str):
            self.nodeActivated.emit(row)
            return
        self._show_rows()
        if row.startswith("Create"):
            create = [action for action in self._actions() if action.startswith("Create")]
            node = self.addNode(self._node_types[create.index(row)])
            self.setCurrentNode(node)
            self.nodeAddedByUserAction.emit(node)
        elif row.startswith("Delete"):
            self.removeCurrentNode()
        elif row.startswith("Edit"):
            self.editCurrentNode()
        else:
            self.renameCurrentNode()

    def addNode(self, nodeType: str | None = None) -> Any:
        nodeType = nodeType or self._node_types[0]
        node = self._scene.AddNewNodeByClass(nodeType, self._base_names.get(nodeType, ""))
        for _, name, value in self._attributes:
            node.SetAttribute(name, value)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        if self._current is not None:
            self.nodeAboutToBeRemoved.emit(self._current)
            self._scene.RemoveNode(self._current)

    def editCurrentNode(self) -> None:
        self.nodeAboutToBeEdited.emit(self._current)

    def renameCurrentNode(self) -> None:
        if self._current is not None:
            name, ok = QInputDialog.getText(self, "Rename", "New name:", text=self._current.GetName())
            if ok:
                self._current.SetName(name)

    def currentNode(self) -> Any:
        return self._current

    def setCurrentNode(self, node: Any) -> None:
        """A node, its ID or None; a node that is not in the list becomes None."""
        node = self._scene.GetNodeByID(node) if isinstance(node, str) and self._scene is not None else node
        self._set_current(node if node in [row for row in self._rows if not isinstance(row, str)] else None)

    def setCurrentNodeID(self, node_id: str) -> None:
        self.setCurrentNode(node_id)

    def setCurrentNodeIndex(self, index: int) -> None:
        self._set_current(self.nodeFromIndex(index))

    def nodeFromIndex(self, index: int) -> Any:
        nodes = [row for row in self._rows if row is not None and not isinstance(row, str)]
        return nodes[index] if 0 <= index < len(nodes) else None

    def nodeCount(self) -> int:
        return sum(row is not None and not isinstance(row, str) for row in self._rows)

    def addAttribute(self, nodeType: str, attributeName: str, attributeValue: Any = None) -> None:
        self._attributes.append((nodeType, attributeName, None if attributeValue is None else str(attributeValue)))
        self._refresh()

    def removeAttribute(self, nodeType: str, attributeName: str) -> None:
        self._attributes = [a for a in self._attributes if a[:2] != (nodeType, attributeName)]
        self._refresh()

    def setNodeTypes(self, node_types: list[str]) -> None:
        unknown = [t for t in node_types if not hasattr(slicer, t)]
        if unknown:
            raise ValueError(f"qMRMLNodeComboBox: no node class {', '.join(unknown)}")
        self._node_types = list(node_types)
        self._refresh()

    def setNoneDisplay(self, text: str) -> None:
        self._none_display = text
        self._refresh()

    def setBaseName(self, name: str, node_type: str = "") -> None:
        self._base_names.update(dict.fromkeys([node_type] if node_type else self._node_types, name))

    nodeTypes = Property("QStringList", lambda self: self._node_types, setNodeTypes)
    noneDisplay = Property(str, lambda self: self._none_display, setNoneDisplay)
    baseName = Property(str, lambda self: next(iter(self._base_names.values()), ""), setBaseName)
    currentNodeID = Property(str, lambda self: self._current.GetID() if self._current else "", setCurrentNodeID)
