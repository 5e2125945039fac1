"""A PostgreSQL server of this machine, for as long as a test runs."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers_ports import free_port

_USER = "postgres"


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    return found[-1].parent


def _run(*arguments: str) -> None:
    own = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
    subprocess.run([*own, *arguments], check=True, capture_output=True, cwd="/")


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the address of an empty database."""
    programs = _programs()
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        data, port = f"{folder}/data", free_port()
        _run(f"{programs}/initdb", "-D", data, "-A", "trust", "-U", _USER, "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        _run(f"{programs}/pg_ctl", "-D", data, "-w", "-o", options, "-l", f"{folder}/log", "start")
        try:
            yield f"postgresql+psycopg://{_USER}@127.0.0.1:{port}/postgres"
        finally:
            _run(f"{programs}/pg_ctl", "-D", data, "-m", "immediate", "stop")
