"""The VOIs in the views: for each level an ROI, whose handles edit it, and the cylinder that the reader sees."""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import Any

import slicer
import vtk

from ldct_bmd.anatomy import COLOR_RGB
from ldct_bmd.voi import CylinderVOI
from ldct_bmd.words import text

from .Nodes import removeNode
from .ReviewStore import REVIEW_REFERENCE
from .VOIGeometry import VOIGeometry

LEVEL_ATTRIBUTE = "LDCTBoneDensity.VOI"
_OUTLINE_PIXELS = 3
_EXCLUDED_OPACITY = 0.35
_HANDLE_SCALE = 1.2  # per cent of the view; Slicer's own would hide a vertebra


class VOIMarkups:
    """The ROIs and cylinders of one review. They follow the record; what a reader does to an ROI goes to ``onMoved``.

    Args:
        reviewNode: the review that they belong to.
        onMoved: called with level and VOI while an ROI is moved, turned or resized.
        onReleased: called with the level when the handle is let go.
        onRemoved: called with the level when the reader deletes an ROI.
    """

    def __init__(
        self,
        reviewNode: Any,
        onMoved: Callable[[str, CylinderVOI], None],
        onReleased: Callable[[str], None],
        onRemoved: Callable[[str], None],
    ) -> None:
        self._reviewNode, self._scene = reviewNode, reviewNode.GetScene()
        self._onMoved, self._onReleased, self._onRemoved = onMoved, onReleased, onRemoved
        self._rois: dict[str, Any] = {}
        self._cylinders: dict[str, Any] = {}
        self._vois: dict[str, CylinderVOI] = {}
        self._tags: list[tuple[Any, int]] = []
        self._busy = False
        self._selected: str | None = None
        self._removeLeftovers()

    def roi(self, level: str) -> Any:
        """Return the ROI node of ``level``, or None."""
        return self._rois.get(level)

    def cylinder(self, level: str) -> Any:
        """Return the model node of ``level``, or None."""
        return self._cylinders.get(level)

    def nodes(self, level: str) -> list[Any]:
        """Return the nodes of ``level``; none if there are none."""
        return [node for node in (self.roi(level), self.cylinder(level)) if node is not None]

    def show(self, vois: Mapping[str, CylinderVOI], excluded: frozenset[str] = frozenset()) -> None:
        """Make the nodes those of ``vois``: the record as it is now."""
        with self._quietly():
            for level in [level for level in self._rois if level not in vois]:
                self._remove(level)
            for level, voi in vois.items():
                if level not in self._rois:
                    self._add(level)
                roi = self._rois[level]
                if self._vois.get(level) != voi or VOIGeometry.differ(voi, VOIGeometry.fromROI(roi)):
                    VOIGeometry.toROI(voi, roi)
                    self._shape(level, voi)
                self._vois[level] = voi
                self.cylinder(level).GetDisplayNode().SetOpacity(_EXCLUDED_OPACITY if level in excluded else 1.0)
            self.select(self._selected)

    def select(self, level: str | None) -> None:
        """Show the handles of one level; the others show their cylinders alone."""
        self._selected = level
        for other, roi in self._rois.items():
            roi.GetDisplayNode().SetVisibility(other == level)

    def lock(self, locked: bool) -> None:
        """Keep the ROIs from being moved in the views: the review is signed."""
        with self._quietly():
            for roi in self._rois.values():
                roi.SetLocked(locked)

    def forget(self) -> None:
        """Stop observing; the nodes stay in the scene."""
        for node, tag in self._tags:
            node.RemoveObserver(tag)
        self._tags.clear()
        self._rois.clear()
        self._cylinders.clear()
        self._vois.clear()

    def remove(self) -> None:
        """Take all nodes out of the scene."""
        with self._quietly():
            for level in list(self._rois):
                self._remove(level)

    def _add(self, level: str) -> None:
        color = [value / 255 for value in COLOR_RGB[level]]
        roi = self._scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", text("scene.voi", level=level))
        roi.SetAttribute(LEVEL_ATTRIBUTE, level)
        roi.SetNodeReferenceID(REVIEW_REFERENCE, self._reviewNode.GetID())
        roi.CreateDefaultDisplayNodes()
        display = roi.GetDisplayNode()
        display.SetColor(*color)
        display.SetSelectedColor(*color)
        display.SetActiveColor(1.0, 1.0, 1.0)
        display.SetFillVisibility(False)
        display.SetOutlineOpacity(0.4)
        display.SetHandlesInteractive(True)
        display.SetTranslationHandleVisibility(True)
        display.SetRotationHandleVisibility(False)  # its ring lies over the VOI: a drag meant to move would turn it
        display.SetScaleHandleVisibility(True)
        display.SetInteractionHandleScale(_HANDLE_SCALE)
        display.SetPropertiesLabelVisibility(False)
        display.SetPointLabelsVisibility(False)
        display.SetVisibility(False)
        cylinder = self._scene.AddNewNodeByClass("vtkMRMLModelNode", text("scene.cylinder", level=level))
        cylinder.SetAttribute(LEVEL_ATTRIBUTE, level)
        cylinder.SetNodeReferenceID(REVIEW_REFERENCE, self._reviewNode.GetID())
        cylinder.CreateDefaultDisplayNodes()
        shown = cylinder.GetDisplayNode()
        shown.SetColor(*color)
        shown.SetVisibility2D(True)
        shown.SetSliceIntersectionThickness(_OUTLINE_PIXELS)
        cylinder.SetSelectable(False)
        self._rois[level], self._cylinders[level] = roi, cylinder
        for event, handler in (
            (slicer.vtkMRMLMarkupsNode.PointModifiedEvent, self._moved),
            (vtk.vtkCommand.ModifiedEvent, self._moved),
            (slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent, self._released),
        ):
            tag = roi.AddObserver(event, lambda caller, _event, handler=handler: handler(caller))
            self._tags.append((roi, tag))

    def _moved(self, roi: Any) -> None:
        level = self._levelOf(roi)
        if self._busy or level is None or level not in self._vois:
            return
        try:
            voi = VOIGeometry.fromROI(roi)
        except ValueError:
            return  # squeezed flat on the way; the next move opens it again
        if not VOIGeometry.differ(voi, self._vois[level]):
            return
        self._vois[level] = voi
        self._shape(level, voi)
        self._onMoved(level, voi)

    def _released(self, roi: Any) -> None:
        level = self._levelOf(roi)
        if not self._busy and level is not None:
            self._onReleased(level)

    def nodeRemoved(self, node: Any) -> None:
        """Tell that a node left the scene: an ROI or a cylinder of a reader who deleted it."""
        for level, roi in list(self._rois.items()):
            if self._busy or (node is not roi and node is not self._cylinders[level]):
                continue
            with self._quietly():
                self._remove(level)
            self._onRemoved(level)

    def _shape(self, level: str, voi: CylinderVOI) -> None:
        cylinder, surface = self._cylinders[level], VOIGeometry.surface(voi)
        if cylinder.GetPolyData() is None:
            cylinder.SetAndObservePolyData(surface)
            return
        # In place, and told once: with every event all slice views cut the mesh again, while the reader waits.
        shown = cylinder.GetPolyData()
        shown.GetPoints().SetData(surface.GetPoints().GetData())
        shown.GetPointData().SetNormals(surface.GetPointData().GetNormals())
        shown.Modified()

    def _remove(self, level: str) -> None:
        roi, cylinder = self._rois.pop(level), self._cylinders.pop(level)
        self._vois.pop(level, None)
        for node, tag in [(node, tag) for node, tag in self._tags if node is roi]:
            node.RemoveObserver(tag)
        self._tags = [(node, tag) for node, tag in self._tags if node is not roi]
        for node in (roi, cylinder):
            removeNode(self._scene, node)

    def _removeLeftovers(self) -> None:
        """Take out the nodes that a saved scene brought: the record is the truth, and they are made again from it."""
        scene = self._scene
        found = [
            scene.GetNthNodeByClass(i, name)
            for name in ("vtkMRMLMarkupsROINode", "vtkMRMLModelNode")
            for i in range(scene.GetNumberOfNodesByClass(name))
        ]
        for node in found:
            own = node.GetNodeReferenceID(REVIEW_REFERENCE) == self._reviewNode.GetID()
            if node.GetAttribute(LEVEL_ATTRIBUTE) and own:
                removeNode(scene, node)

    def _levelOf(self, roi: Any) -> str | None:
        return next((level for level, own in self._rois.items() if own is roi), None)

    @contextmanager
    def _quietly(self) -> Any:
        """Keep what is done here from being taken for the reader's hand."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before
