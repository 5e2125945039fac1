"""Writing whole or not at all: what is written is made next to its place, brought to the disk and renamed into it.

Whatever ends the process or stops the machine, the place of a file holds all of the old or all of the new. A folder is
exchanged by two renames: whoever looks, or whatever ends the process, between them finds nothing at its place, and the
old, whole, next to it under a name that ends in ".replaced". No place ever holds a part.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from .errors import UsageError

T = TypeVar("T")


def _any_may_go(_: Path) -> None:
    pass


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file; UsageError if it can't be written."""
    write_file(path, lambda partial: partial.write_bytes(content))


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, its line ends as they are in ``text``; UsageError if it can't be written."""
    write_bytes(path, text.encode("utf-8"))


def write_file(path: Path, fill: Callable[[Path], T]) -> T:
    """Let ``fill`` write a file that then becomes ``path``, whose ending it has; return what ``fill`` returns.

    Raises:
        UsageError: the file can't be written.
    """
    path = path.absolute()
    with _beside(path, path.parent, path.suffix) as partial:
        written = fill(partial)
        _to_disk(partial)
        partial.replace(path)
        _names_to_disk(path.parent)
    return written


def write_folder(folder: Path, fill: Callable[[Path], T], may_go: Callable[[Path], None] = _any_may_go) -> T:
    """Let ``fill`` write into a folder that then takes the place of ``folder``; return what ``fill`` returns.

    Args:
        may_go: looks at the folder that was there, once nobody finds it by its name any more, and raises if it must
            not be deleted: it is then put back, and what ``fill`` wrote is dropped.

    Raises:
        UsageError: the folder can't be written, or what ``may_go`` raised.
    """
    folder = folder.absolute()
    with _beside(folder, folder.parent) as partial:
        partial.mkdir()
        written = fill(partial)
        _tree_to_disk(partial)
        _swap_in(partial, folder, may_go)
        _names_to_disk(folder.parent)
    return written


def write_into(folder: Path, fill: Callable[[Path], T]) -> T:
    """Let ``fill`` write files that then come into ``folder``, each whole and in the order of their paths.

    What else ``folder`` holds stays. Returns what ``fill`` returns.

    Raises:
        UsageError: a file can't be written.
    """
    folder = folder.absolute()
    with _beside(folder, folder) as partial:
        partial.mkdir()
        written = fill(partial)
        _tree_to_disk(partial)
        for made in _files(partial):
            place = folder / made.relative_to(partial)
            place.parent.mkdir(parents=True, exist_ok=True)
            made.replace(place)
            _names_to_disk(place.parent)
    return written


@contextmanager
def _beside(target: Path, parent: Path, ending: str = "") -> Iterator[Path]:
    """Give a name in ``parent`` to write to, and remove what is left there; OSError becomes a sentence."""
    partial = parent / f".{uuid4().hex}.partial{ending}"
    try:
        yield partial
    except OSError as error:
        raise UsageError("file.not_written", place=target, problem=error.strerror or str(error)) from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def _swap_in(partial: Path, folder: Path, may_go: Callable[[Path], None]) -> None:
    aside = folder.with_name(f".{uuid4().hex}.replaced")
    try:
        if folder.exists():
            folder.rename(aside)
            may_go(aside)
        partial.rename(folder)
    except BaseException:
        if aside.exists() and not folder.exists():
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _tree_to_disk(folder: Path) -> None:
    for path in _files(folder):
        _to_disk(path)
    for path in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
        _names_to_disk(path)


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
