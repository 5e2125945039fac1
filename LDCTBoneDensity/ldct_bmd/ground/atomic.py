"""Writing whole or not at all: what is written is made next to its place, brought to the disk and renamed into it.

Whatever ends the process or stops the machine, the place of a file holds all of the old or all of the new. A folder is
exchanged in one call where system and drive can. Elsewhere it takes two renames: if the process is killed between them,
both copies lie next to the place, and whoever comes next, see :func:`settle`, puts the old one back and says so.

What is new is readable for its user alone, what replaces something gets the permissions of that.
"""

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ..words import text
from .errors import OutOfReach
from .lock import SHARED_VARIABLE, locked
from .remarks import remark
from .scratch import BESIDE, made_in, sweep, sweep_temporary

T = TypeVar("T")
_PRIVATE = 0o700
_NEW, _OLD = "new", "old"
_RENAME_EXCHANGE, _AT_FDCWD = 2, -100  # linux/fs.h, fcntl.h


def _any_may_go(_: Path) -> None:
    pass


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file; UsageError if it can't be written."""
    write_file(path, lambda partial: partial.write_bytes(content))


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, its line ends as they are in ``text``; UsageError if it can't be written."""
    write_bytes(path, text.encode("utf-8"))


def write_file(path: Path, fill: Callable[[Path], T]) -> T:
    """Let ``fill`` write a file that then becomes ``path``, whose name it has; return what ``fill`` returns.

    Raises:
        UsageError: the file can't be written.
    """
    path = path.absolute()
    with _beside(path, path.parent) as work:
        partial = work / _NEW / path.name
        written = fill(partial)
        _finish(partial, path)
        partial.replace(path)
        _names_to_disk(path.parent)
    return written


def write_folder(folder: Path, fill: Callable[[Path], T], may_go: Callable[[Path], None] = _any_may_go) -> T:
    """Let ``fill`` write into a folder that then takes the place of ``folder``; return what ``fill`` returns.

    Args:
        may_go: looks at what ``folder`` held, wherever that is, and raises if it must not be deleted: what was there
            then stays, or is put back, and what ``fill`` wrote is dropped.

    Raises:
        UsageError: the folder can't be written, or what ``may_go`` raised.
    """
    folder = folder.absolute()
    with _beside(folder, folder.parent) as work:
        partial = work / _NEW / folder.name
        partial.mkdir()
        written = fill(partial)
        _finish(partial, folder)
        _swap_in(partial, folder, work, may_go)
    return written


def write_into(folder: Path, fill: Callable[[Path], T], may_go: Callable[[Path], None] = _any_may_go) -> T:
    """Let ``fill`` write files and folders that then come into ``folder``, each whole.

    What else ``folder`` holds stays. Returns what ``fill`` returns.

    Args:
        may_go: as of :func:`write_folder`, for each folder in ``folder`` that is replaced.

    Raises:
        UsageError: a file can't be written, or what ``may_go`` raised.
    """
    folder = folder.absolute()
    with _beside(folder, folder) as work:
        written = fill(work / _NEW)
        made = sorted((work / _NEW).iterdir())
        for partial in made:
            _finish(partial, folder / partial.name)
        for partial in made:
            if partial.is_dir():
                _swap_in(partial, folder / partial.name, work, may_go)
            else:
                partial.replace(folder / partial.name)
        _names_to_disk(folder)
    return written


def remove_folder(folder: Path) -> None:
    """Remove a folder: it is there whole, or gone. UsageError if it can't be moved out of its place."""
    folder = folder.absolute()
    with _beside(folder, folder.parent) as work:
        folder.rename(work / _NEW / folder.name)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Keep every other writer out of a folder or a file, as :func:`.lock.locked`, and settle what a killed one left."""
    with locked(folder):
        sweep_temporary()
        settle(folder)
        yield


def settle(place: Path) -> None:
    """Remove what killed processes left next to ``place`` and in it, and put back what one was about to replace."""
    sweep(place.absolute().parent, rescue=_put_back)
    sweep(place, rescue=_put_back)


def is_unfinished(name: str) -> bool:
    """Tell whether a folder of this name is where a process writes, or wrote until it was killed."""
    return BESIDE.fullmatch(name) is not None


@contextmanager
def _beside(target: Path, parent: Path) -> Iterator[Path]:
    """Give a folder in ``parent`` to work in; OSError becomes a sentence."""
    try:
        sweep(parent, rescue=_put_back)
        with made_in(parent, lambda name: f".{name}.partial") as work:
            (work / _NEW).mkdir()
            yield work
    except OSError as error:
        raise OutOfReach("file.not_written", place=target, problem=error.strerror or str(error)) from error


def _put_back(work: Path) -> None:
    """Put a folder back that its process had moved out of its place when it was killed; OSError if that fails."""
    aside = work / _OLD
    for old in aside.iterdir() if aside.is_dir() else ():
        place = work.parent / old.name
        if not os.path.lexists(place):
            old.rename(place)
            remark(text("file.put_back", folder=str(place)))


def _swap_in(partial: Path, folder: Path, work: Path, may_go: Callable[[Path], None]) -> None:
    """Rename ``partial`` to ``folder`` and leave what was there in ``work``."""
    if not os.path.lexists(folder):
        partial.rename(folder)
    else:
        may_go(folder)
        if not _exchanged(partial, folder, may_go):
            _moved_aside(partial, folder, work / _OLD, may_go)
    _names_to_disk(folder.parent)


def _exchanged(partial: Path, folder: Path, may_go: Callable[[Path], None]) -> bool:
    """Let two folders change places; False if that takes more than one call here."""
    if not _exchange(partial, folder):
        return False
    try:
        may_go(partial)  # someone may have put a file there meanwhile
    except BaseException:
        _exchange(partial, folder)
        raise
    return True


def _moved_aside(partial: Path, folder: Path, aside: Path, may_go: Callable[[Path], None]) -> None:
    aside.mkdir(exist_ok=True)
    old = aside / folder.name
    try:
        folder.rename(old)
        may_go(old)
        partial.rename(folder)
    except BaseException:
        if old.exists() and not os.path.lexists(folder):
            old.rename(folder)
        raise


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one call (renameat2); False where the system or the drive can't."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    sys.audit("ldct_bmd.exchange", str(one), str(other))
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM):
        return False
    raise OSError(number, os.strerror(number), str(other))


def _finish(made: Path, place: Path) -> None:
    """Bring what was made to the disk, with the permissions that it has at its place."""
    mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else _PRIVATE
    inside = list(made.rglob("*")) if made.is_dir() else []
    for path in (*inside, made):
        if not os.environ.get(SHARED_VARIABLE):
            _permit(path, mode)
        if path.is_dir():
            _names_to_disk(path)
        else:
            _to_disk(path)


def _permit(path: Path, mode: int) -> None:
    """Give ``path`` the permissions of a folder, or as much of them as a file can have."""
    wanted = mode | (path.stat().st_mode & stat.S_ISGID) if path.is_dir() else mode & 0o666
    with suppress(OSError):  # some drives have permissions of their own
        path.chmod(wanted)


def _to_disk(file: Path) -> None:
    # Without it, a machine that stops may keep the new name and lose the content.
    with file.open("r+b") as stream:  # Windows flushes only what is open for writing
        os.fsync(stream.fileno())


def _names_to_disk(folder: Path) -> None:
    if os.name == "nt":  # Windows opens no folders
        return
    # Some network drives cannot do this; the rename itself is done.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
