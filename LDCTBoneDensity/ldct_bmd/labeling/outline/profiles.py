"""HU along lines that leave a body: where its edge is, and whether there is one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..tuned import THREE_SLICES, tuned
from .surfaces import Array, Mask

STEP_MM = 0.5  # between the labels of a search


@dataclass(frozen=True)
class EdgeLimits:
    """Where an edge is on a line that leaves a body, and how far it is trusted."""

    inside_mm: float = tuned(
        2.5,
        "the level of bone is looked for this far inside the best surface",
        unit="mm",
        source="the half maximum lies between what is inside and what is outside",
        data=THREE_SLICES,
    )
    outside_mm: float = tuned(
        2.0,
        "the level of what lies outside is looked for this far outside it",
        unit="mm",
        source="the half maximum lies between what is inside and what is outside",
        data=THREE_SLICES,
    )
    reach_mm: float = tuned(
        1.2,
        "the half maximum is looked for this near to the best surface",
        unit="mm",
        source="it is the nearest crossing",
        data=THREE_SLICES,
    )
    soft_tissue_hu: tuple[float, float] = tuned(
        (20.0, 160.0),
        "what lies outside counts as no less and no more",
        unit="HU",
        source="lung counts as soft tissue, and so do contrast and calcium",
        data=THREE_SLICES,
    )
    weak_hu: float = tuned(
        50.0,
        "a fall of less, from inside to outside, is not an edge",
        unit="HU",
        source="not recorded",
        data=THREE_SLICES,
    )
    clear_hu: float = tuned(
        110.0, "a fall of more is an edge for certain", unit="HU", source="not recorded", data=THREE_SLICES
    )
    own_weight: float = tuned(
        0.05,
        "what the outline of the network counts",
        unit="against 1 of a clear edge",
        source="it decides only if no edge is seen",
        data=THREE_SLICES,
    )


EDGE_LIMITS = EdgeLimits()


@dataclass(frozen=True)
class Edges:
    """Where the half maximum lies on each line.

    Attributes:
        offset_mm: (surfaces, n0, n1), outwards.
        trust: the same shape; 0 where there is no edge, 1 where it is clear.
    """

    offset_mm: Array
    trust: Array


def offsets(inwards_mm: float, outwards_mm: float) -> Array:
    """Return where the labels of a search lie, in mm, outwards."""
    return np.arange(-inwards_mm, outwards_mm + STEP_MM / 2, STEP_MM, dtype=np.float32)


def beyond(
    offset_mm: NDArray[np.floating], inwards_mm: float | Array, outwards_mm: float | Array
) -> NDArray[np.floating]:
    """Return the cost of labels outside a range, which keeps the search in it."""
    too_far = np.maximum(np.maximum(-offset_mm - inwards_mm, offset_mm - outwards_mm), 0.0)
    return np.asarray(2.0 * too_far**2)


def smooth(values: Array, cells: float, wrap: bool = False) -> Array:
    """Smooth (surfaces, n0, n1, ...) along the two axes of the surface."""
    out = ndimage.gaussian_filter1d(values, cells, axis=1, mode="wrap" if wrap else "nearest", truncate=2.5)
    return np.asarray(ndimage.gaussian_filter1d(out, cells, axis=2, mode="nearest", truncate=2.5))


def gradient(profile: Array) -> Array:
    """Return HU per mm, outwards."""
    change = ndimage.gaussian_filter1d(profile, 0.6, axis=-1, order=1, mode="nearest")
    return np.asarray(change / np.float32(STEP_MM))


def half_maximum(
    profile: Array, label: Array, offset_mm: Array, limits: EdgeLimits, outside_mm: float | None = None
) -> Edges:
    """Return the crossing of the level halfway from inside to outside that is nearest to the labels given.

    Args:
        profile: (surfaces, n0, n1, labels) HU, outwards.
        label: (surfaces, n0, n1), with fractions.
        offset_mm: (labels,) where the labels lie.
        outside_mm: how far out the outside level is looked for; None: as the limits say.
    """
    outside_mm = limits.outside_mm if outside_mm is None else outside_mm
    nearest = np.rint(label).astype(np.intp)[..., None]
    inside = _take(profile, nearest + np.arange(-round(limits.inside_mm / STEP_MM), 1)).max(axis=-1)
    outside = _take(profile, nearest + np.arange(round(outside_mm / STEP_MM) + 1)).min(axis=-1)
    half = (inside + np.clip(outside, *limits.soft_tissue_hu)) / 2
    reach = round(limits.reach_mm / STEP_MM) + 1
    around = np.arange(-reach, reach + 1)
    above = _take(profile, nearest + around) - half[..., None]
    crosses = (above[..., :-1] > 0) & (above[..., 1:] <= 0)
    distance = np.abs(around[:-1] + 0.5 - (label[..., None] - nearest))
    pick = np.where(crosses, distance, np.inf).argmin(axis=-1)[..., None]
    start, end = (np.take_along_axis(above, pick + k, axis=-1)[..., 0] for k in (0, 1))
    found = np.take_along_axis(crosses, pick, axis=-1)[..., 0]
    part = np.where(found, start / np.maximum(start - end, 1e-3), 0.0)
    at = np.where(found, nearest[..., 0] + around[pick[..., 0]] + part, label)
    trust = np.clip((inside - outside - limits.weak_hu) / (limits.clear_hu - limits.weak_hu), 0.0, 1.0) * found
    return Edges((offset_mm[0] + at * STEP_MM).astype(np.float32), trust.astype(np.float32))


def settle(
    edges: Edges,
    trusted: NDArray[np.bool_] | NDArray[np.floating],
    own_mm: Array,
    own_weight: float,
    cells: float,
    wrap: bool = False,
) -> Array:
    """Return the offsets of the surface: smoothed by trust, and the network's own where there is no edge to trust.

    Args:
        trusted: (surfaces, n0, n1), 0 to 1: a further factor of trust.
        own_mm: (surfaces, n0, n1), offsets of the network's outline.
        own_weight: what that outline counts, against 1 of a clear edge.
        cells: how far it is smoothed.
    """
    trust: Array = edges.trust * np.asarray(trusted, dtype=np.float32)
    weight = smooth(trust, cells, wrap)
    total = smooth(trust * edges.offset_mm, cells, wrap) + own_weight * smooth(own_mm, cells, wrap)
    return np.asarray(total / (weight + own_weight))


def share_seen(trust: Array, counted: Mask | Array) -> Array:
    """Return the mean trust (surfaces,) over the cells that count."""
    counts = np.broadcast_to(np.asarray(counted, dtype=np.float32), trust.shape)
    total = np.maximum(counts.sum(axis=(1, 2)), 1e-6)
    return np.asarray((trust * counts).sum(axis=(1, 2)) / total, dtype=np.float32)


def _take(values: Array, label: NDArray[np.intp]) -> Array:
    """Return values (..., labels) at labels (..., k)."""
    return np.take_along_axis(values, np.clip(label, 0, values.shape[-1] - 1), axis=-1)
