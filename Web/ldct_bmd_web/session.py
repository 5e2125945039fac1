"""What one reader has open: a worklist or one result, and what the page asks of it."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ldct_bmd.examination import SigningKey, mask_sha256
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.jobs.spec import Destination
from ldct_bmd.reading.going import Going, Shown
from ldct_bmd.reading.rows import level_row
from ldct_bmd.reading.values import bmd_word, hu_words
from ldct_bmd.reporting.opened import record_in
from ldct_bmd.reporting.output import DICOM_OUTPUTS
from ldct_bmd.review import Review
from ldct_bmd.voi import CylinderVOI
from ldct_bmd.words import current_language, is_spoken, speaking, text

from .case import Case
from .export import FACE, NotDone, exported
from .slices import ACROSS, WINDOWS_HU, Drag, aorta, color, dragged, middles, slice_shown, views, vois_shown
from .state import assessment, error_codes, findings, rows_of, state_of
from .surfaces import body_surface, packed, voi_surface

Asked = Mapping[str, Any]
Verb = Callable[[Review, str, Asked], None]

# The corrections by the names that the page calls them by: of a review, at a level, with what else was asked.
VERBS: Mapping[str, Verb] = {
    "undo": lambda review, _level, _asked: review.undo(),
    "redo": lambda review, _level, _asked: review.redo(),
    "reset": lambda review, level, _asked: review.reset_voi(level),
    "add": lambda review, level, _asked: review.add_voi(level),
    "exclude": lambda review, level, asked: review.exclude(level, str(asked["reason"]), asked.get("words")),
    "include": lambda review, level, _asked: review.include(level),
    "fracture": lambda review, level, asked: review.confirm_fracture(level, asked.get("grade")),
    "dismiss": lambda review, level, _asked: review.dismiss_suspicion(level),
    "outline": lambda review, level, _asked: review.confirm_outline(level),
    "rename": lambda review, level, asked: review.rename(level, str(asked["name"])),
    "shift": lambda review, _level, asked: review.shift_names(1 if asked["steps"] == 1 else -1),
    "confirm_names": lambda review, _level, _asked: review.confirm_names(),
    "deny_contrast": lambda review, _level, _asked: review.deny_contrast(),
    "admit_contrast": lambda review, _level, _asked: review.admit_contrast(),
    "remove": lambda review, level, _asked: review.remove_vertebra(level),
    "comment": lambda review, _level, asked: review.annotate(str(asked["comment"])),
}


@dataclass(frozen=True)
class Served:
    """What is served, the same to every reader.

    Attributes:
        path: a result folder, a worklist's file or a folder of results.
        scan: where the scans are that no list knows; None: nowhere else.
        key: the site's private key that signs too.
        pacs: where DICOM objects are sent, as ``ExportSpec`` takes it; "" for nowhere.
        reference: the file of a population with which reports compare the patient.
    """

    path: Path
    scan: Path | None = None
    key: SigningKey | None = None
    pacs: str = ""
    reference: Path | None = None

    @property
    def is_list(self) -> bool:
        """Whether it is a list of results, not one."""
        return not (self.path / "measurement.json").is_file()


@dataclass(frozen=True)
class Left:
    """Where a reader was whose session ended.

    Attributes:
        language: of the page.
        folder: of the result that was open, as the list has it; None if there was none.
    """

    language: str
    folder: str | None = None


class Session:
    """One reader's. All but exports is done in the caller's thread; the server lets one request in at a time.

    Args:
        reader: the name; "" if the reader is yet to type it.

    Attributes:
        revision: grows with every change, and whenever a result is opened or let go, so that a page that shows an older
            state is not obeyed.
        opened: how many results were opened so far: tells the page whether it shows another one.
        note: a sentence on what was done, or was said by the way; "" if there is none.
    """

    def __init__(self, served: Served, reader: str) -> None:
        self.served, self.reader = served, reader
        self.language = current_language()
        # A page of an earlier server must not show by chance what this one takes for its own.
        self.revision, self.opened, self.note = secrets.randbelow(2**48), 0, ""
        self.case: Case | None = None
        self.going: Going | None = None
        self._is_started = False
        self._left_at: str | None = None

    def left(self) -> Left:
        """Return where the reader is."""
        going = self.going
        return Left(self.language, None if going is None or going.current is None else going.row(going.current).folder)

    def resume(self, left: Left) -> None:
        """Begin where the reader was in a session before."""
        self.language, self._left_at = left.language, left.folder

    def start(self) -> None:
        """Open what is served, unless it is open; UsageError or CannotMeasure if it cannot be."""
        if self._is_started:
            return
        if not self.served.is_list:
            self._open(self.served.path, self.served.scan)
        else:
            self._open_from_list()
        self._is_started = True

    def _open_from_list(self) -> None:
        if self.going is None:
            self.going = going = Going(self.served.path)
            known = (number for number, row in going.rows(Shown.ALL) if row.folder is not None)
            going.current = next((number for number in known if going.row(number).folder == self._left_at), None)
            if going.current is None:
                self._open_next(None)
        if self.case is None and self.going.current is not None:  # the reader has been here before
            self._is_started = True  # where somebody else has it now, another one can be opened
            self._open_row(self.going.current)

    def close(self) -> None:
        """Let others read what is open; the next request opens it again."""
        if self.case is not None:
            self.case.close()
            self.revision += 1
        self.case, self._is_started = None, False

    @property
    def shown(self) -> tuple[int, int | None]:
        """What a page must show to be obeyed: the revision, and the number of the result that is open."""
        return self.revision, None if self.case is None else self.opened

    def state(self) -> dict[str, Any]:
        """Return all that the page shows but slices."""
        return state_of(self)

    def do(self, asked: Asked) -> None:
        """Do what the page asked for; UsageError or CannotMeasure says why not."""
        what, level = str(asked["what"]), str(asked.get("level") or "")
        self.note = ""
        if what == "language":
            self.language = str(asked["language"]) if is_spoken(str(asked["language"])) else self.language
        elif what == "reader":
            self.reader = str(asked["reader"]).strip()
        elif what == "open":
            self._open_row(_row_number(asked["number"], self.going))
        elif what == "next":
            self._open_next(None if self.going is None else self.going.current)
        else:
            self._correct(what, level, asked)
        self.revision += 1

    async def sign(self, seen: list[str]) -> None:
        """Sign what is open, and write it into its folder; where that fails nothing is signed.

        Args:
            seen: codes of the errors that the page showed and the reader has acknowledged.

        Raises:
            UsageError: it cannot be signed, other errors are open now, or the folder was changed by somebody else.
            NotDone: it could not be written.
        """
        case = self._demand()
        if seen and sorted(seen) != error_codes(case.examination):
            raise UsageError("web.other_page")
        put_back = case.remembered()
        await asyncio.to_thread(case.sign, self.served.key, seen)
        await self._save_or(put_back)

    async def unsign(self) -> None:
        """Take the signature off what is open, and from all that its folder holds; raises as :meth:`save` does."""
        await self._save_or(await asyncio.to_thread(self._demand().unsign))

    async def save(self) -> None:
        """Write what is open into its folder, with all that the folder holds made again.

        Raises:
            UsageError: the folder was changed by somebody else.
            NotDone: it could not be written.
        """
        case = self._demand()
        async with exported(case, Destination.FOLDER, case.outputs()) as made:
            pass
        case.saved()
        if self.going is not None and self.going.current is not None:
            self.going.follow(self.going.current, case.examination)
        self.note = made.noted(text("export.written", folder=case.folder.name))
        self.revision += 1

    async def _save_or(self, put_back: Callable[[], None]) -> None:
        """Save, or let ``put_back`` put back what was before and raise why that could not be done."""
        try:
            await self.save()
        except BaseException:  # a server that stops cancels it
            put_back()
            self.revision += 1
            raise

    async def send(self) -> None:
        """Send the DICOM objects of what is open; raises as :meth:`save` does."""
        async with exported(self._demand(), Destination.PACS, tuple(DICOM_OUTPUTS), self.served.pacs) as made:
            pass
        self.note = made.noted(text("export.sent", pacs=self.served.pacs))
        self.revision += 1

    def slice(self, asked: Asked) -> dict[str, Any]:
        """Return a slice of what is open."""
        window = str(asked["window"])
        if asked["view"] not in ACROSS or window not in WINDOWS_HU:
            raise ValueError("no such view or window")
        case = self._demand()
        return slice_shown(case, case.grid(_along(asked)), asked["view"], int(asked["index"]), window)

    def along(self, asked: Asked) -> dict[str, Any]:
        """Return where everything is in views along the endplates of a level."""
        case, level = self._demand(), str(asked["level"])
        grid = case.grid(level)
        return {"along": level, "views": views(grid), "middles": middles(case, grid), "aorta": aorta(case, grid)}

    def surfaces(self, asked: Asked) -> dict[str, Any]:
        """Return the surfaces of all bodies but those that the page has, and of the VOIs."""
        case = self._demand()
        keys = {level: mask_sha256(body) for level, body in case.review.state.bodies.items()}
        bodies = {keys[level]: body for level, body in case.review.state.bodies.items()}
        return {
            "bodies": [{"level": level, "color": color(level), "key": key} for level, key in keys.items()],
            "vois": [
                {"level": one.level, "color": color(one.level), **packed(voi_surface(one.voi))}
                for one in case.examination.measurements
            ],
            "made": {
                key: packed(body_surface(body, case.scan.geometry))
                for key, body in bodies.items()
                if key not in asked["known"]
            },
        }

    def drag(self, asked: Asked) -> dict[str, Any]:
        """Return what a VOI on the move measures, and its outlines in the slices on display; nothing is kept."""
        case, level = self._demand(), str(asked["level"])
        grid, voi = case.grid(_along(asked)), self._dragged(case, level, asked)
        measured = case.review.numbers_at(level, voi)
        return {
            "hu": hu_words(measured),
            "bmd": bmd_word(measured.bmd_mg_cm3),
            "mean_hu": measured.mean_hu,
            "bmd_mg_cm3": measured.bmd_mg_cm3,
            "vois": {view: vois_shown(case, grid, view, int(asked["at"][view]), (level, voi)) for view in ACROSS},
        }

    def rows(self, asked: Asked) -> list[dict[str, Any]]:
        """Return the rows of the worklist that are to be shown; none where there is no list."""
        return [] if self.going is None else rows_of(self.going, Shown(asked["shown"]))

    def foresee(self, asked: Asked) -> dict[str, Any]:
        """Return what would follow from a VOI on the move for statement, findings and states; nothing is kept."""
        case, level = self._demand(), str(asked["level"])
        foreseen = case.review.preview_voi(level, self._dragged(case, level, asked))
        state = level_row(foreseen, level).state
        return {"assessment": assessment(foreseen), "findings": findings(foreseen), "state": state}

    def _correct(self, what: str, level: str, asked: Asked) -> None:
        case = self._demand()
        if what == "move":
            voi = self._dragged(case, level, asked)
            case.do(lambda review: review.move_voi(level, voi))
        elif what in VERBS:
            case.do(lambda review: VERBS[what](review, level, asked))
        else:
            raise ValueError("no such correction")

    def _dragged(self, case: Case, level: str, asked: Asked) -> CylinderVOI:
        measurement = case.examination.measurement(level)
        if measurement is None:
            raise UsageError("correction.not_measured", level=level)
        sizes = tuple((str(name), float(size)) for name, size in (asked.get("sizes") or {}).items())
        drag = Drag(str(asked["view"]), float(asked.get("right", 0.0)), float(asked.get("down", 0.0)), sizes)
        return dragged(measurement.voi, drag, case.grid(_along(asked)))

    def _demand(self) -> Case:
        if self.case is None:
            raise UsageError("web.nothing_open")
        return self.case

    def _open(self, folder: Path, scan: Path | None) -> None:
        """Open a result in the place of the one that is open, which stays if the other cannot be opened."""
        if scan is None:
            raise UsageError("worklist_section.no_scan", folder=folder.name)
        if self.case is not None and self.case.folder == folder.resolve():
            return
        case = Case.open(folder, scan, lambda: self.reader, self.served.reference)
        if self.case is not None:
            self.case.close()
        self.case, self.note = case, case.remark
        self.opened += 1
        self.revision += 1

    def _open_row(self, number: int) -> None:
        going = self.going
        if going is None:
            raise UsageError("web.nothing_open")
        self._open(going.folder(number), self._scan_of(going, number))
        going.current = number
        if self.case is not None:
            going.follow(number, record_in(self.case.folder))

    def _open_next(self, number: int | None) -> None:
        """Open the next result that is to be read and can be; what cannot is said."""
        going = self.going
        if going is None:
            raise UsageError("web.nothing_open")
        passed: list[str] = []
        tried: set[int] = set()
        number = going.after(number)
        while number is not None and number not in tried:
            tried.add(number)
            try:
                self._open_row(number)
            except (UsageError, CannotMeasure) as error:
                passed.append(str(error))
                number = going.after(number)
        if number is None:
            passed.append(text("worklist_section.done"))
        self.note = " ".join(filter(None, [*passed, self.note]))

    def _scan_of(self, going: Going, number: int) -> Path:
        try:
            return going.scan(number)
        except UsageError:
            if self.served.scan is None:
                raise
            return self.served.scan

    def speak(self) -> Any:
        """Return the context in which this reader's sentences are composed."""
        return speaking(self.language, FACE)


def _along(asked: Asked) -> str | None:
    """Return the level along whose endplates the page's views lie; None: along the scan's axes."""
    along = asked.get("along")
    return None if along is None else str(along)


def _row_number(asked: object, going: Going | None) -> int:
    """Return the number of a row that there is; ValueError if there is none."""
    if type(asked) is not int or going is None or asked not in dict(going.rows(Shown.ALL)):
        raise ValueError("no such row")
    return asked


__all__ = ["NotDone", "Served", "Session"]
