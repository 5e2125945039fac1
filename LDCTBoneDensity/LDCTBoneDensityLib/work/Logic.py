"""What the module can do without its panel: measure a volume, and give the reviews of the scene."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import slicer

from ldct_bmd.ground.errors import CannotMeasure, UsageError

from ..scene.Nodes import isAlive
from ..scene.ReviewStore import (
    REVIEW_ATTRIBUTE,
    SEGMENTATION,
    ReviewStore,
    earlierReviewOf,
    reviewNodeOf,
    reviewNodesIn,
    setShown,
)
from ..scene.Study import fileUnder
from .Parameters import Parameters

if TYPE_CHECKING:
    from ldct_bmd.examination import Bodies

    from ..scene.ReviewStore import StoredReview
    from ..scene.SceneReview import SceneReview
    from .MeasureJob import MeasureSettings

WEIGHTS_FILE = "weightsFile"  # a parameter of earlier versions


class Logic:
    """Reviews by volume.

    Attributes:
        reader: gives the reader's name for corrections; the panel puts its own line here.
    """

    def __init__(self, parameterNode: Callable[[], object]) -> None:
        self._parameterNode = parameterNode
        self._reviews: dict[str, SceneReview] = {}
        self.reader: Callable[[], str] = defaultReader

    def parameters(self) -> Parameters:
        """Return the settings in the scene."""
        wrapped: Any = Parameters  # the wrapper gives the class a constructor of its own
        parameters: Parameters = wrapped(self._parameterNode())
        return parameters

    def renew(self) -> None:
        """Write anew what earlier versions kept in the scene, which held the date of birth and paths."""
        parameterNode: Any = self._parameterNode()
        parameterNode.UnsetParameter(WEIGHTS_FILE)
        for node in slicer.util.getNodesByClass("vtkMRMLTextNode"):
            if node.GetAttribute(REVIEW_ATTRIBUTE):
                with suppress(UsageError):  # told when its volume is chosen
                    ReviewStore.read(node)

    def measure(self, volumeNode: Any, settings: MeasureSettings | None = None) -> SceneReview:
        """Measure ``volumeNode`` here and now, as a script does; UsageError or CannotMeasure says why not.

        The panel lets the engine run in a process of its own, see :class:`.EngineRunner.EngineRunner`.
        """
        from ldct_bmd.ground.progress import silent
        from ldct_bmd.ground.scratch import temporary_folder
        from ldct_bmd.jobs.runner import run

        from .MeasureJob import MeasureJob, MeasureSettings

        self.demandUnsigned(volumeNode)
        with temporary_folder() as folder:
            job = MeasureJob(folder)
            job.layMeasurement(volumeNode, settings or MeasureSettings())
            run(folder, silent)
            return self.accept(volumeNode, *job.takeMeasurement(volumeNode))

    def accept(self, volumeNode: Any, stored: StoredReview, bodies: Bodies) -> SceneReview:
        """Put a new measurement into the scene, in the place of an earlier one of the same volume.

        One that a reader worked on is set aside; see :meth:`discard`.

        Raises:
            UsageError: the earlier one is signed.
        """
        from ..scene.SceneReview import SceneReview

        self.demandUnsigned(volumeNode)
        wasReviewed = self.isReviewed(volumeNode)
        self.forget(volumeNode)
        old = reviewNodeOf(volumeNode)
        if old is not None and wasReviewed:
            ReviewStore.setAside(old)
        elif old is not None:
            ReviewStore.remove(old)
        node = ReviewStore.create(volumeNode)
        ReviewStore.write(node, stored)
        review = SceneReview(volumeNode, node, stored, bodies, self._reader)
        review.makeSegments()
        vois = [node for one in stored.examination.measurements for node in review.markups.nodes(one.level)]
        fileUnder(volumeNode, [node, review.segmentationNode, *vois])
        self._reviews[volumeNode.GetID()] = review
        return review

    def review(self, volumeNode: Any) -> SceneReview | None:
        """Return the review of ``volumeNode``, from the scene where it was loaded with it; None where there is none.

        Raises:
            UsageError: there is one, but it can't be read.
        """
        review = self._reviews.get(volumeNode.GetID())
        if review is not None and isAlive(review.node) and review.volumeNode is volumeNode:
            return review
        self.forget(volumeNode)
        node = reviewNodeOf(volumeNode)
        if node is None:
            return None
        from ..scene.SceneReview import SceneReview

        stored = ReviewStore.read(node)
        review = SceneReview(volumeNode, node, stored, self._bodiesOf(volumeNode, node, stored), self._reader)
        self._reviews[volumeNode.GetID()] = review
        return review

    def isReviewed(self, volumeNode: Any) -> bool:
        """Whether a reader has corrected or commented the measurement of ``volumeNode``, and not signed it.

        A signed one is not measured again, whatever the reader says.
        """
        node = reviewNodeOf(volumeNode)
        if node is None:
            return False
        try:
            examination = ReviewStore.read(node).examination
        except UsageError:
            return False
        return examination.signature is None and bool(examination.history or examination.comment)

    def hasEarlier(self, volumeNode: Any) -> bool:
        """Whether an earlier review of ``volumeNode`` was set aside."""
        return earlierReviewOf(volumeNode) is not None

    def discard(self, volumeNode: Any) -> None:
        """Take the review of ``volumeNode`` out of the scene; one that was set aside comes back."""
        self.forget(volumeNode)
        node, earlier = reviewNodeOf(volumeNode), earlierReviewOf(volumeNode)
        if node is not None:
            ReviewStore.remove(node)
        if earlier is not None:
            ReviewStore.bringBack(earlier)

    def showOnly(self, volumeNode: Any) -> None:
        """Show the review of ``volumeNode`` and hide those of all other volumes."""
        own = reviewNodeOf(volumeNode)
        for node in reviewNodesIn(volumeNode.GetScene()):
            setShown(node, node is own)

    def demandUnsigned(self, volumeNode: Any) -> None:
        """Raise UsageError where the review of ``volumeNode`` is signed: measuring again would throw it away."""
        node = reviewNodeOf(volumeNode)
        if node is None:
            return
        try:
            signature = ReviewStore.read(node).examination.signature
        except UsageError:
            return  # it can't be read: measuring again is the way out
        if signature is not None:
            raise UsageError("measure.signed", name=volumeNode.GetName())

    def reviews(self) -> list[SceneReview]:
        """Return the reviews that were opened."""
        return list(self._reviews.values())

    def forget(self, volumeNode: Any) -> None:
        """Let go of the review of a volume; its nodes stay."""
        review = self._reviews.pop(volumeNode.GetID(), None)
        if review is not None:
            review.close()

    def forgetAll(self) -> None:
        """Let go of all reviews, as when the scene closes."""
        for review in self._reviews.values():
            review.close()
        self._reviews.clear()

    def _reader(self) -> str:
        return self.reader()

    def _bodiesOf(self, volumeNode: Any, node: Any, stored: StoredReview) -> Bodies:
        """Return the bodies in the scene that are those of the record; one drawn since then waits for *Update*."""
        from ldct_bmd.examination import is_measured_body

        from ..scene.VertebraSegments import VertebraSegments
        from ..scene.VolumeReader import VolumeReader

        segmentation = node.GetNodeReference(SEGMENTATION)
        if segmentation is None:
            return {}
        try:
            reader = VolumeReader(volumeNode)
            drawn = VertebraSegments.bodies(segmentation, reader)
        except CannotMeasure as error:
            raise UsageError("measure.not_shown", error=error) from error
        vertebrae = {vertebra.level: vertebra for vertebra in stored.examination.vertebrae}
        vertebrae |= {one.key: one.vertebra for one in stored.examination.unnamed}
        return {
            level: body
            for level, vertebra in vertebrae.items()
            if (body := drawn.get(level)) is not None and is_measured_body(body, vertebra, reader.geometry)
        }


def defaultReader() -> str:
    """Return the user's name as Slicer's settings have it, "" if they have none; never the login name."""
    return (slicer.app.applicationLogic().GetUserInformation().GetName() or "").strip()
