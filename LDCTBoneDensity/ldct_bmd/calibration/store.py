"""A site's calibrations in one SQLite file, safe against two writers and against a crash while writing."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..ground.errors import OutOfReach, UsageError
from ..ground.plain import from_plain, plain_json, to_plain
from ..words import Phrase
from .carry import as_made
from .files import calibration_from_dict, calibration_to_dict
from .linear import Calibration

APPLICATION_ID = 0x4C424D44  # "LBMD": tells this file from any other SQLite database
VERSION = 1
WAIT_S = 30.0  # for another writer
_LEAST_IDENTIFIER = 4
_SCHEMA = """
CREATE TABLE calibrations (
    identifier TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    added TEXT NOT NULL,
    added_by TEXT NOT NULL,
    retired TEXT,
    retired_by TEXT,
    retired_because TEXT
)
"""


_SAID = ("added", "added_by", "retired", "retired_by", "retired_because")


@dataclass(frozen=True)
class StoredCalibration:
    """A calibration in the store; times are ISO 8601. One that is retired stays readable and is never chosen."""

    calibration: Calibration
    added: str
    added_by: str
    retired: str | None = None
    retired_by: str | None = None
    retired_because: str | None = None


class CalibrationStore:
    """The calibrations in one file.

    Nothing is ever changed or deleted but the mark that a calibration is retired. Each call is one transaction of
    SQLite with its rollback journal, which is whole or not there after a crash and needs no shared memory, so that it
    also works on a network drive whose locks do.
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(path)

    def all(self) -> list[StoredCalibration]:
        """Return all calibrations in the order in which they were added; UsageError if there is no such store."""
        with self._reading() as database:
            rows = database.execute(
                "SELECT content, added, added_by, retired, retired_by, retired_because FROM calibrations ORDER BY rowid"
            ).fetchall()
        try:
            return [_read(*row) for row in rows]
        except (ValueError, UsageError) as error:
            raise UsageError("store.damaged", store=self._path) from error

    def get(self, identifier: str) -> StoredCalibration:
        """Return the calibration whose identifier begins with ``identifier``.

        Raises:
            UsageError: there is none, or more than one, or there is no store.
        """
        if len(identifier) < _LEAST_IDENTIFIER:
            raise UsageError("store.identifier_too_short", least=_LEAST_IDENTIFIER)
        found = [one for one in self.all() if one.calibration.identifier.startswith(identifier.lower())]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError("store.several", identifier=identifier)
        raise UsageError("store.no_such_calibration", identifier=identifier)

    def add(self, calibrations: Iterable[Calibration], added: str, added_by: str) -> list[Calibration]:
        """Add calibrations, all or none, and return those that were not there yet.

        Args:
            calibrations: what to add.
            added: when, ISO 8601.
            added_by: who.

        Raises:
            UsageError: a calibration is nominal, or says too little to be ever chosen, or nobody adds it.
        """
        listed = list(calibrations)
        if not added_by.strip():
            raise UsageError("store.nobody_adds")
        listed = [as_made(one) for one in listed]
        for one in listed:
            _check_fit_for_store(one)
        new = []
        with self._writing() as database:
            for one in listed:
                content = json.dumps(calibration_to_dict(one), sort_keys=True, allow_nan=False)
                done = database.execute(
                    "INSERT OR IGNORE INTO calibrations (identifier, content, added, added_by) VALUES (?, ?, ?, ?)",
                    (one.identifier, content, added, added_by),
                )
                if done.rowcount == 1:
                    new.append(one)
        return new

    def retire(self, identifier: str, because: str, retired: str, retired_by: str) -> StoredCalibration:
        """Mark a calibration as not to be used any more; it stays in the store.

        Args:
            identifier: how the calibration's identifier begins.
            because: why.
            retired: when, ISO 8601.
            retired_by: who.

        Raises:
            UsageError: there is no such calibration, no reason, nobody, or it is retired already.
        """
        if not because.strip() or not retired_by.strip():
            raise UsageError("store.no_reason_to_retire")
        stored = self.get(identifier)
        with self._writing() as database:
            done = database.execute(
                "UPDATE calibrations SET retired = ?, retired_by = ?, retired_because = ? "
                "WHERE identifier = ? AND retired IS NULL",
                (retired, retired_by, because, stored.calibration.identifier),
            )
            if done.rowcount == 0:
                raise UsageError("store.retired_already", identifier=stored.calibration.identifier)
        return self.get(stored.calibration.identifier)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self._path.is_file():
            raise UsageError("store.not_there", store=self._path)
        with self._connected() as database:
            self._check_kind(database)
            yield database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if not self._path.absolute().parent.is_dir():
            raise UsageError("store.no_folder", folder=self._path.absolute().parent)
        with self._connected() as database:
            # Takes the lock before anything is read, so that two writers wait for each other and never half-way.
            database.execute("BEGIN IMMEDIATE")
            try:
                if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                    database.execute(_SCHEMA)
                    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    database.execute(f"PRAGMA user_version = {VERSION}")
                self._check_kind(database)
                yield database
            except BaseException:
                if database.in_transaction:  # a full disk has rolled it back already
                    database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            database = sqlite3.connect(self._path, timeout=WAIT_S, isolation_level=None)
            try:
                database.execute("PRAGMA synchronous = FULL")
                yield database
            finally:
                database.close()
        except sqlite3.DatabaseError as error:
            raise OutOfReach("store.unusable", store=self._path, reason=str(error)) from error

    def _check_kind(self, database: sqlite3.Connection) -> None:
        kind = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if kind != APPLICATION_ID:
            raise UsageError("store.other_database", file=self._path)
        if version != VERSION:
            raise UsageError("store.other_version", store=self._path, version=version, known=VERSION)


def _read(content: object, *said: object) -> StoredCalibration:
    """Return a row's calibration; ValueError or UsageError if it is none."""
    values = plain_json(content) if isinstance(content, str) else None
    if not isinstance(values, dict):
        raise ValueError("not an object")
    calibration = calibration_from_dict(values, "")
    return from_plain(StoredCalibration, dict(zip(_SAID, said, strict=True)) | {"calibration": to_plain(calibration)})


def _check_fit_for_store(calibration: Calibration) -> None:
    provenance = calibration.provenance
    if calibration.nominal:
        raise UsageError("store.nominal", calibration=calibration.name)
    missing = [
        what
        for what, there in (
            ("store.lacks_scanner", _names_scanner(calibration)),
            ("store.lacks_tube_voltage", calibration.kvp is not None),
            ("store.lacks_date", provenance is not None and provenance.date is not None),
            ("store.lacks_kernel_class", provenance is not None and provenance.kernel_class is not None),
            ("store.lacks_operator", provenance is not None and bool((provenance.operator or "").strip())),
        )
        if not there
    ]
    if missing:
        raise UsageError(
            "store.says_too_little", calibration=calibration.name, missing=[Phrase(what) for what in missing]
        )


def _names_scanner(calibration: Calibration) -> bool:
    scanner = None if calibration.provenance is None else calibration.provenance.scanner
    return scanner is not None and bool(scanner.manufacturer and scanner.model and (scanner.serial or scanner.station))
