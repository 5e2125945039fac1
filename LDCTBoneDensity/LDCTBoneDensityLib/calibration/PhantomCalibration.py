"""From a loaded phantom volume to a calibration in the store: rods found or set by hand, checked, fitted, kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
import slicer

from ldct_bmd.calibration.make import VALID_DAYS, calibration_from_phantom
from ldct_bmd.calibration.phantom.description import load_phantom
from ldct_bmd.calibration.phantom.find import measure_at_points
from ldct_bmd.calibration.phantom.points import straight_points
from ldct_bmd.examination.conclude import conditions
from ldct_bmd.findings import Severity
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import stage_words
from ldct_bmd.words import text

from ..common.FindingsView import noteStyle
from ..common.PathField import onPathChanged, pathIn
from ..common.Signal import Signal
from ..common.Telling import telling
from .SiteStore import SiteStore

if TYPE_CHECKING:
    from ldct_bmd.calibration.phantom.measure import PhantomMeasurement

    from ..scene.RodMarkups import RodMarkups
    from ..scene.SliceViews import SliceViews
    from ..work.PhantomJob import PhantomJob, PhantomScan
    from ..work.Runner import Runner

_SETTLED_MS = 250  # points that are moved by other means than the mouse have settled after this


class PhantomCalibration:
    """The dialog's page on a phantom. All that is computed is the engine's.

    Attributes:
        kept: emits the calibration that was added to the store.
        markups: the rods in the views.

    Args:
        operator: gives the operator's name.
        runner: searches for the rods.
        sliceViews: follow the rods.
    """

    def __init__(
        self,
        ui: Any,
        store: SiteStore,
        operator: Callable[[], str],
        runner: Runner,
        markups: RodMarkups,
        sliceViews: SliceViews,
    ) -> None:
        self.kept = Signal()
        self.markups = markups
        self._ui, self._store, self._operator = ui, store, operator
        self._runner, self._sliceViews = runner, sliceViews
        self._job: PhantomJob | None = None
        self._phantomScan: PhantomScan | None = None
        self._measured: PhantomMeasurement | None = None
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED_MS)
        self._settle.connect("timeout()", self._fitAtPoints)
        markups.moved.connect(self._moved)
        self._runner.progressed.connect(self._progressed)
        self._runner.finished.connect(self._finished)
        self._runner.failed.connect(self._failed)
        self._runner.cancelled.connect(lambda: self._failed(""))
        for label in (ui.phantomLabel, ui.fitLabel):
            label.setTextFormat(qt.Qt.PlainText)
        headings = ("rod", "hu", "error", "slices", "mineral", "residual")
        ui.rodTree.setHeaderLabels([text(f"phantom_page.{name}") for name in headings])
        ui.validSpin.setValue(VALID_DAYS)
        ui.phantomPath.setCurrentPath(store.phantomPath)
        onPathChanged(ui.phantomPath, self._descriptionChanged)
        ui.phantomVolumeCombo.connect("currentNodeChanged(vtkMRMLNode*)", self._volumeChanged)
        ui.findButton.connect("clicked(bool)", lambda _checked: self._start(search=True))
        ui.pointsButton.connect("clicked(bool)", lambda _checked: self._start(search=False))
        ui.phantomCancelButton.connect("clicked(bool)", lambda _checked: self._runner.cancel())
        ui.keepButton.connect("clicked(bool)", lambda _checked: self._keep())
        self.forget()

    @property
    def isRunning(self) -> bool:
        """Whether the engine is looking for the rods."""
        return self._runner.isRunning

    @property
    def measured(self) -> PhantomMeasurement | None:
        """The rods as they are measured now; None where there are none, or none that may be used."""
        return self._measured

    def forget(self) -> None:
        """Let go of the phantom and its nodes, and stop looking for one."""
        self._runner.abandon()
        self._settle.stop()
        self.markups.clear()
        self._phantomScan = None
        self._show(None)

    def take(self, phantomScan: PhantomScan) -> None:
        """Show what the engine found: the rods, why there are none, or points to be moved into them."""
        self._phantomScan = phantomScan
        measured = phantomScan.measured
        if phantomScan.refused:
            self._show(None, phantomScan.refused)
            return
        if measured is not None:
            points = {rod.name: [rod.start_lps_mm, rod.end_lps_mm] for rod in measured.rods}
        else:
            points = straight_points(phantomScan.phantom, phantomScan.scan.geometry)
        self.markups.show(phantomScan.phantom.name, points)
        ends = [point for pair in points.values() for point in pair]
        self._sliceViews.center([sum(values) / len(ends) for values in zip(*ends, strict=True)])
        self._show(measured)
        if measured is None:
            self._say(text("phantom_page.move_points"), Severity.INFO)

    def _start(self, search: bool) -> None:
        from ..work.PhantomJob import PhantomJob

        self.forget()
        volumeNode = self._ui.phantomVolumeCombo.currentNode()
        try:
            if volumeNode is None:
                raise UsageError("phantom_page.no_volume")
            path = pathIn(self._ui.phantomPath)
            if not path:
                raise UsageError("phantom_page.no_description")
            phantom = load_phantom(path)
            self._job = PhantomJob(self._runner.newFolder())
            self._job.lay(volumeNode, phantom, search)
        except (UsageError, CannotMeasure) as error:
            self._runner.clean()
            self._show(None, str(error))
            return
        except OSError as error:
            self._runner.clean()
            self._show(
                None,
                text("refusal.engine.no_room", error=error.strerror or str(error)),
            )
            return
        slicer.util.setSliceViewerLayers(background=volumeNode, fit=True)
        self._runner.start()
        self._allow()

    def _finished(self) -> None:
        if self._job is None:
            return
        with telling(self._failed):
            self.take(self._job.take())
        self._runner.clean()

    def _moved(self, isReleased: bool) -> None:
        if isReleased:
            self._settle.stop()
            self._fitAtPoints()
        else:
            self._settle.start()

    def _fitAtPoints(self) -> None:
        points = self.markups.points()
        if self._phantomScan is None or not points:
            return
        try:
            self._show(measure_at_points(self._phantomScan.scan, self._phantomScan.phantom, points))
        except (UsageError, CannotMeasure) as error:
            self._show(None, str(error))

    def _keep(self) -> None:
        operator, phantomScan, measured = self._operator(), self._phantomScan, self._measured
        if phantomScan is None or measured is None:
            return
        try:
            if not operator:
                raise UsageError("phantom_page.no_operator")
            if phantomScan.scan.source.modified:
                raise CannotMeasure("phantom_page.volume_modified")
            made_with = conditions(phantomScan.scan.acquisition)
            calibration = calibration_from_phantom(measured, made_with, operator, self._ui.validSpin.value)
            isNew = self._store.add(calibration, operator)
        except (UsageError, CannotMeasure) as error:
            self._say(str(error), Severity.ERROR)
            return
        key = "phantom_page.kept" if isNew else "phantom_page.already_there"
        self._say(text(key, identifier=calibration.identifier), Severity.INFO)
        self.kept.emit(calibration)

    def _show(self, measured: PhantomMeasurement | None, refused: str = "") -> None:
        self._measured = measured
        self._ui.rodTree.clear()
        for cells in [] if measured is None else _rows(measured):
            row = qt.QTreeWidgetItem(self._ui.rodTree)
            for column, cell in enumerate(cells):
                row.setText(column, cell)
        for column in range(self._ui.rodTree.columnCount):
            self._ui.rodTree.resizeColumnToContents(column)
        self._ui.fitLabel.setText("" if measured is None else _fitWords(measured))
        self.markups.outline(measured)
        remark = self._phantomScan.remark if self._phantomScan is not None else ""
        if refused:
            self._say(refused, Severity.ERROR)
        elif measured is not None and measured.phantom.example:
            self._say(text("phantom_page.example"), Severity.WARNING)
        else:
            self._say(remark, Severity.WARNING)
        self._allow()

    def _say(self, sentence: str, severity: Severity) -> None:
        label = self._ui.phantomLabel
        label.setStyleSheet(noteStyle(severity))
        label.setText(sentence)
        label.setVisible(bool(sentence))

    def _allow(self) -> None:
        ui, running = self._ui, self.isRunning
        for button in (ui.findButton, ui.pointsButton, ui.phantomVolumeCombo, ui.phantomPath):
            button.setEnabled(not running)
        ui.phantomProgressBar.setVisible(running)
        ui.phantomCancelButton.setVisible(running)
        ui.keepButton.setEnabled(self._measured is not None and not running)

    def _volumeChanged(self, node: Any) -> None:
        self.forget()

    def _descriptionChanged(self, path: str) -> None:
        self._store.setPhantomPath(path)
        self.forget()

    def _progressed(self, stage: str, fraction: float) -> None:
        self._ui.phantomProgressBar.setValue(int(100 * min(max(fraction, 0.0), 1.0)))
        self._ui.phantomProgressBar.setFormat(f"{stage_words(stage)} %p %")

    def _failed(self, sentence: str) -> None:
        self._show(None, sentence)


def _rows(measured: PhantomMeasurement) -> list[tuple[str, ...]]:
    return [
        (
            rod.name,
            f"{rod.mean_hu:.1f}",
            f"{rod.standard_error_hu:.2f}",
            str(rod.slices),
            f"{described.mineral_mg_cm3:g}",
            f"{residual:+.1f}",
        )
        for rod, described, residual in zip(
            measured.rods, measured.phantom.rods, measured.fit.residuals_hu, strict=True
        )
    ]


def _fitWords(measured: PhantomMeasurement) -> str:
    fit, quality = measured.fit, measured.fit.quality
    how = text("phantom_page.found") if measured.found_by == "search" else text("phantom_page.set")
    return text(
        "phantom_page.fit",
        phantom=measured.phantom.name,
        slope=fit.slope,
        intercept=fit.intercept_mg_cm3,
        material=measured.phantom.material,
        slopeError=quality.slope_se,
        interceptError=quality.intercept_se_mg_cm3,
        r2=quality.r_squared,
        how=how,
        tilt=measured.tilt_deg,
        worst=max(map(abs, fit.residuals_hu)),
        limit=measured.phantom.residual_limit_hu,
    )
