"""Going through a worklist: joins its section and the panel on which its cases are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ldct_bmd.examination import open_points
from ldct_bmd.ground.remarks import remarks_to
from ldct_bmd.reading.concluded import signature_line
from ldct_bmd.words import text

from ..common.Telling import telling
from ..work.WorklistSession import WorklistSession

if TYPE_CHECKING:
    from ..scene.SceneReview import SceneReview
    from ..work.ResultCase import ResultCase
    from .Panel import Panel
    from .WorklistSection import WorklistSection


class Worklisting:
    """One case is open at a time. A signed one is written into its folder while the next is read.

    A case that was corrected and not signed stays in the scene: nothing that a reader did is lost.
    """

    def __init__(self, section: WorklistSection, panel: Panel) -> None:
        self._section, self._panel = section, panel
        self.session: WorklistSession | None = None
        self.case: ResultCase | None = None
        self._saving: tuple[int, ResultCase] | None = None
        self._remarks: list[str] = []
        section.pathChosen.connect(self.load)
        section.rowWanted.connect(self.open)
        section.nextWanted.connect(self.next)
        section.signNextWanted.connect(self.signAndNext)
        panel.run.exported.connect(lambda _sentence: self._saved())
        panel.run.failed.connect(lambda _sentence: self._notSaved())
        panel.run.cancelled.connect(self._notSaved)
        self._allow()

    def load(self, path: str) -> None:
        """Show another list; "" for none."""
        self.session = None
        with remarks_to(self._remarks.append), telling(self._section.refuse):
            if path:
                self.session = WorklistSession(Path(path))
        if self.session is not None or not path:
            self._section.show(self.session)
            self._showRemarks()
        self._allow()

    def next(self) -> None:
        """Open the next case that is to be read."""
        session = self.session
        if session is None:
            return
        number = session.after(session.current)
        while number is not None and not self._open(number):
            number = session.after(number)
        if number is None:
            self._section.note(text("worklist_section.done"))

    def open(self, number: int) -> None:
        """Open one case, whatever its state."""
        if self.session is not None:
            self._open(number, anyState=True)

    def signAndNext(self) -> None:
        """Sign the open case, have it written into its folder, and open the next; without a worklist, just sign."""
        session, case = self.session, self.case
        if case is None:
            self._sign()
        if session is None or case is None or session.current is None or self._isRunning():
            return
        if case.review is not self._panel.review:  # what is on display is not to be signed in its stead
            self._panel.showVolume(case.review.volumeNode)
            self._section.refuse(text("worklist_section.not_on_display", folder=case.folder.name))
            return
        if not case.isSigned():
            self._panel.sections.report.sign()
        if not case.isSigned():
            self._showOpenPoints(case.review)
            self._section.refuse(self._panel.sections.messages.said or text("worklist_section.not_signed"))
            return
        number = session.current
        settings = None
        with telling(self._section.refuse):
            settings = case.saving()
        if settings is None:
            return
        self._saving = (number, case)
        self._panel.export(settings)
        if not self._isRunning():
            self._notSaved()
            return
        session.follow(number, case.review.examination)
        self.next()
        self._allow()

    def _sign(self) -> None:
        """Sign the review on display, which is of no worklist."""
        review = self._panel.review
        if review is None or review.examination.signature is not None or self._isRunning():
            return
        sections = self._panel.sections
        sections.report.sign()
        if review.isSigned:
            sections.messages.note(signature_line(review.examination))
        else:
            self._showOpenPoints(review)

    def _showOpenPoints(self, review: SceneReview) -> None:
        """Show why the review was not signed, where the reader settles it."""
        sections = self._panel.sections
        suspected = open_points(review.examination).suspected
        if suspected:
            sections.vertebrae.table.select(suspected[0])
        sections.report.revealSigning()

    def forget(self) -> None:
        """Let go of the open case: the scene closes, or the panel goes away."""
        self.case, self._saving = None, None
        if self.session is not None:
            self.session.current = None
        self._allow()

    def _open(self, number: int, anyState: bool = False) -> bool:
        """Open a case; returns whether the reader has something to look at, or must be told why not."""
        from ..work.ResultCase import ResultCase

        session = self.session
        if session is None:
            return True
        session.current = number
        case = None
        with remarks_to(self._remarks.append), telling(self._section.refuse):
            case = ResultCase.open(self._panel.logic, session.folder(number), session.scan(number))
        if case is None:
            return True
        session.follow(number, case.review.examination)
        if case.isSigned() and not anyState:  # by somebody else, since the list was made
            case.close(self._panel.logic)
            return False
        self._leave()
        self.case = case
        self._panel.showVolume(case.review.volumeNode)
        self._panel.sections.report.export.setHome(case.folder, case.segForm())
        self._panel.sections.vertebrae.table.focus()
        self._panel.sections.vertebrae.table.reveal()
        self._section.show(session)
        self._showRemarks()
        self._allow()
        return True

    def _leave(self) -> None:
        """Take the case that was open out of the scene, unless it is being written or its folder does not hold it."""
        case = self.case
        self.case = None
        if case is not None and not case.isChanged and (self._saving is None or self._saving[1] is not case):
            case.close(self._panel.logic)

    def _saved(self) -> None:
        if self._saving is None:
            return
        (_number, case), self._saving = self._saving, None
        case.saved()
        if case is not self.case:
            case.close(self._panel.logic)
        if self.session is not None:
            self._section.show(self.session)
        self._allow()

    def _notSaved(self) -> None:
        """The case stays in the scene, and is to be read again in the list."""
        if self._saving is None:
            self._allow()
            return
        (_number, case), self._saving = self._saving, None
        self._section.refuse(
            text("worklist_section.not_saved", folder=case.folder.name, reason=self._panel.sections.messages.said)
        )
        self._allow()

    def _showRemarks(self) -> None:
        """Show what the engine said by the way, such as that it put back what a killed run had moved."""
        if self._remarks:
            self._section.note(" ".join(self._remarks))
        self._remarks.clear()

    def _isRunning(self) -> bool:
        return self._panel.run.isRunning

    def _allow(self) -> None:
        hasMore = self.session is not None and self.session.after(self.session.current) is not None
        self._section.allow(hasMore, self.case is not None and not self._isRunning())
