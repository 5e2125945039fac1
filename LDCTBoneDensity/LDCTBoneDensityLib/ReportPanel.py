"""The section on the report: reader, comment, signature and export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import qt
from ldct_bmd.errors import UsageError
from slicer.i18n import tr as _

from .Signal import Signal

if TYPE_CHECKING:
    from .Review import Review


class ReportPanel:
    """Lets a reader comment, sign and export.

    Attributes:
        exportWanted: told of a folder (Path).
        wanted: told of a correction: signing, and taking the signature off.
        refused: told of a sentence.
    """

    def __init__(self, ui, reader: str) -> None:
        self.exportWanted, self.wanted, self.refused = Signal(), Signal(), Signal()
        self._ui = ui
        self._review: Review | None = None
        self._busy = False
        ui.readerEdit.setText(reader)
        ui.signatureLabel.setTextFormat(qt.Qt.PlainText)
        ui.commentEdit.connect("textChanged()", self._commented)
        ui.signButton.connect("clicked(bool)", self._sign)
        ui.exportButton.connect("clicked(bool)", self._export)

    def reader(self) -> str:
        """Return the reader's name as typed."""
        return self._ui.readerEdit.text.strip()

    def show(self, review: Review | None, isBusy: bool) -> None:
        """Show a review's comment and signature."""
        self._review = review
        self._ui.signButton.setEnabled(review is not None)
        self._ui.exportButton.setEnabled(review is not None and not isBusy)
        isSigned = review is not None and review.examination.signature is not None
        self._ui.signButton.setText(_("Take signature off") if isSigned else _("Si&gn"))
        self._ui.commentEdit.setEnabled(review is not None and not isSigned)
        comment = "" if review is None else review.stored.comment
        if comment != self._ui.commentEdit.plainText:
            self._busy = True
            self._ui.commentEdit.setPlainText(comment)
            self._busy = False
        self._ui.signatureLabel.setText(self._words())

    def _words(self) -> str:
        signature = self._review.examination.signature if self._review is not None else None
        if self._review is None:
            return ""
        if signature is None:
            return _("Not signed.")
        return _("Signed by {reader}, {time}. It takes no correction until the signature is taken off.").format(
            reader=signature.reader, time=signature.time
        )

    def _commented(self) -> None:
        if not self._busy and self._review is not None:
            self._review.annotate(self._ui.commentEdit.plainText)

    def _sign(self, _checked: bool = False) -> None:
        if self._review is None:
            return
        if self._review.examination.signature is None:
            self.wanted.emit(lambda session: session.sign())
        else:
            self.wanted.emit(lambda session: session.unsign())

    def _export(self, _checked: bool = False) -> None:
        path = self._ui.exportPath.currentPath
        if not path:
            self.refused.emit(_("No folder is named: choose a new or empty one."))
            return
        self.exportWanted.emit(Path(path))


def checkExportFolder(folder: Path) -> bool:
    """Return whether an earlier result would be replaced; UsageError where nothing can go to ``folder``."""
    if not folder.parent.is_dir():
        raise UsageError(_("The folder {folder} does not exist: make it first.").format(folder=folder.parent))
    return folder.is_dir() and any(folder.iterdir())
