"""Files beside a series that look like slices of it that were lost: empty, zeroed, packed, or behind a link."""

from collections.abc import Collection
from pathlib import Path

_STARTS = 132
_LFS = b"version https://git-lfs"
_PACKED = (".dcm.gz", ".dcm.bz2", ".dcm.xz", ".ima.gz")


def passed_over(slices: Collection[Path], taken: Collection[Path], top: Path) -> tuple[str, ...]:
    """Return the names of what was not read though it may hold slices of a series, in order.

    Of other folders than those of the slices only links on the way to them are told: others may hold other patients.

    Args:
        slices: the files of the series.
        taken: all files that were read.
        top: the folder that was given, with the slices in it or below.
    """
    read = set(taken)
    alike = {path.suffix.lower() for path in slices}
    beside = {path.parent for path in slices}
    on_the_way = {folder for place in beside for folder in place.parents if folder.is_relative_to(top)}
    found = [
        path.name
        for folder in beside
        for path in folder.iterdir()
        if path not in read and (_is_link_not_followed(path) or _may_hold_a_slice(path, alike))
    ]
    found += [path.name for folder in on_the_way - beside for path in folder.iterdir() if _is_link_not_followed(path)]
    return tuple(sorted(found))


def _is_link_not_followed(path: Path) -> bool:
    return path.is_symlink() and (path.is_dir() or not path.exists())


def _may_hold_a_slice(path: Path, alike: Collection[str]) -> bool:
    name = path.name.lower()
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
