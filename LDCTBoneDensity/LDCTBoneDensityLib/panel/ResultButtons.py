"""The buttons below the assessment: the numbers to the clipboard, or into a table of the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.words import text

from ..common.Signal import Signal

if TYPE_CHECKING:
    from ..scene.SceneReview import SceneReview


class ResultButtons:
    """Hands the numbers on, as they are now.

    Attributes:
        noted: emits a sentence.
    """

    def __init__(self, ui: Any) -> None:
        self.noted = Signal()
        self._buttons = (ui.copyButton, ui.tableButton)
        self._review: SceneReview | None = None
        ui.copyButton.connect("clicked(bool)", lambda _checked=False: self._copy())
        ui.tableButton.connect("clicked(bool)", lambda _checked=False: self._makeTable())

    def show(self, review: SceneReview | None) -> None:
        """Allow what can be handed on of ``review``."""
        self._review = review
        for button in self._buttons:
            button.setEnabled(review is not None)

    def _copy(self) -> None:
        from ..scene.ResultTable import asText

        if self._review is not None:
            qt.QApplication.clipboard().setText(asText(self._review.examination))
            self.noted.emit(text("result_buttons.copied"))

    def _makeTable(self) -> None:
        from ..scene.ResultTable import makeTable

        if self._review is not None:
            self.noted.emit(text("result_buttons.table", name=makeTable(self._review).GetName()))
