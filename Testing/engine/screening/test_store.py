"""Opening a store: what it is known by, and what stands in the way."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpers_screening import found
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.screening.store import open_store


def test_a_store_is_made_once_and_opened_again(tmp_path: Path) -> None:
    open_store(tmp_path / "store", make=True).database.close()
    open_store(tmp_path / "store").database.close()
    open_store(tmp_path / "store", make=True).database.close()
    assert (tmp_path / "store").stat().st_mode & 0o077 == 0


def test_clients_that_start_at_the_same_time_make_one_store(tmp_path: Path) -> None:
    def make(_: int) -> str:
        opened = open_store(tmp_path / "store", make=True)
        opened.database.add([found("a")])
        opened.database.close()
        return str(opened.folder)

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(make, range(6))) == {str(tmp_path / "store")}


def test_there_must_be_a_store_to_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no store in"):
        open_store(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_of_other_things_is_not_made_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("", encoding="ascii")
    with pytest.raises(UsageError, match="is not empty and no store"):
        open_store(tmp_path, make=True)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"schema": "ldct-bmd-store/9", "database": null}'])
def test_a_store_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "store.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="store"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:secret@127.0.0.1:1/none",
        "postgresql+psycopg://me@127.0.0.1:1/none?password=secret",
        "postgresql+psycopg://127.0.0.1:1/none?sslmode=disable&password=secret",
    ],
)
def test_the_address_is_kept_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="database can't be used"):
        open_store(tmp_path / "store", url, make=True)
    about = (tmp_path / "store" / "store.json").read_text(encoding="utf-8")
    assert "secret" not in about
    assert "127.0.0.1" in json.loads(about)["database"]
    with pytest.raises(UsageError, match="give its whole address"):
        open_store(tmp_path / "store")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["who?", "100%25", "a#b", "M\udcfcller"])
def test_a_store_lies_in_its_folder_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    store = open_store(tmp_path / name / "store", make=True)
    store.database.close()
    assert {path.name for path in store.folder.iterdir()} == {"store.json", "store.db"}
    assert [path.name for path in tmp_path.iterdir()] == [name]
