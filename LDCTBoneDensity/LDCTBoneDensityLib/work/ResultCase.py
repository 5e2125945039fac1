"""A result of a worklist in the scene: opened from its folder, and written back when it is signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from ldct_bmd.examination import bodies_in
from ldct_bmd.ground.plain import to_plain
from ldct_bmd.jobs.spec import Destination
from ldct_bmd.reading.results import demand_unchanged, files_of
from ldct_bmd.reporting.held import asked_for_in, earlier_in, outputs_in
from ldct_bmd.reporting.opened import open_result
from ldct_bmd.reporting.output import Output

from ..scene.Nodes import isAlive, removeNode
from ..scene.ReviewStore import StoredReview, checksum
from ..scene.ScanVolume import addVolume
from .ExportSettings import ExportSettings

if TYPE_CHECKING:
    from ..scene.SceneReview import SceneReview
    from .Logic import Logic


class ResultCase:
    """One result while it is read.

    Attributes:
        folder: the result folder.
        review: its review in the scene.
    """

    def __init__(self, folder: Path, scan: Path, review: SceneReview) -> None:
        self.folder, self.review = folder, review
        self._scan = scan
        self._opened = review.examination

    @classmethod
    def open(cls, logic: Logic, folder: Path, scan: Path) -> ResultCase:
        """Read result and scan into the scene; UsageError or CannotMeasure if they cannot be."""
        opened = open_result(folder, scan)
        volumeNode = addVolume(slicer.mrmlScene, opened.scan, folder.name)
        voxels = checksum(opened.scan.hu)
        earlier = earlier_in(folder)
        reported = None if earlier is None else to_plain(earlier)
        stored = StoredReview(opened.examination, opened.scan.stored_geometry, None, voxels, reported=reported)
        return cls(folder, scan, logic.accept(volumeNode, stored, bodies_in(opened.column.bodies)))

    def isSigned(self) -> bool:
        """Whether the review is signed."""
        return self.review.examination.signature is not None

    @property
    def isChanged(self) -> bool:
        """Whether the reader changed what the folder holds."""
        return self.review.examination != self._opened

    def saving(self) -> ExportSettings:
        """Return what writes the review into its folder, with all that the folder holds made again.

        Raises:
            UsageError: someone changed the folder since it was opened.
        """
        demand_unchanged(self.folder, self._opened)
        files = files_of(self._scan)
        return ExportSettings(outputs_in(self.folder, bool(files)), Destination.FOLDER, self.folder, files=files)

    def segForm(self) -> tuple[Output, ...]:
        """Return what gives DICOM segmentations the form that those of the folder have."""
        return tuple(asked_for_in(self.folder) & {Output.LABEL_MAP})

    def saved(self) -> None:
        """Take note that the folder holds the review as it is now."""
        self._opened = self.review.examination

    def close(self, logic: Logic) -> None:
        """Take all of it out of the scene."""
        review = self.review
        volumeNode = review.volumeNode
        if not isAlive(volumeNode):
            return
        nodes = (review.segmentationNode, review.node)
        review.markups.remove()
        logic.forget(volumeNode)
        for node in (*nodes, volumeNode):
            if isAlive(node):
                removeNode(slicer.mrmlScene, node)
