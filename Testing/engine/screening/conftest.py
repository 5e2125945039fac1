"""The two databases that a store may have."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from helpers_database import postgresql
from ldct_bmd.screening.connection import sqlite_url
from ldct_bmd.screening.database import Database
from ldct_bmd.screening.tables import Base


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return str(sqlite_url(tmp_path / "store.db"))
    address = str(request.getfixturevalue("server"))
    engine = create_engine(address)
    Base.metadata.drop_all(engine)
    engine.dispose()
    return address


@pytest.fixture
def client(url: str) -> Iterator[Callable[[], Database]]:
    """Make clients of one database."""
    made: list[Database] = []

    def make() -> Database:
        made.append(Database(url))
        made[-1].enter()
        return made[-1]

    yield make
    for one in made:
        one.leave()
        one.close()
