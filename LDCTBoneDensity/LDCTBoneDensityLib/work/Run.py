"""One run of the engine at a time, for the volume that it was started for, whatever is on display meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.jobs.spec import Destination
from ldct_bmd.words import text

from ..common.Signal import Signal
from ..common.Telling import telling
from ..scene.Nodes import isAlive
from ..scene.VolumeTransform import VolumeTransform
from .Application import demandSupported
from .DicomDatabase import DicomDatabase
from .ExportSettings import checkExport, writesFhir
from .Installer import Installer
from .Logic import Logic
from .Runner import Runner

if TYPE_CHECKING:
    from ..scene.SceneReview import SceneReview
    from .ExportJob import ExportJob
    from .ExportSettings import ExportSettings
    from .MeasureJob import MeasureSettings


class Run:
    """Measures and exports in the background.

    Attributes:
        progressed: emits stage, fraction and the volume's name.
        measured: emits the new review.
        exported: emits a sentence.
        previewed: emits a page (Path), which is removed afterwards.
        failed: emits a sentence.
        cancelled: emits nothing.
        wrote: emits what the engine wrote.
        remarked: emits a sentence that the engine says by the way.
        installer: installs what a run needs, once.
    """

    def __init__(self, logic: Logic, runner: Runner, installer: Installer) -> None:
        self.progressed, self.measured, self.exported = Signal(), Signal(), Signal()
        self.previewed, self.failed, self.cancelled = Signal(), Signal(), Signal()
        self.installer = installer
        self._logic, self._runner = logic, runner
        self._volumeNode: Any = None
        self._take: Callable[[], None] | None = None
        self._runner.progressed.connect(self._progressed)
        self._runner.finished.connect(self._finished)
        self._runner.failed.connect(self.failed.emit)
        self._runner.cancelled.connect(self.cancelled.emit)
        self.wrote, self.remarked = runner.wrote, runner.remarked

    @property
    def isRunning(self) -> bool:
        """Whether the engine is at work."""
        return self._runner.isRunning

    def requirements(self) -> str:
        """Say what the first measurement with the network will install, "" if nothing."""
        return self.installer.sentence()

    def measure(self, volumeNode: Any, settings: MeasureSettings) -> Any:
        """Start to measure; returns the volume that is measured: a hardened copy where there was a transform.

        Raises:
            UsageError, CannotMeasure: it can't be started; the message says why.
        """
        demandSupported()
        self._logic.demandUnsigned(volumeNode)
        if settings.segmentationNode is None:
            self.installer.ensure()
        if VolumeTransform.isNeeded(volumeNode):
            volumeNode = VolumeTransform.hardenedCopy(volumeNode)
        from .MeasureJob import MeasureJob

        job = MeasureJob(self._runner.newFolder())

        def take() -> None:
            if isAlive(volumeNode):
                self.measured.emit(self._logic.accept(volumeNode, *job.takeMeasurement(volumeNode)))
            else:
                self.cancelled.emit()

        self._begin(volumeNode, lambda: job.layMeasurement(volumeNode, settings), take)
        return volumeNode

    def export(self, review: SceneReview, settings: ExportSettings) -> None:
        """Start to write, or send, what is wanted; UsageError where it can't be."""
        from .ExportJob import ExportJob

        demandSupported()
        checkExport(settings)
        self.installer.forReports().ensure()
        if writesFhir(settings):
            self.installer.forFhir().ensure()
        if settings.destination is Destination.PACS:
            self.installer.forPacs().ensure()
        if settings.destination is Destination.DATABASE:
            DicomDatabase.demandOpen()
        job = ExportJob(self._runner.newFolder())
        self._begin(review.volumeNode, lambda: job.lay(review, settings), lambda: self._exported(review, settings, job))

    def cancel(self) -> None:
        """Stop; nothing is kept."""
        self._runner.cancel()

    def abandon(self) -> None:
        """Stop and tell nobody."""
        self._runner.abandon()
        self._volumeNode = None

    def nodeRemoved(self, node: Any) -> None:
        """Stop where the volume that is measured left the scene."""
        if self.isRunning and node is self._volumeNode:
            self.cancel()

    def _begin(self, volumeNode: Any, lay: Callable[[], None], take: Callable[[], None]) -> None:
        self._volumeNode, self._take = volumeNode, take
        try:
            lay()
        except OSError as error:
            self._runner.clean()
            raise UsageError("engine.no_room", error=error.strerror or str(error)) from error
        except BaseException:
            self._runner.clean()
            raise
        self._runner.start()

    def _progressed(self, stage: str, fraction: float) -> None:
        if self._volumeNode is not None:
            self.progressed.emit(stage, fraction, self._volumeNode.GetName())

    def _finished(self) -> None:
        self._volumeNode = None
        take, self._take = self._take, None
        with telling(self.failed.emit):
            if take is not None:
                take()
        self._runner.clean()

    def _exported(self, review: SceneReview, settings: ExportSettings, job: ExportJob) -> None:
        if settings.destination is Destination.PREVIEW:
            self.previewed.emit(job.page)
            return
        sentences = {
            Destination.FOLDER: lambda: text("export.written", folder=settings.folder),
            Destination.PACS: lambda: text("export.sent", pacs=settings.pacs),
            Destination.DATABASE: lambda: text("export.added", count=DicomDatabase.add(job.objects)),
        }
        # First: what was written counts as reported, even where the database does not take all of it.
        reported = job.takeReported()
        if reported is not None and isAlive(review.node):
            review.reported(reported)
        self.exported.emit(sentences[settings.destination]())
