"""Running something in a forked child that kills itself before one of its touches of the file system."""

import os
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_S = 300.0
# What Python says it is about to do; the exchange of two folders says so itself.
_EVENTS = {
    "open",
    "os.chmod",
    "os.link",
    "os.listdir",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.scandir",
    "os.symlink",
    "os.truncate",
    "fcntl.flock",
    "ldct_bmd.exchange",
}


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, None if it was killed; its touches as far as they were counted."""

    code: int | None
    touches: int
    said: str


class _Counter:
    """Counts touches inside some folders, and kills the process in place of the one that is wanted."""

    def __init__(self, folders: tuple[Path, ...], kill_at: int | None) -> None:
        self.count = 0
        self._inside = tuple(str(folder) for folder in folders)
        self._kill_at = kill_at

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS and (event == "fcntl.flock" or self._is_inside(arguments[0])):
            self.touch()

    def touch(self, *_: object) -> None:
        if self.count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1

    def _is_inside(self, path: object) -> bool:
        return isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith(self._inside)


def run_killed(run: Callable[[], int], folders: tuple[Path, ...], kill_at: int | None) -> Ended:
    """Run ``run`` in a child that is killed before its touch number ``kill_at`` (from 0) in ``folders``."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_the_child(run, _Counter(folders, kill_at), writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        status = _waited(child)
        said = pipe.read().decode(errors="replace")
    count, _, words = said.partition("\n")
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    return Ended(code, int(count) if count.isdigit() else -1, words)


def _be_the_child(run: Callable[[], int], counter: _Counter, pipe: int) -> None:
    code, words = 70, ""
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 1)
        log = os.memfd_create("said")
        os.dup2(log, 2)
        connect = sqlite3.connect
        sqlite3.connect = lambda *a, **k: connect(*a, **{**k, "factory": _counted(counter)})  # type: ignore[assignment]
        sys.addaudithook(counter)
        code = run()
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os.lseek(log, 0, os.SEEK_SET)
        words = os.read(log, 4000).decode(errors="replace")
        os.write(pipe, f"{counter.count}\n{words}".encode())
        os._exit(code)


def _counted(counter: _Counter) -> type[sqlite3.Connection]:
    """A connection whose statements count: SQLite touches its file without telling Python."""

    class Counted(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            counter.touch()
            return super().execute(*arguments)

    return Counted


def _waited(child: int) -> int:
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise TimeoutError("the child hangs")
