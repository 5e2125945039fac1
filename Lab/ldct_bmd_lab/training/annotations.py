"""What a label map tells, and what it leaves open.

A label map seldom names everything in view, and what it does not name must not be taught as background:

- Slices beyond the labelled vertebrae, and gaps where one is missing, are unknown to both networks, and so is a
  vertebra whose body could not be told from its arch.
- In a map that labels no rib, other bone is unknown to the coarse network, which has a class for ribs; that it is no
  vertebral body is still taught to the fine one. The same holds for cervical vertebrae with their arches.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ldct_bmd.anatomy import LEVELS, VERSE_VALUE
from ldct_bmd.segmentation.label_map import Parts
from ldct_bmd.segmentation.label_values import LEVEL_OF_VALUE, Values
from ldct_bmd.segmentation.mask_folder import VERTEBRAE

from ..torso import tissues as t
from .targets import L6, OTHER_BONE, T13, UNKNOWN

# Beside the vertebrae T1 to L6. TotalSegmentator 2, task "total": 44 C7 to 50 C1, 92 to 115 the ribs.
CERVICAL = {"verse": {value: value for value in range(1, 8)}, "totalsegmentator": {51 - n: n for n in range(1, 8)}}
SACRUM = {"verse": (26,), "totalsegmentator": (25, 26)}
RIBS: dict[str, range] = {"verse": range(0), "totalsegmentator": range(92, 116)}
# By the names of their masks.
STRUCTURES = {
    **VERTEBRAE,
    **{f"vertebrae_C{n}": 51 - n for n in range(1, 8)},
    **{f"rib_{side}_{n}": first + n for side, first in (("left", 91), ("right", 103)) for n in range(1, 13)},
    "sacrum": 25,
    "vertebrae_S1": 26,
}

MAX_DISC_MM = 18.0  # a wider gap between two bodies lacks one
MARGIN_MM = 2.0  # of the end plates beyond a body
SURE_RIB, DOUBTFUL_RIB = 0.5, 0.05  # probability
BONE_HU = 100  # on the coarse network's grid, where thin bone is blurred


def label_annotated(
    bodies: NDArray[np.uint8],
    raw: NDArray[np.integer],
    hu: NDArray[np.int16],
    values: Values,
    parts: Parts,
    spacing_zyx_mm: tuple[float, ...],
) -> NDArray[np.uint8]:
    """Return labels as :mod:`.targets` reads them; all arrays (z, y, x) on one grid.

    Args:
        bodies: vertebral bodies, VerSe values.
        raw: the label map as it is, in ``values``.
        parts: whether ``raw`` labels bodies or whole vertebrae.
    """
    labels = np.zeros(bodies.shape, dtype=np.uint8)
    if parts == "whole":
        for value, level in LEVEL_OF_VALUE[values].items():
            labels[raw == value] = t.ARCH_OFFSET + VERSE_VALUE[level]
    for value, cervical in CERVICAL[values].items():
        labels[raw == value] = cervical if parts == "body" else OTHER_BONE
    labels[np.isin(raw, SACRUM[values])] = t.SACRUM
    ribs = np.isin(raw, RIBS[values])
    labels[ribs] = t.RIBS[0]
    labels[bodies > 0] = bodies[bodies > 0]
    for value, level in LEVEL_OF_VALUE[values].items():
        # A vertebra of which no body could be told is there all the same.
        if not (bodies == VERSE_VALUE[level]).any():
            labels[raw == value] = UNKNOWN
    if not ribs.any():
        # Thin bone and its edge are no brighter than muscle in a voxel of 5 mm.
        bone = ndimage.binary_dilation((labels == 0) & (hu > BONE_HU))
        labels[(labels == 0) & bone] = OTHER_BONE

    neck_or_sacrum = np.isin(raw, [*CERVICAL[values], *SACRUM[values]])
    labelled = np.flatnonzero(((bodies > 0) | neck_or_sacrum).any(axis=(1, 2)))
    labels[~_looked_at(labelled, len(labels), spacing_zyx_mm[0])] = UNKNOWN
    unnamed = (labels == 0) | (labels == OTHER_BONE)
    labels[unnamed & _unlabelled_bodies(bodies, raw, values, spacing_zyx_mm)] = UNKNOWN
    return labels


def label_seen_ribs(labels: NDArray[np.uint8], rib: NDArray[np.floating]) -> None:
    """Let what a network takes for a rib be one, in place, where ``labels`` name no bone; what it doubts is unknown.

    So it learns from the scan's bodies without forgetting ribs, which nobody labelled there.

    Args:
        rib: (z, y, x) its probability, on the grid of ``labels``.
    """
    open_ = (labels == 0) | (labels == OTHER_BONE)
    labels[open_ & (rib > DOUBTFUL_RIB)] = UNKNOWN
    labels[open_ & (rib > SURE_RIB)] = t.RIBS[0]


def _unlabelled_bodies(
    bodies: NDArray[np.uint8], raw: NDArray[np.integer], values: Values, spacing_zyx_mm: tuple[float, ...]
) -> NDArray[np.bool_]:
    """Return where (z, y, x) bodies without a label may be: beyond both ends, and where a name is left out.

    All from endplate to endplate along the column, which in a tilted spine is no stack of slices.
    """
    where = np.zeros(bodies.shape, dtype=bool)
    spacing = np.asarray(spacing_zyx_mm)
    voxels = {value: np.argwhere(bodies == value) * spacing for value in map(int, np.unique(bodies[bodies > 0]))}
    column = [v for v in (VERSE_VALUE[level] for level in LEVELS) if v in voxels or v not in (T13, L6)]
    present = [value for value in column if value in voxels]
    axes = [np.arange(n) * d for n, d in zip(bodies.shape, spacing, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    for upper, lower in pairwise(present):
        down = voxels[lower].mean(axis=0) - voxels[upper].mean(axis=0)
        down /= np.linalg.norm(down)
        along = z * down[0] + y * down[1] + x * down[2]
        above, below = voxels[upper] @ down, voxels[lower] @ down
        if column.index(lower) - column.index(upper) > 1:
            where |= (along > above.max() + MARGIN_MM) & (along < below.min() - MARGIN_MM)
        if upper == present[0] and not np.isin(raw, list(CERVICAL[values])).any():
            where |= along < above.min() - MARGIN_MM
        if lower == present[-1] and not np.isin(raw, SACRUM[values]).any():
            where |= along > below.max() + MARGIN_MM
    return where


def label_spineless(hu: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Return the labels of a scan that shows no vertebra from T1 to L5."""
    return np.where(hu > BONE_HU, OTHER_BONE, 0).astype(np.uint8)


def _looked_at(labelled: NDArray[np.intp], slices: int, spacing_z_mm: float) -> NDArray[np.bool_]:
    """Return which of ``slices`` lie among the labelled ones (indices), gaps of a body left out, or just beside."""
    looked = np.zeros(slices, dtype=bool)
    margin = int(MARGIN_MM / spacing_z_mm)
    for z in labelled:
        looked[max(z - margin, 0) : z + margin + 1] = True
    for low, high in pairwise(labelled):
        if (high - low - 1) * spacing_z_mm <= MAX_DISC_MM:
            looked[low:high] = True
    return looked
