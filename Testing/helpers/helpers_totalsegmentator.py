"""A small torso as TotalSegmentator labels one: whole vertebrae, a sacrum, some ribs and organs, cut at its top."""

import csv
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from helpers_graft import draw_vertebra
from ldct_bmd_lab.torso import tissues as t
from ldct_bmd_lab.torso.totalsegmentator_atlas import NAMES_FILE, ORGANS_FILE, S1, VERTEBRAE_FILE

PITCH, HEIGHT = 32, 24
WHOLE = (24, 23, 22, 21, 20, 19)  # L5 up to T12; T11 is cut
CUT = 18
ORGANS = {
    1: "liver",
    2: "lung_lower_lobe_left",
    3: "rib_left_12",
    4: "rib_right_12",
    5: "aorta",
    6: "brain",
    7: "heart",
}
SPACING_MM = 1.5


def write_torso(folder: Path) -> Path:
    """Write the three files and return their folder."""
    shape = (30 + PITCH * (len(WHOLE) + 1), 150, 150)
    whole = np.zeros(shape, np.uint8)
    for i, level in enumerate((*WHOLE, CUT)):
        draw_vertebra(whole, level, (40 + PITCH * i, 82.0, 75.0), HEIGHT)
    whole = np.where(whole > t.ARCH_OFFSET, whole - t.ARCH_OFFSET, whole)[: 40 + PITCH * len(WHOLE) + 4]
    z, y, x = np.ogrid[: len(whole), :150, :150]
    whole[(whole == 0) & (z < 20) & (y > 62) & (y < 100) & (np.abs(x - 75) < 25)] = S1
    organs = np.zeros_like(whole)
    trunk = ((y - 75) / 62) ** 2 + ((x - 75) / 68) ** 2 < 1
    organs[(whole == 0) & trunk & (y > 20) & (y < 60) & (x < 60) & (z < 130)] = 1
    organs[(whole == 0) & trunk & (y > 20) & (y < 60) & (x > 90) & (z > 100)] = 2
    for value, side in ((3, 1), (4, -1)):
        rib = (np.abs(z - 200) < 4) & (np.abs(y - 106) < 4) & (side * (x - 75) > 27) & (side * (x - 75) < 55)
        organs[rib & (whole == 0)] = value
    organs[(whole == 0) & (np.hypot(y - 55, x - 80) < 8)] = 5
    folder.mkdir(parents=True, exist_ok=True)
    for name, labels in ((VERTEBRAE_FILE, whole), (ORGANS_FILE, organs)):
        image = sitk.GetImageFromArray(labels)
        image.SetOrigin((-75.0, -75.0, -900.0))
        coarse = sitk.Resample(
            image,
            [round(n / SPACING_MM) for n in image.GetSize()],
            sitk.Transform(),
            sitk.sitkNearestNeighbor,
            image.GetOrigin(),
            (SPACING_MM,) * 3,
        )
        # As NIfTI files of others are: not in this software's orientation.
        sitk.WriteImage(sitk.DICOMOrient(coarse, "RAS"), str(folder / name))
    with (folder / NAMES_FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("value", "name"), *ORGANS.items()])
    return folder
