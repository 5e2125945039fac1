"""A review in the scene: a text node for each measured volume. What it holds is the truth; other nodes are views."""

import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ldct_bmd.examination import Examination
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.scan import Geometry
from ldct_bmd.words import text

from .Nodes import removeNode

SCHEMA = "ldct-bmd-review/3"
_SCHEMA_2 = "ldct-bmd-review/2"
REVIEW_ATTRIBUTE = "LDCTBoneDensity.Review"
VOLUME_REFERENCE = "LDCTBoneDensity.Volume"
EARLIER_REFERENCE = "LDCTBoneDensity.EarlierReviewOf"
REVIEW_REFERENCE = "LDCTBoneDensity.Review"
SEGMENTATION = "LDCTBoneDensity.Segmentation"


@dataclass(frozen=True)
class StoredReview:
    """What is kept of a review.

    Attributes:
        stored: the scan's grid before reorientation, which the record does not hold.
        air: range of values that count as air, see the engine's VolumeScan.
        voxels: checksum of the volume's voxels, to tell whether they are still those that were measured.
        remark: what to know about where the scan came from.
        reported: the structured report that was exported last, as plain values of the engine's EarlierReport.
    """

    examination: Examination
    stored: Geometry
    air: list[float] | None
    voxels: int
    remark: str = ""
    reported: dict[str, Any] | None = None


def reviewNodesIn(scene: Any) -> list[Any]:
    """Return the text nodes that hold reviews, those set aside too."""
    nodes = [
        scene.GetNthNodeByClass(i, "vtkMRMLTextNode") for i in range(scene.GetNumberOfNodesByClass("vtkMRMLTextNode"))
    ]
    return [node for node in nodes if node.GetAttribute(REVIEW_ATTRIBUTE)]


def reviewNodeOf(volumeNode: Any) -> Any:
    """Return the text node that holds the review of ``volumeNode``, or None."""
    return _last(volumeNode, VOLUME_REFERENCE)


def earlierReviewOf(volumeNode: Any) -> Any:
    """Return the text node of the review of ``volumeNode`` that was set aside last, or None."""
    return _last(volumeNode, EARLIER_REFERENCE)


def _last(volumeNode: Any, role: str) -> Any:
    found = [n for n in reviewNodesIn(volumeNode.GetScene()) if n.GetNodeReferenceID(role) == volumeNode.GetID()]
    return found[-1] if found else None


def viewNodesOf(reviewNode: Any) -> list[Any]:
    """Return the nodes that show a review: its segmentation, its VOIs and their cylinders."""
    scene, segmentation = reviewNode.GetScene(), reviewNode.GetNodeReference(SEGMENTATION)
    nodes = [
        scene.GetNthNodeByClass(i, name)
        for name in ("vtkMRMLMarkupsROINode", "vtkMRMLModelNode")
        for i in range(scene.GetNumberOfNodesByClass(name))
    ]
    own = [node for node in nodes if node.GetNodeReferenceID(REVIEW_REFERENCE) == reviewNode.GetID()]
    return [*([] if segmentation is None else [segmentation]), *own]


def setShown(reviewNode: Any, shown: bool) -> None:
    """Show or hide a review in the views; the handles of a VOI are for whoever selects it."""
    for node in viewNodesOf(reviewNode):
        if node.GetDisplayNode() is not None and not (shown and node.IsA("vtkMRMLMarkupsROINode")):
            node.GetDisplayNode().SetVisibility(shown)


class ReviewStore:
    """Makes, writes and reads the text node of a volume."""

    @staticmethod
    def create(volumeNode: Any) -> Any:
        """Return the node of ``volumeNode``, made anew where there is none."""
        node = reviewNodeOf(volumeNode)
        if node is None:
            name = text("scene.review", name=volumeNode.GetName())
            node = volumeNode.GetScene().AddNewNodeByClass("vtkMRMLTextNode", name)
            node.SetAttribute(REVIEW_ATTRIBUTE, SCHEMA)
            node.SetNodeReferenceID(VOLUME_REFERENCE, volumeNode.GetID())
        return node

    @staticmethod
    def setAside(node: Any) -> None:
        """Keep a review that another one of its volume takes the place of."""
        volumeNode = node.GetNodeReference(VOLUME_REFERENCE)
        setShown(node, False)
        node.SetNodeReferenceID(EARLIER_REFERENCE, volumeNode.GetID())
        node.SetNodeReferenceID(VOLUME_REFERENCE, None)
        node.SetName(text("scene.earlier_review", name=volumeNode.GetName()))

    @staticmethod
    def bringBack(node: Any) -> None:
        """Make a review that was set aside the one of its volume again."""
        volumeNode = node.GetNodeReference(EARLIER_REFERENCE)
        node.SetNodeReferenceID(VOLUME_REFERENCE, volumeNode.GetID())
        node.SetNodeReferenceID(EARLIER_REFERENCE, None)
        node.SetName(text("scene.review", name=volumeNode.GetName()))

    @staticmethod
    def remove(node: Any) -> None:
        """Take a review out of the scene, with the nodes that show it."""
        scene = node.GetScene()
        for one in (*viewNodesOf(node), node):
            removeNode(scene, one)

    @staticmethod
    def write(node: Any, review: StoredReview) -> None:
        """Keep ``review`` in ``node``; ASCII, so that no encoding on the way can harm a name."""
        values = {
            "schema": SCHEMA,
            "stored": to_plain(review.stored),
            "air": review.air,
            "voxels": review.voxels,
            "remark": review.remark,
            "reported": review.reported,
            "record": review.examination.to_dict(),
        }
        node.SetText(json.dumps(values, allow_nan=False))

    @staticmethod
    def read(node: Any) -> StoredReview:
        """Return the review in ``node``; UsageError if it is none, or of a later version.

        One of an earlier version is written again: it also held the date of birth and the place of the files.
        """
        try:
            values = json.loads(node.GetText() or "")
            isEarlier = values["schema"] == _SCHEMA_2
            if isEarlier:
                values["stored"] = values.pop("scan")["source"]["geometry"]
            elif values["schema"] != SCHEMA:
                raise UsageError("scene.review_of_other_version", name=node.GetName())
            record = Examination.from_json(json.dumps(values.pop("record")))
            del values["schema"]
            stored = from_plain(Geometry, values.pop("stored"))
            review = StoredReview(record, stored, **values)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UsageError("scene.review_damaged", name=node.GetName()) from error
        if isEarlier:
            ReviewStore.write(node, review)
        return review


def checksum(hu: np.ndarray) -> int:
    """Return a checksum of voxels (z, y, x)."""
    value = 0
    for plane in hu:
        value = zlib.crc32(np.ascontiguousarray(plane).data, value)
    return value
