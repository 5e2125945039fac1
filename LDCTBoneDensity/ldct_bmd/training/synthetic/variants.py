"""Variants of the normal skeleton: short, missing and supernumerary last ribs; bone cement and screws."""

import numpy as np
from numpy.typing import NDArray

from . import tissues as t
from .atlas import Atlas

SHORT, MISSING, THIRTEENTH = 0.35, 0.08, 0.08  # chance of each
SCREW_RADIUS_MM = (2.0, 3.6)
SCREW_ENTRY_MM, SCREW_TIP_MM = (42.0, 17.0), (-6.0, 8.0)  # behind the body's centre, and beside it


def vary_last_ribs(
    rng: np.random.Generator, skeleton: NDArray[np.uint8], at: NDArray[np.float32], atlas: Atlas
) -> None:
    """Shorten or take away twelfth ribs, or set ribs on L1; ``skeleton`` (z, y, x) in place, ``at`` its atlas mm."""
    drawn = rng.random()
    middle = float(np.median(atlas.axis_zyx[:, 2]))
    aside = np.abs(at[2] - middle)
    sides = (at[2] > middle, at[2] <= middle)
    if drawn < SHORT + MISSING:
        last = t.member(t.LAST_RIBS)[skeleton]
        for side in sides:
            # As often as not, one side's rib differs from the other's.
            reach = rng.uniform(15, 90) if drawn < SHORT else rng.choice([0.0, 0.0, rng.uniform(15, 40)])
            skeleton[last & side & (aside > reach)] = t.AIR
    elif drawn < SHORT + MISSING + THIRTEENTH:
        levels = list(atlas.axis_levels)
        if 19 not in levels or 20 not in levels:
            return
        step = atlas.axis_zyx[levels.index(19)] - atlas.axis_zyx[levels.index(20)]
        box = _slab(at[0], float(atlas.axis_zyx[levels.index(20), 0]), 90.0)
        index = np.rint(at[(slice(None), *box)] + step[:, None, None, None]).astype(np.int32)
        for axis, size in enumerate(atlas.skeleton.shape):
            np.clip(index[axis], 0, size - 1, out=index[axis])
        rib = t.member(t.LAST_RIBS)[atlas.skeleton[index[0], index[1], index[2]]] & (skeleton[box] == 0)
        for side in sides:
            if rng.random() < 0.8:
                shown = rib & side[box] & (aside[box] < rng.uniform(40, 90))
                skeleton[box][shown] = t.LAST_RIBS[0]


def add_hardware(
    rng: np.random.Generator,
    hu: NDArray[np.float32],
    labels: NDArray[np.uint8],
    at: NDArray[np.float32],
    atlas: Atlas,
) -> NDArray[np.bool_] | None:
    """Put cement into one body or screws into some neighbours; return where metal is, None if there is none.

    Args:
        hu: (z, y, x), in place.
        at: (3, z, y, x), where each voxel lies in the atlas, in mm.
    """
    first = int(rng.integers(0, len(atlas.axis_levels)))
    if rng.random() < 0.4:
        _inject_cement(rng, hu, labels == atlas.axis_levels[first], at, atlas.axis_zyx[first])
        return None
    metal = np.zeros(labels.shape, dtype=bool)
    radius = rng.uniform(*SCREW_RADIUS_MM)
    for k in range(first, min(first + int(rng.integers(2, 5)), len(atlas.axis_levels))):
        centre = atlas.axis_zyx[k]
        box = _slab(at[0], float(centre[0]), 8.0)
        near = at[(slice(None), *box)]
        for side in (-1.0, 1.0):
            entry = centre + np.array([rng.normal(0, 2), SCREW_ENTRY_MM[0], side * SCREW_ENTRY_MM[1]])
            tip = centre + np.array([rng.normal(0, 2), SCREW_TIP_MM[0], side * SCREW_TIP_MM[1]])
            metal[box] |= _distance_to_segment(near, entry, tip) < radius
            rod = (np.abs(near[0] - entry[0]) < 20) & (np.hypot(near[1] - entry[1], near[2] - entry[2]) < radius)
            metal[box] |= rod
    if not metal.any():
        return None
    hu[metal] = rng.uniform(2000, 3071)
    return metal


def _inject_cement(rng, hu, body, at, centre) -> None:  # type: ignore[no-untyped-def]
    if not body.any():
        return
    blob = centre + rng.normal(0, 4.0, 3)
    distance = np.sqrt(sum((at[axis] - blob[axis]) ** 2 for axis in range(3)))
    hu[body & (distance < rng.uniform(5, 14))] = rng.uniform(700, 2500)


def _slab(z: NDArray[np.float32], centre: float, half: float) -> tuple[slice, slice, slice]:
    """Return the slices in which some voxel lies within ``half`` of ``centre`` along the atlas's z."""
    near = np.flatnonzero((np.abs(z - centre) <= half).any(axis=(1, 2)))
    rows = slice(int(near[0]), int(near[-1]) + 1) if len(near) else slice(0, 0)
    return rows, slice(None), slice(None)


def _distance_to_segment(
    points: NDArray[np.float32], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float32]:
    along = (end - start).astype(np.float32)
    offset = points - start.astype(np.float32)[:, None, None, None]
    share = np.clip(np.tensordot(along, offset, axes=1) / float(along @ along), 0.0, 1.0)
    return np.linalg.norm(offset - share * along[:, None, None, None], axis=0)
