"""The window on the site's calibrations: what is there, one more from a phantom, drift."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from ldct_bmd.calibration.drift import QUANTITIES, all_series
from ldct_bmd.findings import Severity
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.words import text

from ..common.FindingsView import noteStyle
from ..common.Labels import loadLabelledUI
from ..common.Signal import Signal
from ..scene.RodMarkups import RodMarkups
from .CalibrationList import CalibrationList
from .DriftPlot import REFERENCE, DriftPlot
from .PhantomCalibration import PhantomCalibration
from .SiteStore import SiteStore

if TYPE_CHECKING:
    from ldct_bmd.calibration.drift import DriftSeries

    from ..scene.SliceViews import SliceViews
    from ..work.Runner import Runner

LIST_TAB, PHANTOM_TAB, DRIFT_TAB = range(3)


class CalibrationDialog:
    """Not modal: points are moved in the views while it is open.

    Attributes:
        changed: emits nothing, after a calibration was added or retired.
        window, ui: the dialog and its widgets.
        list, phantom, plot: its pages.

    Args:
        runner: searches a phantom.
        sliceViews: follow the rods.
    """

    def __init__(
        self, uiPath: str, parent: Any, store: SiteStore, scene: Any, runner: Runner, sliceViews: SliceViews
    ) -> None:
        self.changed = Signal()
        self._store = store
        self.window = loadLabelledUI(uiPath)
        self.window.setParent(parent, qt.Qt.Dialog)
        self.ui = slicer.util.childWidgetVariables(self.window)
        self.ui.phantomVolumeCombo.setMRMLScene(scene)
        own = slicer.util.childWidgetVariables
        rods = RodMarkups(scene)
        self.list = CalibrationList(own(self.ui.listTab), store, self._operator)
        self.phantom = PhantomCalibration(own(self.ui.phantomTab), store, self._operator, runner, rods, sliceViews)
        self.plot = DriftPlot(self.ui.plotHolder.layout(), scene)
        self._series: list[DriftSeries] = []
        self._busy = False
        for name, _unit in QUANTITIES:
            self.ui.quantityCombo.addItem(str(name))
        self.ui.quantityCombo.setCurrentIndex(REFERENCE)
        for label in (self.ui.storeLabel, self.ui.dialogMessageLabel, self.ui.driftLabel):
            label.setTextFormat(qt.Qt.PlainText)
        self.list.retired.connect(lambda one: self._storeChanged())
        self.list.refused.connect(self._refuse)
        self.phantom.kept.connect(lambda calibration: self._storeChanged(calibration.identifier))
        self.ui.seriesCombo.connect("currentIndexChanged(int)", self._plot)
        self.ui.quantityCombo.connect("currentIndexChanged(int)", self._plot)
        self.ui.tabs.connect("currentChanged(int)", self._plot)
        self.ui.closeButton.connect("clicked(bool)", lambda _checked: self.window.close())
        self.window.connect("finished(int)", lambda _result: self.forget())

    def open(self, operator: str, volumeNode: Any) -> None:
        """Show the window, with the volume that is on display for a phantom."""
        if not self.ui.operatorEdit.text.strip():
            self.ui.operatorEdit.setText(operator)
        if self.ui.phantomVolumeCombo.currentNode() is None:
            self.ui.phantomVolumeCombo.setCurrentNode(volumeNode)
        self.refresh()
        self.window.show()
        self.window.raise_()

    def refresh(self) -> None:
        """Read the store again."""
        self._refuse("")
        stored = []
        path = self._store.path
        try:
            stored = self._store.stored()
        except UsageError as error:
            self._refuse(str(error))
        if not path:
            words = text("refusal.site_store.not_named")
        elif not Path(path).is_file():
            words = text("site_store.not_there_yet", path=path)
        else:
            words = path
        self.ui.storeLabel.setText(words)
        self.list.show(stored)
        self._busy = True
        chosen = self.ui.seriesCombo.currentText
        self._series = all_series([one.calibration for one in stored if one.retired is None])
        names = [_seriesWords(series) for series in self._series]
        self.ui.seriesCombo.clear()
        self.ui.seriesCombo.addItems(names)
        if chosen in names:
            self.ui.seriesCombo.setCurrentIndex(names.index(chosen))
        self._busy = False
        self._plot()

    def forget(self) -> None:
        """Take all that the window put into the scene out again."""
        self.phantom.forget()
        self.plot.forget()

    def close(self) -> None:
        """Close the window: the panel goes away."""
        self.forget()
        self.window.close()

    def _operator(self) -> str:
        return self.ui.operatorEdit.text.strip()

    def _storeChanged(self, identifier: str | None = None) -> None:
        self.refresh()
        if identifier in self.list.identifiers():
            self.list.select(identifier)
        self.changed.emit()

    def _plot(self) -> None:
        number = self.ui.seriesCombo.currentIndex
        if self._busy or self.ui.tabs.currentIndex != DRIFT_TAB:
            return
        if not 0 <= number < len(self._series):
            self.plot.clear()
            self.ui.driftLabel.setText(text("refusal.drift.no_series"))
            return
        series = self._series[number]
        self.plot.show(series, self.ui.quantityCombo.currentIndex)
        self.ui.driftLabel.setText("\n".join(_driftWords(series, self.ui.quantityCombo.currentIndex)))

    def _refuse(self, sentence: str) -> None:
        label = self.ui.dialogMessageLabel
        label.setStyleSheet(noteStyle(Severity.ERROR))
        label.setText(sentence)
        label.setVisible(bool(sentence))


def _seriesWords(series: DriftSeries) -> str:
    newest = series.points[-1].calibration
    origin = newest.provenance
    if origin is None:  # a series is made of calibrations from phantoms
        return newest.name
    parts = (
        str(origin.scanner),
        f"{newest.kvp:g} kVp",
        origin.filter_type,
        text("drift.kernel", kernel=origin.kernel_class),
        origin.phantom,
    )
    return ", ".join(part for part in parts if part)


def _driftWords(series: DriftSeries, quantity: int) -> list[str]:
    words = [] if series.too_short is None else [str(series.too_short)]
    if series.charts:
        low, high = series.charts[quantity].limits
        words.append(text("drift.limits", low=low, high=high, unit=series.charts[quantity].unit))
    alarms = [str(alarm) for point in series.points for alarm in series.alarms(point.calibration.identifier)]
    if series.charts and not alarms:
        words.append(text("drift.in_control"))
    words += alarms
    if series.missed_months:
        words.append(text("series_chart.missed", months=series.missed_months))
    return words
