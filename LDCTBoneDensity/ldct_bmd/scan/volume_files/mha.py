"""MetaImage in one file: https://github.com/Kitware/MetaIO, doc/MetaIO-Introduction."""

import math
import re
from pathlib import Path

import numpy as np

from ...ground.errors import CannotMeasure
from .axes import check_axes
from .text_header import MOST_DIMENSIONS, read_lines
from .unpacked import check_promise

_MOST_PACKED = 1100  # voxels that a byte may stand for: deflate packs 1,032 bytes into one
_LAST = "ElementDataFile"


def check_mha(path: Path) -> None:
    """Refuse an MHA file whose header scales its values, keeps its voxels elsewhere, or is in another unit than mm."""
    file = path.name
    lines = read_lines(path, lambda line: line.split("=")[0].strip() == _LAST)
    if lines is None:
        raise CannotMeasure("scan.damaged_volume", file=file)
    pairs = [(name.strip(), value.strip()) for name, equals, value in (line.partition("=") for line in lines) if equals]
    fields = dict(pairs)
    if _LAST not in fields or len(fields) < len(pairs) or not re.fullmatch(r"[1-9]\d?", fields.get("NDims", "")):
        raise CannotMeasure("scan.damaged_volume", file=file)
    if fields.get(_LAST, "").upper() != "LOCAL":
        raise CannotMeasure("scan.detached_header", file=file)
    sizes = _sizes(fields, path)
    units = fields.get("DistanceUnits", "mm")
    if units.lower() not in ("mm", "?", ""):
        raise CannotMeasure("file.units", file=file, field="DistanceUnits", units=units)
    for name, neutral in (("ElementToIntensityFunctionSlope", 1.0), ("ElementToIntensityFunctionOffset", 0.0)):
        if name in fields and _number(fields[name], file) != neutral:
            raise CannotMeasure("file.scaled_values", file=file, field=name, value=fields[name])
    axes = next((fields[name] for name in ("TransformMatrix", "Rotation", "Orientation") if name in fields), None)
    if axes is not None and len(sizes) == 3:
        _check_axes(axes, file)


def _sizes(fields: dict[str, str], path: Path) -> list[int]:
    """Return the size along each axis; CannotMeasure if the file can't hold as many voxels."""
    sizes = fields.get("DimSize", "").split()
    if len(sizes) != int(fields["NDims"]) or not all(re.fullmatch(r"[1-9]\d{0,5}", size) for size in sizes):
        raise CannotMeasure("scan.damaged_volume", file=path.name)
    if len(sizes) > MOST_DIMENSIONS:
        raise CannotMeasure("scan.several_volumes", file=path.name, dimensions=len(sizes))
    packed = fields.get("CompressedData", "").lower() in ("true", "1")
    found = [int(size) for size in sizes]
    if math.prod(found) > path.stat().st_size * (_MOST_PACKED if packed else 1):
        raise CannotMeasure("scan.damaged_volume", file=path.name)
    check_promise(math.prod(found), path)
    return found


def _check_axes(axes: str, file: str) -> None:
    numbers = [_number(part, file) for part in axes.split()]
    if len(numbers) != 9:
        raise CannotMeasure("scan.damaged_volume", file=file)
    check_axes(np.array(numbers).reshape(3, 3).T, file)


def _number(text: str, file: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise CannotMeasure("scan.damaged_volume", file=file) from error
