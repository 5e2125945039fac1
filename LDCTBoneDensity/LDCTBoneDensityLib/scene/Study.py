"""Where nodes stand in the subject hierarchy: a review under the study of its scan."""

from collections.abc import Iterable
from typing import Any


def fileUnder(volumeNode: Any, nodes: Iterable[Any]) -> None:
    """Put ``nodes`` next to the volume, under the study that it was loaded into, if it was."""
    scene = volumeNode.GetScene()
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(volumeNode) if hierarchy is not None else 0
    if not item:  # a scene without an application has no items
        return
    parent = hierarchy.GetItemParent(item)
    for node in nodes:
        own = hierarchy.GetItemByDataNode(node) if node is not None else 0
        if own:
            hierarchy.SetItemParent(own, parent)
