"""Subject hierarchy items for nodes: in the application Qt plugins make them.

Mirrors `Modules/Loadable/SubjectHierarchy/Widgets/qSlicerSubjectHierarchyPluginLogic.cxx`: the same events, and which
plugin owns which node.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk

# Node class -> name of the plugin that owns its item (qSlicerSubjectHierarchy<Name>Plugin); the first that fits.
_OWNERS = {
    "vtkMRMLSegmentationNode": "Segmentations",
    "vtkMRMLLabelMapVolumeNode": "LabelMaps",
    "vtkMRMLVolumeNode": "Volumes",
    "vtkMRMLMarkupsNode": "Markups",
    "vtkMRMLTableNode": "Tables",
    "vtkMRMLModelNode": "Models",
    "vtkMRMLTransformNode": "Transforms",
    "vtkMRMLTextNode": "Texts",
    "vtkMRMLPlotChartNode": "PlotChart",
}


def _resolve(scene: Any) -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)


def _add_item(scene: Any, node: Any) -> None:
    hierarchy = scene.GetSubjectHierarchyNode()
    if node is None or hierarchy is None or node.GetHideFromEditors() or hierarchy.GetItemByDataNode(node):
        return
    owner = next((owner for cls, owner in _OWNERS.items() if node.IsA(cls)), None)
    if owner is not None:
        hierarchy.CreateItem(hierarchy.GetSceneItemID(), node, owner)


def _add_missing(scene: Any) -> None:
    for i in range(scene.GetNumberOfNodes()):
        _add_item(scene, scene.GetNthNode(i))


def _remove_orphans(scene: Any) -> None:
    """Items whose node went unannounced in a batch; folders and virtual branches stay."""
    hierarchy = scene.GetSubjectHierarchyNode()
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    virtual = slicer.vtkMRMLSubjectHierarchyConstants.GetSubjectHierarchyVirtualBranchAttributeName()
    for item in [items.GetId(i) for i in range(items.GetNumberOfIds())]:
        keeps = hierarchy.GetItemLevel(item) or hierarchy.HasItemAttribute(item, virtual)
        if not keeps and hierarchy.GetItemOwnerPluginName(item) != "Segments" and not hierarchy.GetItemDataNode(item):
            hierarchy.RemoveItem(item, False, False)


class SubjectHierarchyItems:
    """Observes a scene for as long as it lives."""

    def __init__(self, scene: Any) -> None:
        scene.AddObserver(scene.NodeAddedEvent, self._on_added)
        scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._on_removed)
        scene.AddObserver(scene.EndImportEvent, self._on_imported, 10.0)
        scene.AddObserver(scene.EndCloseEvent, lambda *_: _resolve(scene))
        scene.AddObserver(scene.EndBatchProcessEvent, self._on_batch_ended, 10.0)

    @vtk.calldata_type(vtk.VTK_OBJECT)  # type: ignore[untyped-decorator]
    def _on_added(self, scene: Any, _event: str, node: Any) -> None:
        if node is not None and node.IsA("vtkMRMLSubjectHierarchyNode"):
            _resolve(scene)
        elif not scene.IsImporting():
            _add_item(scene, node)

    @vtk.calldata_type(vtk.VTK_OBJECT)  # type: ignore[untyped-decorator]
    def _on_removed(self, scene: Any, _event: str, node: Any) -> None:
        if node is None or scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
        if item:
            hierarchy.RemoveItem(item, False, False)

    def _on_imported(self, scene: Any, _event: str) -> None:
        _resolve(scene)
        _add_missing(scene)

    def _on_batch_ended(self, scene: Any, _event: str) -> None:
        if scene.GetSubjectHierarchyNode() is not None:
            _remove_orphans(scene)
            _add_missing(scene)
