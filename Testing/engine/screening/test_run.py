"""Working through a store: what happens when studies fail, end their process, or wait for one another."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from helpers_screening import NO_PROCESS, HandWorkers, found, outcome
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.screening.database import LEASE_S, Database
from ldct_bmd.screening.outcome import Outcome, Task
from ldct_bmd.screening.run import Told, WorkerKilled, run
from ldct_bmd.screening.states import State
from ldct_bmd.screening.store import Store, open_store
from ldct_bmd.screening.tables import Client, Result


@pytest.fixture
def store(tmp_path: Path, url: str) -> Iterator[Store]:
    opened = open_store(tmp_path / "store", url, make=True)
    yield opened
    opened.database.close()


def ran(store: Store, make: Callable[[Task], Outcome], threads: int = 2) -> tuple[Told, HandWorkers]:
    workers = HandWorkers(make, threads)
    return run(store, workers, lambda _: None), workers


def measured(task: Task) -> Outcome:
    return outcome(folder=task.folder)


def test_everything_is_measured_once(store: Store) -> None:
    store.database.add(found(f"s{n}") for n in range(7))
    tasks: list[str] = []
    told, _ = ran(store, lambda task: (tasks.append(task.id), measured(task))[1])
    assert told.counts()[State.MEASURED] == len(tasks) == len(set(tasks)) == 7
    again, workers = ran(store, measured)
    assert sum(again.counts().values()) == 0
    assert workers.seen == []


def test_a_refused_or_failed_study_stops_no_other(store: Store) -> None:
    store.database.add(found(f"s{n}") for n in range(3))
    states = iter((State.REFUSED, State.FAILED, State.MEASURED))
    told, _ = ran(store, lambda _: outcome(next(states)))
    assert told.counts() == {State.MEASURED: 1, State.REFUSED: 1, State.FAILED: 1, State.SIGNED: 0}


def test_what_ends_its_process_is_tried_again_alone_and_then_refused(store: Store) -> None:
    store.database.add(found(name) for name in ("a", "bad", "c", "d", "e"))

    def make(task: Task) -> Outcome:
        if task.place == "/in/bad":
            raise WorkerKilled
        return measured(task)

    told, workers = ran(store, make)
    assert told.counts()[State.MEASURED] == 4
    assert told.counts()[State.REFUSED] == 1
    assert workers.seen[-1] == ["/in/bad"]  # nothing else was in hand
    (bad,) = [result for study, result in store.database.newest() if study.place == "/in/bad"]
    assert bad.code == "screen.ends_its_process"


def test_a_study_that_another_one_took_along_is_measured(store: Store) -> None:
    store.database.add(found(name) for name in ("a", "b"))
    killed: list[str] = []

    def make(task: Task) -> Outcome:
        if task.place == "/in/a" and not killed:
            killed.append(task.id)
            raise WorkerKilled
        return measured(task)

    told, _ = ran(store, make)
    assert told.counts()[State.MEASURED] == 2


def dies(url: str, count: int, alone: bool = False, own_workers: bool = True) -> list[str]:
    """Have a client take ``count`` studies, and end without a word; return their places."""
    other = Database(url)
    other.enter(own_workers)
    taken = other.claim(count, alone)
    with other.session() as session:
        session.execute(update(Client).where(Client.id == other.client).values(process=NO_PROCESS))
    other.close()
    return [study.place for study in taken]


def test_what_always_ends_the_whole_program_is_refused(store: Store, url: str) -> None:
    store.database.add(found(name) for name in ("bad", "b", "c"))
    for alone in (False, False, True, True):
        store.database.enter()  # the next start
        assert dies(url, 1 if alone else 2, alone) == (["/in/bad"] if alone else ["/in/bad", "/in/b"])
    seen: list[str] = []
    told, workers = ran(store, lambda task: (seen.append(task.place), measured(task))[1])
    assert seen == ["/in/c", "/in/b"]
    assert workers.seen[-1] == ["/in/b"]
    assert told.counts() == {State.MEASURED: 2, State.REFUSED: 1, State.FAILED: 0, State.SIGNED: 0}
    (bad,) = [result for study, result in store.database.newest() if study.place == "/in/bad"]
    assert bad.code == "screen.ends_the_program"


@pytest.mark.parametrize("own_workers", [True, False])
def test_a_machine_that_was_switched_off_refuses_nothing(store: Store, url: str, own_workers: bool) -> None:
    store.database.add(found(f"s{n}") for n in range(4))
    for _ in range(2):
        assert len(dies(url, 3, own_workers=own_workers)) == 3
        store.database.enter()
    assert len(dies(url, 1, alone=own_workers, own_workers=own_workers)) == 1
    told, _ = ran(store, measured)
    assert told.counts()[State.MEASURED] == 4


def test_lost_workers_leave_the_studies_queued(store: Store) -> None:
    store.database.add(found(f"s{n}") for n in range(3))

    def lost(_: Task) -> Outcome:
        raise UsageError("screen.scheduler_lost")

    with pytest.raises(UsageError, match="Start the same command again"):
        ran(store, lost)
    assert store.database.counts() == {State.QUEUED: 3}


def test_what_ended_before_the_workers_were_lost_is_kept(store: Store) -> None:
    store.database.add(found(f"s{n}") for n in range(3))

    def lost(task: Task) -> Outcome:
        if task.place == "/in/s2":
            raise UsageError("screen.scheduler_lost")
        return measured(task)

    class AtOnce(HandWorkers):
        def wait(self, seconds: float) -> list[object]:  # type: ignore[override]
            return [one for _ in range(len(self.given)) for one in super(AtOnce, self).wait(seconds)]

    with pytest.raises(UsageError):
        run(store, AtOnce(lost, threads=3), lambda _: None)
    assert store.database.counts() == {State.MEASURED: 2, State.QUEUED: 1}


def test_an_interrupt_leaves_the_studies_queued(store: Store) -> None:
    store.database.add(found(f"s{n}") for n in range(3))

    def interrupt(_: Task) -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ran(store, interrupt)
    assert store.database.counts() == {State.QUEUED: 3}


def test_a_later_scan_gets_the_records_and_the_scans_of_the_earlier_ones(store: Store) -> None:
    store.database.add([found("late", "p", "20250101"), found("early", "p", "20240101")])
    given: dict[str, Task] = {}

    def make(task: Task) -> Outcome:
        given[task.place] = task
        return measured(task)

    ran(store, make)
    assert given["/in/early"].priors == ()
    (record,) = given["/in/late"].priors
    assert Path(record).name == "measurement.json"
    assert Path(record).parent.parent.parent.parent == store.folder
    (scan,) = given["/in/late"].prior_scans
    assert (scan.path, scan.files) == ("/in/early", ("/in/early/1.dcm",))


def test_what_another_client_queued_again_meanwhile_goes_on(store: Store, url: str) -> None:
    """It took this one for dead, as its machine was suspended for a minute."""
    store.database.add(found(name) for name in ("a", "b", "c"))
    other = Database(url)
    other.enter()

    class Suspended(HandWorkers):
        def wait(self, seconds: float) -> list[object]:  # type: ignore[override]
            if len(self.seen) == 1:
                with other.session() as session:
                    silent = {"host": "elsewhere", "seen": time.time() - LEASE_S - 1}
                    session.execute(update(Client).where(Client.id == store.database.client).values(**silent))
                other.say_alive()
            return super().wait(seconds)  # type: ignore[return-value]

    told = run(store, Suspended(measured), lambda _: None)
    other.close()
    assert told.counts()[State.MEASURED] == 3
    with store.database.session() as session:
        assert len(session.scalars(select(Result)).all()) == 3


def test_a_second_client_waits_for_what_the_first_has_in_hand(store: Store, url: str) -> None:
    store.database.add([found("a")])
    other = Database(url)
    other.enter()
    (held,) = other.claim(1)

    class Waits(HandWorkers):
        def wait(self, seconds: float) -> list[object]:  # type: ignore[override]
            if not self.given and other.counts().get(State.RUNNING):
                other.end([(held, outcome())])
            return super().wait(seconds)  # type: ignore[return-value]

    told = run(store, Waits(measured), lambda _: None)
    other.close()
    assert sum(told.counts().values()) == 0
    assert store.database.counts() == {State.MEASURED: 1}
