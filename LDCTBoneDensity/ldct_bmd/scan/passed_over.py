"""Files beside a series that look like slices of it that were lost: empty, zeroed, packed, or behind a link."""

from collections.abc import Collection
from pathlib import Path

_STARTS = 132
_LFS = b"version https://git-lfs"
_PACKED = (".dcm.gz", ".dcm.bz2", ".dcm.xz", ".ima.gz")


def passed_over(slices: Collection[Path], taken: Collection[Path]) -> tuple[str, ...]:
    """Return the names of what was not read though it may hold slices of a series, in order.

    Nothing is told of other folders: they may hold other patients.

    Args:
        slices: the files of the series; only what lies beside them is looked at.
        taken: all files that were read.
    """
    read = set(taken)
    alike = {path.suffix.lower() for path in slices}
    found = []
    for folder in {path.parent for path in slices}:
        for path in folder.iterdir():
            if path not in read and _may_hold_a_slice(path, alike):
                found.append(path.name)
    return tuple(sorted(found))


def _may_hold_a_slice(path: Path, alike: Collection[str]) -> bool:
    name = path.name.lower()
    if path.is_symlink() and (path.is_dir() or not path.exists()):
        return True
    if name.startswith(".") or not path.is_file():
        return False
    if name.endswith(_PACKED):
        return True
    try:
        with path.open("rb") as stream:
            start = stream.read(_STARTS)
    except OSError:
        return True
    empty = not start.strip(b"\0")
    return start.startswith(_LFS) or (empty and path.suffix.lower() in alike)
