"""What the database of a store keeps, and who may do what, with SQLite and with PostgreSQL."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import SQLAlchemyError

from helpers_screening import found, gone, names, outcome
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.screening.connection import sqlite_url
from ldct_bmd.screening.database import Database
from ldct_bmd.screening.states import State
from ldct_bmd.screening.tables import About, Result, SeriesRow, Study, Trace

Make = Callable[[], Database]


def test_what_was_found_is_queued_once(client: Make) -> None:
    one = client()
    assert one.add([found("a"), found("b")]) == 2
    assert one.add([found("a"), found("b"), found("c")]) == 1
    assert one.counts() == {State.QUEUED: 3}


def test_what_clients_find_at_the_same_time_is_queued_once(url: str) -> None:
    def add(_: int) -> int:
        one = Database(url)
        queued = one.add(found(f"s{n}") for n in range(300))
        one.close()
        return queued

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == [0, 0, 0, 300]


def test_a_name_of_bytes_that_are_not_utf_8_is_kept(client: Make) -> None:
    one, old = client(), found("M\udcfcller")
    one.add([old])
    (study,) = one.claim(1)
    assert (study.id, study.key, study.place, tuple(study.files)) == (old.id, old.key, old.place, old.files)
    assert one.end([(study, outcome(State.REFUSED, code="x", sentence="M\udcfcller is damaged."))])


def test_odd_headers_stop_no_other_study(client: Make) -> None:
    one = client()
    long, other = "P" * 300, "P" * 299 + "Q"
    assert one.add([found("a", "P\0Q", "20250101"), found("b", long, "2025" * 12), found("c", other), found("d")]) == 4
    assert one.add([found("b", long, "2025" * 12)]) == 0
    a, b, c, d = one.claim(4)
    assert (a.patient, names([d])) == ("P\0Q", ["d"])
    assert b.patient != c.patient
    row = {"address": "1.2", "description": "Tho\0rax", "slices": 9, "measured": True, "unsuitable": None}
    failed = outcome(State.FAILED, code="ValueError", trace="no number: '1\0'")
    assert len(one.end([(a, outcome(series=(row,), facts={"kernel": "B\0"})), (b, failed)])) == 2
    with one.session() as session:
        assert session.scalars(select(Trace)).one().text == "no number: '1\0'"


def test_a_patient_with_a_long_number_has_earlier_scans_too(client: Make) -> None:
    one = client()
    one.add([found("a", "P" * 300, "20240101"), found("b", "P" * 300, "20250101")])
    one.end([(one.claim(1)[0], outcome(folder="results/a"))])
    (later,) = one.claim(1)
    assert [prior.folder for prior in one.priors(later)] == ["results/a"]


def test_an_error_of_the_database_tells_of_no_patient(client: Make, url: str) -> None:
    """As one when the disk is full, or the server ends."""
    one, is_sqlite = client(), url.startswith("sqlite")
    refuses = "ADD COLUMN more INTEGER CHECK (more > 0) DEFAULT 0" if is_sqlite else "ALTER COLUMN key TYPE VARCHAR(1)"
    with one.session() as session:
        session.execute(text(f"ALTER TABLE study {refuses}"))
    with pytest.raises(SQLAlchemyError) as error:
        one.add([found("a", "Doe-1", "20250101")])
    assert "Doe" not in str(error.value)


def test_a_study_is_measured_once_for_two_clients(client: Make) -> None:
    one, two = client(), client()
    one.add(found(f"s{n}") for n in range(40))
    with ThreadPoolExecutor(2) as pool:
        claims = list(pool.map(lambda who: [who.claim(1) for _ in range(20)], (one, two)))
    taken = [study.id for claim in claims for studies in claim for study in studies]
    assert len(taken) == len(set(taken)) == 40


def test_slices_that_were_added_have_a_study_measured_again(client: Make) -> None:
    one = client()
    one.add([found("a")])
    (study,) = one.claim(5)
    assert one.end([(study, outcome())])
    assert one.add([found("a")]) == 0
    assert one.add([found("a", content="b")]) == 1
    (again,) = one.claim(5)
    assert len(again.results) == 1  # the earlier result stays, and the new one gets another number


def test_slices_that_come_while_it_is_measured_have_it_measured_again(client: Make) -> None:
    one = client()
    one.add([found("a")])
    (study,) = one.claim(1)
    one.add([found("a", content="b")])
    assert one.counts() == {State.RUNNING: 1}
    one.end([(study, outcome())])
    assert one.counts() == {State.QUEUED: 1}


@pytest.mark.parametrize("version", [2, 3])
def test_a_database_of_a_version_before_is_brought_up(client: Make, url: str, version: int) -> None:
    one = client()
    one.add([found("a")])
    with one.session() as session:
        session.execute(text("ALTER TABLE study DROP COLUMN interrupted"))
        if version < 3:
            session.execute(text("DROP INDEX suspect"))
            session.execute(text("ALTER TABLE client DROP COLUMN own_workers"))
        session.execute(update(About).values(version=version))
    for _ in range(2):
        two = Database(url)
        two.enter(own_workers=True)
        assert names(two.claim(1)) == ["a"]
        gone(one, two)
        one.say_alive()
    assert one.suspects()
    two.close()


def test_who_lost_a_study_cannot_say_what_came_of_it(client: Make) -> None:
    one, two = client(), client()
    one.add([found("a")])
    (lost,) = one.claim(1)
    one.give_back(lost)
    (taken,) = two.claim(1)
    assert not one.end([(lost, outcome())])
    assert two.end([(taken, outcome())])
    with one.session() as session:
        assert len(session.scalars(select(Result)).all()) == 1


def test_the_earlier_scan_of_a_patient_is_measured_first(client: Make) -> None:
    one = client()
    one.add([found("late", "p", "20250101"), found("early", "p", "20240101"), found("other", "q", "20250601")])
    first = one.claim(5)
    assert names(first) == ["early", "other"]
    assert one.claim(5) == []
    one.end([(first[0], outcome(folder="results/early"))])
    (late,) = one.claim(5)
    assert names([late]) == ["late"]
    assert [prior.folder for prior in one.priors(late)] == ["results/early"]


def test_priors_are_of_the_same_patient_and_earlier(client: Make) -> None:
    one = client()
    nameless = [found("n1", None, "20200101"), found("n2", None, "20210101")]
    one.add([found("a", "p", "20200101"), found("b", "p", "20220101"), found("c", "q", "20210101"), *nameless])
    for study in [*one.claim(9), *one.claim(9)]:
        one.end([(study, outcome(folder=f"results/{names([study])[0]}"))])
    with one.session() as session:
        studies = {study.place: study for study in session.scalars(select(Study))}
    assert [prior.folder for prior in one.priors(studies["/in/b"])] == ["results/a"]
    assert one.priors(studies["/in/a"]) == []
    assert one.priors(studies["/in/n2"]) == []  # nobody knows whose they are


def test_a_refused_scan_is_no_prior(client: Make) -> None:
    one = client()
    one.add([found("a", "p", "20200101"), found("b", "p", "20220101")])
    one.end([(one.claim(1)[0], outcome(State.REFUSED, code="scan.no_images"))])
    assert one.priors(one.claim(1)[0]) == []


def test_the_trace_of_a_failure_is_kept_apart(client: Make) -> None:
    one = client()
    one.add([found("a")])
    one.end([(one.claim(1)[0], outcome(State.FAILED, code="ValueError", trace="Traceback of Doe^Jane"))])
    with one.session() as session:
        assert session.scalars(select(Trace)).one().text == "Traceback of Doe^Jane"
        result = session.scalars(select(Result)).one()
    assert "Doe" not in f"{result.code}{result.sentence}{result.facts}"


def test_another_version_measures_again_on_request_and_keeps_the_old_result(client: Make) -> None:
    one = client()
    one.add([found("a"), found("failed"), found("refused")])
    for study, state in zip(one.claim(3), (State.MEASURED, State.FAILED, State.REFUSED), strict=True):
        one.end([(study, outcome(state))])
    assert one.queue_again("1", "m") == 1  # the failed one alone
    one.end([(one.claim(1)[0], outcome())])
    assert one.queue_again("1", "m") == 0
    assert one.queue_again("1", "another model") == 3
    assert [len(study.results) for study in one.claim(3)] == [1, 2, 1]


def test_a_signed_review_is_not_measured_again(client: Make) -> None:
    one = client()
    one.add([found("a")])
    one.end([(one.claim(1)[0], outcome())])
    ((study, result),) = one.newest()
    one.set_facts(study, result, {"state": "signed"}, State.SIGNED, 5)
    assert one.queue_again("2", "m2") == 0
    assert one.counts() == {State.SIGNED: 1}


def test_what_a_reader_changed_in_an_earlier_result_says_nothing_of_the_newest(client: Make) -> None:
    """As when the study is measured again while what readers signed is taken in."""
    one = client()
    one.add([found("a")])
    one.end([(one.claim(1)[0], outcome())])
    ((study, result),) = one.newest()
    one.add([found("a", content="b")])
    one.end([(one.claim(1)[0], outcome(State.REFUSED, code="scan.no_images"))])
    one.set_facts(study, result, {"state": "signed"}, State.SIGNED, 5)
    assert one.counts() == {State.REFUSED: 1}
    with one.session() as session:
        assert [one.state for one in session.scalars(select(Result).order_by(Result.number))] == ["signed", "refused"]


def test_the_series_of_a_study_are_kept(client: Make) -> None:
    one = client()
    one.add([found("a")])
    row = {"address": "1.2", "description": "Thorax", "slices": 9, "measured": True, "unsuitable": None}
    one.end([(one.claim(1)[0], outcome(series=(row,)))])
    with one.session() as session:
        assert session.scalars(select(SeriesRow)).one().description == "Thorax"


def test_a_database_of_another_version_is_refused(client: Make, url: str) -> None:
    one = client()
    with one.session() as session:
        session.execute(update(About).values(version=99))
    with pytest.raises(UsageError, match="version 99"):
        Database(url)


def test_many_threads_of_one_client_lose_nothing(client: Make) -> None:
    one = client()
    one.add(found(f"s{n}") for n in range(60))
    ended: list[str] = []
    lock = threading.Lock()

    def work(_: int) -> None:
        while studies := one.claim(3):
            for study in studies:
                assert one.end([(study, outcome())])
                with lock:
                    ended.append(study.id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(ended) == len(set(ended)) == 60
    assert one.counts() == {State.MEASURED: 60}


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/store.db", "postgresql+psycopg://127.0.0.1:1/none", "nonsense", "no://x"]
)
def test_a_database_that_is_not_there_is_told_in_a_sentence(url: str) -> None:
    with pytest.raises(UsageError, match="The store's database can't be used: "):
        Database(url)


def test_a_file_that_is_no_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(UsageError, match="file is not a database"):
        Database(sqlite_url(path))
