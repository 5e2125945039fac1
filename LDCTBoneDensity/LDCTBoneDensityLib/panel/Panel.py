"""The panel: brings the sections, the reviews of the scene and the engine's runs together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from ldct_bmd.words import text

from ..common.Telling import telling
from ..scene.Nodes import isAlive

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination, Measurement

    from ..scene.SceneReview import SceneReview, Verb
    from ..work.ExportSettings import ExportSettings
    from ..work.Logic import Logic
    from ..work.MeasureJob import MeasureSettings
    from ..work.Run import Run
    from .Sections import Sections

_SETTLED_MS = 600  # an ROI that is moved by other means than a handle has settled after this
_PREVIEW_MS = 30  # the numbers come first; what follows from them must not hold up the mouse


class Panel:
    """Shows one volume at a time; reviews of others stay open.

    Args:
        sections: what the reader sees and presses.
        logic: holds the reviews.
        run: measures and exports.
    """

    def __init__(self, sections: Sections, logic: Logic, run: Run) -> None:
        self.sections, self.logic, self.run = sections, logic, run
        self.parameters: Any = None
        self.review: SceneReview | None = None
        self.volumeNode: Any = None
        self._isRestoring = False
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED_MS)
        self._settle.connect("timeout()", self.commit)
        self._preview = qt.QTimer()
        self._preview.setSingleShot(True)
        self._preview.setInterval(_PREVIEW_MS)
        self._preview.connect("timeout()", self._previewNow)
        self._connect()
        sections.measure.requirements(run.requirements())
        sections.advanced.showPackagesFolder(run.installer.folder)
        self.refresh()

    def setParameters(self, parameters: Any) -> None:
        """Follow the settings of a scene; None lets go of them."""
        self.parameters = parameters
        self.parametersChanged()

    def parametersChanged(self) -> None:
        """Follow what was changed in the settings: another volume, another source."""
        volumeNode = self.parameters.inputVolume if self.parameters is not None else None
        if volumeNode is not self.volumeNode or (volumeNode is not None and self.review is None):
            self.setVolume(volumeNode)
        if self.parameters is not None:
            self.sections.advanced.showDevice(self.parameters.device)
        self._allow()

    def setVolume(self, volumeNode: Any) -> None:
        """Show a volume, and its review where it has one."""
        self.commit()
        isAnother = self.volumeNode is not None and volumeNode is not self.volumeNode
        if volumeNode is not None and volumeNode is not self.volumeNode:
            slicer.util.setSliceViewerLayers(background=volumeNode, fit=isAnother)
        self.volumeNode = volumeNode
        if isAnother:
            self._dropCalibration()
            self._note("")
        review = None
        if volumeNode is not None:
            with telling(self._refuse):
                review = self.logic.review(volumeNode)
        self._show(review)
        if isAnother and review is not None:
            self.sections.vertebrae.views.frame()

    def showVolume(self, volumeNode: Any) -> None:
        """Choose a volume that was put into the scene, as a reader does, and select its first level."""
        if self.parameters is None:
            self.setVolume(volumeNode)
        else:
            self.parameters.inputVolume = volumeNode
        self._note("")
        slicer.util.setSliceViewerLayers(background=volumeNode, fit=True)
        if self.review is not None:
            self.sections.vertebrae.table.select(next((m.level for m in self.review.examination.measurements), None))
            self.sections.vertebrae.views.frame()

    def measure(self) -> None:
        """Start a measurement of the selected volume."""
        if self.volumeNode is None or self.run.isRunning:
            return
        self._note("")
        name = self.volumeNode.GetName()
        if self.logic.isReviewed(self.volumeNode) and not slicer.util.confirmYesNoDisplay(
            text("review.measure_again", name=name), text("review.measure_again.title")
        ):
            return
        with telling(self._refuse):
            volumeNode = self.run.measure(self.volumeNode, self.settings())
            if volumeNode is not self.volumeNode:
                chosen = self.parameters.calibration
                self.parameters.inputVolume = volumeNode
                self.parameters.calibration = chosen  # the copy is the same scan
            self.sections.messages.progress("", 0.0, volumeNode.GetName())
        self.sections.vertebrae.table.focus()  # a button that is disabled would hand it on, and the panel scroll there
        self.sections.measure.requirements(self.run.requirements())
        self._allow()

    def settings(self) -> MeasureSettings:
        """Return how the next measurement is made; UsageError if something is written wrongly."""
        from ..work.MeasureJob import MeasureSettings, levelsIn

        values = self.parameters
        calibration, store, laterToo = self.sections.calibration.wanted(values.calibration)
        return MeasureSettings(
            levels=levelsIn(values.levels),
            calibration=calibration,
            calibrationStore=store,
            laterCalibration=laterToo,
            device=values.device,
            weights=self.sections.advanced.weights,
            segmentationNode=values.sourceSegmentation,
            segmentsAreWhole=values.sourceIsWhole,
            rules=self.sections.calibration.rules.wanted(),
        )

    def export(self, settings: ExportSettings) -> None:
        """Write, send or preview what is wanted of the review on display."""
        if self.review is None or self.run.isRunning:
            return
        self._note("")
        self.commit()
        with telling(self._refuse):
            self.run.export(self.review, settings)
        self.sections.vertebrae.table.focus()  # as when measuring
        self._allow()

    def correct(self, verb: Verb) -> None:
        """Let ``verb`` correct the review on display."""
        if self.review is None:
            return
        self.commit()
        self._note("")
        with telling(self._refuse):
            self.review.do(verb)
        self.sections.vertebrae.showLevel()

    def discard(self) -> None:
        """Take the review on display out of the scene, if the reader is sure."""
        if self.review is None:
            return
        volumeNode = self.review.volumeNode
        question = "review.discard_back" if self.logic.hasEarlier(volumeNode) else "review.discard"
        if slicer.util.confirmYesNoDisplay(text(question, name=volumeNode.GetName()), text("review.discard.title")):
            self._discard(volumeNode)

    def _discard(self, volumeNode: Any) -> None:
        self.logic.discard(volumeNode)
        self.setVolume(volumeNode)
        self._note(text("review.discarded"))

    def commit(self) -> None:
        """Keep what was dragged, as one correction."""
        self._settle.stop()
        if self.review is not None:
            self.review.commit()

    def sceneClosed(self) -> None:
        """Let go of everything in the scene: it is closing."""
        self._settle.stop()
        self.run.abandon()
        self.sections.calibration.forget()
        self.sections.report.preview.close()
        self.logic.forgetAll()
        self.sections.advanced.forget()
        self.parameters, self.volumeNode = None, None
        self._show(None)
        self._note("")

    def nodeRemoved(self, node: Any) -> None:
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
        self._preview.stop()
        self.sections.calibration.close()
        self.run.abandon()
        self.sections.report.preview.close()
        self.logic.forgetAll()

    def refresh(self) -> None:
        """Show the state of the review."""
        examination = self.review.examination if self.review is not None else None
        remark = self.review.stored.remark if self.review is not None else ""
        self.sections.scan.show(self.volumeNode, examination, remark)
        self.sections.assessment.show(examination)
        self.sections.assessment.buttons.show(self.review)
        kept = self.parameters.calibration if self.parameters is not None else ""
        self.sections.calibration.show(self.volumeNode, examination, kept)
        self.sections.vertebrae.show(self.review)
        self._allow()

    def _connect(self) -> None:
        of = self.sections
        of.measure.started.connect(self.measure)
        of.messages.cancelled.connect(self.run.cancel)
        of.measure.reportWanted.connect(of.report.revealSigning)
        self.run.progressed.connect(of.messages.progress)
        self.run.measured.connect(self._measured)
        self.run.exported.connect(self._exported)
        self.run.previewed.connect(self._previewMade)
        self.run.failed.connect(self._failed)
        self.run.cancelled.connect(self._cancelled)
        of.vertebrae.selected.connect(lambda level: of.advanced.show(self.review, level))
        of.vertebrae.updateWanted.connect(self._updateBodies)
        of.report.export.wanted.connect(self.export)
        of.report.discardWanted.connect(self.discard)
        of.advanced.deviceChosen.connect(self._setDevice)
        of.assessment.buttons.noted.connect(self._note)
        self.run.wrote.connect(of.advanced.log)
        self.run.remarked.connect(of.messages.remark)
        of.advanced.packagesFolderChosen.connect(self.run.installer.setFolder)
        of.calibration.kept.connect(self._keepCalibration)
        for noted in (of.calibration.noted, of.vertebrae.noted):
            noted.connect(self._note)
        for section in (of.vertebrae, of.assessment, of.calibration, of.report, of.advanced):
            section.corrected.connect(self.correct)
        for section in (of.vertebrae, of.calibration, of.advanced):
            section.refused.connect(self._refuse)

    def _show(self, review: SceneReview | None) -> None:
        isNew = review is not self.review
        self.review = review
        if isNew and review is not None:
            for signal in (review.changed, review.measured, review.previewed, review.refused, review.viewsLost):
                signal.disconnectAll()
            review.changed.connect(self._changed)
            review.measured.connect(self._moved)
            review.previewed.connect(self._previewed)
            review.refused.connect(self._refused)
            review.viewsLost.connect(self._restoreSoon)
        if self.volumeNode is not None:
            self.logic.showOnly(self.volumeNode)
        self.refresh()

    def _allow(self) -> None:
        source = self.parameters.sourceSegmentation if self.parameters is not None else None
        isOpen = self.volumeNode is not None and (self.review is None or not self.review.isSigned)
        canMeasure = isOpen and not self.run.isRunning
        self.sections.messages.allow(self.run.isRunning)
        self.sections.measure.allow(canMeasure, source is not None, self.review is not None)
        self.sections.report.show(self.review, self.run.isRunning)

    def _note(self, sentence: str) -> None:
        self.sections.messages.note(sentence)

    def _refuse(self, sentence: str) -> None:
        self.sections.messages.refuse(sentence)

    def _changed(self, examination: Examination) -> None:
        self._settle.stop()
        self.refresh()
        self.sections.vertebrae.views.redraw()

    def _moved(self, measurement: Measurement) -> None:
        self.sections.vertebrae.table.showNumbers(measurement)
        self._settle.start()
        if not self._preview.isActive():
            self._preview.start()

    def _previewNow(self) -> None:
        if self.review is not None:
            self.review.preview()

    def _previewed(self, examination: Examination) -> None:
        self.sections.vertebrae.table.showStates(examination)
        self.sections.assessment.show(examination)

    def _refused(self, sentence: str) -> None:
        self._refuse(sentence)
        if self.review is not None and self.review.isDragging:
            self._settle.start()

    def _updateBodies(self) -> None:
        if self.review is None:
            return
        self._note("")
        before = len(self.review.examination.history)
        edited: list[str] = []
        with telling(self._refuse):
            edited = self.review.updateBodies()
        if edited:
            self._note(text("vertebrae_section.placed", levels=edited))
        elif len(self.review.examination.history) == before and not self.sections.messages.said:
            self._note(text("vertebrae_section.unchanged"))

    def _setDevice(self, device: str) -> None:
        if self.parameters is not None:
            self.parameters.device = device

    def _restoreSoon(self) -> None:
        # Not while the scene is taking the node out.
        if not self._isRestoring:
            self._isRestoring = True
            qt.QTimer.singleShot(0, self._restore)

    def _restore(self) -> None:
        try:
            if self.review is not None:
                self._askAboutLost(self.review)
        finally:
            self._isRestoring = False

    def _askAboutLost(self, review: SceneReview) -> None:
        """Ask what is to become of a review of which the reader deleted a part: the record still holds it."""
        if not (isAlive(review.node) and isAlive(review.volumeNode)):
            return
        name = review.volumeNode.GetName()
        if slicer.util.confirmYesNoDisplay(text("review.lost", name=name), text("review.lost.title")):
            review.restoreViews()
            self.sections.vertebrae.restoreSelection()
            self._note(text("vertebrae_section.restored"))
        else:
            self._discard(review.volumeNode)

    def _keepCalibration(self, kept: str) -> None:
        if self.parameters is not None:
            self.parameters.calibration = kept

    def _dropCalibration(self) -> None:
        """Forget the calibration that was chosen by hand: it was for the volume that was on display."""
        if self.parameters is not None and self.parameters.calibration:
            self.parameters.calibration = ""

    def _measured(self, review: SceneReview) -> None:
        if review.volumeNode is not self.volumeNode and self.volumeNode is not None:
            self.logic.showOnly(self.volumeNode)
        else:
            self._show(review)
            self._hideSource()
            slicer.util.setSliceViewerLayers(background=self.volumeNode)
            self.sections.vertebrae.table.select(next((m.level for m in review.examination.measurements), None))
            self.sections.vertebrae.views.frame()
        self._note(text("measure_section.measured", name=review.volumeNode.GetName()))
        self._allow()

    def _hideSource(self) -> None:
        """Hide the segmentation that was measured from: the review has its own segments, in the levels' colours."""
        source = self.parameters.sourceSegmentation if self.parameters is not None else None
        display = source.GetDisplayNode() if source is not None else None
        if display is not None:
            display.SetVisibility(False)

    def _exported(self, sentence: str) -> None:
        self._note(sentence)
        self._allow()

    def _previewMade(self, page: Path) -> None:
        with telling(self._refuse):
            self.sections.report.preview.show(page)
        self._allow()

    def _failed(self, sentence: str) -> None:
        self._refuse(sentence)
        self._allow()

    def _cancelled(self) -> None:
        self._note(text("measure_section.cancelled"))
        self._allow()
