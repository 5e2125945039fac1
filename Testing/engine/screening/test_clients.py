"""Which clients of a store live, what becomes of what dead ones held, and what it is charged with."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
from sqlalchemy import create_engine, select, update
from sqlalchemy.engine import make_url

from helpers_screening import NO_PROCESS, found, gone, names, outcome
from ldct_bmd.screening import database as room
from ldct_bmd.screening.database import Database
from ldct_bmd.screening.states import State
from ldct_bmd.screening.tables import Base, Client, Result, Study

Make = Callable[[], Database]


def silent(by: Database, one: Database) -> None:
    """Have a client look as if it were of another machine, and had said nothing for long."""
    long_ago = {"host": "elsewhere", "seen": time.time() - room.LEASE_S - 1}
    with by.session() as session:
        session.execute(update(Client).where(Client.id == one.client).values(**long_ago))


def test_a_client_that_left_gives_its_studies_back(client: Make, url: str) -> None:
    one = client()
    one.add([found("a")])
    two = Database(url)
    two.enter()
    assert len(two.claim(1)) == 1
    assert one.claim(1) == []
    two.leave()
    assert len(one.claim(1)) == 1


def test_a_dead_client_of_this_machine_holds_nothing(client: Make) -> None:
    one, two = client(), client()
    one.add([found("a")])
    two.claim(1)
    gone(one, two)
    one.say_alive()
    assert len(one.claim(1)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells more than the name")
def test_a_machine_of_the_same_name_is_another_one(client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """As copies of a virtual machine are, and containers with the network of their host."""
    monkeypatch.setattr(room.socket, "gethostname", lambda: "ubuntu")
    one, two = client(), client()
    one.add([found("a")])
    two.claim(1)
    with one.session() as session:
        where = session.scalars(select(Client.host).where(Client.id == two.client)).one()
        elsewhere = {"host": "ubuntu" + where.removeprefix("ubuntu")[::-1], "process": NO_PROCESS}
        session.execute(update(Client).where(Client.id == two.client).values(**elsewhere))
    one.say_alive()
    assert one.counts() == {State.RUNNING: 1}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such processes")
def test_a_dead_client_of_which_nobody_takes_notice_holds_nothing(client: Make) -> None:
    """As in a container whose first process starts others and waits for none."""
    one, two = client(), client()
    one.add([found("a")])
    two.claim(1)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = psutil.Process(child.pid)
        with one.session() as session:
            is_it = {"process": child.pid, "started": process.create_time()}
            session.execute(update(Client).where(Client.id == two.client).values(**is_it))
        one.say_alive()
        assert one.claim(1) == []
        process.kill()
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        one.say_alive()
    assert len(one.claim(1)) == 1


def test_a_client_whose_number_another_process_has_holds_nothing_once_it_was_silent_for_long(client: Make) -> None:
    one, two = client(), client()
    one.add([found("a")])
    two.claim(1)
    for silent_s, free in ((room.LEASE_S / 2, 0), (room.LEASE_S + 1, 1)):
        with one.session() as session:
            began = {"started": 1.0, "seen": time.time() - silent_s}
            session.execute(update(Client).where(Client.id == two.client).values(**began))
        one.say_alive()
        assert len(one.claim(1)) == free


def test_nobody_is_dead_because_the_clock_was_set(client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux tells when a process began by the clock of now."""
    one, two = client(), client()
    one.add([found("a"), found("b")])
    one.claim(1)
    two.claim(1)
    told = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: told(process) + 3600.0)
    one.say_alive()
    assert one.counts() == {State.RUNNING: 2}


def test_what_clients_died_with_twice_is_measured_alone_next(client: Make) -> None:
    one = client()
    one.add(found(name) for name in ("with workers", "without", "waits"))
    for _ in range(2):  # the first time may be the machine's
        assert not one.suspects()
        here, elsewhere = client(), client()
        here.enter(own_workers=True)
        elsewhere.enter(own_workers=False)
        assert names(here.claim(1)) == ["with workers"]
        assert names(elsewhere.claim(1)) == ["without"]
        gone(one, here, elsewhere)
        one.say_alive()
        one.say_alive()  # charged once
    assert names(one.claim(5)) == ["without", "waits"]
    (suspect,) = one.claim(5, alone=True)
    assert (names([suspect]), suspect.kills) == (["with workers"], 1)


def test_what_ended_a_process_needs_no_second_death_of_its_client(client: Make) -> None:
    one, here = client(), client()
    one.add([found("a")])
    (study,) = one.claim(1)
    one.give_back(study, killed=True)
    here.enter(own_workers=True)
    assert names(here.claim(1, alone=True)) == ["a"]
    gone(one, here)
    one.say_alive()
    assert one.claim(1, alone=True)[0].kills == 2


def test_what_is_queued_anew_starts_with_a_clean_slate(client: Make) -> None:
    one, here = client(), client()
    one.add([found("a")])
    here.enter(own_workers=True)
    here.claim(1)
    gone(one, here)
    one.say_alive()
    (study,) = one.claim(1)
    one.end([(study, outcome())])
    assert one.queue_again("another", "model") == 1
    here = client()
    here.enter(own_workers=True)
    here.claim(1)
    gone(one, here)
    one.say_alive()
    assert not one.suspects()


def test_a_client_that_left_charges_nothing(client: Make) -> None:
    one, two = client(), client()
    one.add([found("a")])
    two.enter(own_workers=True)
    two.claim(1)
    two.leave()
    assert not one.suspects()
    assert names(one.claim(1)) == ["a"]


def test_a_client_of_another_machine_is_dead_once_it_was_silent_for_long(client: Make) -> None:
    one, two = client(), client()
    one.add([found("a")])
    two.claim(1)
    for silent_s, free in ((room.LEASE_S / 2, 0), (room.LEASE_S + 1, 1)):
        with one.session() as session:
            elsewhere = {"host": "elsewhere", "process": os.getpid(), "seen": time.time() - silent_s}
            session.execute(update(Client).where(Client.id == two._client).values(**elsewhere))
        one.say_alive()
        assert len(one.claim(1)) == free


def test_what_a_client_claims_after_another_one_took_it_for_dead_is_freed_when_it_dies(client: Make) -> None:
    """As a machine does that was suspended, and is switched off later."""
    one, two = client(), client()
    one.add([found("a")])
    silent(one, two)
    one.say_alive()
    two.say_alive()
    assert len(two.claim(1)) == 1
    gone(one, two)
    one.say_alive()
    assert len(one.claim(1)) == 1


def test_a_clock_that_was_wrong_keeps_no_dead_client_alive(client: Make) -> None:
    one, two = client(), client()
    one.add([found("a")])
    two.claim(1)
    with one.session() as session:
        ahead = {"host": "before it was started again", "seen": time.time() + 86400.0}
        session.execute(update(Client).where(Client.id == two.client).values(**ahead))
    one.say_alive()
    assert len(one.claim(1)) == 1


@pytest.mark.parametrize("level", ["serializable", "repeatable\\ read"])
def test_clients_do_not_end_one_another_whatever_a_server_isolates(server: str, level: str) -> None:
    """Where transactions are to look as if there were no other, a server ends those that meet another."""
    engine = create_engine(server)
    Base.metadata.drop_all(engine)
    engine.dispose()
    url = make_url(server).update_query_dict({"options": f"-c default_transaction_isolation={level}"})

    def work(_: int) -> int:
        one = Database(url)
        one.enter()
        one.add(found(f"s{n}") for n in range(40))
        ended = 0
        while studies := one.claim(1):
            ended += len(one.end([(studies[0], outcome())]))
        one.leave()
        one.close()
        return ended

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 40


def meanwhile(monkeypatch: pytest.MonkeyPatch, where: type, name: str, work: Callable[[], None]) -> threading.Thread:
    """Have something else done when a method is first called; it goes on when that ended, or waits for this one."""
    before, other = getattr(where, name), threading.Thread(target=work)

    def called(*given: Any) -> Any:
        if other.ident is None:
            other.start()
            other.join(1.0)
        return before(*given)

    monkeypatch.setattr(where, name, called)
    return other


def test_what_two_clients_queue_again_at_the_same_time_is_queued_once(
    client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = client(), client()
    one.add(found(f"s{n}") for n in range(3))
    one.end([(study, outcome()) for study in one.claim(3)])
    claimed: list[Study] = []

    def again() -> None:
        two.queue_again("2", "m")
        claimed.extend(two.claim(2))

    other = meanwhile(monkeypatch, Study, "queue", again)
    one.queue_again("2", "m")
    other.join()
    assert len(claimed) == 2
    assert one.counts() == {State.QUEUED: 1, State.RUNNING: 2}
    assert len(two.end([(study, outcome()) for study in claimed])) == 2


def test_a_study_that_another_client_takes_at_this_moment_ends_once(
    client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = client(), client()
    one.add([found("a")])
    mine = one.claim(1)
    silent(two, one)

    def taken() -> None:
        two.say_alive()
        for study in two.claim(1):
            two.end([(study, outcome())])

    other = meanwhile(monkeypatch, Database, "_ended", taken)
    one.end([(study, outcome()) for study in mine])
    other.join()
    with two.session() as session:
        assert len(session.scalars(select(Result)).all()) == 1
