"""One result while it is read: nobody else reads it, and no correction is lost."""

import json
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from copy import copy
from pathlib import Path
from typing import Any

from ldct_bmd.examination import Bodies, BodyMask, Examination, SigningKey, bodies_in, label_map, record_sha256
from ldct_bmd.ground.atomic import write_text
from ldct_bmd.ground.errors import OutOfReach, UsageError
from ldct_bmd.ground.files import read_text
from ldct_bmd.ground.lock import locked
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.jobs.folder import BODIES, RECORD_FILE, VOXELS, lay
from ldct_bmd.jobs.spec import Destination, ExportSpec
from ldct_bmd.reading.results import demand_unchanged, files_of
from ldct_bmd.reporting.held import asked_for_in, earlier_in, outputs_in
from ldct_bmd.reporting.opened import OpenedResult, open_result, record_in
from ldct_bmd.reporting.output import Output
from ldct_bmd.review import Review, ReviewState
from ldct_bmd.scan import Geometry
from ldct_bmd.words import text

from .planes import grid_along

_SCHEMA = "ldct-bmd-review/1"


class Case:
    """A result, its scan, and its review.

    A correction is kept at once in a hidden file next to the result folder, which itself changes only when the reader
    signs or saves: its masks, pictures and reports always fit its record.

    Args:
        held: lets go of the result when it is closed.
        reader: gives the reader's name.
        reference: the file of a population with which reports compare the patient.

    Attributes:
        folder: the result folder.
        scan: that was measured.
        review: the corrections.
        remark: what the reader must know of how it was opened; "" if there is nothing.
    """

    def __init__(
        self,
        folder: Path,
        scan_path: Path,
        opened: OpenedResult,
        held: ExitStack,
        reader: Callable[[], str],
        reference: Path | None = None,
    ) -> None:
        self.folder, self.scan, self.remark = folder, opened.scan, ""
        self._scan_path, self._held, self._reader, self._reference = scan_path, held, reader, reference
        self._opened = opened.examination
        self._draft = folder.with_name(f".{folder.name}.ldct-bmd-review")
        self.review = self._review(opened.examination, bodies_in(opened.column.bodies))
        self._grids: list[tuple[BodyMask, Geometry]] = []
        self._resume()

    @classmethod
    def open(
        cls,
        folder: Path,
        scan: Path,
        reader: Callable[[], str],
        reference: Path | None = None,
        progress: Progress = silent,
    ) -> "Case":
        """Read result and scan, and what a reader corrected and did not sign.

        Raises:
            UsageError: somebody else reads it, or what :func:`.open_result` says.
            CannotMeasure: the scan cannot be read.
        """
        folder = folder.resolve()
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(folder.with_name(f"{folder.name}.review")))
            except OutOfReach as error:
                raise UsageError("web.in_use", folder=folder.name) from error
            opened = open_result(folder, scan, progress)
            return cls(folder, scan, opened, stack.pop_all(), reader, reference)

    @property
    def examination(self) -> Examination:
        """The current record."""
        return self.review.examination

    def grid(self, along: str | None) -> Geometry:
        """Return the grid that views lie on: the scan's own, or along the endplates of a level.

        Raises:
            UsageError: they cannot be told.
        """
        if along is None:
            return self.scan.geometry
        body = self.review.state.bodies.get(along)
        for known, grid in self._grids:
            if known is body:
                return grid
        grid = grid_along(self.examination, self.review.state.bodies, along, self.scan.geometry)
        if body is not None:
            self._grids.append((body, grid))
        return grid

    @property
    def is_changed(self) -> bool:
        """Whether the folder holds another state of the record, or of the reader's comment."""
        return record_sha256(self.examination) != record_sha256(self._opened)

    def do(self, verb: Callable[[Review], None]) -> None:
        """Let ``verb`` correct, and keep it; raises what the correction raises, and then nothing changed."""
        verb(self.review)
        self._keep()

    def sign(self, key: SigningKey | None, acknowledged: Collection[str]) -> None:
        """Sign, and keep that nowhere but in the folder, into which it is written next.

        Were it kept before, and the server killed then, whoever opens the result next would find it signed.
        """
        self.review.sign(key, acknowledged)

    def remembered(self) -> Callable[[], None]:
        """Return what puts the review back to as it is now, unless the folder holds by then what came after."""
        before = copy(self.review)

        def put_back() -> None:
            with suppress(OSError, UsageError):
                if record_in(self.folder) == self.examination:
                    return
            self.review = before
            self._keep()

        return put_back

    def unsign(self) -> Callable[[], None]:
        """Take the signature off, in the folder's record too if that bears it; return what puts it back."""
        before, opened = copy(self.review), self._opened
        if opened.signature is None:
            put_back = self.remembered()
            self.do(lambda review: review.unsign())
            return put_back
        from ldct_bmd.cli.reporting import unsign_record

        demand_unchanged(self.folder, opened)
        file = self.folder / RECORD_FILE
        signed = read_text(file)
        unsigned = self._opened = unsign_record(self.folder, self._reader())
        self.review = self._review(unsigned, self.review.state.bodies)

        def put_back_signed() -> None:
            if record_in(self.folder) == unsigned:  # what goes with it still is of the signed one
                write_text(file, signed)
                self.review, self._opened = before, opened
                self._keep()

        return put_back_signed

    def lay_export(self, job: Path, destination: Destination, outputs: tuple[Output, ...], pacs: str = "") -> None:
        """Lay what makes ``outputs`` of the review into the folder ``job``.

        Raises:
            UsageError: it goes to the result folder, which somebody changed since it was opened.
        """
        if destination is Destination.FOLDER:
            demand_unchanged(self.folder, self._opened)
        spec = ExportSpec(
            stored=self.scan.stored_geometry,
            # What is sent has the form of what the folder holds.
            outputs=(*outputs, *(asked_for_in(self.folder) & {Output.LABEL_MAP})),
            destination=destination,
            files=tuple(map(str, files_of(self._scan_path))),
            folder=str(self.folder) if destination is Destination.FOLDER else None,
            pacs=pacs,
            # The job looks itself into a result folder that it writes.
            earlier=earlier_in(self.folder) if destination is Destination.PACS else None,
            reference=None if self._reference is None else str(self._reference),
            home=str(self.folder),
        )
        bodies = label_map(self.review.state.bodies, self.scan.geometry.shape)
        lay(job, spec, {VOXELS: self.scan.hu, BODIES: bodies})
        (job / RECORD_FILE).write_text(self.examination.to_json(), encoding="utf-8")

    def outputs(self) -> tuple[Output, ...]:
        """Return what makes again all that the result folder holds."""
        return outputs_in(self.folder, bool(files_of(self._scan_path)))

    def saved(self) -> None:
        """Take note that the folder holds the review as it is now."""
        self._opened = record_in(self.folder)
        self._keep()

    def close(self) -> None:
        """Let others read it."""
        self._held.close()

    def _review(self, examination: Examination, bodies: Bodies) -> Review:
        return Review(ReviewState(examination, bodies), lambda: self.scan, self._reader)

    def _keep(self) -> None:
        if not self.is_changed:
            self._draft.unlink(missing_ok=True)
            return
        kept = {"schema": _SCHEMA, "of": record_sha256(self._opened), "record": self.examination.to_dict()}
        write_text(self._draft, json.dumps(kept, allow_nan=False))

    def _resume(self) -> None:
        """Go on from what a reader corrected before, if it is of the record that the folder holds."""
        if not self._draft.is_file():
            return
        kept = _read_draft(self._draft)
        if kept is None or kept[0] != record_sha256(self._opened):
            self.remark = text("web.other_draft")
            return
        bodies = _bodies_of(kept[1], self._opened, self.review.state.bodies)
        if bodies is not None:
            self.review = self._review(kept[1], bodies)
            self.remark = text("web.resumed")


def _read_draft(path: Path) -> tuple[str, Examination] | None:
    """Return the state that a draft began from, and its record; None if it cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError, UsageError):
        values: dict[str, Any] = json.loads(read_text(path))
        if values["schema"] == _SCHEMA:
            return str(values["of"]), Examination.from_json(json.dumps(values["record"]))
    return None


def _bodies_of(record: Examination, opened: Examination, bodies: Bodies) -> Bodies | None:
    """Return the bodies by the names that ``record`` gives them; None if one of them is not there.

    A mask is known by its digest, whatever its vertebra is called.
    """
    known = {v.mask_sha256: bodies[v.level] for v in opened.vertebrae if v.mask_sha256 is not None}
    unnamed = [(one.key, one.vertebra.mask_sha256) for one in record.unnamed]
    found = {level: known[digest] for level, digest in unnamed if digest in known}
    for vertebra in record.vertebrae:
        if vertebra.mask_sha256 not in known:
            return None
        found[vertebra.level] = known[vertebra.mask_sha256]
    return found
