"""What is new in an archive: when a study is handed on, by Orthanc's changes and by asking again and again."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from helpers_pacs import Archive as Server
from helpers_pacs import Said, archive, as_json
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.screening import feed as room
from ldct_bmd.screening.archive import Archive, opened_archive
from ldct_bmd.screening.database import Database
from ldct_bmd.screening.feed import AskedAgain, Changes, OrthancChanges, is_orthanc
from ldct_bmd.screening.returning import Returned
from ldct_bmd.screening.states import State
from ldct_bmd.screening.store import open_store
from ldct_bmd.screening.tables import Arriving
from ldct_bmd.screening.watch import Watcher

STUDY = {
    "IsStable": True,
    "LastUpdate": "20260101T000000",
    "MainDicomTags": {"StudyInstanceUID": "1.2", "StudyDate": "20260101"},
    "PatientMainDicomTags": {"PatientID": "P"},
}


@pytest.fixture
def pacs() -> Iterator[Server]:
    with archive() as made:
        yield made


@pytest.fixture
def asked(pacs: Server) -> Iterator[Archive]:
    with opened_archive(pacs.url) as made:
        yield made


def changes(*kinds: str, last: int | None = None, first: int = 1) -> Said:
    """What an Orthanc tells: kinds of changes of series s1, s2, ..., numbered."""
    told = [{"ChangeType": kind, "ID": f"s{n}", "Seq": first + n - 1} for n, kind in enumerate(kinds, start=1)]
    return as_json({"Changes": told, "Last": first + len(kinds) - 1 if last is None else last, "Done": True})


def knows(pacs: Server, study: dict[str, Any], **series: str) -> None:
    """Let the server know a study ``o1``, and series by name with their modality."""
    pacs.answers["/studies/o1"] = as_json(study)
    for name, modality in series.items():
        about = {"ParentStudy": "o1", "MainDicomTags": {"Modality": modality}}
        pacs.answers[f"/series/{name}"] = as_json(about)


def told(feed: Changes) -> list[str]:
    return [one.study for one in feed.ready()]


def test_a_stable_series_hands_its_study_on_once(pacs: Server, asked: Archive, client: Callable[[], Database]) -> None:
    database = client()
    pacs.answers["/changes"] = changes("NewSeries", "StableSeries")
    knows(pacs, STUDY, s1="CT", s2="CT")
    feed = OrthancChanges(asked, database, earlier=True)
    (one,) = feed.ready()
    assert (one.study, one.patient, one.date) == ("1.2", "P", "20260101")
    pacs.answers["/changes"] = changes(last=2)
    assert told(feed) == told(OrthancChanges(asked, database, earlier=True)) == []


def test_a_study_that_was_not_taken_is_told_again(pacs: Server, asked: Archive, client: Callable[[], Database]) -> None:
    database = client()
    pacs.answers["/changes"] = changes("StableSeries")
    knows(pacs, STUDY, s1="CT")
    feed = OrthancChanges(asked, database, earlier=True)
    assert next(iter(feed.ready())).study == "1.2"  # and its taker is killed
    pacs.answers["/changes"] = changes(last=1)
    assert told(OrthancChanges(asked, database, earlier=True)) == ["1.2"]


def test_a_study_of_which_other_series_still_grow_waits(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    pacs.answers["/changes"] = changes("StableSeries")
    knows(pacs, STUDY | {"IsStable": False}, s1="CT")
    feed = OrthancChanges(asked, client(), earlier=True)
    assert told(feed) == []
    pacs.answers["/changes"] = changes(last=1)
    knows(pacs, STUDY, s1="CT")
    assert told(feed) == ["1.2"]


def test_results_that_were_sent_are_no_study_to_measure(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    pacs.answers["/changes"] = changes("StableSeries", "StableSeries", "StableSeries", "StableSeries")
    knows(pacs, STUDY, s1="SR", s2="SEG", s3="DOC", s4="OT")
    assert told(OrthancChanges(asked, client(), earlier=True)) == []


def test_a_series_that_is_never_called_stable_is_handed_on_after_a_while(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    """As after the archive was killed while it waited for more."""
    pacs.answers["/changes"] = changes("NewSeries")
    knows(pacs, STUDY, s1="CT")
    feed = OrthancChanges(asked, client(), earlier=True, settled_s=0.0)
    assert told(feed) == []  # it has just been seen for the first time
    pacs.answers["/changes"] = changes(last=1)
    knows(pacs, STUDY | {"LastUpdate": "20260101T000001"}, s1="CT")
    assert told(feed) == []  # it grew
    assert told(feed) == ["1.2"]


def test_what_the_archive_held_before_is_left_alone_unless_asked_for(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    pacs.answers["/changes"] = changes("StableSeries")
    knows(pacs, STUDY, s1="CT")
    OrthancChanges(asked, client(), earlier=False)
    (asks,) = [path for _, path, _ in pacs.requests]
    assert asks.endswith("?last=")


def test_an_archive_that_began_anew_is_read_from_its_start(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    database = client()
    pacs.answers["/changes"] = changes(last=900)
    feed = OrthancChanges(asked, database, earlier=False)
    pacs.answers["/changes"] = changes("StableSeries")
    knows(pacs, STUDY, s1="CT")
    assert told(feed) == ["1.2"]


def listed(images: int, *studies: str, date: str = "20260101") -> Said:
    """What an archive lists."""
    return as_json(
        [
            {
                "0020000D": {"vr": "UI", "Value": [study]},
                "00080020": {"vr": "DA", "Value": [date]},
                "00080061": {"vr": "CS", "Value": ["CT"]},
                "00201208": {"vr": "IS", "Value": [images]},
            }
            for study in studies
        ]
    )


def test_an_archive_that_is_asked_again_hands_on_what_grows_no_more(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    database = client()
    pacs.lists = listed(7, "old")
    feed = AskedAgain(asked, database, [], earlier=False, every_s=1.0, settled_s=0.0)
    pacs.lists = listed(7, "old", "new")
    assert told(feed) == []
    pacs.lists = listed(8, "new")
    assert told(feed) == []
    again = AskedAgain(asked, database, [], earlier=False, every_s=1.0, settled_s=0.0)
    assert told(again) == ["new"]
    assert told(again) == []
    pacs.lists = listed(9, "new")
    assert told(again) == []
    assert told(again) == ["new"]


def asked_since(pacs: Server) -> str:
    """The StudyDate of the last list that the server was asked for."""
    return parse_qs(urlsplit(pacs.requests[-1][1]).query)["StudyDate"][0]


def at(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    """Have it be another day."""

    class Day(date):
        @classmethod
        def today(cls) -> date:
            return day

    monkeypatch.setattr(room, "date", Day)


def test_what_came_while_nobody_asked_is_told_however_long_that_was(
    pacs: Server, asked: Archive, client: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watcher that stood still over a weekend, or an archive that was away."""
    database = client()
    pacs.lists = listed(7)
    at(monkeypatch, date(2026, 1, 9))
    assert told(AskedAgain(asked, database, [], earlier=False, every_s=1.0)) == []
    assert asked_since(pacs) == "20260108-"
    at(monkeypatch, date(2026, 1, 12))
    pacs.lists = Said(503)
    with pytest.raises(UsageError):
        told(AskedAgain(asked, database, [], earlier=False, every_s=1.0))
    pacs.lists = listed(7, "of Saturday", date="20260110")
    feed = AskedAgain(asked, database, [], earlier=False, every_s=1.0, settled_s=0.0)
    assert told(feed) == []
    assert asked_since(pacs) == "20260108-"
    assert told(feed) == ["of Saturday"]
    assert asked_since(pacs) == "20260110-"  # it had still grown
    assert told(feed) == []
    assert asked_since(pacs) == "20260111-"


def test_an_archive_that_was_asked_for_lists_is_read_from_now_on_when_its_changes_are(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    """As by a watcher that is started with ``--query`` one day, and without it the next."""
    database = client()
    pacs.lists = listed(7, "old")
    pacs.answers["/changes"] = changes("StableSeries", first=900)
    knows(pacs, STUDY, s1="CT")
    AskedAgain(asked, database, [("StudyDescription", "x")], earlier=False, every_s=1.0)
    pacs.answers["/changes"] = changes(last=900)
    assert told(OrthancChanges(asked, database, earlier=False)) == []
    assert pacs.requests[-1][1].endswith("since=900&limit=100")


def test_lists_of_an_archive_whose_changes_were_read_begin_with_what_comes(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    database = client()
    pacs.answers["/changes"] = changes(last=900)
    OrthancChanges(asked, database, earlier=False)
    pacs.lists = listed(7, "old")
    feed = AskedAgain(asked, database, [("StudyDescription", "x")], earlier=False, every_s=1.0, settled_s=0.0)
    pacs.lists = listed(7, "old", "new")
    assert told(feed) == []
    assert told(feed) == ["new"]


def test_a_clock_that_was_ahead_keeps_no_study_waiting(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    database = client()
    pacs.lists = listed(7, "new")
    feed = AskedAgain(asked, database, [], earlier=True, every_s=1.0)
    assert told(feed) == []
    with database.session() as session:
        session.execute(update(Arriving).values(changed=time.time() + 8 * 3600.0))
    assert told(feed) == ["new"]


def test_what_another_watcher_took_meanwhile_is_passed_over(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    one, two = client(), client()
    pacs.answers["/changes"] = changes("StableSeries", "StableSeries")
    for name in ("1", "2"):
        tags = {"StudyInstanceUID": f"1.{name}", "StudyDate": "20260101"}
        pacs.answers[f"/series/s{name}"] = as_json({"ParentStudy": f"o{name}", "MainDicomTags": {"Modality": "CT"}})
        pacs.answers[f"/studies/o{name}"] = as_json(STUDY | {"MainDicomTags": tags})
    first = OrthancChanges(asked, one, earlier=True).ready()
    assert next(first).study == "1.1"
    pacs.answers["/changes"] = changes(last=2)
    assert told(OrthancChanges(asked, two, earlier=True)) == ["1.1", "1.2"]
    assert list(first) == []


def test_what_left_the_archive_while_it_was_taken_is_passed_over(
    pacs: Server, asked: Archive, client: Callable[[], Database]
) -> None:
    one, two = client(), client()
    pacs.lists = listed(7, "a", "b")
    feed = AskedAgain(asked, one, [], earlier=True, every_s=1.0, settled_s=0.0)
    assert told(feed) == []
    first = feed.ready()
    assert next(first).study == "a"
    pacs.lists = listed(7, "b")
    assert told(AskedAgain(asked, two, [], earlier=True, every_s=1.0, settled_s=0.0)) == ["b"]
    assert [one.study for one in first] == []


class Silent:
    """Is told what happens, and keeps what was said of an archive that is away."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def queued(self, study: str) -> None:
        pass

    def returned(self, one: Returned) -> None:
        pass

    def away(self, problem: str) -> None:
        self.problems.append(problem)

    def back(self) -> None:
        pass


def test_an_archive_that_is_gone_is_asked_for_one_study_alone(
    pacs: Server, asked: Archive, tmp_path: Path, url: str
) -> None:
    store = open_store(tmp_path / "store", url, make=True)
    pacs.answers = {"/series": Said(how="drop")}
    pacs.lists = listed(7, "1.1", "1.2", "1.3")
    feed = AskedAgain(asked, store.database, [], earlier=True, every_s=0.0, settled_s=0.0)
    assert told(feed) == []
    pacs.requests.clear()
    Watcher(store, asked, lambda: feed, Silent(), send=False)()
    assert len({path for _, path, _ in pacs.requests if "/series" in path}) == 1
    store.database.close()


@pytest.mark.parametrize("tells", [True, False])
def test_a_study_that_the_archive_cannot_look_at_stops_no_other(
    pacs: Server, asked: Archive, tmp_path: Path, url: str, tells: bool
) -> None:
    def made() -> Changes:
        if tells:
            return OrthancChanges(asked, store.database, earlier=True)
        return AskedAgain(asked, store.database, [], earlier=True, every_s=0.0, settled_s=0.0)

    store = open_store(tmp_path / "store", url, make=True)
    store.database.enter()
    series = {"0020000E": {"vr": "UI", "Value": ["9"]}, "00080060": {"vr": "CS", "Value": ["CT"]}}
    pacs.answers = {"/studies/1.bad/series": Said(500), "/studies/2.good/series": as_json([series])}
    pacs.lists = listed(7, "1.bad", "2.good")
    pacs.answers["/changes"] = changes("StableSeries", "StableSeries")
    for name, study in (("1", "1.bad"), ("2", "2.good")):
        tags = {"StudyInstanceUID": study, "StudyDate": "20260101"}
        pacs.answers[f"/series/s{name}"] = as_json({"ParentStudy": f"o{name}", "MainDicomTags": {"Modality": "CT"}})
        pacs.answers[f"/studies/o{name}"] = as_json(STUDY | {"MainDicomTags": tags})
    heard = Silent()
    watcher = Watcher(store, asked, made, heard, send=False)
    for _ in range(2):  # a list is read once before anything in it is settled
        watcher()
    assert store.database.counts() == {State.QUEUED: 1}
    assert len(heard.problems) == 1
    pacs.answers["/studies/1.bad/series"] = as_json([series])
    pacs.answers["/changes"] = changes(last=2)
    watcher._pause.until = 0.0
    watcher._ask_at = 0.0
    watcher()
    assert store.database.counts() == {State.QUEUED: 2}
    store.database.leave()
    store.database.close()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (changes(), True),
        (as_json({}), False),
        (Said(404), False),
        (Said(403), False),
        (Said(200, "text/html", b"<html>"), False),
    ],
)
def test_an_orthanc_is_known_by_its_changes(pacs: Server, asked: Archive, said: Said, expected: bool) -> None:
    pacs.answers["/changes"] = said
    assert is_orthanc(asked) == expected


def test_an_archive_that_is_away_may_still_be_an_orthanc(pacs: Server, asked: Archive) -> None:
    pacs.answers["/changes"] = Said(503)
    with pytest.raises(UsageError) as away:
        is_orthanc(asked)
    assert away.value.code == "archive.busy"
