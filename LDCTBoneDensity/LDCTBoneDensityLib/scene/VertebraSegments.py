"""The vertebral bodies as segments, with the names, colours and codes of their levels."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ldct_bmd.anatomy import COLOR_RGB, VERSE_VALUE, level_in_name, order
from ldct_bmd.examination import Bodies, BodyMask, box_around, widened
from ldct_bmd.reporting.terminology import terminology_entry
from ldct_bmd.scan import Geometry
from ldct_bmd.scan.frame import AxisMap
from ldct_bmd.words import text

from .Nodes import arrayOf, removeNode, voxelsOf
from .VolumeReader import VolumeReader

# The segment's level, whatever it is called; a reader may rename a segment without renaming a vertebra.
LEVEL_TAG = "LDCTBoneDensity.Level"
UNNAMED_RGB = (150, 150, 150)
_FIRST_UNNAMED = 200  # VerSe's values end at 28
_UNNAMED = re.compile(r"[+-]\d+")  # the key of a vertebra without a name
_OPACITY_2D = 0.12  # the bone under it must be seen
_OPACITY_3D = 0.45  # the cylinders inside must be seen


class VertebraSegments:
    """Makes the segmentation of one volume, keeps it to the record's names, and reads edited masks from it."""

    @staticmethod
    def create(volumeNode: Any, bodies: Bodies) -> Any:
        """Return a new segmentation node with one segment a level."""
        reader = VolumeReader(volumeNode)
        name = text("scene.segmentation", name=volumeNode.GetName())
        node = volumeNode.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
        VertebraSegments.write(node, reader, bodies)
        display = node.GetDisplayNode()
        display.SetOpacity2DFill(_OPACITY_2D)
        display.SetOpacity3D(_OPACITY_3D)
        return node

    @staticmethod
    def write(node: Any, reader: VolumeReader, bodies: Bodies) -> None:
        """Make the segments of ``node`` again."""
        segmentation = node.GetSegmentation()
        wasModified = node.StartModify()
        segmentation.RemoveAllSegments()
        if bodies:
            image = _orientedImage(reader, bodies)
            slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(image, node, "")
            levels = {value: level for level, value in _values(bodies).items()}
            for i in range(segmentation.GetNumberOfSegments()):
                segment = segmentation.GetNthSegment(i)
                VertebraSegments._label(segment, levels[segment.GetLabelValue()])
            node.CreateClosedSurfaceRepresentation()
        node.EndModify(wasModified)

    @staticmethod
    def writeBody(node: Any, reader: VolumeReader, level: str, body: BodyMask) -> None:
        """Put one mask into its segment, or into a new one, as undo does."""
        segmentId = VertebraSegments.prepare(node, level)
        image = _orientedImage(reader, {level: body}, value=1)
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, node, segmentId)

    @staticmethod
    def prepare(node: Any, level: str) -> str:
        """Return the ID of the segment of ``level``, an empty one if there was none."""
        segmentId = VertebraSegments.segmentOf(node, level)
        if segmentId is None:
            segmentation = node.GetSegmentation()
            segmentId = str(segmentation.AddEmptySegment("", level))
            VertebraSegments._label(segmentation.GetSegment(segmentId), level)
        return segmentId

    @staticmethod
    def adopt(node: Any) -> None:
        """Take segments that a reader drew and named after a level for those of their levels."""
        segmentation, taken = node.GetSegmentation(), VertebraSegments.levels(node)
        for i in range(segmentation.GetNumberOfSegments()):
            segment = segmentation.GetNthSegment(i)
            level = level_in_name(segment.GetName() or "")
            if not _tag(segment) and level is not None and level not in taken:
                VertebraSegments._label(segment, level)
                taken[level] = segmentation.GetNthSegmentID(i)

    @staticmethod
    def remove(node: Any, level: str) -> None:
        """Take the segment of ``level`` out, if there is one."""
        segmentId = VertebraSegments.segmentOf(node, level)
        if segmentId is not None:
            node.GetSegmentation().RemoveSegment(segmentId)

    @staticmethod
    def rename(node: Any, names: Mapping[str, str]) -> None:
        """Give segments the names, colours and codes of other levels; ``names`` is old level to new."""
        segmentation = node.GetSegmentation()
        segments = {old: segmentation.GetSegment(VertebraSegments.segmentOf(node, old) or "") for old in names}
        for old, segment in segments.items():
            if segment is not None:
                VertebraSegments._label(segment, names[old])

    @staticmethod
    def levels(node: Any) -> dict[str, str]:
        """Return the segment ID of each level that has a segment."""
        segmentation = node.GetSegmentation()
        found = {}
        for i in range(segmentation.GetNumberOfSegments()):
            level = _tag(segmentation.GetNthSegment(i))
            if level in VERSE_VALUE or _UNNAMED.fullmatch(level):
                found[level] = segmentation.GetNthSegmentID(i)
        return found

    @staticmethod
    def segmentOf(node: Any, level: str) -> str | None:
        """Return the ID of the segment of ``level``, or None."""
        return VertebraSegments.levels(node).get(level)

    @staticmethod
    def bodies(node: Any, reader: VolumeReader) -> dict[str, BodyMask]:
        """Return the masks as they are drawn now, on the engine's grid; an empty segment gives none."""
        found = {}
        for level, segmentId in VertebraSegments.levels(node).items():
            body = VertebraSegments.mask(node, segmentId, reader)
            if body is not None:
                found[level] = body
        return dict(sorted(found.items(), key=lambda item: order(item[0]) if item[0] in VERSE_VALUE else -1))

    @staticmethod
    def mask(node: Any, segmentId: str, reader: VolumeReader) -> BodyMask | None:
        """Return a segment's mask on the engine's grid; None where it is empty or lies outside the volume.

        It is read from its own part of the label map where that has the volume's grid, and resampled where not.
        """
        image = node.GetBinaryLabelmapInternalRepresentation(segmentId)
        if image is None or image.IsEmpty():
            return None
        matrix, own = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        reader.volumeNode.GetIJKToRASMatrix(own)
        difference = arrayOf(matrix) - arrayOf(own)
        if np.abs(difference).max() < 1e-6:
            i0, i1, j0, j1, k0, k1 = image.GetExtent()
            scalars = vtk_to_numpy(image.GetPointData().GetScalars())
            array = scalars.reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
            inside = array == node.GetSegmentation().GetSegment(segmentId).GetLabelValue()
            start = (k0, j0, i0)
        else:
            inside = _resampled(node, segmentId, reader.volumeNode) > 0
            start = (0, 0, 0)
        return _cropped(inside, start, reader)

    @staticmethod
    def _label(segment: Any, level: str) -> None:
        segment.SetTag(LEVEL_TAG, level)
        segment.SetColor([value / 255 for value in COLOR_RGB.get(level, UNNAMED_RGB)])
        if level not in VERSE_VALUE:
            segment.SetName(text("scene.unnamed"))
            segment.RemoveTag(segment.GetTerminologyEntryTagName())
            return
        segment.SetName(level)
        segment.SetTag(segment.GetTerminologyEntryTagName(), terminology_entry(level))


def _tag(segment: Any) -> str:
    value = vtk.reference("")
    return str(value.get()) if segment.GetTag(LEVEL_TAG, value) else ""


def _resampled(node: Any, segmentId: str, volumeNode: Any) -> np.ndarray:
    """Return a segment on the volume's grid (k, j, i), drawn on whatever other grid."""
    scene = node.GetScene()
    wanted = vtk.vtkStringArray()
    wanted.InsertNextValue(segmentId)
    drawn = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "__resampled__")
    try:
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        if not logic.ExportSegmentsToLabelmapNode(node, wanted, drawn, volumeNode):
            raise RuntimeError("the segment could not be brought onto the volume's grid")
        return voxelsOf(drawn).copy()
    finally:
        if drawn.GetDisplayNode() is not None:
            scene.RemoveNode(drawn.GetDisplayNode().GetColorNode())
        removeNode(scene, drawn)


def _values(bodies: Bodies) -> dict[str, int]:
    """Return the value of each body in a label map: VerSe's, and others for those without a name."""
    unnamed = [level for level in bodies if level not in VERSE_VALUE]
    return {level: VERSE_VALUE.get(level) or _FIRST_UNNAMED + unnamed.index(level) for level in bodies}


def _orientedImage(reader: VolumeReader, bodies: Bodies, value: int | None = None) -> Any:
    """Return the bodies as a label map on the volume's own grid, no larger than they are."""
    box = box_around(bodies)
    labels, values = np.zeros([s.stop - s.start for s in box], dtype=np.uint8), _values(bodies)
    for level, body in bodies.items():
        place = tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(body.box, box, strict=True))
        labels[place][body.inside] = values[level] if value is None else value
    stored = np.ascontiguousarray(reader.axisMap.inverse().view(labels))
    first = [s.start for s in _boxOnTarget(box, reader.geometry, reader.axisMap.inverse())][::-1]
    image = slicer.vtkOrientedImageData()
    image.SetExtent(
        *(bound for start, n in zip(first, stored.shape[::-1], strict=True) for bound in (start, start + n - 1))
    )
    scalars = numpy_to_vtk(stored.ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR)
    image.GetPointData().SetScalars(scalars)
    matrix = vtk.vtkMatrix4x4()
    reader.volumeNode.GetIJKToRASMatrix(matrix)
    image.SetImageToWorldMatrix(matrix)
    return image


def _boxOnTarget(box: tuple[slice, ...], geometry: Geometry, axisMap: AxisMap) -> tuple[slice, ...]:
    """Return ``box`` (z, y, x) on the grid that ``axisMap`` leads to from ``geometry``, (z, y, x) again."""
    spans = []
    for source, flipped in zip(axisMap.axes, axisMap.flipped, strict=True):
        span, n = box[2 - source], geometry.size[source]
        spans.append(slice(n - span.stop, n - span.start) if flipped else span)
    return tuple(spans[::-1])


def _cropped(inside: np.ndarray, start: tuple[int, int, int], reader: VolumeReader) -> BodyMask | None:
    if not inside.any():
        return None
    bounds = []
    for axis in range(3):
        seen = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))
        bounds.append(slice(int(seen[0]), int(seen[-1]) + 1))
    size = reader.stored.shape
    tight = tuple(slice(b.start + s, b.stop + s) for b, s in zip(bounds, start, strict=True))
    # A mask may be drawn beyond the volume, where there is nothing to measure.
    kept = tuple(slice(max(t.start, 0), min(t.stop, n)) for t, n in zip(tight, size, strict=True))
    if any(s.stop <= s.start for s in kept):
        return None
    body = inside[tuple(slice(k.start - s, k.stop - s) for k, s in zip(kept, start, strict=True))]
    box = widened(kept, size)
    wide = np.zeros([s.stop - s.start for s in box], dtype=bool)
    wide[tuple(slice(k.start - b.start, k.stop - b.start) for k, b in zip(kept, box, strict=True))] = body
    onEngine = _boxOnTarget(box, reader.stored, reader.axisMap)
    return BodyMask((onEngine[0], onEngine[1], onEngine[2]), np.ascontiguousarray(reader.axisMap.view(wide)))
