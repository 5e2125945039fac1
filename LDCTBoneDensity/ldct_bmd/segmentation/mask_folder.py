"""A folder of one mask per structure, as TotalSegmentator writes it, as one label map."""

from collections.abc import Mapping
from pathlib import Path

import SimpleITK as sitk

from ..ground.errors import CannotMeasure
from ..ground.files import spelled
from .label_values import LEVEL_OF_VALUE, Values

VERTEBRAE = {f"vertebrae_{level}": value for value, level in LEVEL_OF_VALUE["totalsegmentator"].items()}


def join_masks(masks: Path, values: Values, file: Path, structures: Mapping[str, int] = VERTEBRAE) -> Path:
    """Write the masks that there are of ``structures`` (value by name) to the label map ``file``, and return it.

    Where masks overlap, the higher value stands.
    """
    if values != "totalsegmentator":
        raise CannotMeasure("segmentation.mask_per_structure", folder=masks)
    joined: sitk.Image | None = None
    for name, value in structures.items():
        mask_file = masks / f"{name}.nii.gz"
        if not mask_file.is_file():
            continue
        try:
            with spelled(mask_file) as readable:
                mask = (sitk.ReadImage(readable, sitk.sitkUInt8) > 0) * value
            joined = mask if joined is None else sitk.Maximum(joined, mask)
        except RuntimeError as error:
            raise CannotMeasure("segmentation.mask_not_read", file=mask_file) from error
    if joined is None:
        raise CannotMeasure("segmentation.no_mask", folder=masks)
    with spelled(file) as writable:
        sitk.WriteImage(joined, writable)
    return file
