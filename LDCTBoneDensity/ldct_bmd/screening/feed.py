"""What is new in an archive: by the changes that Orthanc tells, or by asking for its studies again and again.

How far the changes were read is kept in the store's database, and so is what still grows: nothing is lost when either
side ends. A study is handed on when it is whole: when nothing came to it for a while.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..ground.errors import UsageError
from .archive import Archive, Listed
from .database import Database
from .tables import Arriving, Feed

SETTLED_S = 60.0  # nothing came for so long: what Orthanc, too, waits for by default before it calls a series stable
_AT_ONCE = 100  # changes
_CT = "CT"
_NEW, _STABLE = "NewSeries", "StableSeries"


class Changes(Protocol):
    """What tells of new studies."""

    @property
    def every_s(self) -> float:
        """How often to ask."""
        ...

    def ready(self) -> Iterator[Listed]:
        """Yield the studies that are whole; each is told of again until what takes it comes back for the next."""
        ...

    def keep(self, listed: Listed) -> None:
        """Tell of a study again that was yielded last, though the next one is asked for: it could not be taken."""
        ...


class OrthancChanges:
    """The changes that an Orthanc tells, from where they were last read.

    Args:
        earlier: begin with what it holds already, else with what comes from now on.
    """

    every_s = 1.0

    def __init__(self, archive: Archive, database: Database, earlier: bool, settled_s: float = SETTLED_S) -> None:
        self._archive, self._database, self._settled_s = archive, database, settled_s
        self._kept: Listed | None = None
        with database.session() as session:
            if session.get(Feed, archive.address) is None:
                position = 0 if earlier else _number(_changes(archive, [("last", "")]), "Last")
                session.add(Feed(address=archive.address, position=position))

    def ready(self) -> Iterator[Listed]:
        """Yield the studies that are whole."""
        self._read()
        with self._database.session() as session:
            growing = list(session.scalars(select(Arriving).where(Arriving.address == self._archive.address)))
        for one in growing:
            listed = self._looked_at(one)
            if listed is not None:
                yield listed
                if self._kept is not listed:
                    self._forget(one)

    def keep(self, listed: Listed) -> None:
        """Tell of a study again that could not be taken."""
        self._kept = listed

    def _read(self) -> None:
        """Take what changed into the database."""
        address = self._archive.address
        while True:
            with self._database.session() as session:
                feed = session.get_one(Feed, address)
                position = feed.position
            told = _changes(self._archive, [("since", str(position)), ("limit", str(_AT_ONCE))])
            last = _number(told, "Last")
            began_anew = last < position
            studies = {} if last == position or began_anew else self._studies(told["Changes"])
            with self._database.session() as session:
                for study, announced in studies.items():
                    row = _row(session, address, study)
                    row.announced = row.announced or announced
                session.get_one(Feed, address).position = 0 if began_anew else last
            if last == position and told.get("Done", True):
                return

    def _studies(self, changes: Sequence[Mapping[str, Any]]) -> dict[str, bool]:
        """Return the studies whose CT series came, and whether one is announced as stable."""
        series: dict[str, bool] = {}
        for one in changes:
            if one.get("ChangeType") in (_NEW, _STABLE):
                name = str(one["ID"])
                series[name] = series.get(name, False) or one["ChangeType"] == _STABLE
        studies: dict[str, bool] = {}
        for name, stable in series.items():
            about = self._archive.ask_above(f"/series/{name}")
            if about is not None and about["MainDicomTags"].get("Modality") == _CT:
                study = str(about["ParentStudy"])
                studies[study] = studies.get(study, False) or stable
        return studies

    def _looked_at(self, growing: Arriving) -> Listed | None:
        """Return a study that is whole."""
        about = self._archive.ask_above(f"/studies/{growing.name}")
        if about is None:
            self._forget(growing)
            return None
        with self._database.session() as session:
            row = session.get(Arriving, (growing.address, growing.name))
            if row is None:  # another watcher took it
                return None
            is_settled = _settled(row, str(about.get("LastUpdate", "")), self._settled_s)
        if not about.get("IsStable", True) or not (growing.announced or is_settled):
            return None
        tags, patient = about["MainDicomTags"], about.get("PatientMainDicomTags", {})
        return Listed(tags["StudyInstanceUID"], patient.get("PatientID", "").strip(), tags.get("StudyDate", ""), "")

    def _forget(self, growing: Arriving) -> None:
        with self._database.session() as session:
            row = session.get(Arriving, (growing.address, growing.name))
            if row is not None:
                session.delete(row)


class AskedAgain:
    """The CT studies that an archive lists, asked for every now and then.

    Args:
        query: which; empty: those of the day before it was last asked, and later.
        earlier: begin with what it holds already, else with what comes from now on.
    """

    def __init__(
        self,
        archive: Archive,
        database: Database,
        query: Sequence[tuple[str, str]],
        earlier: bool,
        every_s: float,
        settled_s: float = SETTLED_S,
    ) -> None:
        self._archive, self._database, self._query, self._settled_s = archive, database, query, settled_s
        self._name = f"{archive.address}/studies"  # how far its changes were read is another matter
        self.every_s = every_s
        self._kept: Listed | None = None
        with database.session() as session:
            is_known = session.get(Feed, self._name) is not None
            changes = session.get(Feed, archive.address)
        # One that stands at 0 is of an earlier version, which knew the archive as this one does.
        is_first = not is_known and (changes is None or changes.position > 0)
        held = list(archive.listed(self._asked(date.today()))) if is_first and not earlier else []
        if not is_known:
            with database.session() as session:
                session.add(Feed(address=self._name, position=date.today().toordinal()))
                for one in held:
                    row = _row(session, self._name, one.study)
                    row.content, row.handed_on = one.content, True

    def _asked(self, last: date) -> list[tuple[str, str]]:
        return list(self._query) or [("StudyDate", f"{last - timedelta(days=1):%Y%m%d}-")]

    def ready(self) -> Iterator[Listed]:
        """Yield the studies that are whole."""
        today = date.today()
        with self._database.session() as session:
            last = date.fromordinal(session.get_one(Feed, self._name).position)
        listed = list(self._archive.listed(self._asked(min(today, last))))
        with self._database.session() as session:
            names = {one.study for one in listed}
            for gone in session.scalars(select(Arriving).where(Arriving.address == self._name)):
                if gone.name not in names:
                    session.delete(gone)
        growing = []
        for one in listed:
            with self._database.session() as session:
                row = _row(session, self._name, one.study)
                is_ready = _settled(row, one.content, self._settled_s) and not row.handed_on
                growing += [] if is_ready or row.handed_on else [_day_after(one.date)]
            if is_ready:
                yield one
                if self._kept is one:
                    growing.append(_day_after(one.date))
                    continue
                with self._database.session() as session:
                    taken = session.get(Arriving, (self._name, one.study))
                    if taken is not None:  # another watcher may have a newer list
                        taken.handed_on = True
        with self._database.session() as session:
            session.get_one(Feed, self._name).position = min([today, *filter(None, growing)]).toordinal()

    def keep(self, listed: Listed) -> None:
        """Tell of a study again that could not be taken."""
        self._kept = listed


def _day_after(day: str) -> date | None:
    """Return the day after a StudyDate; None if it is none."""
    try:
        return datetime.strptime(day, "%Y%m%d").date() + timedelta(days=1)
    except ValueError:
        return None


def is_orthanc(archive: Archive) -> bool:
    """Tell whether an archive tells its changes as Orthanc does, next to its DICOMweb service."""
    try:
        _changes(archive, [("last", "")])
    except UsageError as error:
        if error.code in ("archive.no_list", "archive.redirected", "archive.credentials"):
            return False
        raise
    return True


def _changes(archive: Archive, query: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    told = archive.ask_above("/changes", query)
    if not isinstance(told, dict) or not isinstance(told.get("Changes"), list):
        raise UsageError("archive.no_list", host=archive.host, status=200)
    return told


def _number(told: Mapping[str, Any], name: str) -> int:
    return int(told.get(name) or 0)


def _row(session: Session, address: str, name: str) -> Arriving:
    row = session.get(Arriving, (address, name))
    if row is None:
        row = Arriving(address=address, name=name, content="", changed=time.time(), announced=False, handed_on=False)
        session.add(row)
    return row


def _settled(row: Arriving, content: str, settled_s: float) -> bool:
    """Tell whether nothing has come to a study for so long, and note what is there."""
    if row.content != content:
        row.content, row.changed, row.handed_on = content, time.time(), False
        return False
    return abs(time.time() - row.changed) >= settled_s  # the clock may have been ahead
