"""Separating the vertebral bodies of a foreground map: cuts through the discs, found along the spine.

Bodies that touch (thick slices, bridging osteophytes) are split and fragments of one body stay together, because the
cuts are chosen for the whole column at once: where the cross-section dips and where, in the scan itself along the
straightened spine, a narrow dark band between two endplates shows a disc, at distances that vertebrae have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from .curve import CURVE_FIT, CurveFit, SpineCurve, fit_curve
from .cuts import CUT_COSTS, CutCosts, choose_cuts
from .profile import PROFILE_SHAPE, STEP_MM, HUAt, LevelAt, ProfileShape, levels_along, profile_along
from .tuned import ANATOMY, DRAWN, FOUR_REAL_SCANS, tuned


@dataclass(frozen=True)
class BodyShape:
    """What makes a body of the voxels between two cuts."""

    speck_ml: float = tuned(
        0.5,
        "a smaller part of the foreground is left out",
        unit="ml",
        source="the smallest fragment worth having",
        data=DRAWN,
    )
    least_ml: float = tuned(
        1.0, "a smaller body is left out", unit="ml", source="less than any vertebral body in view", data=ANATOMY
    )
    doubtful: float = tuned(
        0.1,
        "voxels next to the foreground that are likelier to be bone count too",
        unit="probability",
        source="a margin of doubtful voxels makes the profile smooth",
        data=DRAWN,
    )
    core: float = tuned(
        0.5,
        "middle part of each stretch that seeds its body",
        unit="of its length",
        source="clear of the discs at both ends",
        data=DRAWN,
    )
    smooth_voxels: float = tuned(
        0.7,
        "standard deviation of the smoothing of the foreground that bodies meet in",
        unit="voxels",
        source="so that noise makes no valleys",
        data=DRAWN,
    )
    ridge: float = tuned(
        0.5,
        "height of the ridge at a cut, over the middle of the body",
        unit="probability",
        source="bodies meet in a valley of the foreground; where it shows none, at the cut",
        data=FOUR_REAL_SCANS,
    )


@dataclass(frozen=True)
class SeparationTuning:
    """All that separating bodies was tuned with."""

    curve: CurveFit = CURVE_FIT
    profile: ProfileShape = PROFILE_SHAPE
    cuts: CutCosts = CUT_COSTS
    bodies: BodyShape = BodyShape()


SEPARATION = SeparationTuning()


class Separation(NamedTuple):
    """Bodies told apart.

    Attributes:
        numbers: (z, y, x), 1 for the uppermost body, 0 outside.
        extents: (n, 2), each body's extent along the spine in mm of arc length; empty where there is none.
        curve: the spine; None where there is none.
        discs: (n - 1,), how clearly a disc is seen between each body and the next: how far, 0 to 1, the section of bone
            falls between them.
    """

    numbers: NDArray[np.uint8]
    extents: NDArray[np.float64]
    curve: SpineCurve | None
    discs: NDArray[np.float64]


def separate(
    foreground: NDArray[np.floating],
    spacing_zyx_mm: tuple[float, float, float],
    hu_at: HUAt | None = None,
    level_at: LevelAt | None = None,
    tuning: SeparationTuning = SEPARATION,
) -> Separation:
    """Number the vertebral bodies of a foreground probability map from the top.

    Args:
        foreground: (z, y, x), probability of vertebral body.
        hu_at: the scan's HU at points (n, 3), in mm (z, y, x) from the centre of the map's first voxel.
        level_at: for voxels (n, 3) two rows: the expected number of the body counted upwards times how surely there is
            one, and how surely.
    """
    spacing = np.asarray(spacing_zyx_mm)
    voxel_mm3 = float(np.prod(spacing))
    mask = _without_specks(foreground > 0.5, voxel_mm3, tuning.bodies)
    voxels = np.argwhere(mask)
    if not len(voxels):
        return Separation(np.zeros(foreground.shape, dtype=np.uint8), np.empty((0, 2)), None, np.empty(0))
    wide = np.argwhere(ndimage.binary_dilation(mask, iterations=1) & (foreground > tuning.bodies.doubtful))
    weight = foreground[tuple(wide.T)].astype(np.float64)
    curve = fit_curve(wide * spacing, weight, tuning.curve)
    profile = profile_along(curve, wide * spacing, weight, voxel_mm3, hu_at, tuning.profile)
    s = curve.arc_length(voxels * spacing)
    level = None if level_at is None else levels_along(profile, s, level_at(voxels), tuning.profile)
    cuts = choose_cuts(profile.section_mm2, level, tuning.cuts)
    cuts_mm = cuts * STEP_MM + profile.low_mm
    flooded = _flooded(foreground, mask, voxels, s, cuts_mm, tuning.bodies)
    numbers = np.zeros(foreground.shape, dtype=np.uint8)
    extents, kept = [], []
    for number in range(len(cuts) - 1, 0, -1):
        part = flooded == number
        too_small = part.sum() * (voxel_mm3 / 1000.0) < tuning.bodies.least_ml
        if too_small or cuts_mm[number] - cuts_mm[number - 1] > tuning.cuts.most_mm:
            continue
        along = s[part[tuple(voxels.T)]]
        extents.append((float(np.percentile(along, 2)), float(np.percentile(along, 98))))
        numbers[part] = len(extents)
        kept.append(profile.section_mm2[cuts[number - 1] : cuts[number] + 1])
    return Separation(numbers, np.asarray(extents).reshape(-1, 2), curve, _discs(kept))


def _flooded(
    foreground: NDArray[np.floating],
    mask: NDArray[np.bool_],
    voxels: NDArray[np.intp],
    s_mm: NDArray[np.float64],
    cuts_mm: NDArray[np.floating],
    shape: BodyShape,
) -> NDArray[np.int32]:
    """Return which stretch between two cuts each voxel of ``mask`` is of, (z, y, x): 1 for the lowest, 0 outside.

    Args:
        voxels: (n, 3), those of ``mask``.
        s_mm: (n,), their arc lengths.
    """
    segment = np.searchsorted(cuts_mm, s_mm)  # 1 ... len(cuts_mm) - 1 from the bottom
    centre = (cuts_mm[1:] + cuts_mm[:-1]) / 2
    half = np.diff(cuts_mm) / 2
    known = (segment > 0) & (segment < len(cuts_mm))
    index = np.clip(segment - 1, 0, len(centre) - 1)
    core = known & (np.abs(s_mm - centre[index]) < shape.core * half[index])
    seeds = np.zeros(foreground.shape, dtype=np.int32)
    seeds[tuple(voxels[core].T)] = segment[core]
    height = -ndimage.gaussian_filter(foreground.astype(np.float32), shape.smooth_voxels)
    height[tuple(voxels[known].T)] += shape.ridge * ((np.abs(s_mm - centre[index]) / half[index]) ** 2)[known]
    return flood(height, seeds, mask)


def flood(height: NDArray[np.float32], seeds: NDArray[np.int32], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the watershed of ``height`` in ``mask``, (z, y, x): each seed's number as far as its water comes first.

    0 outside, and in parts of ``mask`` without a seed.
    """
    (box,) = ndimage.find_objects(mask.astype(np.uint8))
    inside, near = mask[box], np.where(mask, seeds, 0)[box]
    parts, _ = ndimage.label(inside)
    seeded = np.isin(parts, np.unique(parts[near > 0]))
    # Outside is higher than all inside, so that water comes there last.
    wall = np.where(inside, height[box], height[box].max() + 1.0)
    basins = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(wall.astype(np.float32)),
        sitk.GetImageFromArray(near.astype(np.uint8)),
        markWatershedLine=False,
        fullyConnected=False,
    )
    flooded = np.zeros(mask.shape, dtype=np.int32)
    flooded[box] = np.where(seeded, sitk.GetArrayViewFromImage(basins), 0)
    return flooded


def _discs(sections: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return how far, 0 to 1, the profile falls between each body and the next.

    Args:
        sections: the profile over each body from the top, ends included, upwards.
    """
    return np.array(
        [1.0 - min(upper[0], lower[-1]) / min(upper.max(), lower.max()) for upper, lower in pairwise(sections)]
    )


def _without_specks(mask: NDArray[np.bool_], voxel_mm3: float, shape: BodyShape) -> NDArray[np.bool_]:
    """Drop parts under the size of the smallest fragment worth having."""
    parts, count = ndimage.label(mask)
    if not count:
        return mask
    volume_ml = np.bincount(parts.ravel()) * voxel_mm3 / 1000.0
    keep = volume_ml >= shape.speck_ml
    keep[0] = False
    return keep[parts]
