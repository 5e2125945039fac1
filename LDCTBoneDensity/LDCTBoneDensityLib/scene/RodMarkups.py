"""The rods in the views: two points each, which a user may move, and the pieces that were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import slicer
import vtk

from ldct_bmd.words import text

from ..common.Signal import Signal
from .Nodes import isAlive, removeNode

if TYPE_CHECKING:
    from slicer import vtkMRMLScene

    from ldct_bmd.calibration.phantom.measure import PhantomMeasurement

Points = dict[str, list[tuple[float, float, float]]]
_COLOR = (1.0, 0.55, 0.1)
_SIDES = 48
_OUTLINE_PIXELS = 2


class RodMarkups:
    """A point list of fixed length, labelled with the rods' names, and a model of the measured cylinders.

    Attributes:
        moved: emits False while a point is moved, and True when it is let go.
    """

    def __init__(self, scene: vtkMRMLScene) -> None:
        self.moved = Signal()
        self._scene = scene
        self._names: list[str] = []
        self._node: Any = None
        self._model: Any = None
        self._tags: list[int] = []
        self._busy = False

    @property
    def node(self) -> Any:
        """The point list, or None."""
        return self._node if isAlive(self._node) else None

    @property
    def model(self) -> Any:
        """The model of the measured cylinders, or None."""
        return self._model if isAlive(self._model) else None

    def show(self, name: str, points: Mapping[str, Sequence[Sequence[float]]]) -> None:
        """Show two points (LPS, mm) for each rod, in the place of any before."""
        self.clear()
        node = self._scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", text("scene.rods", name=name))
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSelectedColor(*_COLOR)
        display.SetTextScale(3.0)
        display.SetSliceProjection(True)  # so that the rods are named in every slice
        display.SetSliceProjectionUseFiducialColor(True)
        display.SetGlyphScale(2.0)
        for rod, ends in points.items():
            for x, y, z in ends:
                node.AddControlPointWorld(-x, -y, z, rod)
                self._names.append(rod)
        node.SetFixedNumberOfControlPoints(True)
        self._node = node
        for event, isReleased in (
            (slicer.vtkMRMLMarkupsNode.PointModifiedEvent, False),
            (slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent, True),
        ):
            self._tags.append(node.AddObserver(event, lambda *_, released=isReleased: self._moved(released)))

    def points(self) -> Points:
        """Return the points as they are now, LPS in mm; {} where the list was deleted."""
        found: Points = {}
        if self.node is None:
            return found
        for number, rod in enumerate(self._names):
            r, a, s = self._node.GetNthControlPointPositionWorld(number)
            found.setdefault(rod, []).append((-r, -a, s))
        return found

    def outline(self, measured: PhantomMeasurement | None) -> None:
        """Show what was measured of each rod: in the slices as a circle, in 3D as a cylinder."""
        if measured is None:
            if self.model is not None:
                self._model.GetDisplayNode().SetVisibility(False)
            return
        if self.model is None:
            self._model = self._scene.AddNewNodeByClass("vtkMRMLModelNode", text("scene.rods_measured"))
            self._model.SetSaveWithScene(False)
            self._model.SetSelectable(False)
            self._model.CreateDefaultDisplayNodes()
            display = self._model.GetDisplayNode()
            display.SetColor(*_COLOR)
            display.SetOpacity(0.6)
            display.SetVisibility2D(True)
            display.SetSliceIntersectionThickness(_OUTLINE_PIXELS)
        self._model.SetAndObservePolyData(_cylinders(measured))
        self._model.GetDisplayNode().SetVisibility(True)

    def clear(self) -> None:
        """Take all of it out of the scene."""
        self._busy = True
        if self.node is not None:
            for tag in self._tags:
                self._node.RemoveObserver(tag)
        for node in (self.node, self.model):
            if node is not None:
                removeNode(self._scene, node)
        self._node, self._model = None, None
        self._names, self._tags, self._busy = [], [], False

    def _moved(self, isReleased: bool) -> None:
        if not self._busy:
            self.moved.emit(isReleased)


def _cylinders(measured: PhantomMeasurement) -> Any:
    """Return one tube for each rod, as wide as what was measured of it, in RAS."""
    together = vtk.vtkAppendPolyData()
    for rod, described in zip(measured.rods, measured.phantom.rods, strict=True):
        line = vtk.vtkLineSource()
        for setPoint, (x, y, z) in ((line.SetPoint1, rod.start_lps_mm), (line.SetPoint2, rod.end_lps_mm)):
            setPoint(-x, -y, z)
        tube = vtk.vtkTubeFilter()
        tube.SetInputConnection(line.GetOutputPort())
        tube.SetRadius(described.diameter_mm / 2 - measured.phantom.wall_margin_mm)
        tube.SetNumberOfSides(_SIDES)
        tube.CappingOn()
        together.AddInputConnection(tube.GetOutputPort())
    together.Update()
    return together.GetOutput()
