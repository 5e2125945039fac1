"""A reader's review of one examination: corrections, preview, undo and redo."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from . import column, corrections, verdicts
from .calibration import Calibration
from .calibration.match import CalibrationChoice
from .examination import Bodies, BodyMask, Examination, Measurement, SigningKey, sign, unsign
from .ground.clock import now
from .ground.errors import UsageError
from .rules import RuleSet
from .scan import CTScan
from .voi import CylinderVOI, place_voi

_NOBODY = "-"  # in the place of the reader's name, who is not asked for it before a correction is kept


@dataclass(frozen=True)
class ReviewState:
    """What a correction makes again: the record, and the vertebral bodies by level."""

    examination: Examination
    bodies: Bodies


class Review:
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
    def can_undo(self) -> bool:
        """Whether there is a state before."""
        return self._place > 0

    @property
    def can_redo(self) -> bool:
        """Whether a state was undone."""
        return self._place < len(self._states) - 1

    def undo(self) -> None:
        """Go back one correction; UsageError if there is none, or the record is signed."""
        self._refuse_signed()
        if not self.can_undo:
            raise UsageError("review.nothing_to_undo")
        self._place -= 1

    def redo(self) -> None:
        """Do again what was undone; UsageError if nothing was, or the record is signed."""
        self._refuse_signed()
        if not self.can_redo:
            raise UsageError("review.nothing_to_redo")
        self._place += 1

    def numbers_at(self, level: str, voi: CylinderVOI) -> Measurement:
        """Return what ``level`` would measure with ``voi``, sooner than :meth:`preview_voi` does."""
        return corrections.numbers_at(self.examination, self._scan(), level, voi)

    def preview_voi(self, level: str, voi: CylinderVOI) -> Examination:
        """Return what the record would be with ``voi`` as that of ``level``; the state stays as it is."""
        body = self.state.bodies.get(level)
        return corrections.move_voi(self.examination, self._scan(), level, voi, _NOBODY, self._clock(), body)

    def move_voi(self, level: str, voi: CylinderVOI) -> None:
        """Measure ``level`` in ``voi``: put elsewhere, turned or resized."""
        body = self.state.bodies.get(level)
        self._advance(corrections.move_voi(self.examination, self._scan(), level, voi, *self._signed(), body))

    def reset_voi(self, level: str) -> None:
        """Go back to the automatic VOI of ``level``."""
        self._advance(corrections.reset_voi(self.examination, level, *self._signed()))

    def add_voi(self, level: str) -> None:
        """Place the paper's VOI in the vertebra ``level``, which has none."""
        scan, body = self._scan(), self._body(level)
        voi = place_voi(body.inside, body.box, scan.geometry)
        self._advance(corrections.add_voi(self.examination, scan, level, voi, *self._signed(), body))

    def exclude(self, level: str, reason: str, words: str | None = None) -> None:
        """Leave ``level`` out of the assessment.

        ``reason`` is the value of an ``ExclusionReason``; ``words`` are the reader's own.
        """
        self._advance(corrections.exclude_level(self.examination, level, reason, *self._signed(), words))

    def include(self, level: str) -> None:
        """Take ``level`` back into the assessment."""
        self._advance(corrections.include_level(self.examination, level, *self._signed()))

    def confirm_fracture(self, level: str, grade: int | None = None) -> None:
        """Call ``level`` fractured, of Genant's ``grade``: it is left out, and leads the statement."""
        self._advance(verdicts.confirm_fracture(self.examination, level, *self._signed(), grade))

    def dismiss_suspicion(self, level: str) -> None:
        """Say that ``level`` is not fractured."""
        self._advance(verdicts.dismiss_suspicion(self.examination, level, *self._signed()))

    def confirm_outline(self, level: str) -> None:
        """Find the outline of ``level`` good, so that it may be used."""
        self._advance(verdicts.confirm_outline(self.examination, level, *self._signed()))

    def deny_contrast(self) -> None:
        """Say that the scan was made without contrast agent: nothing is taken off for it."""
        self._advance(verdicts.deny_contrast(self.examination, *self._signed()))

    def admit_contrast(self) -> None:
        """Take that back."""
        self._advance(verdicts.admit_contrast(self.examination, *self._signed()))

    def rename(self, level: str, new_level: str) -> None:
        """Call the vertebra ``level`` ``new_level``."""
        self._advance_renamed(column.rename_level(self.examination, level, new_level, *self._signed()))

    def shift_names(self, steps: int) -> None:
        """Shift all names by ``steps``: 1 makes T12 of T11.

        A body that runs off the list has no name until it is shifted back.
        """
        self._advance_renamed(column.shift_names(self.examination, steps, *self._signed()))

    def confirm_names(self) -> None:
        """Vouch for the names."""
        self._advance(column.confirm_names(self.examination, *self._signed()))

    def edit_body(self, level: str, body: BodyMask) -> None:
        """Take ``body`` as the mask of ``level``; the VOI is placed again if the level is a target or measured."""
        edited = corrections.edit_body(self.examination, self._scan(), level, body, *self._signed())
        self._advance(edited, {**self.state.bodies, level: body})

    def add_vertebra(self, level: str, body: BodyMask) -> None:
        """Take in a vertebra that was missed, as it was drawn: ``body``, called ``level``."""
        added = column.add_vertebra(self.examination, self._scan(), level, body, *self._signed())
        self._advance(added, {**self.state.bodies, level: body})

    def remove_vertebra(self, level: str) -> None:
        """Take out what is no vertebra, though it is called ``level``."""
        removed = column.remove_vertebra(self.examination, level, *self._signed())
        self._advance(removed, {name: body for name, body in self.state.bodies.items() if name != level})

    def change_calibration(self, calibration: Calibration, choice: CalibrationChoice | None = None) -> None:
        """Compute every BMD with another ``calibration``; ``choice``: why a store's was taken."""
        self._advance(corrections.change_calibration(self.examination, calibration, *self._signed(), choice))

    def change_rules(self, rules: RuleSet) -> None:
        """Give the category by another rule set, ``rules``."""
        self._advance(corrections.change_rules(self.examination, rules, *self._signed()))

    def annotate(self, comment: str) -> None:
        """Keep the reader's own words, ``comment``; undo and redo leave them as they are."""
        self._refuse_signed()
        self._states = [
            ReviewState(replace(state.examination, comment=comment or None), state.bodies) for state in self._states
        ]

    def sign(self, key: SigningKey | None = None, acknowledged: Collection[str] = ()) -> None:
        """Sign the record as it stands, with the site's private ``key`` too if it is given.

        ``acknowledged``: codes of the errors that the reader has seen, see :func:`.examination.open_points`.
        """
        self._restart(sign(self.examination, *self._signed(), key=key, acknowledged=acknowledged))

    def unsign(self) -> None:
        """Take the signature off, so that the record can be corrected."""
        self._restart(unsign(self.examination, *self._signed()))

    def _signed(self) -> tuple[str, str]:
        return self._reader(), self._clock()

    def _refuse_signed(self) -> None:
        if self.examination.signature is not None:
            raise UsageError("review.signed")

    def _restart(self, examination: Examination) -> None:
        """Go on from a record that can't be undone: who signed, and took it back, stays in the history."""
        self._states = [ReviewState(examination, self.state.bodies)]
        self._place = 0

    def _body(self, level: str) -> BodyMask:
        body = self.state.bodies.get(level)
        if body is None:
            raise UsageError("review.no_body", level=level)
        return body

    def _advance(self, examination: Examination, bodies: Bodies | None = None) -> None:
        state = ReviewState(examination, self.state.bodies if bodies is None else bodies)
        self._states = [*self._states[: self._place + 1], state]
        self._place += 1

    def _advance_renamed(self, examination: Examination) -> None:
        names = dict(zip(self.examination.column(), examination.column(), strict=True))
        bodies = {names.get(level, level): body for level, body in self.state.bodies.items()}
        self._advance(examination, bodies)
