"""Further anatomies: torsos that TotalSegmentator labelled, brought to the atlas's label values.

A folder holds ``vertebrae.nii.gz`` (whole vertebrae in VerSe values), ``organs.nii.gz`` and ``organs_labels.csv``, in
which the organs' values are named. The torso may begin and end anywhere; what its upper edge cuts is kept as it is.
Source: TotalSegmentator data, Wasserthal et al., Radiology: Artificial Intelligence 2023; 5: e230024 (CC BY 4.0).
"""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.segmentation.body_split import CannotSplit

from . import tissues as t
from .atlas import PAD_YX, Atlas, assemble
from .back_wall import regain_corners
from .canal import fill_canal
from .graft import centres_of, fit_disc, fit_sacral_disc
from .vertebra_masks import on_upright_grid, part

VERTEBRAE_FILE, ORGANS_FILE, NAMES_FILE = "vertebrae.nii.gz", "organs.nii.gz", "organs_labels.csv"
FILES = (VERTEBRAE_FILE, ORGANS_FILE, NAMES_FILE)
S1 = 26  # VerSe's value
FEWEST_BODIES = 5  # of a spine that scans can be drawn from
# Bones may lose less than half a voxel where they are thin.
THIN, SOLID = 0.4, 0.5
BEGINNINGS = (
    ("rib_", 0),
    ("lung_", t.LUNG),
    ("autochthon", t.MUSCLE),
    ("gluteus", t.MUSCLE),
    ("iliopsoas", t.MUSCLE),
    ("clavicula", t.CLAVICLE),
    ("humerus", t.HUMERUS),
    ("scapula", t.SCAPULA),
    ("hip", t.HIP),
    ("femur", t.HIP),  # its head is spongy as the pelvis is
    ("brachiocephalic_trunk", t.AORTA),
    ("brachiocephalic_vein", t.VENA_CAVA),
    ("common_carotid", t.AORTA),
    ("subclavian", t.AORTA),
    ("iliac_artery", t.AORTA),
    ("iliac_vena", t.VENA_CAVA),
    ("atrial_appendage", t.HEART),
)
NAMES = {
    "aorta": t.AORTA,
    "colon": t.COLON,
    "costal_cartilages": t.CARTILAGE,
    "duodenum": t.DUODENUM,
    "esophagus": t.ESOPHAGUS,
    "gallbladder": t.GALLBLADDER,
    "heart": t.HEART,
    "inferior_vena_cava": t.VENA_CAVA,
    "superior_vena_cava": t.VENA_CAVA,
    "portal_vein_and_splenic_vein": t.VENA_CAVA,
    "kidney_left": t.KIDNEYS[1],
    "kidney_right": t.KIDNEYS[0],
    "liver": t.LIVER,
    "pancreas": t.PANCREAS,
    "pulmonary_vein": t.PULMONARY_VEIN,
    "sacrum": t.SACRUM,
    "skull": t.FACE,
    "small_bowel": t.SMALL_BOWEL,
    "spleen": t.SPLEEN,
    "sternum": t.STERNUM,
    "stomach": t.STOMACH,
    "thyroid_gland": t.MUSCLE,
    "trachea": t.TRACHEA,
    "urinary_bladder": t.GALLBLADDER,  # as watery
}


def is_totalsegmentator(folder: Path) -> bool:
    """Return whether ``folder`` holds the three files."""
    return all((folder / name).is_file() for name in FILES)


def load_totalsegmentator(folder: Path) -> Atlas:
    """Prepare the torso in ``folder``.

    Raises:
        UsageError: a file is missing or can't be read, or the spine has too few vertebrae.
        CannotSplit: the body of a vertebra can't be told from its arch.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UsageError.of_text(
            f"The atlas {folder} lacks {' and '.join(missing)}: name the folder of a labelled torso."
        )
    try:
        vertebrae, organs = (
            sitk.Cast(sitk.DICOMOrient(sitk.ReadImage(str(folder / name)), "LPS"), sitk.sitkUInt8)
            for name in (VERTEBRAE_FILE, ORGANS_FILE)
        )
    except RuntimeError as error:
        raise UsageError.of_text(
            f"The atlas {folder} can't be read: {VERTEBRAE_FILE} or {ORGANS_FILE} is no image."
        ) from error
    if vertebrae.GetSize() != organs.GetSize():
        raise UsageError.of_text(
            f"The atlas {folder} can't be used: {VERTEBRAE_FILE} and {ORGANS_FILE} differ in size."
        )
    parted = _parted(vertebrae, folder)
    tissues = _tissues(organs, folder / NAMES_FILE)
    tissues[sitk.GetArrayViewFromImage(vertebrae) == S1] = t.SACRUM
    return _prepared(_resampled(parted, vertebrae), _resampled(tissues, vertebrae))


def _parted(vertebrae: sitk.Image, folder: Path) -> NDArray[np.uint8]:
    """Return bodies and arches (z, y, x) on the file's grid."""
    voxels = sitk.GetArrayFromImage(vertebrae)
    voxels[~t.member(t.BODIES)[voxels]] = 0
    levels = [level for level in t.BODIES if (voxels == level).any()]
    if len(levels) < FEWEST_BODIES:
        raise UsageError.of_text(f"The atlas {folder} can't be used: {VERTEBRAE_FILE} holds {len(levels)} vertebrae.")
    try:
        return part(voxels, vertebrae.GetSpacing()[::-1])
    except CannotSplit as error:
        raise UsageError.of_text(f"The atlas {folder} can't be used: {error}") from error


def _tissues(organs: sitk.Image, names: Path) -> NDArray[np.uint8]:
    """Return the organs (z, y, x) in the values of :mod:`.tissues`; what has none of them is left out."""
    table = np.zeros(256, np.uint8)
    with names.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table[int(row["value"])] = tissue_of(row["name"])
    return np.asarray(table[sitk.GetArrayFromImage(organs)])


def tissue_of(name: str) -> int:
    """Return the value of a structure that TotalSegmentator names; 0 for those that :mod:`.tissues` does not know."""
    if name.startswith("rib_"):
        _, side, number = name.split("_")
        return t.RIBS[int(number) - 1 + (12 if side == "left" else 0)]
    return NAMES.get(name) or next((value for beginning, value in BEGINNINGS if name.startswith(beginning)), 0)


def _resampled(labels: NDArray[np.uint8], like: sitk.Image) -> NDArray[np.uint8]:
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(like)
    thin = t.member((*t.RIBS, t.SCAPULA, t.CLAVICLE, t.STERNUM, *t.ARCHES))
    return on_upright_grid(image, {int(v): THIN if thin[v] else SOLID for v in np.unique(labels) if v})


def _prepared(spine: NDArray[np.uint8], tissues: NDArray[np.uint8]) -> Atlas:
    """Return the atlas of bodies and arches and of the other structures, both (z, y, x) at 1 mm."""
    pad = ((0, 0), (PAD_YX, PAD_YX), (PAD_YX, PAD_YX))
    y, x = (np.flatnonzero(((spine > 0) | (tissues > 0)).any(axis=axes)) for axes in ((0, 2), (0, 1)))
    labelled = (slice(None), slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1))
    spine, tissues = np.pad(spine[labelled], pad), np.pad(tissues[labelled], pad)
    _give_cut_bodies(spine)
    regain_corners(spine)
    levels = [level for level in t.BODIES if (spine == level).any()]
    skeleton = np.where(spine > 0, spine, np.where(t.member(BONES)[tissues], tissues, 0)).astype(np.uint8)
    for upper, lower in pairwise(levels):
        fit_disc(skeleton, upper, lower)
    if levels[-1] == t.BODIES[-1]:
        fit_sacral_disc(skeleton)
    centres = centres_of(skeleton, levels)
    order = np.argsort(centres[:, 0])
    fill_canal(skeleton, centres[order])
    soft = np.where(t.member(BONES)[tissues] | (spine > 0), 0, tissues).astype(np.uint8)
    return assemble(skeleton, soft, centres[order], np.asarray(levels)[order], open_above=True)


BONES = (*t.RIBS, t.CARTILAGE, *t.GIRDLE_BONES, t.SCAPULA, t.FACE)


def _give_cut_bodies(spine: NDArray[np.uint8]) -> None:
    """Where the upper edge leaves no arch of a vertebra but a piece of its body, call that piece body; in place."""
    top = min(level for level in t.BODIES if (spine == level).any())
    _, wall_y, _ = np.argwhere(spine == top).max(axis=0)
    for level in range(1, top):
        piece = spine == level + t.ARCH_OFFSET
        spine[piece & (np.arange(spine.shape[1]) < wall_y)[None, :, None]] = level
