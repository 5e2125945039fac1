"""Results on their way back to the archive: each once, and sent only when the archive lists it."""

import contextvars
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import select

from ..ground.atomic import settle
from ..ground.clock import now
from ..ground.errors import OutOfReach, UsageError
from ..reporting.checksums import demand_as_written
from ..reporting.outputs import dicom_files
from ..reporting.pacs import Delivery, demand_own, find_credentials, send_dicomweb
from .archive import AWAY, Archive
from .states import Delivered
from .store import Store
from .tables import Archived, Result, Sending, Study
from .work import read_result

LONGEST_PAUSE_S = 3600.0  # between attempts
_FIRST_PAUSE_S = 5.0
_AT_ONCE = 16


@dataclass(frozen=True)
class Returned:
    """What became of one result.

    Attributes:
        study: its id.
        uids: SOP instance UIDs that the archive lists.
        problem: why it was not sent, or not yet.
    """

    study: str
    state: Delivered
    uids: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class _Held:
    result: int
    study: str
    folder: Path | None


class Returning:
    """Sends what waits next to other work: a thread sends what was claimed, a few results at a time."""

    def __init__(self, store: Store, archive: Archive) -> None:
        self._store, self._archive = store, archive
        self._thread: threading.Thread | None = None
        self._told: queue.SimpleQueue[Returned | BaseException] = queue.SimpleQueue()

    def proceed(self) -> Iterator[Returned]:
        """Yield what became of results since the last call, and have sent what waits.

        Raises:
            UsageError: the archive is away; what was not sent goes on waiting.
        """
        while not self._told.empty():
            one = self._told.get()
            if isinstance(one, BaseException):
                raise one
            yield one
        # Claimed here, not in the thread: who has left claims nothing.
        if not self.is_sending() and (held := _claim(self._store, self._archive.address)):
            work = partial(contextvars.copy_context().run, self._send, held)
            self._thread = threading.Thread(target=work, daemon=True)
            self._thread.start()

    def is_sending(self) -> bool:
        """Whether something is on its way."""
        return self._thread is not None and self._thread.is_alive()

    def _send(self, held: list[_Held]) -> None:
        try:
            for one in _sent(self._store, self._archive, held):
                self._told.put(one)
        except BaseException as error:  # noqa: BLE001 (raised again by who asks)
            self._told.put(error)


def _sent(store: Store, archive: Archive, held: list[_Held]) -> Iterator[Returned]:
    """Send results, and yield what became of each."""
    for place, one in enumerate(held):
        try:
            returned = _send(one, archive)
        except UsageError as error:
            is_away = error.code in AWAY
            _put_off(store, [one], 1)
            if is_away:
                _put_off(store, held[place + 1 :], 0)
                raise
            yield Returned(one.study, Delivered.WAITING, problem=str(error))
        except BaseException:
            _put_off(store, held[place:], 0)
            raise
        else:
            _record(store, one, returned)
            yield returned


def _claim(store: Store, address: str) -> list[_Held]:
    """Take results that wait for this client, the earliest first."""
    now_s = time.time()
    # One that is to wait for longer than any is, was put off by a clock that was ahead.
    is_due = (Sending.after <= now_s) | (Sending.after > now_s + LONGEST_PAUSE_S)
    with store.database.session() as session:
        wanted = (
            select(Sending, Result, Study)
            .join(Result, Result.id == Sending.result_id)
            .join(Study, Study.id == Result.study_id)
            .join(Archived, Archived.study_id == Study.id)
            .where(
                Sending.state == Delivered.WAITING.value,
                Sending.client.is_(None),
                is_due,
                Archived.address == address,
            )
            .order_by(Sending.result_id)
            .limit(_AT_ONCE)
            .with_for_update(skip_locked=True, of=Sending)
        )
        store.database.be_known(session)
        held = []
        for sending, result, study in session.execute(wanted).all():
            sending.client = store.database.client
            folder = None if result.folder is None else store.folder / result.folder
            held.append(_Held(result.id, study.id, folder))
        return held


def _send(held: _Held, archive: Archive) -> Returned:
    """Send one result; UsageError if the archive does not take it now."""
    try:
        files = _sendable(held.folder)
    except UsageError as error:
        if held.folder is not None and not held.folder.parent.is_dir():
            raise OutOfReach(
                "screen.result_unreadable", folder=held.folder.name
            ) from error  # as the whole store may be
        return Returned(held.study, Delivered.KEPT, problem=str(error))
    credentials = find_credentials(archive.address)
    delivery: Delivery = send_dicomweb(archive.address, files, credentials, archive.authority, only_missing=True)
    if not delivery.listed:
        raise UsageError("archive.not_confirmed", host=archive.host)
    return Returned(held.study, Delivered.SENT, delivery.uids)


def _sendable(folder: Path | None) -> tuple[Path, ...]:
    """Return the DICOM objects of a result; UsageError if it has none, or not its own."""
    if folder is None:
        raise UsageError("archive.nothing_to_send")
    settle(folder)
    files = dicom_files(folder)
    demand_own(files, read_result(folder))
    demand_as_written(folder, files)
    return files


def _record(store: Store, held: _Held, returned: Returned) -> None:
    with store.database.session() as session:
        sending = session.get_one(Sending, held.result)
        sending.state, sending.client, sending.ended = returned.state.value, None, now()
        sending.uids, sending.sentence = list(returned.uids), returned.problem or None


def _put_off(store: Store, held: list[_Held], attempts: int) -> None:
    """Let results wait on, after ``attempts`` that came to nothing."""
    with store.database.session() as session:
        for one in held:
            sending = session.get_one(Sending, one.result)
            sending.client = None
            sending.attempts += attempts
            if attempts:
                sending.after = time.time() + min(LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**sending.attempts)
