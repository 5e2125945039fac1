"""A reader's review of one examination: corrections, preview, undo and redo. It knows neither scene nor Qt."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ldct_bmd.calibration import Calibration
from ldct_bmd.calibration.match import CalibrationChoice
from ldct_bmd.examination import BodyMask, Examination
from ldct_bmd.ground.clock import now
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.scan import CTScan
from ldct_bmd.voi import CylinderVOI

from .BodyMasks import Bodies


@dataclass(frozen=True)
class ReviewState:
    """What a correction makes anew: the record, and the vertebral bodies by level."""

    examination: Examination
    bodies: Bodies


class ReviewSession:
    """The states that a review went through, and the verbs that lead to the next.

    Every verb calls the engine's correction of the same meaning, and raises what that raises: UsageError and
    CannotMeasure with a sentence; the state then stays as it was.

    Args:
        scan: gives the voxels that were measured; raises UsageError where they are not at hand.
        reader: gives the reader's name.
        clock: gives the time in ISO 8601.
    """

    def __init__(
        self,
        state: ReviewState,
        scan: Callable[[], CTScan],
        reader: Callable[[], str],
        clock: Callable[[], str] = now,
    ) -> None:
        self._states = [state]
        self._place = 0
        self._scan = scan
        self._reader = reader
        self._clock = clock

    @property
    def state(self) -> ReviewState:
        """The current state."""
        return self._states[self._place]

    @property
    def examination(self) -> Examination:
        """The current record."""
        return self.state.examination

    @property
    def canUndo(self) -> bool:
        """Whether there is a state before."""
        return self._place > 0

    @property
    def canRedo(self) -> bool:
        """Whether a state was undone."""
        return self._place < len(self._states) - 1

    def undo(self) -> None:
        """Go back one correction; a signed record stays as it is."""
        self._refuseSigned()
        if not self.canUndo:
            raise UsageError("There is no correction to undo.")
        self._place -= 1

    def redo(self) -> None:
        """Do again what was undone; a signed record stays as it is."""
        self._refuseSigned()
        if not self.canRedo:
            raise UsageError("There is no correction to do again.")
        self._place += 1

    def previewVOI(self, level: str, voi: CylinderVOI) -> Examination:
        """Return what the record would be with the VOI of ``level`` there; the state stays as it is."""
        from ldct_bmd.corrections import move_voi

        body = self.state.bodies.get(level)
        return move_voi(self.examination, self._scan(), level, voi, *self._signed(), body)

    def moveVOI(self, level: str, voi: CylinderVOI) -> None:
        """Put the VOI of ``level`` elsewhere, turned or resized."""
        self._advance(self.previewVOI(level, voi))

    def resetVOI(self, level: str) -> None:
        """Go back to the automatic VOI."""
        from ldct_bmd.corrections import reset_voi

        self._advance(reset_voi(self.examination, level, *self._signed()))

    def addVOI(self, level: str) -> None:
        """Place the paper's VOI in a vertebra that has none."""
        from ldct_bmd.corrections import add_voi
        from ldct_bmd.voi import place_voi

        scan, body = self._scan(), self._body(level)
        voi = place_voi(body.inside, body.box, scan.geometry)
        self._advance(add_voi(self.examination, scan, level, voi, *self._signed(), body))

    def exclude(self, level: str, reason: str, words: str | None = None) -> None:
        """Leave ``level`` out of the assessment; ``words`` are the reader's own."""
        from ldct_bmd.corrections import exclude_level

        self._advance(exclude_level(self.examination, level, reason, *self._signed(), words))

    def include(self, level: str) -> None:
        """Take ``level`` back into the assessment."""
        from ldct_bmd.corrections import include_level

        self._advance(include_level(self.examination, level, *self._signed()))

    def confirmFracture(self, level: str) -> None:
        """Call ``level`` fractured: it is left out, and leads the statement."""
        from ldct_bmd.verdicts import confirm_fracture

        self._advance(confirm_fracture(self.examination, level, *self._signed()))

    def dismissSuspicion(self, level: str) -> None:
        """Say that ``level`` is not fractured."""
        from ldct_bmd.verdicts import dismiss_suspicion

        self._advance(dismiss_suspicion(self.examination, level, *self._signed()))

    def confirmOutline(self, level: str) -> None:
        """Find the outline of ``level`` good, so that it may be used."""
        from ldct_bmd.verdicts import confirm_outline

        self._advance(confirm_outline(self.examination, level, *self._signed()))

    def rename(self, level: str, newLevel: str) -> None:
        """Give one vertebra another name."""
        from ldct_bmd.corrections import rename_level

        self._advanceRenamed(rename_level(self.examination, level, newLevel, *self._signed()))

    def shiftNames(self, steps: int) -> None:
        """Shift all names: 1 makes T12 of T11."""
        from ldct_bmd.corrections import shift_names

        self._advanceRenamed(shift_names(self.examination, steps, *self._signed()))

    def confirmNames(self) -> None:
        """Vouch for the names."""
        from ldct_bmd.corrections import confirm_names

        self._advance(confirm_names(self.examination, *self._signed()))

    def editBody(self, level: str, body: BodyMask) -> None:
        """Take an edited mask; the VOI is placed anew where the level is a target or measured."""
        from ldct_bmd.corrections import edit_body

        edited = edit_body(self.examination, self._scan(), level, body, *self._signed())
        self._advance(edited, {**self.state.bodies, level: body})

    def changeCalibration(self, calibration: Calibration, choice: CalibrationChoice | None = None) -> None:
        """Compute every BMD with another calibration; ``choice``: why a store's was taken."""
        from ldct_bmd.corrections import change_calibration

        self._advance(change_calibration(self.examination, calibration, *self._signed(), choice))

    def annotate(self, comment: str) -> None:
        """Keep the reader's own words; undo and redo leave them as they are."""
        self._refuseSigned()
        self._states = [
            ReviewState(replace(state.examination, comment=comment or None), state.bodies) for state in self._states
        ]

    def sign(self, keyPath: Path | None = None) -> None:
        """Sign the record as it stands, with the site's private key too if one is named."""
        from ldct_bmd.examination import sign

        key = None
        if keyPath is not None:
            from ldct_bmd.reporting.keys import load_key

            key = load_key(keyPath)
        self._restart(sign(self.examination, *self._signed(), key=key))

    def unsign(self) -> None:
        """Take the signature off, so that the record can be corrected."""
        from ldct_bmd.examination import unsign

        self._restart(unsign(self.examination, *self._signed()))

    def _signed(self) -> tuple[str, str]:
        return self._reader(), self._clock()

    def _refuseSigned(self) -> None:
        if self.examination.signature is not None:
            raise UsageError("The record is signed: take the signature off first.")

    def _restart(self, examination: Examination) -> None:
        """Go on from a record that can't be undone: who signed, and took it back, stays in the history."""
        self._states = [ReviewState(examination, self.state.bodies)]
        self._place = 0

    def _body(self, level: str) -> BodyMask:
        body = self.state.bodies.get(level)
        if body is None:
            raise UsageError(f"{level} has no segment: draw its vertebral body first.")
        return body

    def _advance(self, examination: Examination, bodies: Bodies | None = None) -> None:
        state = ReviewState(examination, self.state.bodies if bodies is None else bodies)
        self._states = [*self._states[: self._place + 1], state]
        self._place += 1

    def _advanceRenamed(self, examination: Examination) -> None:
        pairs = zip(self.examination.vertebrae, examination.vertebrae, strict=True)
        names = {old.level: new.level for old, new in pairs}
        bodies = {names.get(level, level): body for level, body in self.state.bodies.items()}
        self._advance(examination, bodies)
