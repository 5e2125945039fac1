"""A segmentation that is in the scene already, in place of the network."""

from typing import Any

import numpy as np
import vtk

from ldct_bmd.anatomy import SNOMED_CODE, VERSE_VALUE, level_in_name
from ldct_bmd.ground.errors import UsageError

from .VertebraSegments import VertebraSegments
from .VolumeReader import VolumeReader

_LEVEL_OF_CODE = {code: level for level, code in SNOMED_CODE.items() if code is not None}


class SegmentSource:
    """Finds the vertebrae in a segmentation node by the names of its segments, or their terminology."""

    @staticmethod
    def levelOf(segment: Any) -> str | None:
        """Return the level that a segment names, or None."""
        entry = vtk.reference("")
        if segment.GetTag(segment.GetTerminologyEntryTagName(), entry):
            for part in str(entry.get()).split("~"):
                code = part.split("^")
                if len(code) == 3 and code[0] == "SCT" and code[1] in _LEVEL_OF_CODE:
                    return _LEVEL_OF_CODE[code[1]]
        return level_in_name(segment.GetName() or "")

    @staticmethod
    def labels(segmentationNode: Any, reader: VolumeReader) -> np.ndarray:
        """Return the vertebrae as a label map on the engine's grid, VerSe values.

        Raises:
            UsageError: no segment is a vertebra, two are the same one, or none lies in the volume.
        """
        segmentation = segmentationNode.GetSegmentation()
        found: dict[str, str] = {}
        for i in range(segmentation.GetNumberOfSegments()):
            level = SegmentSource.levelOf(segmentation.GetNthSegment(i))
            if level in found:
                raise UsageError("scene.segment_twice", name=segmentationNode.GetName(), level=level)
            if level is not None:
                found[level] = segmentation.GetNthSegmentID(i)
        labels = np.zeros(reader.geometry.shape, dtype=np.uint8)
        for level, segmentId in found.items():
            body = VertebraSegments.mask(segmentationNode, segmentId, reader)
            if body is not None:
                labels[body.box][body.inside] = VERSE_VALUE[level]
        if not labels.any():
            raise UsageError("scene.no_vertebra", name=segmentationNode.GetName())
        return labels
