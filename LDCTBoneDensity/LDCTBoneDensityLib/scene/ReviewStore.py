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

SCHEMA = "ldct-bmd-review/3"
_SCHEMA_2 = "ldct-bmd-review/2"
REVIEW_ATTRIBUTE = "LDCTBoneDensity.Review"
VOLUME_REFERENCE = "LDCTBoneDensity.Volume"
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


def reviewNodeOf(volumeNode: Any) -> Any:
    """Return the text node that holds the review of ``volumeNode``, or None."""
    scene = volumeNode.GetScene()
    for i in range(scene.GetNumberOfNodesByClass("vtkMRMLTextNode")):
        node = scene.GetNthNodeByClass(i, "vtkMRMLTextNode")
        if node.GetAttribute(REVIEW_ATTRIBUTE) and node.GetNodeReferenceID(VOLUME_REFERENCE) == volumeNode.GetID():
            return node
    return None


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
