"""A store: a folder of results, and the database that says what became of every study."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..ground.atomic import is_unfinished, write_text
from ..ground.errors import OutOfReach, UsageError
from ..ground.plain import plain_json
from ..jobs.spec import InputScan
from ..reporting.files import RECORD_FILE
from .connection import sqlite_url
from .database import Database
from .inputs import InArchive
from .outcome import Task, facts_of
from .states import State
from .tables import Study
from .work import read_result

SCHEMA = "ldct-bmd-store/1"
STORE_FILE, DATABASE_FILE, RESULTS = "store.json", "store.db", "results"


@dataclass(frozen=True)
class Store:
    """A store that was opened.

    Attributes:
        folder: absolute.
    """

    folder: Path
    database: Database

    def task(self, study: Study) -> Task:
        """Return what a worker needs to measure ``study``."""
        folder = f"{RESULTS}/{study.id[:2]}/{study.id}-{len(study.results) + 1}"
        found = self.database.priors(study)
        priors = tuple(str(self.folder / prior.folder / RECORD_FILE) for prior in found)
        scans = tuple(None if prior.archived else InputScan(prior.place, files=prior.files) for prior in found)
        held = study.archived
        archive = None if held is None else InArchive(held.address, held.study, held.authority)
        return Task(
            study.id,
            study.place,
            tuple(study.files),
            study.series,
            str(self.folder),
            folder,
            priors,
            archive,
            prior_scans=scans,
        )

    def queue_again(self, software: str, model: str) -> int:
        """Queue what failed, and what another version measured or refused, but for what a reader has signed."""
        self.take_signed()
        return self.database.queue_again(software, model)

    def take_signed(self) -> int:
        """Take what readers changed in result folders into the database; return how many records changed."""
        changed = 0
        for study, result in self.database.newest():
            if result.folder is None:
                continue
            folder = self.folder / result.folder
            try:
                written = (folder / RECORD_FILE).stat().st_mtime_ns
                if written == result.changed:
                    continue
                examination = read_result(folder)
            except (OSError, UsageError):
                continue  # gone, or being written: the database keeps what it knows
            facts = plain_json(json.dumps(facts_of(examination)))
            state = State.SIGNED if facts["state"] == "signed" else State.MEASURED
            changed += int(facts != result.facts)
            self.database.set_facts(study, result, facts, state, written)
        return changed


def open_store(folder: Path, url: str | None = None, make: bool = False) -> Store:
    """Open the store in ``folder``.

    Args:
        url: of its database, as SQLAlchemy takes it; kept in the store without its password. None: the one that it
            was made with, SQLite in the folder if none was named.
        make: make it if there is none.

    Raises:
        UsageError: there is none, it cannot be made, or its database cannot be opened.
    """
    folder = folder.absolute()
    about = folder / STORE_FILE
    if not about.is_file():
        _make(folder, about, url, make)
    try:
        held = plain_json(about.read_text(encoding="utf-8"))
        if held["schema"] != SCHEMA:
            raise UsageError("screen.store_version", schema=str(held["schema"]), known=SCHEMA)
        kept = held["database"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError("screen.store_unreadable", file=about) from error
    if url is None and kept is not None and "***" in kept:
        raise UsageError("screen.database_password", url=kept)
    return Store(folder, Database(url or kept or sqlite_url(folder / DATABASE_FILE)))


def _make(folder: Path, about: Path, url: str | None, make: bool) -> None:
    if not make:
        raise UsageError("screen.no_store", folder=folder)
    if folder.exists() and (not folder.is_dir() or _foreign(folder)):
        raise UsageError("screen.not_empty", folder=folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutOfReach("file.not_written", place=folder, problem=error.strerror or str(error)) from error
    kept = None if url is None else _without_password(url)
    write_text(about, json.dumps({"schema": SCHEMA, "database": kept}, indent=2) + "\n")


def _foreign(folder: Path) -> bool:
    """Tell whether a folder holds anything but what another client, which makes the same store, has put there."""
    names = [path.name for path in folder.iterdir() if not is_unfinished(path.name)]
    return bool(names) and STORE_FILE not in names


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        made = make_url(url)
        secret = [name for name in made.query if "password" in name or "secret" in name]
        if secret:
            made = made.difference_update_query(secret).set(username=made.username or "", password="***")
        return made.render_as_string(hide_password=True)
    except ArgumentError as error:
        raise UsageError("screen.database", problem=str(error)) from error
