"""One run of the engine at a time, for the volume that it was started for, whatever is on display meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ldct_bmd.errors import CannotMeasure, UsageError
from slicer.i18n import tr as _

from .EngineRunner import EngineRunner
from .Logic import Logic
from .ReportPanel import checkExportFolder
from .Scene import isAlive
from .Signal import Signal
from .VolumeTransform import VolumeTransform

if TYPE_CHECKING:
    from .MeasureJob import MeasureJob, MeasureSettings
    from .Review import Review


class Run:
    """Measures and exports in the background.

    Attributes:
        progressed: told of stage, fraction and the volume's name.
        measured: told of the new review.
        exported: told of the folder.
        failed: told of a sentence.
        cancelled: told of nothing.
    """

    def __init__(self, logic: Logic) -> None:
        self.progressed, self.measured, self.exported = Signal(), Signal(), Signal()
        self.failed, self.cancelled = Signal(), Signal()
        self._logic = logic
        self._runner = EngineRunner()
        self._volumeNode = None
        self._job: MeasureJob | None = None
        self._output: Path | None = None
        self._runner.progressed.connect(self._progressed)
        self._runner.finished.connect(self._finished)
        self._runner.failed.connect(self.failed.emit)
        self._runner.cancelled.connect(self.cancelled.emit)

    @property
    def isRunning(self) -> bool:
        """Whether the engine is at work."""
        return self._runner.isRunning

    def measure(self, volumeNode, settings: MeasureSettings):
        """Start to measure; returns the volume that is measured: a hardened copy where there was a transform.

        Raises:
            UsageError, CannotMeasure: it can't be started; the message says why.
        """
        if VolumeTransform.isNeeded(volumeNode):
            volumeNode = VolumeTransform.hardenedCopy(volumeNode)
        self._begin(volumeNode, None, lambda job: job.layMeasurement(volumeNode, settings))
        return volumeNode

    def export(self, review: Review, folder: Path) -> None:
        """Start to write the result folder; UsageError where it can't be written."""
        overwrite = checkExportFolder(folder)
        self._begin(review.volumeNode, folder, lambda job: job.layExport(review, folder, overwrite))

    def cancel(self) -> None:
        """Stop; nothing is kept."""
        self._runner.cancel()

    def abandon(self) -> None:
        """Stop and tell nobody."""
        self._runner.abandon()
        self._volumeNode = None

    def nodeRemoved(self, node) -> None:
        """Stop where the volume that is measured left the scene."""
        if self.isRunning and node is self._volumeNode:
            self.cancel()

    def _begin(self, volumeNode, output: Path | None, lay) -> None:
        from .MeasureJob import MeasureJob

        self._volumeNode, self._output = volumeNode, output
        self._job = MeasureJob(self._runner.newFolder())
        try:
            lay(self._job)
        except OSError as error:
            self._runner.clean()
            raise UsageError(
                _("The scan could not be handed to the engine ({error}): make room on the disk.").format(
                    error=error.strerror or error
                )
            ) from error
        except (UsageError, CannotMeasure):
            self._runner.clean()
            raise
        self._runner.start()

    def _progressed(self, stage: str, fraction: float) -> None:
        if self._volumeNode is not None:
            self.progressed.emit(stage, fraction, self._volumeNode.GetName())

    def _finished(self) -> None:
        volumeNode, self._volumeNode = self._volumeNode, None
        try:
            if self._output is not None:
                self.exported.emit(self._output)
            elif isAlive(volumeNode):
                self.measured.emit(self._logic.accept(volumeNode, *self._job.takeMeasurement(volumeNode)))
            else:
                self.cancelled.emit()
        except (UsageError, CannotMeasure) as error:
            self.failed.emit(str(error))
        finally:
            self._runner.clean()
