"""The endplates in the scan."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .best_surface import best_surface
from .frame import Sight
from .profiles import OUTSIDE_MM, beyond, gradient, half_maximum, offsets, settle, share_seen, smooth
from .surfaces import ANGLE_STEP, U_MM, V_MM, Array, Mask, Surfaces, polynomial, robust_fit, spread

HU_RANGE = (-50.0, 650.0)
SMOOTH_CELLS = 0.7
BEND, HOLD = 0.2, 0.01  # costs in 100 HU per mm, of a step and of a mm (squared) away from the start
# Inwards farther than outwards: an outline that takes in the disc is put right, one that ends in bone may be so by bone
# that hides the disc. Never inwards by more than a third of the height.
INWARDS, OUTWARDS, OF_HEIGHT = 1.75, 1.5, 0.33
DISC_BEND, DISC_HOLD = 0.4, 0.002
DISC_FROM_MM, DISC_TO_MM = 0.5, 2.5  # outside the start, and beyond the plate's own reach
BEYOND_DISC = 1.5  # cost of each step beyond the darkest part of the disc, up to two
LOOK_MM = 3.0  # farther along a line than plates are looked for: the levels inside and outside lie there
OWN_RIM_MM, OWN_LIMIT_MM = 4.0, 2.0  # the network's rims are round, and its plates end in steps of a slice
# Rims stay near a quadric through the plate, so that they don't run along bridges; nodes may go deeper inside.
RIM_MM, RIM_OUT_MM, RIM_IN_MM, NODE_MM = 5.0, 1.0, 0.8, 5.0


def find_plates(sight: Sight, begin: Surfaces, own: Surfaces, reach_mm: float) -> tuple[Array, Array, Array]:
    """Return the lower and the upper endplates (bodies, U_MM, V_MM), and the share of both that is seen (bodies,).

    Args:
        begin: where the search begins.
        own: the network's outline.
        reach_mm: how far from the start the plates are looked for, times INWARDS and OUTWARDS.
    """
    count = len(begin.top)
    both = Sight(sight.hu, sight.geometry, [*sight.frames, *sight.frames])
    sign = np.repeat(np.array([-1.0, 1.0], dtype=np.float32), count)[:, None, None]
    rim = _within(begin.radius)
    near = _about(rim > 0.5)
    start, outline = (np.concatenate([s.bottom, s.top])[:, near[0], near[1]] for s in (begin, own))
    rim = rim[:, near[0], near[1]]
    offset_mm = offsets(reach_mm * INWARDS + LOOK_MM, reach_mm * OUTWARDS + LOOK_MM)
    u, v = (a.astype(np.float32)[None, ..., None] for a in np.meshgrid(U_MM[near[0]], V_MM[near[1]], indexing="ij"))
    u, v = (np.broadcast_to(a, (2 * count, *a.shape[1:])) for a in (u, v))
    profile, usable = both.along(u, v, start[..., None] + sign[..., None] * offset_mm, *HU_RANGE)
    profile = smooth(profile, SMOOTH_CELLS)
    searched = (rim > 0.5) & usable
    height = np.median(begin.top - begin.bottom, axis=(1, 2))
    inwards = np.minimum(reach_mm * INWARDS, OF_HEIGHT * np.tile(height, 2)).astype(np.float32)[:, None, None, None]
    cost = np.clip(gradient(profile), -250.0, 60.0) / 100.0
    cost += HOLD * offset_mm**2 + beyond(offset_mm, inwards, reach_mm * OUTWARDS)
    cost += BEYOND_DISC * np.clip(_beyond_disc(profile, offset_mm, searched, reach_mm * OUTWARDS), 0.0, 2.0)
    label = best_surface(_where(searched, cost, 0.05 * offset_mm**2), BEND)
    # The outside level lies a slice away where slices are thick.
    edges = half_maximum(profile, label, offset_mm, max(OUTSIDE_MM, sight.geometry.spacing_mm[2]))
    held = np.isfinite(outline) & (rim > OWN_RIM_MM)
    own_mm = np.where(held, np.clip(sign * (outline - start), -OWN_LIMIT_MM, OWN_LIMIT_MM), 0.0).astype(np.float32)
    offset = settle(edges, searched * np.clip(rim / 3.0, 0.2, 1.0), own_mm, SMOOTH_CELLS)
    offset = np.stack([spread(o, r > -0.5) for o, r in zip(offset, rim, strict=True)])
    found = _without_bridges(start + sign * offset, sign, rim, polynomial(2)[near])
    margins = [(s.start, n - s.stop) for s, n in zip(near, (len(U_MM), len(V_MM)), strict=True)]
    found = np.pad(found, ((0, 0), *margins), mode="edge")
    seen = share_seen(edges.trust * usable, rim > 0.5).reshape(2, count).mean(axis=0)
    return found[:count], found[count:], seen


def _about(foot: Mask) -> tuple[slice, slice]:
    """Return the rows and columns of the grid that hold all feet, and a cell more."""
    rows, columns = np.flatnonzero(foot.any(axis=(0, 2))), np.flatnonzero(foot.any(axis=(0, 1)))
    return tuple(  # type: ignore[return-value]
        slice(max(0, int(k[0]) - 1), min(n, int(k[-1]) + 2)) for k, n in ((rows, len(U_MM)), (columns, len(V_MM)))
    )


def _where(searched: Mask, cost: Array, else_cost: Array) -> Array:
    return np.where(searched[..., None], cost, else_cost).astype(np.float32)


def _within(radius: Array) -> Array:
    """Return how far inside the walls (mm) the cells of the lower, then of the upper plates are."""
    u, v = np.meshgrid(U_MM, V_MM, indexing="ij")
    angle = np.mod(np.rad2deg(np.arctan2(v, u)), 360.0) / ANGLE_STEP
    ends = np.concatenate([radius[..., :2].mean(axis=-1), radius[..., -2:].mean(axis=-1)])
    closed = np.concatenate([ends, ends[:, :1]], axis=1)
    walls = np.stack([ndimage.map_coordinates(r, [angle], output=np.float32, order=1) for r in closed])
    return np.asarray(walls - np.hypot(u, v), dtype=np.float32)


def _beyond_disc(profile: Array, offset_mm: Array, searched: Mask, outwards_mm: float) -> Array:
    """Return how many labels each label is beyond the darkest surface outside the plate: the middle of the disc."""
    cost = np.clip(profile, 40.0, 350.0) / 100.0 + DISC_HOLD * (offset_mm - 1.0) ** 2
    cost += beyond(offset_mm, -DISC_FROM_MM, outwards_mm + DISC_TO_MM)
    disc = best_surface(_where(searched, cost, 0.05 * (offset_mm - 1.0) ** 2), DISC_BEND)
    return _where(searched, np.arange(len(offset_mm)) - disc[..., None], np.zeros_like(offset_mm))


def _without_bridges(plates: Array, sign: Array, rim: Array, terms: NDArray[np.float64]) -> Array:
    """Limit plates (bodies, n0, n1) to a quadric of these terms through each, close to it at the rims."""
    out = np.empty_like(plates)
    for body, plate in enumerate(plates):
        inner = rim[body] > 1.5
        fit = spread(terms @ robust_fit(terms[inner], plate[inner], 0.5, 0.5), inner)
        inwards = np.where(rim[body] > RIM_MM, NODE_MM, RIM_IN_MM)
        out[body] = fit + sign[body] * np.clip(sign[body] * (plate - fit), -inwards, RIM_OUT_MM)
    return out
