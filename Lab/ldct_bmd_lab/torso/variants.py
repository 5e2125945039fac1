"""Variants of the normal skeleton: short, long, missing and supernumerary last ribs; bone cement and screws."""

import numpy as np
from numpy.typing import NDArray

from . import tissues as t
from .atlas import Atlas

T12, L1 = 19, 20
ELEVENTH_RIBS = (70, 82)
SHORT, MISSING, THIRTEENTH, LONG = 0.3, 0.1, 0.08, 0.2  # chance of each
STUB_MM = (30.0, 90.0)  # so far from the spine's middle a short twelfth rib ends; its head lies at some 20 mm
ELEVENTH_MM = (40.0, 110.0)  # and a short eleventh
LUMBAR_RIB_MM = (40.0, 90.0)
RIB_HEAD_MM = (15.0, 22.0)  # where a twelfth rib begins: behind the body's centre, and beside it
STRETCH = (1.1, 1.5)
SCREW_RADIUS_MM = (2.0, 3.6)
SCREW_ENTRY_MM, SCREW_TIP_MM = (42.0, 17.0), (-6.0, 8.0)  # behind the body's centre, and beside it


def vary_last_ribs(
    rng: np.random.Generator, skeleton: NDArray[np.uint8], at: NDArray[np.float32], atlas: Atlas
) -> None:
    """Draw last ribs from none over stubs to long ones, or ribs on L1; ``skeleton`` (z, y, x) in place, ``at`` its mm.

    The vertebrae keep their names: they count from above.
    """
    drawn = rng.random()
    place = dict(zip(atlas.axis_levels.tolist(), atlas.axis_zyx, strict=True))
    if T12 not in place or L1 not in place:
        return
    aside = at[2] - np.float32(place[T12][2])
    if drawn < SHORT:
        _shorten(rng, skeleton, aside, t.LAST_RIBS, STUB_MM)
    elif drawn < SHORT + MISSING:
        one = rng.random() < 0.3  # on one side alone
        _shorten(rng, skeleton, aside, t.LAST_RIBS[: 1 if one else 2], (0.0, 0.0))
        if rng.random() < 0.5:  # then the eleventh are the last, and as free to be short
            _shorten(rng, skeleton, aside, ELEVENTH_RIBS, ELEVENTH_MM)
    elif drawn < SHORT + MISSING + THIRTEENTH:
        _set_lumbar_ribs(rng, skeleton, at, atlas, aside, place[T12] - place[L1])
    elif drawn < SHORT + MISSING + THIRTEENTH + LONG:
        _lengthen(rng, skeleton, at, atlas, aside, place[T12])


def _shorten(
    rng: np.random.Generator,
    skeleton: NDArray[np.uint8],
    aside: NDArray[np.float32],
    ribs: tuple[int, ...],
    reach_mm: tuple[float, float],
) -> None:
    """Take what reaches further than drawn from the spine's middle off each of ``ribs``; sides differ."""
    for rib in ribs:
        skeleton[(skeleton == rib) & (np.abs(aside) > rng.uniform(*reach_mm))] = t.AIR


def _set_lumbar_ribs(
    rng: np.random.Generator,
    skeleton: NDArray[np.uint8],
    at: NDArray[np.float32],
    atlas: Atlas,
    aside: NDArray[np.float32],
    step: NDArray[np.float64],
) -> None:
    """Set the twelfth ribs again one level lower, ``step`` (z, y, x) away, and shorter."""
    low = float(atlas.axis_zyx[list(atlas.axis_levels).index(L1), 0])
    box = slab(at[0], low, 90.0)
    rib = _last_ribs(atlas, at[(slice(None), *box)] + step.astype(np.float32)[:, None, None, None])
    rib &= skeleton[box] == 0
    for side in (aside[box] > 0, aside[box] <= 0):
        if rng.random() < 0.8:
            shown = rib & side & (np.abs(aside[box]) < rng.uniform(*LUMBAR_RIB_MM))
            skeleton[box][shown] = t.LAST_RIBS[0]


def _lengthen(
    rng: np.random.Generator,
    skeleton: NDArray[np.uint8],
    at: NDArray[np.float32],
    atlas: Atlas,
    aside: NDArray[np.float32],
    centre: NDArray[np.float64],
) -> None:
    """Stretch the twelfth ribs away from where they meet T12, ``centre`` (z, y, x)."""
    box = slab(at[0], float(centre[0]) - 40.0, 110.0)
    near = at[(slice(None), *box)]
    for sign in (-1.0, 1.0):
        head = centre + np.array([0.0, RIB_HEAD_MM[0], sign * RIB_HEAD_MM[1]])
        fixed = head.astype(np.float32)[:, None, None, None]
        there = fixed + (near - fixed) / np.float32(rng.uniform(*STRETCH))
        rib = _last_ribs(atlas, there) & (sign * aside[box] > RIB_HEAD_MM[1]) & (skeleton[box] == 0)
        skeleton[box][rib] = t.LAST_RIBS[0]


def _last_ribs(atlas: Atlas, at: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where the atlas has a twelfth rib at the places ``at`` (3, z, y, x)."""
    index = np.rint(at).astype(np.int32)
    for axis, size in enumerate(atlas.skeleton.shape):
        np.clip(index[axis], 0, size - 1, out=index[axis])
    return np.asarray(t.member(t.LAST_RIBS)[atlas.skeleton[index[0], index[1], index[2]]])


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
        box = slab(at[0], float(centre[0]), 8.0)
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


def slab(z: NDArray[np.float32], centre: float, half: float) -> tuple[slice, slice, slice]:
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
