"""An archive feeds a store: what comes there is measured, and what comes of it goes back."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from ..ground.errors import UsageError
from .archive import AWAY, Archive
from .feed import Changes
from .returning import Returned, Returning
from .run import Told, Workers, run
from .states import State
from .store import Store
from .tables import Archived, Result, Study

LONGEST_PAUSE_S = 60.0  # between attempts to reach an archive that is away
FETCH_AGAIN_S = 10.0  # after a study could not be fetched; then twice as long, and so on
MOST_FETCHES = 12
_FAILURES_OF = ("archive.", "pacs.")
_NO_ANSWER = ("archive.away", "pacs.unreachable")


class Heard(Protocol):
    """Who is told what happens."""

    def queued(self, study: str) -> None:
        """A study came, or has changed."""
        ...

    def returned(self, one: Returned) -> None:
        """What became of a result."""
        ...

    def away(self, problem: str) -> None:
        """The archive does not answer."""
        ...

    def back(self) -> None:
        """It answers again."""
        ...


@dataclass
class _Pause:
    """How long to wait before the archive is asked again."""

    length_s: float = 0.0
    until: float = 0.0

    def longer(self) -> None:
        self.length_s = min(LONGEST_PAUSE_S, max(1.0, 2 * self.length_s))
        self.until = time.monotonic() + self.length_s

    def over(self) -> bool:
        return time.monotonic() >= self.until


@dataclass
class Watcher:
    """Queues what the archive tells of and sends back what was measured, a little at each call.

    Attributes:
        changes: makes what tells of new studies, which asks the archive.
        send: whether results go back.
    """

    store: Store
    archive: Archive
    changes: Callable[[], Changes]
    heard: Heard
    send: bool = True
    _changes: Changes | None = None
    _returning: Returning = field(init=False)
    _pause: _Pause = field(default_factory=_Pause)
    _ask_at: float = 0.0

    def __post_init__(self) -> None:
        self._returning = Returning(self.store, self.archive)

    def __call__(self) -> bool:
        """Do what is due; more may always come."""
        if self._pause.over():
            try:
                self._work()
            except IntegrityError:
                pass  # another watcher noted the same at the same moment
            except UsageError as error:
                self._give_way(error)
            else:
                if self._pause.length_s:
                    self._pause = _Pause()
                    self.heard.back()
        return True

    def _give_way(self, error: UsageError) -> None:
        """Wait for an archive that is away; what was wrong from the start is raised."""
        if self._changes is None and error.code not in AWAY:
            raise error
        if not self._pause.length_s:
            self.heard.away(str(error))
        self._pause.longer()

    def _work(self) -> None:
        if self._changes is None:
            self._changes = self.changes()
        problem = None
        if time.monotonic() >= self._ask_at:
            problem = self._take(self._changes)
            fetch_again(self.store, self.archive.address)
            self._ask_at = time.monotonic() + self._changes.every_s
        if self.send:
            for one in self._returning.proceed():
                self.heard.returned(one)
        if problem is not None:
            raise problem

    def _take(self, changes: Changes) -> UsageError | None:
        """Queue what is whole; return why one study could not be looked at: it is told of again, and stops no other."""
        problem = None
        for listed in changes.ready():
            try:
                found = self.archive.found(listed)
            except UsageError as error:
                if error.code in _NO_ANSWER:  # nor would there be one for the next study
                    raise
                problem = error
                changes.keep(listed)
                continue
            if found is not None and self.store.database.add([found], send_back=self.send):
                self.heard.queued(found.id)
        return problem


def watch(store: Store, workers: Workers, watcher: Watcher, told: Callable[[Told], None]) -> Told:
    """Work until the process is interrupted."""
    return run(store, workers, told, watcher)


def fetch_again(store: Store, address: str) -> int:
    """Queue studies that could not be fetched, each after a pause that doubles; return how many."""
    queued = 0
    with store.database.session() as session:
        failed = (
            select(Study)
            .join(Archived, Archived.study_id == Study.id)
            .where(Study.state == State.FAILED.value, Archived.address == address)
            .order_by(Study.id)
            .options(selectinload(Study.results))
            .with_for_update(of=Study)
        )
        for study in session.scalars(failed):
            failures = _failures(study.results)
            if 0 < failures <= MOST_FETCHES and _age_s(study.results[-1]) >= FETCH_AGAIN_S * 2 ** (failures - 1):
                study.queue()
                queued += 1
    return queued


def _failures(results: list[Result]) -> int:
    """Return how many of the newest results failed because of the archive, one after the other."""
    count = 0
    for one in reversed(results):
        if one.state != State.FAILED.value or not (one.code or "").startswith(_FAILURES_OF):
            break
        count += 1
    return count


def _age_s(result: Result) -> float:
    ended = datetime.fromisoformat(result.ended.replace("Z", "+00:00"))
    return abs((datetime.now(timezone.utc) - ended).total_seconds())  # the clock may have been ahead
