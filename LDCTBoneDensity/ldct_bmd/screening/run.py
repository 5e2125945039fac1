"""Working through a store: studies go to workers as they become free, and what came of them into the database."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from .. import __version__
from ..ground.clock import now
from ..ground.errors import CannotMeasure
from .database import LEASE_S, Database
from .outcome import Outcome, Task
from .states import State
from .store import Store
from .tables import Study

KILLS = 2  # so often a study may end the process that measures it; the second time it has a host for itself
# So often also the client may end with it, without a word, the very first time aside: the next time others were
# measured next to it again, and one of the times after that the machine may have been switched off.
DEATHS = 3
_WAIT_S = 1.0  # between looks for studies that another client may free, or that are new


class WorkerKilled(Exception):
    """The process that measured ended before it said what came of it."""


class Ended(Protocol):
    """A task that ended."""

    @property
    def task(self) -> Task:
        """Which one."""
        ...

    def outcome(self) -> Outcome:
        """What came of it; WorkerKilled if its process ended."""
        ...


class Workers(Protocol):
    """Processes that measure, here or elsewhere."""

    @property
    def own(self) -> bool:
        """Whether they are processes that this one started: a machine without memory ends them all together."""
        ...

    def free(self) -> int:
        """Return how many tasks can be given out now."""
        ...

    def give(self, tasks: list[Task], alone: bool = False) -> None:
        """Give out tasks; ``alone``: on the host that is kept free."""
        ...

    def keep_free(self, wanted: bool) -> bool:
        """Keep one host free of other tasks as long as it is ``wanted``; return whether nothing runs there now."""
        ...

    def wait(self, seconds: float) -> list[Ended]:
        """Return tasks that ended, as soon as there are some, a task can be given out, or the time is up.

        Raises:
            UsageError: the workers are lost.
        """
        ...


@dataclass
class Told:
    """How far the work is, for who watches.

    Attributes:
        ended: of this run, by state.
        left: studies that wait or are being measured, by any client.
    """

    left: int = 0
    ended: dict[State, int] = field(default_factory=dict)

    def counts(self) -> dict[State, int]:
        """Return how many studies of this run ended in each state, zeros too."""
        return {state: self.ended.get(state, 0) for state in State if state.is_ended}


def _no_more() -> bool:
    return False


def run(store: Store, workers: Workers, told: Callable[[Told], None], more: Callable[[], bool] = _no_more) -> Told:
    """Measure everything that is queued, and wait for what other clients have in hand; return what was done.

    Args:
        more: is called again and again, and may queue; returns whether still more may come.
    """
    database, now_told = store.database, Told()
    held: dict[str, Study] = {}
    counted = float("-inf")
    with _alive(database, workers.own):
        while True:
            may_come = more()
            _give_out(store, workers, held, now_told)
            if not held and not may_come and not database.left():
                now_told.left = 0
                told(now_told)
                return now_told
            ended = workers.wait(_WAIT_S)
            _give_out(store, workers, held, now_told)  # to record what came takes longer
            _take_in(database, held, ended, now_told)
            if time.monotonic() - counted >= _WAIT_S:  # each study that waits is looked at
                now_told.left, counted = database.left(), time.monotonic()
                told(now_told)


def _give_out(store: Store, workers: Workers, held: dict[str, Study], told: Told) -> None:
    database = store.database
    free = workers.free()
    if free > 0:
        _give(store, workers, held, database.claim(free))
    if workers.keep_free(database.suspects()):
        for study in database.claim(1, alone=True):
            if study.kills < DEATHS:
                _give(store, workers, held, [study], alone=True)
            else:
                _record(database, [(study, _refused(CannotMeasure("screen.ends_the_program")))], told)


def _give(
    store: Store, workers: Workers, held: dict[str, Study], studies: Sequence[Study], alone: bool = False
) -> None:
    # One that is in hand was queued by a client that took this one for dead: it goes on.
    new = [study for study in studies if study.id not in held]
    if new:
        held.update((study.id, study) for study in new)
        workers.give([store.task(study) for study in new], alone)


def _take_in(database: Database, held: dict[str, Study], ended: list[Ended], told: Told) -> None:
    came = []
    try:
        for one in ended:
            study = held.pop(one.task.id)
            outcome = _outcome(study, one)
            if outcome is None:
                database.give_back(study, killed=True)
            else:
                came.append((study, outcome))
    finally:  # what ended before the workers were lost is not measured again
        if came:
            _record(database, came, told)


def _record(database: Database, came: Sequence[tuple[Study, Outcome]], told: Told) -> None:
    for outcome in database.end(came):
        told.ended[outcome.state] = told.ended.get(outcome.state, 0) + 1


def _outcome(study: Study, ended: Ended) -> Outcome | None:
    """Return what came of a study; None if it ended its process, and is tried again."""
    try:
        return ended.outcome()
    except WorkerKilled:
        if study.kills + 1 < KILLS:
            return None
        return _refused(CannotMeasure("screen.ends_its_process"))


def _refused(refusal: CannotMeasure) -> Outcome:
    return Outcome(State.REFUSED, __version__, "", now(), code=refusal.code, sentence=str(refusal))


@contextmanager
def _alive(database: Database, own_workers: bool) -> Iterator[None]:
    """Say all along that this client lives, and in the end leave: what is in hand then is queued again."""
    stop = threading.Event()
    database.enter(own_workers)

    def say() -> None:
        while not stop.wait(LEASE_S / 6):
            with suppress(SQLAlchemyError):
                database.say_alive()

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        with suppress(SQLAlchemyError):  # who never says that it leaves is taken for dead
            database.leave()
