"""HU along lines that leave a body: where its edge is, and whether there is one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

STEP_MM = 0.5
INSIDE_MM, OUTSIDE_MM = 2.5, 2.0  # how far from the edge the levels of bone and of what lies outside are looked for
SOFT_TISSUE_HU = (20.0, 160.0)  # the outside level: fat and lung count as soft tissue, contrast and calcium too
WEAK_HU, CLEAR_HU = 50.0, 110.0  # steps from inside to outside that are no edge, and one for certain
METAL_HU = 1500.0


@dataclass(frozen=True)
class Edges:
    """Where the half maximum lies on each line.

    Attributes:
        offset_mm: outwards from the start of the lines' count.
        trust: 0 where there is no edge, 1 where it is clear.
    """

    offset_mm: NDArray[np.float32]
    trust: NDArray[np.float32]


def smooth(values: NDArray[np.float32], cells: float, wrap: bool = False) -> NDArray[np.float32]:
    """Smooth (surfaces, n0, n1, ...) along the two axes of the surface."""
    out = ndimage.gaussian_filter1d(values, cells, axis=1, mode="wrap" if wrap else "nearest", truncate=2.5)
    return ndimage.gaussian_filter1d(out, cells, axis=2, mode="nearest", truncate=2.5)


def gradient(profile: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return HU per mm, outwards."""
    return ndimage.gaussian_filter1d(profile, 0.6, axis=-1, order=1, mode="nearest") / np.float32(STEP_MM)


def take(values: NDArray[np.float32], label: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return values (..., labels) at label (..., k)."""
    return np.take_along_axis(values, np.clip(label, 0, values.shape[-1] - 1), axis=-1)


def half_maximum(
    profile: NDArray[np.float32], label: NDArray[np.float32], offsets_mm: NDArray[np.float32], reach_mm: float = 1.2
) -> Edges:
    """Return the crossing of the level halfway from inside to outside that is nearest to the labels given.

    Args:
        profile: (surfaces, n0, n1, labels) HU, outwards.
        label: (surfaces, n0, n1).
        offsets_mm: (labels,) where the labels lie.
        reach_mm: how far the crossing may be from the label.
    """
    nearest = np.rint(label).astype(np.intp)[..., None]
    inside = take(profile, nearest + np.arange(-round(INSIDE_MM / STEP_MM), 1)).max(axis=-1)
    outside = take(profile, nearest + np.arange(round(OUTSIDE_MM / STEP_MM) + 1)).min(axis=-1)
    half = (inside + np.clip(outside, *SOFT_TISSUE_HU)) / 2
    around = np.arange(-round(reach_mm / STEP_MM) - 1, round(reach_mm / STEP_MM) + 2)
    above = take(profile, nearest + around) - half[..., None]
    crosses = (above[..., :-1] > 0) & (above[..., 1:] <= 0)
    far = np.abs(around[:-1] + 0.5 - (label[..., None] - nearest))
    pick = np.where(crosses, far, np.inf).argmin(axis=-1)[..., None]
    start, end = (np.take_along_axis(above, pick + k, axis=-1)[..., 0] for k in (0, 1))
    found = np.take_along_axis(crosses, pick, axis=-1)[..., 0]
    part = np.where(found, start / np.maximum(start - end, 1e-3), 0.0)
    at = np.where(found, nearest[..., 0] + around[pick[..., 0]] + part, label)
    trust = np.clip((inside - outside - WEAK_HU) / (CLEAR_HU - WEAK_HU), 0.0, 1.0) * found * (inside < METAL_HU)
    return Edges((offsets_mm[0] + at * STEP_MM).astype(np.float32), trust.astype(np.float32))


def blend(edges: Edges, hold_mm: NDArray[np.float32], hold: float, cells: float, wrap: bool = False) -> NDArray[np.float32]:
    """Return the offsets (surfaces, n0, n1): smoothed by trust, and ``hold_mm`` where there is no edge to trust."""
    weight = smooth(edges.trust, cells, wrap)
    return (smooth(edges.trust * edges.offset_mm, cells, wrap) + hold * smooth(hold_mm, cells, wrap)) / (weight + hold)
