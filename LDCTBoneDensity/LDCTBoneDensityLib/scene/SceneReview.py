"""One volume's review in the scene, and the nodes that show it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ldct_bmd.examination import Bodies, BodyMask, Examination, same_voxels
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.review import Review, ReviewState
from ldct_bmd.scan import CTScan
from ldct_bmd.scan.air import with_air
from ldct_bmd.scan.image_files import whole_numbers
from ldct_bmd.voi import CylinderVOI
from ldct_bmd.words import text

from ..common.Signal import Signal
from .ReviewStore import SEGMENTATION, ReviewStore, StoredReview, checksum
from .VertebraSegments import VertebraSegments
from .VOIMarkups import VOIMarkups
from .VolumeReader import VolumeReader

Verb = Callable[[Review], None]  # a correction


class SceneReview:
    """Applies corrections and keeps record, segments, VOIs and text node together.

    Attributes:
        changed: emits the record after every correction, undo and redo.
        measured: emits a measurement at once, whenever a VOI is dragged; :meth:`preview` soon after.
        previewed: emits the record as the VOI that is dragged would make it; nothing is kept of it.
        refused: emits a sentence, when a correction cannot be made.
        viewsLost: emits nothing, when the reader deleted a VOI or the segmentation: :meth:`restoreViews` soon after.

    Args:
        node: the review's text node.
        stored: what it holds.
        reader: gives the reader's name.
    """

    def __init__(
        self, volumeNode: Any, node: Any, stored: StoredReview, bodies: Any, reader: Callable[[], str]
    ) -> None:
        self.volumeNode, self.node = volumeNode, node
        self.changed, self.measured, self.previewed = Signal(), Signal(), Signal()
        self.refused, self.viewsLost = Signal(), Signal()
        self._stored = stored
        self._scan: CTScan | None = None
        self._pending: tuple[str, CylinderVOI] | None = None
        self.review = Review(ReviewState(stored.examination, bodies), self.scan, reader)
        self.markups = VOIMarkups(node, self._moved, self._released, self._viewRemoved)
        self._showVOIs()

    @property
    def examination(self) -> Examination:
        """The current record."""
        return self.review.examination

    @property
    def isSigned(self) -> bool:
        """Whether the record is signed, so that it takes no correction."""
        return self.examination.signature is not None

    @property
    def bodies(self) -> Bodies:
        """The vertebral bodies that the current record was measured on."""
        return self.review.state.bodies

    @property
    def stored(self) -> StoredReview:
        """What the scene holds of this review."""
        return self._stored

    @property
    def segmentationNode(self) -> Any:
        """The segmentation, or None where it was deleted."""
        return self.node.GetNodeReference(SEGMENTATION)

    @property
    def isDragging(self) -> bool:
        """Whether a VOI was moved and neither kept nor put back yet."""
        return self._pending is not None

    def scan(self) -> CTScan:
        """Return the scan that was measured; UsageError where the volume is gone or no longer the same."""
        if self._scan is None:
            self._scan = self._readScan()
        return self._scan

    def voxelsChanged(self) -> None:
        """Forget the voxels: the volume was modified."""
        self._scan = None

    def do(self, verb: Verb) -> bool:
        """Let ``verb`` correct; returns whether it did. A refusal is emitted, and all stays as it was."""
        before = self.review.state
        self._pending = None
        try:
            verb(self.review)
        except (UsageError, CannotMeasure) as error:
            self._showVOIs()
            self.refused.emit(str(error))
            return False
        self._follow(before, self.review.state)
        self.changed.emit(self.examination)
        return True

    def commit(self) -> None:
        """Keep what was dragged, as one correction."""
        if self._pending is not None:
            level, voi = self._pending
            self.do(lambda review: review.move_voi(level, voi))

    def preview(self) -> None:
        """Show what would follow from the VOI that is dragged, for findings and category too."""
        if self._pending is not None:
            with self._refusing():
                self.previewed.emit(self.review.preview_voi(*self._pending))

    def updateBodies(self) -> list[str]:
        """Take all masks that were edited in the Segment Editor; returns their levels."""
        if self.segmentationNode is None:
            self.refused.emit(text("scene.segmentation_deleted"))
            return []
        VertebraSegments.adopt(self.segmentationNode)
        drawn = VertebraSegments.bodies(self.segmentationNode, VolumeReader(self.volumeNode))
        bodies = self.bodies
        levels = [vertebra.level for vertebra in self.examination.vertebrae]
        edited = [
            level
            for level in levels
            if level not in drawn or level not in bodies or not same_voxels(bodies[level], drawn[level])
        ]
        empty = [level for level in edited if level not in drawn]
        if empty:
            self.refused.emit(text("scene.segment_empty", level=empty[0]))
        added = [level for level in drawn if level not in self.examination.column()]
        done = [level for level in added if self._addVertebra(level, drawn[level])]
        return done + [level for level in edited if level in drawn and self._editBody(level, drawn[level])]

    def prepareSegment(self, level: str) -> str | None:
        """Return the ID of a segment in which a missed vertebra may be drawn; None if the segmentation was deleted."""
        node = self.segmentationNode
        if node is None:
            self.refused.emit(text("scene.segmentation_deleted"))
            return None
        return VertebraSegments.prepare(node, level)

    def annotate(self, comment: str) -> None:
        """Keep the reader's comment."""
        self.review.annotate(comment)
        self._keep(examination=self.examination)

    def reported(self, report: dict[str, Any] | None) -> None:
        """Remember which structured report was exported last: the next one names it as its predecessor."""
        self._keep(reported=report)

    def restoreViews(self) -> None:
        """Make again what was deleted of the segments and VOIs: the record still holds them."""
        if self.volumeNode.GetScene() is None or self.node.GetScene() is None:
            return
        if self.segmentationNode is None:
            self.makeSegments()
        self._showVOIs()

    def makeSegments(self) -> None:
        """Make the segmentation from the session's bodies."""
        node = VertebraSegments.create(self.volumeNode, self.bodies)
        self.node.SetNodeReferenceID(SEGMENTATION, node.GetID())

    def nodeRemoved(self, node: Any) -> None:
        """Tell that a node left the scene."""
        self.markups.nodeRemoved(node)
        if node.IsA("vtkMRMLSegmentationNode") and self.segmentationNode is None:
            self.viewsLost.emit()

    def select(self, level: str | None) -> None:
        """Show the handles of one VOI."""
        self.markups.select(level)

    def close(self) -> None:
        """Let go of all nodes; they stay in the scene."""
        self.markups.forget()
        for signal in (self.changed, self.measured, self.previewed, self.refused, self.viewsLost):
            signal.disconnectAll()

    def _editBody(self, level: str, body: BodyMask) -> bool:
        return self.do(lambda review: review.edit_body(level, body))

    def _addVertebra(self, level: str, body: BodyMask) -> bool:
        return self.do(lambda review: review.add_vertebra(level, body))

    def _moved(self, level: str, voi: CylinderVOI) -> None:
        self._pending = (level, voi)
        with self._refusing():
            self.measured.emit(self.review.numbers_at(level, voi))

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (UsageError, CannotMeasure) as error:
            self.refused.emit(str(error))

    def _released(self, level: str) -> None:
        if self._pending is not None and self._pending[0] == level:
            self.commit()

    def _viewRemoved(self, level: str) -> None:
        self.viewsLost.emit()

    def _follow(self, before: ReviewState, after: ReviewState) -> None:
        """Bring nodes and store from one state to the next, whichever way."""
        node = self.segmentationNode
        old, new = before.examination.column(), after.examination.column()
        names = dict(zip(old, new, strict=True)) if len(old) == len(new) else {one: one for one in old if one in new}
        if node is not None:
            if any(one != other for one, other in names.items()):
                VertebraSegments.rename(node, names)
            for level in set(old) - set(names):
                VertebraSegments.remove(node, level)
            bodies = {names.get(level, level): body for level, body in before.bodies.items()}
            for level, body in after.bodies.items():
                if body is not bodies.get(level):
                    VertebraSegments.writeBody(node, VolumeReader(self.volumeNode), level, body)
        self._keep(examination=after.examination)
        self._showVOIs()

    def _keep(self, **values: Any) -> None:
        self._stored = replace(self._stored, **values)
        ReviewStore.write(self.node, self._stored)

    def _showVOIs(self) -> None:
        measurements = self.examination.measurements
        excluded = frozenset(m.level for m in measurements if m.excluded is not None)
        self.markups.show({m.level: m.voi for m in measurements}, excluded)
        self.markups.lock(self.isSigned)

    def _readScan(self) -> CTScan:
        if self.volumeNode.GetScene() is None:
            raise UsageError("scene.volume_removed")
        reader = VolumeReader(self.volumeNode)
        hu = with_air(whole_numbers(reader.voxels()), self._stored.air)
        if checksum(hu) != self._stored.voxels:
            raise UsageError("scene.volume_changed", name=self.volumeNode.GetName())
        return self.examination.scan.with_voxels(hu, self._stored.stored)
