"""The drift of a scanner's calibrations as one of Slicer's charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
import vtk

from ldct_bmd.calibration.drift import QUANTITIES
from ldct_bmd.words import ENGLISH, speaking, text

from ..scene.Nodes import isAlive, removeNode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ldct_bmd.calibration.drift import DriftSeries

SLOPE, INTERCEPT, REFERENCE = range(3)  # as in QUANTITIES and DriftSeries.charts
_X = "day"
_MARGIN = 0.03  # of the range
_LINE, _ALARM, _GRAY = (0.19, 0.38, 0.63), (0.82, 0.13, 0.13), (0.45, 0.45, 0.45)


class DriftPlot:
    """A plot widget and the nodes that it draws; none of them is saved with the scene.

    Args:
        layout: where the widget goes.
        scene: where the nodes go.
    """

    def __init__(self, layout: Any, scene: Any) -> None:
        self._layout, self._scene = layout, scene
        self._widget: Any = None
        self._nodes: list[Any] = []
        self._view: Any = None
        self._owner: Any = None

    @property
    def chart(self) -> Any:
        """The chart node on display, or None."""
        return self._view.GetPlotChartNode() if isAlive(self._view) else None

    @speaking(ENGLISH)  # the fonts that VTK draws with hold no Chinese
    def show(self, series: DriftSeries, quantity: int) -> None:
        """Plot one quantity over the days since the first scan, with its control limits and its alarms."""
        self.clear()
        first = series.points[0].day
        days = [float((point.day - first).days) for point in series.points]
        dates = [point.day.isoformat() for point in series.points]
        values, name, unit = _quantity(series, quantity)
        chart = self._add("vtkMRMLPlotChartNode", text("drift.title"))
        chart.SetTitleVisibility(False)
        chart.SetLegendVisibility(False)  # it would lie over the points
        margin = max(_MARGIN * days[-1], 1.0)
        chart.SetXAxisRangeAuto(False)  # else the markers of the first and last scan would be cut
        chart.SetXAxisRange(-margin, days[-1] + margin)
        chart.SetXAxisTitle(text("drift.days", day=first.isoformat()))
        chart.SetYAxisTitle(f"{name}, {unit}")
        chart.SetAxisTitleFontSize(13)
        chart.SetAxisLabelFontSize(11)
        self._line(chart, name, days, values, dates, _LINE, hasMarkers=True)
        if series.charts:
            control = series.charts[quantity]
            ends = [days[0], days[-1]]
            low, high = control.limits
            self._line(chart, text("drift.baseline"), ends, [control.centre] * 2, (), _GRAY)
            for words, limit in ((text("drift.upper"), high), (text("drift.lower"), low)):
                self._line(chart, words, ends, [limit] * 2, (), _GRAY, isDashed=True)
            alarms = [k for k, told in enumerate(control.alarms) if told]
            if alarms:
                at, outside = [days[k] for k in alarms], [values[k] for k in alarms]
                on = [dates[k] for k in alarms]
                self._line(chart, text("drift.beyond"), at, outside, on, _ALARM, hasMarkers=True, hasLine=False)
        self._ensureWidget()
        self._view.SetPlotChartNodeID(chart.GetID())

    def clear(self) -> None:
        """Take the chart and what it draws out of the scene."""
        if isAlive(self._view):
            self._view.SetPlotChartNodeID(None)
        for node in self._nodes:
            if isAlive(node):
                removeNode(self._scene, node)
        self._nodes = []

    def forget(self) -> None:
        """Take the view's node out too."""
        self.clear()
        if self._widget is not None:
            self._widget.setMRMLPlotViewNode(None)
        for node in (self._view, self._owner):
            if isAlive(node):
                removeNode(self._scene, node)
        self._view, self._owner = None, None

    def _ensureWidget(self) -> None:
        if self._widget is None:
            self._widget = slicer.qMRMLPlotWidget()
            self._widget.setMRMLScene(self._scene)
            self._layout.addWidget(self._widget)
        if not isAlive(self._view):
            self._view, self._owner = self._newView()
            self._widget.setMRMLPlotViewNode(self._view)

    def _newView(self) -> tuple[Any, Any]:
        """Return a view node in the scene, and the node that it belongs to.

        Without one, Slicer's layout would take it for its own when it is added, and make a second widget for it.
        """
        owner = self._scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        view = self._scene.CreateNodeByClass("vtkMRMLPlotViewNode")
        view.SetName(text("drift.title"))
        for node in (owner, view):
            node.UnRegister(None)
            node.SetSaveWithScene(False)
            node.SetHideFromEditors(True)
            if node is view:
                view.SetAndObserveParentLayoutNodeID(owner.GetID())
            self._scene.AddNode(node)
        return view, owner

    def _add(self, className: str, name: str) -> Any:
        node = self._scene.AddNewNodeByClass(className, name)
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        self._nodes.append(node)
        return node

    def _line(
        self,
        chart: Any,
        name: str,
        days: Sequence[float],
        values: Sequence[float],
        dates: Sequence[str],
        color: tuple[float, float, float],
        isDashed: bool = False,
        hasMarkers: bool = False,
        hasLine: bool = True,
    ) -> None:
        kinds = slicer.vtkMRMLPlotSeriesNode
        if len(days) == 1:  # VTK draws no series of one point
            days, values, dates = [*days] * 2, [*values] * 2, [*dates] * 2
        table = self._add("vtkMRMLTableNode", name)
        for title, column in ((_X, days), (name, values)):
            array = vtk.vtkDoubleArray()
            array.SetName(title)
            for value in column:
                array.InsertNextValue(value)
            table.AddColumn(array)
        series = self._add("vtkMRMLPlotSeriesNode", name)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetPlotType(kinds.PlotTypeScatter)
        series.SetXColumnName(_X)
        series.SetYColumnName(name)
        if dates:
            labels = vtk.vtkStringArray()
            labels.SetName("date")
            for date in dates:
                labels.InsertNextValue(date)
            table.AddColumn(labels)
            series.SetLabelColumnName("date")
        series.SetColor(*color)
        series.SetLineStyle(
            kinds.LineStyleNone if not hasLine else kinds.LineStyleDash if isDashed else kinds.LineStyleSolid
        )
        series.SetLineWidth(2.0 if hasMarkers else 1.5)
        series.SetMarkerStyle(kinds.MarkerStyleCircle if hasMarkers else kinds.MarkerStyleNone)
        series.SetMarkerSize(8.0 if hasLine else 13.0)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())


def _quantity(series: DriftSeries, quantity: int) -> tuple[list[float], str, str]:
    """Return values, name and unit, also where there are too few points for control limits."""
    name, unit = QUANTITIES[quantity]
    values = {
        SLOPE: [point.calibration.slope for point in series.points],
        INTERCEPT: [point.calibration.intercept_mg_cm3 for point in series.points],
        REFERENCE: [point.reference_bmd_mg_cm3 for point in series.points],
    }
    return values[quantity], str(name), unit
