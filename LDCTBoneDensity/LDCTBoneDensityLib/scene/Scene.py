"""Small questions about the application's scene."""

import slicer

REVIEW_ATTRIBUTE = "LDCTBoneDensity.Review"
VOLUME_REFERENCE = "LDCTBoneDensity.Volume"


def isAlive(node) -> bool:
    """Whether a node is still in the application's scene."""
    return node is not None and node.GetScene() is slicer.mrmlScene


def reviewNodeOf(volumeNode):
    """Return the text node that holds the review of ``volumeNode``, or None."""
    scene = volumeNode.GetScene()
    for i in range(scene.GetNumberOfNodesByClass("vtkMRMLTextNode")):
        node = scene.GetNthNodeByClass(i, "vtkMRMLTextNode")
        if node.GetAttribute(REVIEW_ATTRIBUTE) and node.GetNodeReferenceID(VOLUME_REFERENCE) == volumeNode.GetID():
            return node
    return None
