"""A segmentation that is in the scene already, in place of the network."""

import re
from typing import Any

import numpy as np
import vtk

from ldct_bmd.anatomy import LEVELS, SNOMED_CODE, VERSE_VALUE
from ldct_bmd.ground.errors import UsageError

from .VertebraSegments import VertebraSegments
from .VolumeReader import VolumeReader

# "L1", "vertebrae_L1", "L1 vertebra", "Th12", "T 12 body"; not "L1-L2", nor "L10".
_NAME = re.compile(r"(?<![A-Za-z0-9])(C7|TH?\s?(?:1[0-3]|[1-9])|L\s?[1-6])(?![0-9])(?!\s?[-/]\s?\d)", re.IGNORECASE)
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
        return SegmentSource.levelInName(segment.GetName() or "")

    @staticmethod
    def levelInName(name: str) -> str | None:
        """Return the one level that a name holds, or None."""
        found = {match.upper().replace(" ", "").replace("TH", "T") for match in _NAME.findall(name.replace("_", " "))}
        level = found.pop() if len(found) == 1 else None
        return level if level in LEVELS else None

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
