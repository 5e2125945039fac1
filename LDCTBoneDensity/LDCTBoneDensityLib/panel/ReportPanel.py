"""The section on the report: reader, comment, key, signature. Exporting is :class:`.ExportPanel.ExportPanel`'s."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.examination import open_points
from ldct_bmd.findings import Severity
from ldct_bmd.reading.concluded import signature_line
from ldct_bmd.words import text

from ..common.FindingsView import FindingsView
from ..common.PathField import onPathChanged, pathIn
from ..common.Reveal import reveal
from ..common.Signal import Signal
from .ExportPanel import ExportPanel
from .ReportPreview import ReportPreview

if TYPE_CHECKING:
    from ldct_bmd.review import Review

    from ..scene.SceneReview import SceneReview
    from .ReferencePopulation import ReferencePopulation

KEY_SETTING = "LDCTBoneDensity/SigningKey"
READER_SETTING = "LDCTBoneDensity/Reader"


class ReportPanel:
    """Lets a reader comment and sign. The reader's name and the place of the site's key stay in the settings.

    Args:
        reader: the name to begin with, if none was given before.
        prepare: installs what signing with a key needs; UsageError where the user declines.
        population: what the report compares the patient with.

    Attributes:
        corrected: emits a correction, a function of the review: signing, and taking the signature off.
        discardWanted: emits nothing.
        export: the part that exports.
        preview: the page on display before it goes anywhere.
        openPoints: what is to be decided and acknowledged before the review is signed.
    """

    def __init__(
        self, ui: Any, window: Any, reader: str, prepare: Callable[[], None], population: ReferencePopulation
    ) -> None:
        self.corrected, self.discardWanted = Signal(), Signal()
        self.export = ExportPanel(ui, window, population)
        self.preview = ReportPreview()
        self._ui, self._window = ui, window
        self._prepare = prepare
        self._review: SceneReview | None = None
        self._busy = False
        ui.readerEdit.setText(str(qt.QSettings().value(READER_SETTING, "") or reader))
        ui.readerEdit.connect("editingFinished()", self._keepReader)
        ui.signatureLabel.setTextFormat(qt.Qt.PlainText)
        ui.keyPath.setCurrentPath(str(qt.QSettings().value(KEY_SETTING, "") or ""))
        onPathChanged(ui.keyPath, self._keyChosen)
        ui.commentEdit.connect("textChanged()", self._commented)
        ui.signButton.connect("clicked(bool)", self._sign)
        ui.discardButton.connect("clicked(bool)", lambda _checked=False: self.discardWanted.emit())
        self.openPoints = FindingsView(ui.openPointsView)
        self._errors: tuple[str, ...] = ()
        self._showOpenPoints()

    def reader(self) -> str:
        """Return the reader's name as typed."""
        return self._ui.readerEdit.text.strip()

    def readerOrAsk(self) -> str:
        """Return the reader's name, asked for where none was given yet; "" if the reader gives none."""
        if not self.reader():
            title, question = text("reader.title"), text("reader.question")
            self._ui.readerEdit.setText(
                qt.QInputDialog.getText(self._window, title, question, qt.QLineEdit.Normal, "").strip()
            )
            self._keepReader()
        return self.reader()

    def _keepReader(self) -> None:
        if self.reader():
            qt.QSettings().setValue(READER_SETTING, self.reader())

    def show(self, review: SceneReview | None, isBusy: bool) -> None:
        """Show a review's comment and signature."""
        self._review = review
        self.export.show(review, isBusy)
        self._ui.signButton.setEnabled(review is not None)
        self._ui.discardButton.setEnabled(review is not None and not review.isSigned and not isBusy)
        isSigned = review is not None and review.examination.signature is not None
        self._ui.signButton.setText(text("report_section.unsign") if isSigned else text("panel.signButton.text"))
        self._ui.commentEdit.setEnabled(review is not None and not isSigned)
        comment = "" if review is None else review.examination.comment or ""
        if comment != self._ui.commentEdit.plainText:
            self._busy = True
            self._ui.commentEdit.setPlainText(comment)
            self._busy = False
        self._ui.signatureLabel.setText(self._words())
        self._showOpenPoints()

    def _showOpenPoints(self) -> None:
        """List what is open; other errors than those that were acknowledged have to be seen again."""
        notes: list[tuple[Severity, str]] = []
        errors: tuple[str, ...] = ()
        if self._review is not None and self._review.examination.signature is None:
            points = open_points(self._review.examination)
            errors = tuple(finding.message for finding in points.errors)
            notes = [(Severity.WARNING, text("signing.decide", level=level)) for level in points.suspected]
            notes += [(Severity.ERROR, text("note.error", message=one.message)) for one in points.errors]
        self.openPoints.showNotes(notes)
        self._ui.seenBox.setVisible(bool(errors))
        if errors != self._errors:
            self._ui.seenBox.setChecked(False)
            self._errors = errors

    def revealSigning(self) -> None:
        """Bring the button that signs into sight, and what is open before the signature."""
        reveal(self._ui.signButton, self._ui.openPointsView)

    def sign(self) -> None:
        """Sign the review on display, as the button does."""
        if self._review is not None and self._review.examination.signature is None:
            self.corrected.emit(self._signWith)

    def _words(self) -> str:
        return "" if self._review is None else signature_line(self._review.examination)

    def _commented(self) -> None:
        if not self._busy and self._review is not None:
            self._review.annotate(self._ui.commentEdit.plainText)

    def _sign(self, _checked: bool = False) -> None:
        if self._review is None:
            return
        if self._review.examination.signature is None:
            self.corrected.emit(self._signWith)
        else:
            self.corrected.emit(lambda review: review.unsign())

    def _signWith(self, review: Review) -> None:
        path = pathIn(self._ui.keyPath)
        key = None
        if path:
            self._prepare()
            from ldct_bmd.reporting.keys import load_key

            key = load_key(Path(path))
        points = open_points(review.examination)
        seen = [finding.code.value for finding in points.errors] if self._ui.seenBox.checked else []
        review.sign(key, seen)

    def _keyChosen(self, path: str) -> None:
        qt.QSettings().setValue(KEY_SETTING, path)
