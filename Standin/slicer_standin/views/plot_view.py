"""A plot view: mirrors Slicer's `Libs/MRML/Widgets/qMRMLPlotView.h` (`.cxx`) and `qMRMLPlotWidget.h`.

Draws the chart of its view node: line and scatter series, titles, legend, grid, axis ranges. Bars, dragging of points
and the original's bar of controls are left out.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ..pythonqt.standin import standin
from ..qmrml.observations import Observations
from ..qmrml.widget import qMRMLWidget
from .render_widget import RenderWidget

_Series = slicer.vtkMRMLPlotSeriesNode
_LINES = {
    _Series.LineStyleNone: vtk.vtkPen.NO_PEN,
    _Series.LineStyleSolid: vtk.vtkPen.SOLID_LINE,
    _Series.LineStyleDash: vtk.vtkPen.DASH_LINE,
    _Series.LineStyleDot: vtk.vtkPen.DOT_LINE,
    _Series.LineStyleDashDot: vtk.vtkPen.DASH_DOT_LINE,
    _Series.LineStyleDashDotDot: vtk.vtkPen.DASH_DOT_DOT_LINE,
}
_MARKERS = {
    _Series.MarkerStyleNone: vtk.vtkPlotPoints.NONE,
    _Series.MarkerStyleCross: vtk.vtkPlotPoints.CROSS,
    _Series.MarkerStylePlus: vtk.vtkPlotPoints.PLUS,
    _Series.MarkerStyleSquare: vtk.vtkPlotPoints.SQUARE,
    _Series.MarkerStyleCircle: vtk.vtkPlotPoints.CIRCLE,
    _Series.MarkerStyleDiamond: vtk.vtkPlotPoints.DIAMOND,
}


@standin
class qMRMLPlotView(RenderWidget):
    """The canvas: the original derives from ctkVTKChartView, which gives `chart()`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chart = vtk.vtkChartXY()
        self._actor = vtk.vtkContextActor()
        self._actor.GetScene().AddItem(self._chart)
        self._actor.GetScene().SetRenderer(self._renderer)
        self._renderer.AddActor(self._actor)
        self._renderer.SetBackground(1.0, 1.0, 1.0)
        self._observations = Observations(self)
        self._mrml_scene: Any = None
        self._node: Any = None

    def chart(self) -> Any:
        return self._chart

    def mrmlScene(self) -> Any:
        return self._mrml_scene

    def setMRMLScene(self, scene: Any) -> None:
        self._mrml_scene = scene
        self._on_chart_changed()

    def mrmlPlotViewNode(self) -> Any:
        return self._node

    def setMRMLPlotViewNode(self, node: Any) -> None:
        self._observations.remove("view")
        self._node = node
        if node is not None:
            for event in (node.PlotChartNodeChangedEvent, vtk.vtkCommand.ModifiedEvent):
                self._observations.add("view", node, event, lambda *_: self._on_chart_changed())
        self._on_chart_changed()

    def fitToContent(self) -> None:
        self._chart.RecalculateBounds()
        self._schedule_render()

    def _chart_node(self) -> Any:
        if self._mrml_scene is None or self._node is None or not self._node.GetPlotChartNodeID():
            return None
        return self._mrml_scene.GetNodeByID(self._node.GetPlotChartNodeID())

    def _on_chart_changed(self) -> None:
        self._observations.remove("chart")
        node = self._chart_node()
        if node is not None:
            self._observations.add("chart", node, vtk.vtkCommand.ModifiedEvent, lambda *_: self._update())
        self._update()

    def _update(self) -> None:
        """qMRMLPlotViewPrivate::updateWidgetFromMRML."""
        chart, node = self._chart, self._chart_node()
        chart.ClearPlots()
        if node is None:
            self._schedule_render()
            return
        for i in range(node.GetNumberOfPlotSeriesNodes()):
            plot = _plot(node.GetNthPlotSeriesNode(i))
            if plot is not None:
                chart.AddPlot(plot)
        chart.SetTitle((node.GetTitle() or "") if node.GetTitleVisibility() else "")
        chart.GetTitleProperties().SetFontSize(node.GetTitleFontSize())
        chart.SetShowLegend(node.GetLegendVisibility())
        for place in (vtk.vtkAxis.BOTTOM, vtk.vtkAxis.TOP, vtk.vtkAxis.LEFT, vtk.vtkAxis.RIGHT):
            _set_axis(chart.GetAxis(place), node, place in (vtk.vtkAxis.BOTTOM, vtk.vtkAxis.TOP))
        self._actor.GetScene().SetDirty(True)
        self._schedule_render()


def _plot(series: Any) -> Any:
    """qMRMLPlotViewPrivate::updatePlotFromPlotSeriesNode: None where the series is not complete."""
    table: Any = series.GetTableNode().GetTable() if series is not None and series.GetTableNode() is not None else None
    y = table.GetColumnByName(series.GetYColumnName()) if table is not None else None
    if y is None or y.GetDataType() == vtk.VTK_STRING:
        return None
    if series.GetPlotType() not in (_Series.PlotTypeScatter, _Series.PlotTypeLine):
        raise NotImplementedError("the stand-in draws no bars")
    plot = vtk.vtkPlotLine()
    plot.SetWidth(series.GetLineWidth())
    plot.SetColorF(*series.GetColor())
    plot.GetPen().SetOpacityF(series.GetOpacity())
    plot.GetPen().SetLineType(_LINES[series.GetLineStyle()])
    plot.SetMarkerSize(series.GetMarkerSize())
    plot.SetMarkerStyle(_MARKERS[series.GetMarkerStyle()])
    if series.GetLabelColumnName():
        plot.SetIndexedLabels(table.GetColumnByName(series.GetLabelColumnName()))
    if series.IsXColumnRequired():
        x = table.GetColumnByName(series.GetXColumnName())
        if x is None or x.GetDataType() == vtk.VTK_STRING:
            return None
        plot.SetUseIndexForXSeries(False)
        plot.SetInputData(table, series.GetXColumnName(), series.GetYColumnName())
    else:
        plot.SetUseIndexForXSeries(True)
        plot.SetInputData(table, series.GetYColumnName(), series.GetYColumnName())
    plot.SetLabel(series.GetName() or series.GetYColumnName())
    return plot


def _set_axis(axis: Any, node: Any, is_x: bool) -> None:
    name = "X" if is_x else "Y"
    title = getattr(node, f"Get{name}AxisTitle")() if getattr(node, f"Get{name}AxisTitleVisibility")() else ""
    axis.SetTitle(title or "")
    if getattr(node, f"Get{name}AxisRangeAuto")():
        axis.SetBehavior(vtk.vtkAxis.AUTO)
    else:
        axis.SetBehavior(vtk.vtkAxis.FIXED)
        axis.SetUnscaledRange(*getattr(node, f"Get{name}AxisRange")())
    axis.SetGridVisible(node.GetGridVisibility())
    axis.GetTitleProperties().SetFontSize(node.GetAxisTitleFontSize())
    axis.GetTitleProperties().SetBold(False)
    axis.GetLabelProperties().SetFontSize(node.GetAxisLabelFontSize())


@standin
class qMRMLPlotWidget(qMRMLWidget):
    """A plot view; the real one has a bar of controls above it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = qMRMLPlotView(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._view.setMRMLScene(scene)

    def plotView(self) -> qMRMLPlotView:
        return self._view

    def viewWidget(self) -> QWidget:
        return self._view

    def mrmlPlotViewNode(self) -> Any:
        return self._view.mrmlPlotViewNode()

    def setMRMLPlotViewNode(self, node: Any) -> None:
        self._view.setMRMLPlotViewNode(node)
