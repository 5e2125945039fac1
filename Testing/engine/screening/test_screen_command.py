"""The command of screening: what it lacks, and what it is told to do again."""

import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from helpers_cli import run
from ldct_bmd.screening.connection import sqlite_url
from ldct_bmd.screening.database import Database
from ldct_bmd.screening.tables import Result


def test_a_missing_package_is_told_with_the_extras_that_bring_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("ldct_bmd.screening", "ldct_bmd.cli.screening"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused = run("screen", tmp_path, "--store", tmp_path / "store")
    assert refused.exit_code == 2
    assert "ldct-bmd[reports,screen]" in " ".join(refused.stderr.split())
    assert not (tmp_path / "store").exists()


def test_a_cluster_and_a_number_of_processes_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    options = ("--scheduler", "tcp://127.0.0.1:1", "--workers", "2")
    refused = run("screen", tmp_path, "--store", tmp_path / "store", *options)
    assert refused.exit_code == 2
    assert "--workers counts processes of this machine" in " ".join(refused.stderr.split())
    assert not (tmp_path / "store").exists()


def test_what_another_version_refused_is_measured_again_without_looking_at_the_scans(tmp_path: Path) -> None:
    store = tmp_path / "store"
    refused = run("screen", "--store", store, "--again")
    assert refused.exit_code == 2
    assert not store.exists()  # there was none

    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "bad.nii").write_bytes(b"no image")
    assert run("screen", tmp_path / "scans", "--store", store, "--workers", 1).exit_code == 0
    assert "0 refused" in run("screen", "--store", store, "--again").stdout
    with closing(Database(sqlite_url(store / "store.db"))) as database, database.session() as session:
        session.execute(update(Result).values(model="of before"))
    again = run("screen", "--store", store, "--again", "--workers", 1)
    assert "1 refused" in again.stdout
    with closing(Database(sqlite_url(store / "store.db"))) as database:
        ((_, newest),) = database.newest()
    assert newest.number == 2
