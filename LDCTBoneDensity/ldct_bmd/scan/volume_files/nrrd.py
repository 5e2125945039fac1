"""NRRD: https://teem.sourceforge.net/nrrd/format.html."""

import math
import re
from pathlib import Path

import numpy as np

from ...ground.errors import CannotMeasure
from ...ground.files import open_regular
from .axes import check_axes
from .text_header import MOST_DIMENSIONS, read_lines
from .unpacked import check_gzip, check_promise

# Spaces that say where the patient's left, back and head are.
ANATOMICAL = re.compile(
    r"(left-posterior-superior|right-anterior-superior|left-anterior-superior)(-time)?|(lps|ras|las)t?", re.IGNORECASE
)
ENCODINGS = ("raw", "txt", "text", "ascii", "hex", "gz", "gzip", "bz2", "bzip2")
# The reader of ITK ends the process at a faulty field of 1,000 letters; three directions of 17 digits take 250.
LONGEST_FIELD, UNLIMITED = 512, ("content", "labels", "sizes")
# How many voxels a byte of the file may stand for: deflate packs 1,032 bytes into one, bzip2 20,000.
_PACKED = {"gz": 1100, "gzip": 1100, "bz2": 25000, "bzip2": 25000}
_TYPES = (("char", 1), ("int8", 1), ("short", 2), ("int16", 2), ("long", 8), ("64", 8), ("double", 8))  # bytes; else 4
_SKIPPING = {"line skip", "lineskip", "byte skip", "byteskip"}
_VECTOR = re.compile(r"\(([^()]*)\)|none")


def check_nrrd(path: Path) -> None:
    """Refuse an NRRD file whose header does not place its voxels in the patient, or keeps them elsewhere."""
    file = path.name
    lines = read_lines(path, lambda line: not line)
    if not lines or not re.fullmatch(r"NRRD000[1-5]", lines[0]):
        raise CannotMeasure("scan.damaged_volume", file=file)
    fields = dict(_fields(lines[1:], file))
    if fields.keys() & {"data file", "datafile"}:
        raise CannotMeasure("scan.detached_header", file=file)
    sizes = fields.get("sizes", "").split()
    numbers = all(re.fullmatch(r"[1-9]\d{0,5}", size) for size in sizes)
    if not numbers or fields.get("dimension") != str(len(sizes)) or fields.get("encoding", "").lower() not in ENCODINGS:
        raise CannotMeasure("scan.damaged_volume", file=file)
    if len(sizes) > MOST_DIMENSIONS:
        raise CannotMeasure("scan.several_volumes", file=file, dimensions=len(sizes))
    _check_amount(fields, math.prod(map(int, sizes)), path)
    if "space" in fields:
        _check_space(fields, file)


def _check_amount(fields: dict[str, str], voxels: int, path: Path) -> None:
    """Refuse a file that holds fewer voxels than it says, or, packed, far more."""
    encoding = fields["encoding"].lower()
    if voxels > path.stat().st_size * _PACKED.get(encoding, 1):
        raise CannotMeasure("scan.damaged_volume", file=path.name)
    check_promise(voxels, path)
    if encoding in ("gz", "gzip") and not fields.keys() & _SKIPPING:
        with open_regular(path) as stream:
            while stream.readline().strip():
                pass  # the header ends with an empty line
            check_gzip(stream, voxels * _voxel_bytes(fields), path.name)


def _voxel_bytes(fields: dict[str, str]) -> int:
    kind = fields.get("type", "").lower()
    return next((size for part, size in _TYPES if part in kind), 4)


def _fields(lines: list[str], file: str) -> list[tuple[str, str]]:
    found = []
    for line in lines:
        if not line or line.startswith("#") or ":=" in line:
            continue
        name, colon, value = line.partition(":")
        if not colon or (len(line) > LONGEST_FIELD and name.strip().lower() not in UNLIMITED):
            raise CannotMeasure("scan.damaged_volume", file=file)
        found.append((name.strip().lower(), value.strip()))
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        raise CannotMeasure("scan.damaged_volume", file=file)
    return found


def _check_space(fields: dict[str, str], file: str) -> None:
    if not ANATOMICAL.fullmatch(fields["space"]):
        raise CannotMeasure("file.space_of_no_patient", file=file, space=fields["space"])
    units = re.findall(r'"([^"]*)"', fields.get("space units", ""))
    other = [unit for unit in units if unit.lower() not in ("mm", "millimeter", "millimeters", "millimetre", "")]
    if other:
        raise CannotMeasure("file.units", file=file, field="space units", units=other[0])
    vectors = [found[1] for found in _VECTOR.finditer(fields.get("space directions", "")) if found[1] is not None]
    try:
        columns = np.array([[float(part) for part in vector.split(",")] for vector in vectors[:3]]).T
    except ValueError as error:
        raise CannotMeasure("scan.damaged_volume", file=file) from error
    if columns.shape != (3, 3):
        raise CannotMeasure("scan.damaged_volume", file=file)
    check_axes(columns, file)
