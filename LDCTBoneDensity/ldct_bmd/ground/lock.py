"""One writer at a time: a lock on a folder that is written to, for as long as a ``with`` block runs.

The system lets go of a lock when its process ends, however it ends: no lock outlives who took it.
"""

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from .errors import OutOfReach

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


SHARED_VARIABLE = "LDCT_BMD_SHARED"  # leaves permissions to the umask
_ENDING = ".ldct-bmd-lock"
_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def locked(folder: Path, or_refuse: bool = False) -> Iterator[None]:
    """Keep every other writer out of ``folder``, which need not exist yet.

    The lock is a hidden file next to the folder, since the folder itself may be replaced. Where that place takes no
    file, it lies with the temporary files of this machine.

    Args:
        or_refuse: refuse where there can be no such lock; else only the looks before writing protect there.

    Raises:
        UsageError: someone else is writing there.
    """
    folder = folder.resolve()
    place = folder.with_name(f".{folder.name}{_ENDING}")
    if not or_refuse and not os.access(place.parent, os.W_OK | os.X_OK):
        name = sha256(os.fsencode(folder)).hexdigest()
        place = Path(tempfile.gettempdir()) / f".{name[:32]}{_ENDING}"
    descriptor = _locked_file(place, folder, or_refuse)
    try:
        yield
    finally:
        _let_go(place, descriptor)


def is_lock(name: str) -> bool:
    """Tell whether a file of this name is a lock."""
    return name.startswith(".") and name.endswith(_ENDING)


def remove_if_free(lock: Path) -> None:
    """Remove a lock's file that a killed process left; UsageError if it is held, or if there is no telling."""
    _let_go(lock, _locked_file(lock, lock, or_refuse=True))


def _let_go(place: Path, descriptor: int) -> None:
    if os.name == "nt":  # removes no open file
        os.close(descriptor)
    # While it is still locked: nobody can hold a lock on a file that is no longer at its place, see below.
    with suppress(OSError):
        place.unlink()
    if os.name != "nt":
        os.close(descriptor)


def _locked_file(place: Path, folder: Path, or_refuse: bool) -> int:
    """Return the descriptor of the lock's file, locked; UsageError if another one holds it."""
    while True:
        try:
            # Where a group shares a folder, what one of its killed processes left must not keep the others out.
            descriptor = os.open(place, _FLAGS, 0o666 if os.environ.get(SHARED_VARIABLE) else 0o600)
        except OSError as error:
            raise OutOfReach("file.not_written", place=folder, problem=error.strerror or str(error)) from error
        try:
            _take(descriptor)
        except OSError as error:
            if or_refuse or error.errno in _TAKEN:
                os.close(descriptor)
                raise OutOfReach("file.in_use", folder=folder) from error
            return descriptor  # some network drives have no locks
        if _is_at(place, descriptor):
            return descriptor
        os.close(descriptor)  # its holder removed it between our two calls


def _is_at(place: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), place.stat())
    except OSError:
        return False
