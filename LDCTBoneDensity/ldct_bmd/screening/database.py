"""The database of a store: what is to be measured, by whom, and what came of it. SQLite inside, or any by address."""

import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psutil
from sqlalchemy import DDL, ColumnElement, Select, case, exists, func, or_, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, aliased, selectinload

from ..ground.errors import OutOfReach, UsageError
from ..ground.text import visible
from .connection import connected, first_line
from .inputs import Found
from .outcome import Outcome
from .states import Delivered, State
from .tables import ADDED, VERSION, About, Archived, Base, Client, Result, Sending, SeriesRow, Study, Trace

LEASE_S = 60.0  # a client on another machine that said nothing for so long is taken for dead
_AT_ONCE = 500  # studies in one transaction
_LOCK = 0x6C646374  # any number that nothing else in the database locks
_ENDED = tuple(state.value for state in State if state.is_ended)


@dataclass(frozen=True)
class PriorResult:
    """The newest result of an earlier study, and where its scan is.

    Attributes:
        folder: below the store.
        place: of a volume file; of a study what sentences call it.
        files: of a study on a drive; empty for a volume file, and in an archive.
        archived: its images are in an archive.
    """

    folder: str
    place: str
    files: tuple[str, ...]
    archived: bool


class Database:
    """The database at an address; several clients may work on it at once.

    Args:
        url: as SQLAlchemy takes it.

    Raises:
        UsageError: it cannot be opened, or is of another version.
    """

    def __init__(self, url: str | URL) -> None:
        self._engine = connected(url)
        self._client, self._own_workers = uuid.uuid4().hex, False
        try:
            with self.session() as session:
                _alone(session)
                Base.metadata.create_all(session.connection())
                about = session.scalars(select(About)).first()
                if about is None:
                    session.add(About(version=VERSION))
                elif about.version < VERSION:
                    for version in range(about.version + 1, VERSION + 1):  # the tables that it lacked were made above
                        for change in ADDED.get(version, ()):
                            session.execute(DDL(change))
                    about.version = VERSION
                elif about.version > VERSION:
                    raise UsageError("screen.database_version", version=about.version, known=VERSION)
        except SQLAlchemyError as error:
            raise OutOfReach("screen.database", problem=first_line(error)) from error

    @property
    def client(self) -> str:
        """By which what this client holds is known."""
        return self._client

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Return a session that ends with a commit, or without a trace if an error is raised."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def leave(self) -> None:
        """End to work: what this client holds is queued again."""
        with self.session() as session:
            session.get(Client, self._client, with_for_update=True)  # clients are locked before studies
            _release(session, [self._client])

    def enter(self, own_workers: bool = False) -> None:
        """Begin to work: claims may now be made, and those of clients that died are free again.

        Args:
            own_workers: what measures may end this client with it.
        """
        self._client, self._own_workers = uuid.uuid4().hex, own_workers
        with self.session() as session:
            self.be_known(session)
        self.say_alive()

    def say_alive(self) -> None:
        """Say that this client lives, and free what dead ones held. To be called more often than LEASE_S."""
        with self.session() as session:
            session.execute(update(Client).where(Client.id == self._client).values(seen=time.time()))
        with self.session() as session:
            others = select(Client).where(Client.id != self._client)
            silent = [client.id for client in session.scalars(others) if _is_dead(client)]
            if not silent:
                return
            # None of them claims meanwhile; one that has just said that it lives is left alone.
            held = select(Client).where(Client.id.in_(silent)).order_by(Client.id).with_for_update()
            held = held.execution_options(populate_existing=True)
            dead = [client.id for client in session.scalars(held) if _is_dead(client)]
            session.execute(_to_write(Study.client.in_(dead)))
            _charge(session, dead)
            _release(session, dead)

    def be_known(self, session: Session) -> None:
        """Have this client known, also if another one took it for dead; to be called by what claims in ``session``.

        What a client holds that is not known stays with it for ever.
        """
        if session.get(Client, self._client, with_for_update=True) is None:
            process = psutil.Process()
            session.add(
                Client(
                    id=self._client,
                    host=_here(),
                    process=process.pid,
                    started=process.create_time(),
                    seen=time.time(),
                    own_workers=self._own_workers,
                )
            )

    def add(self, found: Iterable[Found], send_back: bool = False) -> int:
        """Queue what is new or has changed; return how many.

        Args:
            send_back: what comes of a study of an archive is sent there.
        """
        queued, coming = 0, iter(found)
        while some := {one.id: one for one in islice(coming, _AT_ONCE)}:
            with self.session() as session:
                _alone(session)
                wanted = _to_write(Study.id.in_(some)).options(selectinload(Study.archived))
                known = {study.id: study for study in session.scalars(wanted)}
                order = session.scalar(select(func.max(Study.order))) or 0
                for one in some.values():
                    queued += int(_queue(session, known.get(one.id), one, order + 1 + queued, send_back))
        return queued

    def queue_again(self, software: str, model: str) -> int:
        """Queue what failed, and what another version of software or model measured or refused."""
        with self.session() as session:
            queued = 0
            states = [State.MEASURED.value, State.REFUSED.value, State.FAILED.value]
            wanted = _to_write(Study.state.in_(states)).options(selectinload(Study.results))
            for study in session.scalars(wanted):
                newest = study.results[-1] if study.results else None
                same = newest is not None and (newest.software, newest.model) == (software, model)
                if not same or study.state == State.FAILED.value:
                    study.queue()
                    queued += 1
        return queued

    def claim(self, count: int, alone: bool = False) -> list[Study]:
        """Take up to ``count`` queued studies for this client, the earlier ones of a patient first.

        Args:
            alone: those that have ended a process, or a client twice; else those that have not.
        """
        with self.session() as session:
            self.be_known(session)
            # What another client is about to take is passed over; in SQLite there is one writer at a time.
            next_ones = select(Study.id).where(*_next(alone)).order_by(Study.order).limit(count)
            free = session.scalars(next_ones.with_for_update(skip_locked=True, of=Study)).all()
            session.execute(
                update(Study)
                .where(Study.id.in_(free), Study.state == State.QUEUED.value)
                .values(state=State.RUNNING.value, client=self._client)
            )
            mine = select(Study).where(
                Study.id.in_(free), Study.client == self._client, Study.state == State.RUNNING.value
            )
            further = (selectinload(Study.results), selectinload(Study.archived))
            taken = session.scalars(mine.options(*further).order_by(Study.order))
            return list(taken)

    def suspects(self) -> bool:
        """Whether a study waits that has ended a process, or a client twice: such are measured alone."""
        with self.session() as session:
            return session.scalar(select(Study.id).where(*_next(alone=True)).limit(1)) is not None

    def end(self, ended: Sequence[tuple[Study, Outcome]]) -> list[Outcome]:
        """Record what came of studies, and return what was recorded: what this client holds no more is not."""
        with self.session() as session:
            wanted = _to_write(Study.id.in_([study.id for study, _ in ended]))
            further = (selectinload(Study.results), selectinload(Study.archived))
            held = {study.id: study for study in session.scalars(wanted.options(*further))}
            return [outcome for study, outcome in ended if self._ended(session, held.get(study.id), study, outcome)]

    def _ended(self, session: Session, held: Study | None, study: Study, outcome: Outcome) -> bool:
        if held is None or held.client != self._client or held.state != State.RUNNING.value:
            return False
        result = Result(
            study_id=study.id,
            number=len(held.results) + 1,
            state=outcome.state.value,
            code=outcome.code,
            sentence=None if outcome.sentence is None else visible(outcome.sentence),
            folder=outcome.folder,
            facts=outcome.facts,
            fingerprint=study.fingerprint,
            software=outcome.software,
            model=outcome.model,
            ended=outcome.ended,
            timing_s=outcome.timing_s,
            cpu_s=outcome.cpu_s,
            memory_mb=outcome.memory_mb,
        )
        session.add(result)
        # Slices that came while it was measured have it measured again.
        changed = held.fingerprint != study.fingerprint
        is_watched = held.archived is not None and held.archived.send_back
        goes_back = is_watched and outcome.state is State.MEASURED and not changed
        if outcome.series or outcome.trace is not None or goes_back:
            session.flush()  # gives the result its number
        if goes_back:
            session.add(Sending(result_id=result.id, state=Delivered.WAITING.value, uids=[]))
        session.add_all(SeriesRow(result_id=result.id, **series) for series in outcome.series)
        if outcome.trace is not None:
            session.add(Trace(result_id=result.id, text=outcome.trace))
        held.state = State.QUEUED.value if changed else outcome.state.value
        held.client = None
        return True

    def give_back(self, study: Study, killed: bool = False) -> None:
        """Queue a study that was not measured; ``killed``: it ended the process that measured it."""
        with self.session() as session:
            held = session.scalars(_to_write(Study.id == study.id)).one_or_none()
            if held is not None and held.client == self._client:
                held.state, held.client = State.QUEUED.value, None
                held.kills += int(killed)

    def counts(self) -> dict[State, int]:
        """Return how many studies there are in each state."""
        with self.session() as session:
            rows = session.execute(select(Study.state, func.count()).group_by(Study.state)).all()
        return {State(state): count for state, count in rows}

    def left(self) -> int:
        """Return how many studies wait or are being measured."""
        with self.session() as session:
            waiting = Study.state.in_([State.QUEUED.value, State.RUNNING.value])
            return session.scalar(select(func.count()).where(waiting)) or 0

    def priors(self, study: Study) -> list[PriorResult]:
        """Return the results of the patient's earlier studies, the earliest first."""
        if study.patient is None or not study.date:
            return []
        with self.session() as session:
            earlier = session.scalars(
                select(Study)
                .where(
                    Study.patient == study.patient,
                    Study.id != study.id,
                    Study.date < study.date,
                    Study.date != "",
                    Study.state.in_([State.MEASURED.value, State.SIGNED.value]),
                )
                .order_by(Study.date)
            )
            return [
                PriorResult(one.results[-1].folder, one.place, tuple(one.files), one.archived is not None)
                for one in earlier
                if one.results and one.results[-1].folder
            ]

    def newest(self) -> list[tuple[Study, Result]]:
        """Return every study that ever ended, with its newest result: of one that is measured again the one before."""
        with self.session() as session:
            wanted = select(Study).where(Study.results.any()).order_by(Study.order)
            studies = session.scalars(wanted.options(selectinload(Study.results)))
            return [(study, study.results[-1]) for study in studies]

    def set_facts(self, study: Study, result: Result, facts: dict[str, object], state: State, changed: int) -> None:
        """Take over what a reader changed in a result folder; ``changed``: when, see :class:`.tables.Result`."""
        new = {"facts": facts, "state": state.value, "changed": changed}
        with self.session() as session:
            session.execute(update(Result).where(Result.id == result.id).values(**new))
            newer = exists().where(Result.study_id == study.id, Result.number > result.number)
            ended = Study.id == study.id, Study.state.in_(_ENDED), ~newer
            session.execute(update(Study).where(*ended).values(state=state.value))


def _next(alone: bool) -> tuple[ColumnElement[bool], ...]:
    """Return what is true of a study that can be measured now: queued, and none of its patient's is before it."""
    before = aliased(Study)
    waits = exists().where(
        before.patient == Study.patient,
        before.id != Study.id,
        before.date < Study.date,
        before.state.in_([State.QUEUED.value, State.RUNNING.value]),
    )
    return Study.state == State.QUEUED.value, Study.kills > 0 if alone else Study.kills == 0, ~waits


def _queue(session: Session, study: Study | None, found: Found, order: int, send_back: bool) -> bool:
    """Take over what was found of a study; return whether it is queued for that."""
    same = study is not None and study.fingerprint == found.fingerprint
    if study is None:
        study = Study(id=found.id, key=found.key, archived=None)
        session.add(study)
    study.place, study.files = found.place, list(found.files)  # the tree may have moved
    if found.archive is None:
        study.archived = None
    else:
        held = study.archived or Archived(send_back=False)
        held.address, held.study, held.authority = found.archive.address, found.archive.study, found.archive.authority
        held.send_back = held.send_back or (send_back and not same)
        study.archived = held
    if same:
        return False
    study.patient, study.date = found.patient, found.date
    study.series, study.fingerprint = found.series, found.fingerprint
    if study.state != State.RUNNING.value:
        study.order = order
        study.queue()
    return True


def _to_write(which: ColumnElement[bool]) -> Select[Study]:
    """Return how studies are read that may be written: no other client writes them meanwhile, and all in one order."""
    return select(Study).where(which).order_by(Study.id).with_for_update(of=Study)


def _alone(session: Session) -> None:
    """Have others wait that make tables or studies, until the session ends; in SQLite whoever writes waits."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _charge(session: Session, dead: Sequence[str]) -> None:
    """Count what was measured while clients died together with their workers: it may be what ended them.

    A machine that is switched off ends all that it measures, once; what ends a client does so again.
    """
    own = select(Client.id).where(Client.id.in_(dead), Client.own_workers)
    session.execute(
        update(Study)
        .where(Study.client.in_(own), Study.state == State.RUNNING.value)
        .values(
            kills=Study.kills + case((or_(Study.kills > 0, Study.interrupted > 0), 1), else_=0),
            interrupted=Study.interrupted + 1,
        )
        .execution_options(synchronize_session=False)
    )


def _release(session: Session, clients: Sequence[str]) -> None:
    session.execute(
        update(Study)
        .where(Study.client.in_(clients), Study.state == State.RUNNING.value)
        .values(state=State.QUEUED.value, client=None)
    )
    session.execute(update(Sending).where(Sending.client.in_(clients)).values(client=None))
    for client in clients:
        row = session.get(Client, client)
        if row is not None:
            session.delete(row)


def _is_dead(client: Client) -> bool:
    """Whether a client ended: on this machine its process is gone; else it has been silent for too long."""
    if client.host == _here():
        try:
            process = psutil.Process(client.process)
            if process.status() == psutil.STATUS_ZOMBIE:  # and who started it does not ask how it ended
                return True
            # A process that began at another time is another one, or the system's clock was set.
            if abs(process.create_time() - client.started) <= 1.0:
                return False
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:  # of another user, on Windows
            pass
    return abs(time.time() - client.seen) > LEASE_S  # a clock that was wrong may have been ahead


def _here() -> str:
    """Return what the processes that this one sees have in common, and no others have.

    Machines may have the same name, and a container that of its host, but with process numbers of its own.
    """
    name = [socket.gethostname()]
    with suppress(OSError):
        name.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        name.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(name)
