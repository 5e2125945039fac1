"""Reading files whatever they are: pipes are not waited for, and C++ libraries get names that they can take."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

from .scratch import temporary_folder


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; OSError if it can't be, or is a pipe, a device or a folder.

    A pipe would be waited for, and a device may never end.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path) -> bytes:
    """Return the content of a file; OSError as of :func:`open_regular`."""
    with open_regular(path) as stream:
        return stream.read()


def open_text(path: Path) -> TextIO:
    """Open a UTF-8 table, a byte order mark left out; OSError as of :func:`open_regular`."""
    return TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="")


def read_text(path: Path) -> str:
    """Return the content of a UTF-8 file, its line ends as "\\\\n".

    Raises:
        OSError: as of :func:`open_regular`.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read_regular(path).decode("utf-8").replace("\r\n", "\n")


@contextmanager
def spelled(path: Path) -> Iterator[str]:
    """Give a name of a file, there or not yet, that is UTF-8 and ends alike.

    Names on old discs are bytes of another character set; ITK ends the process when it gets one.
    """
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        with temporary_folder() as folder:
            ending = "".join(part for part in path.suffixes[-2:] if part.isascii())
            link = folder / f"file{ending}"
            link.symlink_to(path.absolute())
            yield str(link)
    else:
        yield str(path)
