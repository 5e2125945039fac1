"""Folders to work in that outlive no process for long: however their owner ended, the next one sweeps them.

A scratch folder holds the lock of the process that made it. The system lets go of a lock when its process ends, so one
whose lock is free belongs to nobody; one whose lock is held, or can't be tried, is left alone.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from .errors import UsageError
from .lock import is_lock, locked, remove_if_free

BESIDE = re.compile(r"\.[0-9a-f]{32}\.partial")  # next to what is being written
_TEMPORARY = re.compile(r"ldct-bmd-[0-9a-f]{32}")
_OWNER, _ENGINE = "owner", "engine"
_ATTEMPTS = 5


def _nothing(_: Path) -> None:
    pass


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give an empty folder with the temporary files of this machine, readable for this user alone, and remove it.

    Those that killed processes left there are swept first.
    """
    sweep_temporary()
    with made_in(Path(tempfile.gettempdir()), lambda name: f"ldct-bmd-{name}") as folder:
        try:
            yield folder
        finally:
            # An engine that was killed leaves its lock's file, which goes with this; a live one keeps both.
            with suppress(OSError, UsageError), locked(folder / _ENGINE, or_refuse=True):
                pass


def sweep_temporary() -> None:
    """Remove the temporary folders of processes that are gone."""
    sweep(Path(tempfile.gettempdir()), _TEMPORARY)


@contextmanager
def made_in(parent: Path, named: Callable[[str], str]) -> Iterator[Path]:
    """Give an empty folder in ``parent`` that is this process's own, and remove it with all that it holds.

    Args:
        named: makes its name of 32 hexadecimal digits.

    Raises:
        OSError: ``parent`` takes no folder.
    """
    folder, held = _own(parent, named)
    try:
        with held:
            try:
                yield folder
            finally:
                _empty(folder)
    finally:
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def used_by_engine(folder: Path) -> Iterator[None]:
    """Keep a scratch folder from being swept while this process works in it for its owner."""
    with locked(folder / _ENGINE):
        yield


def sweep(parent: Path, names: re.Pattern[str] = BESIDE, rescue: Callable[[Path], None] = _nothing) -> None:
    """Remove the scratch folders and the locks in ``parent`` whose process is gone.

    Args:
        names: of such folders.
        rescue: takes out of such a folder what must not be lost; OSError if it can't: then the folder stays.
    """
    try:
        found = [parent / name for name in os.listdir(parent)]  # noqa: PTH208 (10 times as fast on a full folder)
    except OSError:
        return
    for path in found:
        if names.fullmatch(path.name) and not path.is_symlink():
            _sweep_one(path, rescue)
        elif is_lock(path.name):
            with suppress(OSError, UsageError):
                remove_if_free(path)


def _sweep_one(folder: Path, rescue: Callable[[Path], None]) -> None:
    with suppress(OSError, UsageError):  # another one works in it, or there is no telling
        with ExitStack() as held:
            for name in (_OWNER, _ENGINE):
                held.enter_context(locked(folder / name, or_refuse=True))
            rescue(folder)
            _empty(folder)
        folder.rmdir()


def _own(parent: Path, named: Callable[[str], str]) -> tuple[Path, ExitStack]:
    """Make a folder and take its lock, which a sweeper may be quicker to take: then make another."""
    problem: BaseException | None = None
    for _ in range(_ATTEMPTS):
        folder = parent / named(uuid4().hex)
        folder.mkdir(mode=0o700)
        held = ExitStack()
        try:
            held.enter_context(locked(folder / _OWNER))
        except UsageError as error:
            problem = error.__cause__
            with suppress(OSError):
                folder.rmdir()
        else:
            if folder.is_dir():
                return folder, held
            held.close()
    raise problem or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(parent))


def _empty(folder: Path) -> None:
    """Remove what a scratch folder holds but for the locks, which their holder removes."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif not is_lock(path.name):
                with suppress(OSError):
                    path.unlink()
