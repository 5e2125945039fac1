"""Files in a DICOM folder that look like slices that were lost: empty, zeroed, packed, or behind a link."""

import os
from collections.abc import Collection
from pathlib import Path

_STARTS = 132
_LFS = b"version https://git-lfs"
_PACKED = (".gz", ".bz2", ".xz", ".zip", ".z")
_VOLUMES = (".nii.gz",)


def passed_over(folder: Path, taken: Collection[Path]) -> tuple[str, ...]:
    """Return the names of what was not read under ``folder`` though it may hold slices, in order.

    Args:
        taken: the files that were read; only what lies beside them, or is a linked folder, is looked at.
    """
    read = set(taken)
    beside = {path.parent for path in read}
    found = []
    for root, folders, names in os.walk(folder):
        here = Path(root)
        found += [name for name in folders if (here / name).is_symlink()]
        if here in beside:
            found += [name for name in names if here / name not in read and _may_hold_a_slice(here / name)]
    return tuple(sorted(found))


def _may_hold_a_slice(path: Path) -> bool:
    if path.is_symlink() and not path.exists():
        return True
    name = path.name.lower()
    if name.startswith(".") or not path.is_file():
        return False
    if name.endswith(_PACKED) and not name.endswith(_VOLUMES):
        return True
    try:
        with path.open("rb") as stream:
            start = stream.read(_STARTS)
    except OSError:
        return True
    return not start.strip(b"\0") or start.startswith(_LFS)
