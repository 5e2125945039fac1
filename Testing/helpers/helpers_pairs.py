"""Annotated scans in files: a column of vertebrae in muscle, in the layout of VerSe."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from helpers_vertebra import column

AIR_ROWS = 8
ORIGIN = (-45.0, 12.5, -300.0)


def bone_hu(whole: NDArray[np.uint8], bodies: NDArray[np.uint8]) -> NDArray[np.int16]:
    """HU of vertebrae with a brighter cortex, in muscle, air in front."""
    cortex = ndimage.binary_dilation(bodies > 0) & ~ndimage.binary_erosion(bodies > 0)
    hu = np.select([cortex, whole > 0], [250, 120], 50).astype(np.int16)
    hu[:, :AIR_ROWS] = -1000
    return hu


def write_image(array: NDArray[np.generic], path: Path) -> Path:
    """Write (z, y, x) at 1 mm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetOrigin(ORIGIN)
    sitk.WriteImage(image, str(path))
    return path


def write_pairs(folder: Path, names: tuple[str, ...] = ("one",), parts: str = "body") -> Path:
    """Write T12, L1 and L2 under each of ``names``; return ``folder``."""
    whole, bodies = column()
    for shift, name in enumerate(names):
        write_image(np.roll(bone_hu(whole, bodies), shift, axis=2), folder / f"{name}_ct.nii.gz")
        labels = np.roll(bodies if parts == "body" else whole, shift, axis=2)
        write_image(labels, folder / f"{name}_seg-vert_msk.nii.gz")
    return folder
