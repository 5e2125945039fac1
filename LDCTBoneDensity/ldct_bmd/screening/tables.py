"""The tables of a store's database."""

from hashlib import sha256
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Integer, String, TypeDecorator, false
from sqlalchemy import Text as PlainText
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from .states import State

VERSION = 4  # of these tables; 2 has more of them than 1
# What else each version has that the one before had not.
ADDED = {
    3: (
        "ALTER TABLE client ADD COLUMN own_workers BOOLEAN DEFAULT FALSE NOT NULL",
        "CREATE INDEX suspect ON study (state, kills)",
    ),
    4: ("ALTER TABLE study ADD COLUMN interrupted INTEGER DEFAULT 0 NOT NULL",),
}


# Bytes of a file's name that are not UTF-8, as old discs have them, and what stands for each: a character of the last
# private plane, that no name holds. So does one for NUL, which headers hold, and PostgreSQL keeps none.
_STANDS_FOR = {0: 0x10FF00} | {0xDC00 + byte: 0x10FF00 + byte for byte in range(0x80, 0x100)}
_STOOD_FOR = {kept: given for given, kept in _STANDS_FOR.items()}
_DIGITS = 16


class Text(TypeDecorator[str]):
    """Text that may hold a path, or what a header says, whatever bytes that is made of."""

    impl = PlainText
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Return what the database keeps."""
        return None if value is None else value.translate(_STANDS_FOR)

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        """Return what was given to keep."""
        return None if value is None else value.translate(_STOOD_FOR)


class ShortText(TypeDecorator[str]):
    """Text of a header that should be short: a longer one ends in digits that follow from all of it."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Return what the database keeps."""
        if value is None or len(value) <= self.length:
            return None if value is None else value.translate(_STANDS_FOR)
        digits = sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
        return value[: self.length - _DIGITS].translate(_STANDS_FOR) + digits

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        """Return what was given to keep, or what stands for it."""
        return None if value is None else value.translate(_STOOD_FOR)


class Base(DeclarativeBase):
    """All tables."""


class About(Base):
    """What the database is: one row."""

    __tablename__ = "about"
    version: Mapped[int] = mapped_column(Integer, primary_key=True)


class Client(Base):
    """A process that works through the store. While it lives it says so; its claims end with it.

    Attributes:
        host: the same for those that see each other's processes.
        seen: seconds since 1970 when it last said so.
        started: when its process began, as its system says: process numbers are used again.
        own_workers: its workers are processes of its machine, and may end together with it.
    """

    __tablename__ = "client"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    process: Mapped[int] = mapped_column(Integer)
    started: Mapped[float] = mapped_column(Float)
    seen: Mapped[float] = mapped_column(Float)
    own_workers: Mapped[bool] = mapped_column(server_default=false())


class Study(Base):
    """A study of the input, or a volume file; its state is that of its newest measurement.

    Attributes:
        id: 16 hexadecimal digits that follow from ``key``; names its result folders.
        key: what it is: UIDs and patient ID, or the path of a file.
        patient: PatientID, issuer aside; None if it has none.
        date: StudyDate as the header writes it.
        files: of a study; empty for a volume file, and in an archive.
        series: the one to measure; None: chosen by rule.
        fingerprint: changes with the content.
        state: see :class:`.states.State`.
        client: who measures it.
        order: in what order studies are measured.
        kills: how often its process ended while it was measured, alone or with client and all; of the latter the first
            time does not count.
        interrupted: how often client and all ended while it was measured.
    """

    __tablename__ = "study"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    place: Mapped[str] = mapped_column(Text)
    patient: Mapped[str | None] = mapped_column(ShortText(255), index=True)
    date: Mapped[str] = mapped_column(ShortText(32), default="")
    files: Mapped[list[str]] = mapped_column(JSON)
    series: Mapped[str | None] = mapped_column(String(255))
    fingerprint: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    client: Mapped[str | None] = mapped_column(String(32), index=True)
    order: Mapped[int] = mapped_column(Integer, default=0)
    kills: Mapped[int] = mapped_column(Integer, default=0)
    interrupted: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    results: Mapped[list["Result"]] = relationship(back_populates="study", order_by="Result.number")
    archived: Mapped["Archived | None"] = relationship(cascade="all, delete-orphan")

    __table_args__ = (Index("next", "state", "order"), Index("suspect", "state", "kills"))

    def queue(self) -> None:
        """Have it measured, whatever happened before."""
        self.state, self.kills, self.interrupted = State.QUEUED.value, 0, 0


class Archived(Base):
    """Where a study lies that no folder holds.

    Attributes:
        authority: a file with the certificates to trust; None: those of the system.
        send_back: what comes of it is sent there.
    """

    __tablename__ = "archived"
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), primary_key=True)
    address: Mapped[str] = mapped_column(Text)
    study: Mapped[str] = mapped_column(String(255))
    authority: Mapped[str | None] = mapped_column(Text)
    send_back: Mapped[bool] = mapped_column(default=False)


class SeriesRow(Base):
    """A series that a measurement found in its study, and what became of it."""

    __tablename__ = "series"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"), index=True)
    address: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text)
    slices: Mapped[int] = mapped_column(Integer)
    measured: Mapped[bool]
    unsuitable: Mapped[str | None] = mapped_column(Text)


class Result(Base):
    """What one measurement of a study came to; earlier ones stay.

    Attributes:
        number: 1 for the study's first.
        folder: below the store; None without a result.
        code: of the refusal, or of a failure's exception.
        facts: see :class:`.row.Row`.
        fingerprint: that of the study when it was measured.
        changed: when the record was last written that the facts are of (nanoseconds; 0: as it was measured).
        timing_s, cpu_s, memory_mb: what it took.
    """

    __tablename__ = "result"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    code: Mapped[str | None] = mapped_column(String(255))
    sentence: Mapped[str | None] = mapped_column(Text)
    folder: Mapped[str | None] = mapped_column(String(255))
    facts: Mapped[dict[str, object]] = mapped_column(JSON)
    fingerprint: Mapped[str] = mapped_column(String(64))
    changed: Mapped[int] = mapped_column(BigInteger, default=0)
    software: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(255))
    ended: Mapped[str] = mapped_column(String(40))
    timing_s: Mapped[dict[str, float]] = mapped_column(JSON)
    cpu_s: Mapped[float] = mapped_column(Float)
    memory_mb: Mapped[float] = mapped_column(Float)
    study: Mapped[Study] = relationship(back_populates="results")

    __table_args__ = (Index("one_result", "study_id", "number", unique=True),)


class Trace(Base):
    """The trace of a failure, which may quote what a scan says: kept apart from everything that is shown."""

    __tablename__ = "trace"
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class Sending(Base):
    """How far a result is on its way to the archive that its study came from.

    Attributes:
        state: see :class:`.states.Delivered`.
        client: who sends it now.
        attempts: that came to nothing.
        after: seconds since 1970 before which it is not tried again.
        sentence: why it was not sent.
        uids: SOP instance UIDs that the archive lists.
    """

    __tablename__ = "sending"
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    client: Mapped[str | None] = mapped_column(String(32), index=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    after: Mapped[float] = mapped_column(Float, default=0.0)
    sentence: Mapped[str | None] = mapped_column(Text)
    uids: Mapped[list[str]] = mapped_column(JSON)
    ended: Mapped[str | None] = mapped_column(String(40))


class Feed(Base):
    """How far an archive was read.

    Attributes:
        address: of its DICOMweb service, of its changes; with "/studies", of its lists.
        position: of changes the archive's own number; of lists the day (as a number) before which all came.
    """

    __tablename__ = "feed"
    address: Mapped[str] = mapped_column(String(255), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class Arriving(Base):
    """A study of which an archive told, and that may still grow.

    Attributes:
        name: by which the archive is asked for it.
        content: what changes when it grows.
        changed: seconds since 1970 when that was last seen to change.
        announced: the archive said that one of its series is whole.
        handed_on: it was queued as it is.
    """

    __tablename__ = "arriving"
    address: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    content: Mapped[str] = mapped_column(String(255), default="")
    changed: Mapped[float] = mapped_column(Float)
    announced: Mapped[bool] = mapped_column(default=False)
    handed_on: Mapped[bool] = mapped_column(default=False)
