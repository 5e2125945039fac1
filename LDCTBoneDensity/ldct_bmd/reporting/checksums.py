"""The SHA-256 of each DICOM object of a result, in a file next to their folder: ``sha256sum -c dicom.sha256`` reads it.

An object's UIDs follow from the record; what else its file holds, pixels above all, only these digests tell.
"""

import hashlib
from pathlib import Path

from ..ground.errors import UsageError
from ..ground.files import read_regular, read_text
from .files import CHECKSUMS_FILE, DICOM_FOLDER


def write_checksums(folder: Path) -> None:
    """Write the digests of what lies in the DICOM folder of the result ``folder``, which is being made."""
    lines = (f"{_sha256(path)}  {_name(path)}\n" for path in sorted((folder / DICOM_FOLDER).iterdir()))
    (folder / CHECKSUMS_FILE).write_text("".join(lines), encoding="ascii", newline="\n")


def is_listed(folder: Path, name: str) -> bool:
    """Return whether the digests of the result ``folder`` list a DICOM object of this name."""
    try:
        return any(line.endswith(f"  {DICOM_FOLDER}/{name}") for line in _lines(folder))
    except (OSError, UnicodeDecodeError):
        return False


def demand_as_written(folder: Path, files: tuple[Path, ...]) -> None:
    """Raise UsageError if one of the DICOM objects of a result is not the one that was written with the others."""
    try:
        said = set(_lines(folder))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("pacs.no_checksums", file=CHECKSUMS_FILE) from error
    for path in files:
        try:
            line = f"{_sha256(path)}  {_name(path)}"
        except OSError as error:
            raise UsageError("pacs.unreadable_object", file=path.name) from error
        if line not in said:
            raise UsageError("pacs.not_as_written", file=path.name)


def _lines(folder: Path) -> list[str]:
    return read_text(folder / CHECKSUMS_FILE).splitlines()


def _name(path: Path) -> str:
    return f"{DICOM_FOLDER}/{path.name}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_regular(path)).hexdigest()
