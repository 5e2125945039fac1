"""Results on their way back to a real archive: each once, whoever is killed when."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from helpers_orthanc import PASSWORD, USER, Orthanc, orthanc_in
from helpers_screening import found, outcome
from helpers_watching import measure_ready, own_objects, wait_until, write_study
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.jobs.spec import Networks
from ldct_bmd.reporting.outputs import dicom_files
from ldct_bmd.reporting.pacs import Credentials, dicomweb, send_dicomweb
from ldct_bmd.reporting.pacs.credentials import PASSWORD_VARIABLE, USER_VARIABLE
from ldct_bmd.screening.archive import Archive, opened_archive
from ldct_bmd.screening.connection import sqlite_url
from ldct_bmd.screening.database import Database
from ldct_bmd.screening.inputs import Found, InArchive
from ldct_bmd.screening.returning import Returned, Returning, _claim
from ldct_bmd.screening.states import Delivered, State
from ldct_bmd.screening.store import Store, open_store
from ldct_bmd.screening.tables import VERSION, About, Client, Result, Sending
from ldct_bmd.screening.watch import fetch_again

KINDS = ["DOC", "OT", "SEG", "SEG", "SR"]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with orthanc_in(tmp_path_factory.mktemp("orthanc"), stable_s=1) as server:
        yield server


@pytest.fixture
def asked(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setenv(USER_VARIABLE, USER)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    with opened_archive(orthanc.web, orthanc.certificate) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store", make=True)
    opened.database.enter()
    yield opened
    opened.database.leave()
    opened.database.close()


@pytest.fixture
def result(orthanc: Orthanc, asked: Archive, store: Store, tmp_path: Path) -> Path:
    """A study of the archive that was measured, and whose result is to be sent back."""
    orthanc.empty()
    orthanc.take(write_study(tmp_path / "in", 1))
    store.database.add(asked.find([]), send_back=True)
    (study,) = store.database.claim(1)
    task = store.task(study)
    came = measure_ready(task, networks=Networks(), calibration=NOMINAL, report=True, language="en")
    assert came.state is State.MEASURED, came
    assert came.timing_s["fetch"] > 0
    store.database.end([(study, came)])
    return store.folder / task.folder


def sendings(store: Store) -> list[Sending]:
    with store.database.session() as session:
        return list(session.scalars(select(Sending)))


def send_waiting(store: Store, archive: Archive) -> list[Returned]:
    """Have sent what waits, and return what became of it."""
    returning = Returning(store, archive)
    assert list(returning.proceed()) == []
    assert wait_until(lambda: not returning.is_sending(), 60.0)
    return list(returning.proceed())


def test_a_result_is_sent_once(orthanc: Orthanc, asked: Archive, store: Store, result: Path) -> None:
    (sent,) = send_waiting(store, asked)
    assert (sent.state, len(sent.uids)) == (Delivered.SENT, 5)
    assert list(own_objects(orthanc).values()) == [KINDS]
    assert send_waiting(store, asked) == []
    assert store.database.add(asked.find([]), send_back=True) == 0  # what came back is nothing to measure
    assert store.database.counts() == {State.MEASURED: 1}


@pytest.mark.parametrize("arrived", [5, 2])
def test_what_a_killed_watcher_had_sent_is_not_sent_again(
    orthanc: Orthanc, asked: Archive, store: Store, result: Path, arrived: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = dicom_files(result)
    send_dicomweb(orthanc.web, files[:arrived], Credentials(USER, PASSWORD), orthanc.certificate)
    stored: list[int] = []
    store_once = dicomweb._store

    def counted(server: object, objects: list[object]) -> object:
        stored.append(len(objects))
        return store_once(server, objects)  # type: ignore[arg-type]

    monkeypatch.setattr(dicomweb, "_store", counted)
    (sent,) = send_waiting(store, asked)
    assert sent.state is Delivered.SENT
    assert stored == ([] if arrived == 5 else [3])
    assert list(own_objects(orthanc).values()) == [KINDS]


def test_a_result_waits_for_an_archive_that_is_away(
    orthanc: Orthanc, asked: Archive, store: Store, result: Path
) -> None:
    orthanc.kill()
    try:
        with pytest.raises(UsageError):
            send_waiting(store, asked)
        assert send_waiting(store, asked) == []  # not at once again
    finally:
        orthanc.start()
    (waiting,) = sendings(store)
    assert (waiting.state, waiting.client, waiting.attempts) == (Delivered.WAITING.value, None, 1)
    with store.database.session() as session:
        session.execute(update(Sending).values(after=time.time()))
    (sent,) = send_waiting(store, asked)
    assert sent.state is Delivered.SENT


def test_what_a_dead_client_was_sending_is_sent_by_the_next(asked: Archive, store: Store, result: Path) -> None:
    with store.database.session() as session:
        session.execute(update(Sending).values(client=store.database.client))
    assert send_waiting(store, asked) == []
    store.database.leave()
    store.database.enter()
    (sent,) = send_waiting(store, asked)
    assert sent.state is Delivered.SENT


def test_objects_that_were_changed_are_kept(orthanc: Orthanc, asked: Archive, store: Store, result: Path) -> None:
    path = dicom_files(result)[0]
    path.write_bytes(path.read_bytes() + b"\0\0")
    (kept,) = send_waiting(store, asked)
    assert kept.state is Delivered.KEPT
    assert "nothing was sent" in kept.problem
    assert own_objects(orthanc) == {}
    assert send_waiting(store, asked) == []


def test_a_result_waits_for_a_store_that_is_away(asked: Archive, store: Store, result: Path) -> None:
    """As a network drive is for a moment, with a database elsewhere."""
    away = store.folder.with_name("away")
    (store.folder / "results").rename(away)
    (waiting,) = send_waiting(store, asked)
    assert waiting.state is Delivered.WAITING
    away.rename(store.folder / "results")
    with store.database.session() as session:
        session.execute(update(Sending).values(after=time.time()))
    (sent,) = send_waiting(store, asked)
    assert sent.state is Delivered.SENT


def in_archive(name: str) -> Found:
    study = found(name)
    return Found(study.key, study.place, "a", archive=InArchive("https://pacs.example/dicom-web", name))


def test_a_study_that_could_not_be_fetched_is_tried_again_after_a_while(store: Store) -> None:
    address = "https://pacs.example/dicom-web"
    store.database.add([in_archive("away"), in_archive("broken"), found("file")])
    codes = {"away": "pacs.unreachable", "broken": "ValueError", "file": "file.not_written"}
    for study in store.database.claim(3):
        code = codes[study.key.split("\n")[1]]
        store.database.end([(study, outcome(State.FAILED, code=code, ended="2026-01-01T00:00:00Z"))])
    assert fetch_again(store, address) == 1
    (again,) = store.database.claim(3)
    assert "away" in again.key
    store.database.end([(again, outcome(State.FAILED, code="pacs.unreachable", ended=_now()))])
    assert fetch_again(store, address) == 0


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def test_what_changed_while_it_was_measured_is_not_sent_before_it_is_measured_again(store: Store) -> None:
    study = in_archive("a")
    store.database.add([study], send_back=True)
    (held,) = store.database.claim(1)
    store.database.add([Found(study.key, study.place, "b", archive=study.archive)], send_back=True)
    store.database.end([(held, outcome())])
    assert sendings(store) == []
    (held,) = store.database.claim(1)
    store.database.end([(held, outcome())])
    assert len(sendings(store)) == 1


def test_what_a_client_sends_after_another_one_took_it_for_dead_is_freed_when_it_dies(store: Store) -> None:
    study = in_archive("a")
    store.database.add([study], send_back=True)
    (held,) = store.database.claim(1)
    store.database.end([(held, outcome())])
    with store.database.session() as session:
        session.execute(delete(Client))
    assert len(_claim(store, "https://pacs.example/dicom-web")) == 1
    with store.database.session() as session:
        assert session.scalars(select(Client.id)).one() == session.scalars(select(Sending.client)).one()


def test_a_clock_that_was_ahead_keeps_nothing_waiting(store: Store) -> None:
    """As one that was set by the hour of the place, before the time of the net came."""
    study, ahead = in_archive("a"), time.time() + 8 * 3600.0
    store.database.add([study, in_archive("b")], send_back=True)
    (a, b) = store.database.claim(2)
    ended = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ahead))
    failed = outcome(State.FAILED, code="pacs.unreachable", ended=ended)
    store.database.end([(a, outcome()), (b, failed)])
    assert fetch_again(store, "https://pacs.example/dicom-web") == 1
    for after, free in ((time.time() + 60.0, 0), (ahead, 1)):
        with store.database.session() as session:
            session.execute(update(Sending).values(after=after))
        assert len(_claim(store, "https://pacs.example/dicom-web")) == free


def test_nothing_waits_for_a_result_that_is_on_its_way(
    asked: Archive, store: Store, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_once, may_go = dicomweb._store, threading.Event()

    def slow(server: object, objects: list[object]) -> object:
        assert may_go.wait(60.0)
        return store_once(server, objects)  # type: ignore[arg-type]

    monkeypatch.setattr(dicomweb, "_store", slow)
    returning = Returning(store, asked)
    assert list(returning.proceed()) == list(returning.proceed()) == []
    assert returning.is_sending()
    may_go.set()
    assert wait_until(lambda: not returning.is_sending(), 60.0)
    (sent,) = returning.proceed()
    assert sent.state is Delivered.SENT


def test_a_store_of_the_version_before_is_opened_with_all_that_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first = Database(sqlite_url(path))
    first.enter()
    first.add([found("a"), found("b")])
    (study,) = first.claim(1)
    first.end([(study, outcome())])
    first.leave()
    first.close()
    with sqlite3.connect(path) as held:
        for table in ("archived", "sending", "feed", "arriving"):
            held.execute(f"DROP TABLE {table}")
        held.execute("DROP INDEX suspect")
        held.execute("ALTER TABLE client DROP COLUMN own_workers")
        held.execute("ALTER TABLE study DROP COLUMN interrupted")
        held.execute("UPDATE about SET version = 1")
    held.close()
    opened = Database(sqlite_url(path))
    assert opened.counts() == {State.MEASURED: 1, State.QUEUED: 1}
    with opened.session() as session:
        assert session.scalars(select(About.version)).one() == VERSION
        assert len(session.scalars(select(Result)).all()) == 1
    opened.enter()
    (left,) = opened.claim(5)
    assert opened.end([(left, outcome())])
    opened.close()
