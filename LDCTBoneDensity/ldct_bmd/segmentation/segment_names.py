"""Names of the segments in a segmentation that 3D Slicer wrote (``.seg.nrrd``): what a person sees counts."""

from pathlib import Path

import SimpleITK as sitk

from ..anatomy import level_in_name
from ..ground.errors import CannotMeasure
from ..ground.files import spelled


def named_levels(path: Path) -> dict[int, str]:
    """Return the level of each label value whose segment is named after one; empty where the file names no level.

    Raises:
        CannotMeasure: two segments are named after one level.
    """
    if not path.name.lower().endswith(".nrrd"):
        return {}
    reader = sitk.ImageFileReader()
    try:
        with spelled(path) as name:
            reader.SetFileName(name)
            reader.ReadImageInformation()
    except RuntimeError:
        return {}  # told when the voxels are read
    found: dict[int, str] = {}
    for key in reader.GetMetaDataKeys():
        if not (key.startswith("Segment") and key.endswith("_Name")):
            continue
        level = level_in_name(reader.GetMetaData(key))
        value = _value(reader, key.removesuffix("_Name") + "_LabelValue")
        if level is None or value is None:
            continue
        if level in found.values():
            raise CannotMeasure("file.level_named_twice", file=path.name, level=level)
        found[value] = level
    return found


def _value(reader: sitk.ImageFileReader, key: str) -> int | None:
    text = reader.GetMetaData(key).strip() if reader.HasMetaDataKey(key) else ""
    return int(text) if text.isdecimal() and len(text) < 6 else None
