"""The section on the vertebrae: the table, the corrections of a level, and what the views show of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer

from ldct_bmd.words import text

from ..common.Signal import Signal
from ..scene.VertebraSegments import VertebraSegments
from .ColumnActions import ColumnActions
from .LevelActions import LevelActions
from .ReviewViews import ReviewViews
from .VerdictActions import VerdictActions
from .VertebraTable import VertebraTable

if TYPE_CHECKING:
    from ..scene.SceneReview import SceneReview
    from ..scene.SliceViews import SliceViews


class VertebraeSection:
    """One level is selected at a time: its handles show, and the views are centred on it.

    Attributes:
        selected: emits the level that is selected now, or None.
        corrected: emits a correction, a function of the review.
        updateWanted: emits nothing, when edited segments are to be taken.
        refused, noted: emit a sentence.
        table, actions, column, verdicts, views: its parts.

    Args:
        ui: the widgets of the section.
        window: what the shortcuts work in.
    """

    def __init__(self, ui: Any, window: Any, sliceViews: SliceViews) -> None:
        self.selected, self.corrected, self.updateWanted = Signal(), Signal(), Signal()
        self.refused, self.noted = Signal(), Signal()
        self.table = VertebraTable(ui.vertebraTree)
        self.actions = LevelActions(ui, window)
        self.column = ColumnActions(ui)
        self.verdicts = VerdictActions(ui.fractureButton, ui.outlineButton)
        self.views = ReviewViews(ui.obliqueCheckBox, ui.densityCheckBox, sliceViews)
        self._review: SceneReview | None = None
        self.table.selected.connect(self._select)
        self.table.inclusion.connect(self._includeOrAsk)
        self.actions.wanted.connect(self.corrected.emit)
        for actions in (self.column, self.verdicts):
            actions.wanted.connect(self.corrected.emit)
        self.column.drawingWanted.connect(self._draw)
        self.actions.updateWanted.connect(self.updateWanted.emit)
        self.actions.segmentEditorWanted.connect(self._openSegmentEditor)
        self.views.refused.connect(self.refused.emit)

    def show(self, review: SceneReview | None) -> None:
        """Show a review; the selection stays on its level if that is still there."""
        isAnother = review is not self._review
        if isAnother and self._review is not None:
            self._review.select(None)
        selected = self.table.level()
        self._review = review
        self.views.show(review)
        self.table.show(review.examination if review is not None else None)
        if review is not None and (isAnother or self.table.level() != selected):
            review.select(self.table.level())
            self.views.follow(self.table.level())
        self.showLevel()

    def showLevel(self) -> None:
        """Allow what makes sense for the selected level."""
        level = self.table.level() if self._review is not None else None
        self.actions.show(self._review.review if self._review is not None else None, level)
        for actions in (self.column, self.verdicts):
            actions.show(self._review.examination if self._review is not None else None, level)
        self.selected.emit(level)

    def restoreSelection(self) -> None:
        """Show the handles of the selected level again, after its nodes were made again."""
        if self._review is not None:
            self._review.select(self.table.level())

    def _select(self, level: str | None) -> None:
        if self._review is None:
            return
        self._review.select(level)
        self.views.follow(level)
        self.showLevel()

    def _includeOrAsk(self, level: str, used: bool) -> None:
        self.table.select(level)
        if used:
            self.corrected.emit(lambda review: review.include(level))
        elif self._review is not None:
            self.table.show(self._review.examination)  # until there is a reason
            self.actions.askReason()

    def _draw(self, level: str) -> None:
        if self._review is None:
            return
        segmentID = self._review.prepareSegment(level)
        if segmentID is None:
            return
        self.noted.emit(text("vertebrae_section.draw", level=level))
        self._openSegmentEditor(segmentID)

    def _openSegmentEditor(self, segmentID: str | None = None) -> None:
        node = self._review.segmentationNode if self._review is not None else None
        if self._review is None or node is None:
            return
        level = self.table.level()
        if segmentID is None and level is not None:
            segmentID = VertebraSegments.segmentOf(node, level)
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
        editor.setSegmentationNode(node)
        editor.setSourceVolumeNode(self._review.volumeNode)
        if segmentID is not None:
            editor.setCurrentSegmentID(segmentID)
