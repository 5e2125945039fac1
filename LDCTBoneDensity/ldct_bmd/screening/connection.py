"""Connections to the database of a store: SQLite that survives a switch-off, or another by its address."""

import os
import sqlite3
import time
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from ..ground.errors import UsageError

_PATIENCE_S = 60.0  # with a client that writes


def connected(url: str | URL) -> Engine:
    """Return what connects to the database at an address; UsageError if it is none."""
    try:
        engine = create_engine(url, hide_parameters=True)  # an error would tell of patients
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise UsageError("screen.database", problem=first_line(error)) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _write_at_once)
        return engine
    return engine.execution_options(isolation_level="READ COMMITTED")  # above it, clients that meet end one another


def _durable(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins, not the driver
    connection.execute(f"PRAGMA busy_timeout={_PATIENCE_S * 1000:.0f}")
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:  # another client makes it so: for that SQLite itself does not wait
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _write_at_once(connection: Any) -> None:
    """Begin as a writer: one that begins as a reader cannot wait for another writer."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def first_line(error: BaseException) -> str:
    """Return what a database says of an error, without the rest."""
    return next(iter(str(getattr(error, "orig", None) or error).splitlines()), type(error).__name__)


def sqlite_url(path: os.PathLike[str]) -> URL:
    """Return the address of a SQLite file, whatever its name."""
    return URL.create("sqlite", database=os.fspath(path))
