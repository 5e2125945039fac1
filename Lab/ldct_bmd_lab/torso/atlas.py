"""The torso atlas, prepared for sampling: bodies split from arches, a heart, a canal, scapulae, the trunk's outline.

Source: BodyParts3D, (c) The Database Center for Life Science, CC BY-SA 2.1 Japan, voxelised at 1 mm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import convex_hull_image

from ldct_bmd.ground.atomic import write_file
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.segmentation.body_split import CannotSplit, split_body

from . import tissues as t
from .back_wall import regain_corners
from .canal import fill_canal

PAD_YX = 40  # voxels of room around the atlas for fat and skin
VOXEL_MM = 1.0
ARRAYS = ("skeleton", "organs", "outside_mm", "axis_zyx", "axis_levels")
CACHE_VERSION = 7


@dataclass(frozen=True)
class Atlas:
    """The prepared atlas; arrays (z, y, x) at 1 mm, z to the head, y to the back, x to the left.

    Attributes:
        skeleton: what moves with the bones, 0 elsewhere.
        organs: everything else, with no holes where bones are.
        outside_mm: distance from the rib cage and pelvis outwards, uint8, 0 inside.
        axis_zyx: (n, 3) centres of the bodies from the lowest to the highest.
        axis_levels: atlas value of each of them.
        open_above: whether nothing is known of what lies above it; else a neck and a head do.
    """

    skeleton: NDArray[np.uint8]
    organs: NDArray[np.uint8]
    outside_mm: NDArray[np.uint8]
    axis_zyx: NDArray[np.float64]
    axis_levels: NDArray[np.int64]
    open_above: bool = False


def load_atlas(path: Path, cache: Path | None = None) -> Atlas:
    """Prepare the atlas at ``path`` (``torso_labels_1mm.nii.gz``), or take what ``cache`` holds of an earlier time.

    Raises:
        UsageError: the file is no image, or not of 1-mm voxels, or lacks what scans are drawn from.
    """

    def make() -> Atlas:
        try:
            image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
        except RuntimeError as error:
            raise UsageError.of_text(
                f"The atlas {path} can't be read as an image: name torso_labels_1mm.nii.gz."
            ) from error
        _refuse_other(path, image)
        return prepare(sitk.GetArrayFromImage(image).astype(np.uint8))

    return make() if cache is None else kept(cache, make)


def _refuse_other(path: Path, image: sitk.Image) -> None:
    """Refuse an image that is no atlas with the values of :mod:`.tissues`."""
    if image.GetDimension() != 3 or np.abs(np.subtract(image.GetSpacing(), VOXEL_MM)).max() > 0.01:
        raise UsageError.of_text(f"The atlas {path} has no voxels of 1 mm: name torso_labels_1mm.nii.gz.")
    missing = np.setdiff1d(
        (*t.TRUNK_BODIES, *t.ATLAS_DISCS, *t.RIBS, t.LUNG, t.STERNUM), sitk.GetArrayViewFromImage(image)
    )
    if len(missing):
        raise UsageError.of_text(
            f"The atlas {path} lacks {len(missing)} of the structures that scans are drawn from, first the value "
            f"{missing[0]} (training/synthetic/tissues.py lists them): name torso_labels_1mm.nii.gz."
        )


def kept(cache: Path, make: Callable[[], Atlas]) -> Atlas:
    """Return the atlas that ``cache`` holds, or make it and keep it there."""
    if cache.exists():
        with np.load(cache) as stored:
            if int(stored["version"]) == CACHE_VERSION:
                return Atlas(**{name: stored[name] for name in ARRAYS}, open_above=bool(stored["open_above"]))
    atlas = make()
    cache.parent.mkdir(parents=True, exist_ok=True)
    fields = {name: getattr(atlas, name) for name in Atlas.__dataclass_fields__}
    write_file(cache, lambda partial: np.savez(partial, version=CACHE_VERSION, **fields))
    return atlas


def prepare(labels: NDArray[np.uint8]) -> Atlas:
    """Prepare the atlas's label array (z, y, x) at 1 mm."""
    labels = np.pad(labels, ((0, 0), (PAD_YX, PAD_YX), (PAD_YX, PAD_YX)))
    skeleton = np.where(t.member((*t.BODIES, *t.RIBS, t.CARTILAGE, *t.GIRDLE_BONES))[labels], labels, 0).astype(
        np.uint8
    )
    discs = (labels >= t.ATLAS_DISCS.start) & (labels < t.ATLAS_DISCS.stop)
    skeleton[discs] = labels[discs] + t.DISC_OFFSET
    _split_arches(skeleton)
    regain_corners(skeleton)
    levels = [value for value in t.BODIES if (skeleton == value).any()]
    centres = np.asarray(ndimage.center_of_mass(skeleton > 0, skeleton, levels))
    order = np.argsort(centres[:, 0])
    fill_canal(skeleton, centres[order])
    _add_scapulae(skeleton)
    soft = np.where((labels >= t.MUSCLE) & (labels <= t.PULMONARY_VEIN), labels, 0).astype(np.uint8)
    atlas = assemble(skeleton, soft, centres[order], np.asarray(levels)[order])
    _add_heart(atlas.organs, labels)
    return atlas


def assemble(
    skeleton: NDArray[np.uint8],
    soft: NDArray[np.uint8],
    axis_zyx: NDArray[np.float64],
    axis_levels: NDArray[np.int64],
    *,
    open_above: bool = False,
) -> Atlas:
    """Return the atlas of a skeleton and of what is not bone, 0 elsewhere, both (z, y, x) at 1 mm with room around.

    Where bones were, the inside of the trunk goes on.
    """
    cage = _cage(skeleton, soft)
    organs = np.where((soft == 0) & cage, t.INNER, soft).astype(np.uint8)
    outside = np.minimum(ndimage.distance_transform_edt(~cage) * VOXEL_MM, 255).astype(np.uint8)
    return Atlas(skeleton, organs, outside, axis_zyx, axis_levels, open_above)


def _split_arches(skeleton: NDArray[np.uint8]) -> None:
    boxes = ndimage.find_objects(skeleton, max_label=t.BODIES[-1])
    for value, box in zip(t.BODIES, boxes, strict=True):
        if box is None:
            continue
        grown = tuple(slice(max(0, s.start - 2), s.stop + 2) for s in box)
        whole = skeleton[grown] == value
        try:
            body = split_body(whole, (VOXEL_MM,) * 3, level=str(value))
        except CannotSplit:
            body = np.zeros_like(whole)  # the atlas cuts its uppermost vertebra
        skeleton[grown][whole & ~body] = value + t.ARCH_OFFSET


def _add_scapulae(skeleton: NDArray[np.uint8]) -> None:
    """The atlas has no scapulae: thin curved plates outside the upper posterior ribs stand in for them."""
    ribs = t.member(t.RIBS)[skeleton]
    upper = np.zeros_like(ribs)
    fifth = np.argwhere((skeleton == 62) | (skeleton == 74))
    z_low, z_high = fifth[:, 0].min() - 60, fifth[:, 0].max() - 10
    hull = np.zeros_like(ribs)
    for z in range(z_low, z_high):
        if ribs[z].any():
            hull[z] = convex_hull_image(ribs[z])
    distance = ndimage.distance_transform_edt(~hull[z_low:z_high])
    band = (distance >= 10) & (distance <= 13.5)
    spine_y, spine_x = np.argwhere(t.member(t.BODIES)[skeleton[z_low:z_high]])[:, 1:].mean(axis=0)
    y, x = np.ogrid[: ribs.shape[1], : ribs.shape[2]]
    side = np.abs(x - spine_x)
    region = (y > spine_y - 25) & (side > 55) & (side < 125)
    upper[z_low:z_high] = band & region[None]
    skeleton[upper & (skeleton == 0)] = t.SCAPULA


def _cage(skeleton: NDArray[np.uint8], soft: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The trunk without its fat: the smoothed axial convex hulls of bones and organs, arms left out."""
    bones = t.member((*t.BODIES, *t.ARCHES, *t.RIBS, t.CARTILAGE, t.STERNUM, t.HIP, t.SACRUM))
    organs = t.member((t.LUNG, t.LIVER, t.SPLEEN, *t.HOLLOW))
    cage = np.zeros(skeleton.shape, dtype=bool)
    for z in range(len(skeleton)):
        inside = bones[skeleton[z]] | organs[soft[z]]
        if inside.sum() > 20:
            cage[z] = convex_hull_image(inside)
    return np.asarray(ndimage.gaussian_filter(cage.astype(np.float32), (7, 3, 3), mode="nearest") > 0.4)


def _add_heart(organs: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    """The atlas has no heart: an ellipsoid between the lungs stands in for it; in place."""
    lung = np.argwhere(labels == t.LUNG)
    sternum = np.argwhere(labels == t.STERNUM).mean(axis=0)
    spine = np.argwhere(t.member(tuple(range(13, 19)))[labels]).mean(axis=0)
    z, y, x = np.ogrid[: labels.shape[0], : labels.shape[1], : labels.shape[2]]
    centre_z, centre_y = np.percentile(lung[:, 0], 30), 0.65 * sternum[1] + 0.35 * spine[1]
    heart = ((z - centre_z) / 48) ** 2 + ((y - centre_y) / 42) ** 2 + ((x - spine[2] - 18) / 54) ** 2 < 1
    organs[heart & (organs == t.INNER)] = t.HEART
