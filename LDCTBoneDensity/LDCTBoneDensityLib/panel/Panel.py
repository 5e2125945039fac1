"""The panel: brings the sections, the reviews of the scene and the engine's runs together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.jobs.spec import Destination

from ..calibration import CalibrationPanel as calibrations
from ..calibration.CalibrationPanel import CalibrationPanel
from ..calibration.CalibrationUse import CalibrationUse
from ..scene.Scene import isAlive
from ..work.Installer import Installer
from ..work.Logic import Logic, defaultReader
from ..work.Run import Run
from .AdvancedPanel import AXIAL, ENDPLATES, AdvancedPanel
from .AssessmentPanel import AssessmentPanel
from .LevelActions import LevelActions
from .MeasurePanel import MeasurePanel
from .PanelViews import PanelViews
from .ReportPanel import ReportPanel
from .ReportPreview import ReportPreview
from .ScanPanel import ScanPanel
from .VertebraTable import VertebraTable

if TYPE_CHECKING:
    from ldct_bmd.calibration import Calibration
    from ldct_bmd.examination import Examination
    from ldct_bmd.voi import CylinderVOI

    from ..scene.Review import Review
    from ..work.ExportSettings import ExportSettings
    from ..work.MeasureJob import MeasureSettings

_SETTLED_MS = 600  # an ROI that is moved by other means than a handle has settled after this


class Panel:
    """Shows one volume at a time; reviews of others stay open.

    Args:
        ui: the widgets of the .ui file.
        window: the widget that they are in.
        dialogPath: the .ui file of the dialog on calibrations.
    """

    def __init__(self, ui, window, logic: Logic, installer: Installer, dialogPath: str) -> None:
        self.ui, self.logic, self.installer = ui, logic, installer
        self.reportInstaller, self.pacsInstaller = installer.forReports(), installer.forPacs()
        self.parameters = None
        self.review: Review | None = None
        self.volumeNode = None
        self.scanPanel = ScanPanel(ui)
        self.measurePanel = MeasurePanel(ui)
        self.table = VertebraTable(ui.vertebraTree)
        self.actions = LevelActions(ui, window)
        self.assessment = AssessmentPanel(ui)
        self.calibration = CalibrationPanel(ui)
        self.calibrations = CalibrationUse(self, self._do, window, dialogPath)
        self.report = ReportPanel(ui, window, defaultReader(), self.reportInstaller.ensure)
        self.preview = ReportPreview()
        self.advanced = AdvancedPanel(ui)
        self.views = PanelViews(ui)
        self.run = Run(logic)
        self.logic.reader = self.report.reader
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED_MS)
        self._settle.connect("timeout()", self._commit)
        self._connect()
        self.measurePanel.requirements(installer.sentence())
        self.refresh()

    def setParameters(self, parameters) -> None:
        """Follow the settings of a scene; None lets go of them."""
        self.parameters = parameters
        self.parametersChanged()

    def parametersChanged(self) -> None:
        """Follow what was changed in the settings: another volume, another source."""
        volumeNode = self.parameters.inputVolume if self.parameters is not None else None
        if volumeNode is not self.volumeNode or (volumeNode is not None and self.review is None):
            self.setVolume(volumeNode)
        if self.parameters is not None:
            self.advanced.showDevice(self.parameters.device)
        self._allow()

    def setVolume(self, volumeNode) -> None:
        """Show a volume, and its review where it has one."""
        self._commit()
        isAnother = self.volumeNode is not None and volumeNode is not self.volumeNode
        self.volumeNode = volumeNode
        if isAnother:
            self._dropCalibration()
        review = None
        if volumeNode is not None:
            try:
                review = self.logic.review(volumeNode)
            except UsageError as error:
                self.measurePanel.refuse(str(error))
        self._show(review)

    def measure(self) -> None:
        """Start a measurement of the selected volume."""
        if self.volumeNode is None or self.run.isRunning:
            return
        self.measurePanel.note("")
        try:
            self.logic.demandUnsigned(self.volumeNode)
            settings = self._settings()
            self.installer.ensure()
            volumeNode = self.run.measure(self.volumeNode, settings)
        except (UsageError, CannotMeasure) as error:
            self.measurePanel.refuse(str(error))
        else:
            if volumeNode is not self.volumeNode:
                chosen = self.parameters.calibration
                self.parameters.inputVolume = volumeNode
                self.parameters.calibration = chosen  # the copy is the same scan
            self.measurePanel.progress("", 0.0, volumeNode.GetName())
        self.measurePanel.requirements(self.installer.sentence())
        self._allow()

    def export(self, settings: ExportSettings) -> None:
        """Write, send or preview what is wanted of the review on display."""
        if self.review is None or self.run.isRunning:
            return
        self.measurePanel.note("")
        try:
            self.reportInstaller.ensure()
            if settings.destination is Destination.PACS:
                self.pacsInstaller.ensure()
            self._commit()
            self.run.export(self.review, settings)
        except (UsageError, CannotMeasure) as error:
            self.measurePanel.refuse(str(error))
        self._allow()

    def selectLevel(self, level: str | None) -> None:
        """Show the handles of a level, and centre the views on it."""
        if self.review is None:
            return
        self.review.select(level)
        self.views.follow(level)
        self._showLevel()

    def sceneClosed(self) -> None:
        """Let go of everything in the scene: it is closing."""
        self._settle.stop()
        self.run.abandon()
        self.calibrations.forget()
        self.preview.close()
        self.logic.forgetAll()
        self.parameters, self.volumeNode = None, None
        self._show(None)
        self.measurePanel.note("")

    def nodeRemoved(self, node) -> None:
        """Follow the removal of a node."""
        self.run.nodeRemoved(node)
        for review in self.logic.reviews():
            if node is review.volumeNode or node is review.node:
                self.logic.forget(review.volumeNode)
                if review is self.review:
                    self._show(None)
            else:
                review.nodeRemoved(node)
        if node is self.volumeNode:
            self.volumeNode = None
            self._dropCalibration()
            self._show(None)

    def cleanup(self) -> None:
        """Let go of everything: the panel goes away."""
        self._settle.stop()
        self.calibrations.close()
        self.run.abandon()
        self.preview.close()
        self.logic.forgetAll()

    def refresh(self) -> None:
        """Show the state of the review."""
        examination = self.review.examination if self.review is not None else None
        remark = self.review.stored.remark if self.review is not None else ""
        self.scanPanel.show(self.volumeNode, examination, remark)
        self.table.show(examination)
        self.assessment.show(examination)
        chosen = self.parameters is not None and self.parameters.calibration
        self.calibration.show(examination, self._calibration() if chosen else None)
        self._showLevel()
        self._allow()

    def _connect(self) -> None:
        self.measurePanel.started.connect(self.measure)
        self.measurePanel.cancelled.connect(self.run.cancel)
        self.run.progressed.connect(self.measurePanel.progress)
        self.run.measured.connect(self._measured)
        self.run.exported.connect(self._exported)
        self.run.previewed.connect(self._previewMade)
        self.run.failed.connect(self._failed)
        self.run.cancelled.connect(self._cancelled)
        self.table.selected.connect(self.selectLevel)
        self.table.inclusion.connect(self._includeOrAsk)
        self.actions.wanted.connect(self._do)
        self.actions.updateWanted.connect(self._updateBodies)
        self.actions.segmentEditorWanted.connect(self._openSegmentEditor)
        self.calibration.refused.connect(self.measurePanel.refuse)
        self.report.export.wanted.connect(self.export)
        self.report.wanted.connect(self._do)
        self.advanced.voiWanted.connect(self._applyVOI)
        self.advanced.deviceChosen.connect(self._setDevice)
        self.views.refused.connect(self.measurePanel.refuse)

    def _show(self, review: Review | None) -> None:
        if review is not self.review and self.review is not None:
            self.review.select(None)
        isNew = review is not self.review
        self.review = review
        if isNew and review is not None:
            for signal in (review.changed, review.previewed, review.refused, review.viewsLost):
                signal.disconnectAll()
            review.changed.connect(self._changed)
            review.previewed.connect(self._previewed)
            review.refused.connect(self._refused)
            review.viewsLost.connect(self._restoreSoon)
        self.views.show(review)
        self.refresh()

    def _showLevel(self) -> None:
        level = self.table.level() if self.review is not None else None
        self.actions.show(self.review.session if self.review is not None else None, level)
        self.advanced.show(self.review.examination if self.review is not None else None, level)

    def _allow(self) -> None:
        source = self.parameters.sourceSegmentation if self.parameters is not None else None
        self.measurePanel.allow(self.volumeNode is not None, self.run.isRunning, source is not None)
        self.report.show(self.review, self.run.isRunning)

    def _do(self, verb) -> None:
        if self.review is None:
            return
        self._commit()
        self.measurePanel.note("")
        self.review.do(verb)
        self._showLevel()

    def _changed(self, examination: Examination) -> None:
        self._settle.stop()
        selected = self.table.level()
        self.refresh()
        if self.table.level() is None and selected is not None:
            self.review.select(None)
        self.views.redraw()

    def _previewed(self, examination: Examination) -> None:
        self.table.showNumbers(examination)
        self.assessment.show(examination)
        self._settle.start()

    def _refused(self, sentence: str) -> None:
        self.measurePanel.refuse(sentence)
        if self.review is not None and self.review.isDragging:
            self._settle.start()

    def _commit(self) -> None:
        self._settle.stop()
        if self.review is not None:
            self.review.commit()

    def _includeOrAsk(self, level: str, used: bool) -> None:
        self.table.select(level)
        if used:
            self._do(lambda session: session.include(level))
            return
        self.table.show(self.review.examination)  # until there is a reason
        self.actions.askReason()

    def _updateBodies(self) -> None:
        if self.review is None:
            return
        self.measurePanel.note("")
        before = len(self.review.examination.history)
        try:
            edited = self.review.updateBodies()
        except (UsageError, CannotMeasure) as error:
            self.measurePanel.refuse(str(error))
            return
        if edited:
            self.measurePanel.note(_("Placed anew: {levels}.").format(levels=", ".join(edited)))
        elif len(self.review.examination.history) == before and not self.ui.messageLabel.text:
            self.measurePanel.note(_("No segment was changed."))

    def _openSegmentEditor(self) -> None:
        node = self.review.segmentationNode if self.review is not None else None
        if node is None:
            return
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
        editor.setSegmentationNode(node)
        editor.setSourceVolumeNode(self.volumeNode)

    def _applyVOI(self, voi: CylinderVOI, orientation: int) -> None:
        level = self.table.level()
        if self.review is None or level is None:
            return
        from ldct_bmd.morphometry import body_axes_lps

        from ..scene.VOIGeometry import VOIGeometry

        try:
            geometry = self.review.scan().geometry
        except (UsageError, CannotMeasure) as error:
            self.measurePanel.refuse(str(error))
            return
        if orientation == AXIAL:
            columns = list(zip(*geometry.direction, strict=True))
            voi = VOIGeometry.turned(voi, columns)
        elif orientation == ENDPLATES:
            body = self.review.session.state.bodies.get(level)
            axes = body_axes_lps(body.inside, body.box, geometry) if body is not None else None
            if axes is None:
                self.measurePanel.refuse(_("The endplates of {level} can't be told.").format(level=level))
                return
            voi = VOIGeometry.turned(voi, axes)
        self._do(lambda session: session.moveVOI(level, voi))

    def _setDevice(self, device: str) -> None:
        if self.parameters is not None:
            self.parameters.device = device

    def _restoreSoon(self) -> None:
        # Not while the scene is taking the node out.
        qt.QTimer.singleShot(0, self._restore)

    def _restore(self) -> None:
        if self.review is not None and isAlive(self.review.node) and isAlive(self.review.volumeNode):
            self.review.restoreViews()
            self.review.select(self.table.level())
            self.measurePanel.note(_("What was deleted was made again from the record: exclude a level instead."))

    def _settings(self) -> MeasureSettings:
        from ..work.MeasureJob import MeasureSettings, levelsIn

        values = self.parameters
        return MeasureSettings(
            levels=levelsIn(values.levels),
            calibration=self._calibration(),
            calibrationStore="" if values.calibration else self.calibration.store.path,
            laterCalibration=self.calibration.allowsLater,
            device=values.device,
            weights="" if str(values.weightsFile) in ("", ".") else str(values.weightsFile),
            segmentationNode=values.sourceSegmentation,
            segmentsAreWhole=values.sourceIsWhole,
        )

    def _calibration(self) -> Calibration:
        return calibrations.fromText(self.parameters.calibration if self.parameters is not None else "")

    def _dropCalibration(self) -> None:
        """Forget the calibration that was chosen by hand: it was for the volume that was on display."""
        if self.parameters is not None and self.parameters.calibration:
            self.parameters.calibration = ""

    def _measured(self, review: Review) -> None:
        if review.volumeNode is self.volumeNode:
            self._show(review)
            slicer.util.setSliceViewerLayers(background=self.volumeNode)
            self.table.select(next((m.level for m in review.examination.measurements), None))
        self.measurePanel.note(_("Measured: {name}.").format(name=review.volumeNode.GetName()))
        self._allow()

    def _exported(self, sentence: str) -> None:
        self.measurePanel.note(sentence)
        self._allow()

    def _previewMade(self, page: Path) -> None:
        try:
            self.preview.show(page)
        except UsageError as error:
            self.measurePanel.refuse(str(error))
        self._allow()

    def _failed(self, sentence: str) -> None:
        self.measurePanel.refuse(sentence)
        self._allow()

    def _cancelled(self) -> None:
        self.measurePanel.note(_("Cancelled: nothing was kept."))
        self._allow()
