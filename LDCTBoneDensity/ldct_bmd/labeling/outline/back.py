"""The back wall."""

import numpy as np

from .best_surface import best_surface
from .frame import Sight
from .profiles import STEP_MM, beyond, gradient, half_maximum, offsets, settle, share_seen, smooth
from .surfaces import ANGLE, U_MM, Array, Mask, Surfaces, between_plates

OFFSET_MM = offsets(5.0, 8.0)
HU_RANGE = (20.0, 550.0)
SMOOTH_CELLS = 0.7
BEND, HOLD = 0.3, 0.01
INWARDS_MM = 3.0
FARTHER_MM = 2.0  # outwards than the other walls: the network cuts a concave wall straight
BONE_HU, DARK_MM = 150.0, 1.5  # brighter that far beyond the edge: not the canal
CANAL_MM = 6.0  # to each side of the middle; what is brighter than PEDICLE_HU behind its sides is a pedicle
PEDICLE_HU, PEDICLE_FROM_MM = 140.0, 5.0
SIDE = 0.8  # of the half width: beyond it the side walls are the body's end
OWN_LIMITS_MM = (-1.0, 2.0)  # the network's outline is bitten out at the vein
TRUSTED = 0.3


def find_back(sight: Sight, begin: Surfaces, own: Surfaces, reach_mm: float) -> tuple[Array, Array]:
    """Return how far back the back wall is (bodies, U_MM, LEVEL), and the share of it that is seen (bodies,).

    Arguments as for find_plates.
    """
    start = begin.back
    u = np.broadcast_to(U_MM[None, :, None].astype(np.float32), start.shape)
    w = between_plates(begin.bottom, begin.top, u, start)
    profile, usable = sight.along(u[..., None], start[..., None] + OFFSET_MM, w[..., None], *HU_RANGE)
    profile = smooth(profile, SMOOTH_CELLS)
    canal = (np.abs(U_MM) <= CANAL_MM)[None, :, None]
    pedicle = ~canal & (np.median(profile[..., OFFSET_MM > PEDICLE_FROM_MM], axis=-1) > PEDICLE_HU)
    half_width = np.median(begin.radius[:, np.abs(np.sin(ANGLE)) < 0.1], axis=(1, 2))
    side = (np.abs(U_MM) > SIDE * half_width[:, None])[..., None]
    searched = usable & ~pedicle & ~side
    labels = round(DARK_MM / STEP_MM)
    ahead = np.full_like(profile, BONE_HU)
    ahead[..., :-labels] = profile[..., labels:]
    cost = np.clip(gradient(profile), -200.0, 50.0) / 100.0 + np.clip((ahead - BONE_HU) / 80.0, 0.0, 2.5)
    cost = np.where(searched[..., None], cost, 0.0) + HOLD * OFFSET_MM**2
    cost += beyond(OFFSET_MM, INWARDS_MM, reach_mm + FARTHER_MM)
    edges = half_maximum(profile, best_surface(cost.astype(np.float32), BEND), OFFSET_MM)
    own_mm = np.where(np.isfinite(own.back) & canal, np.clip(own.back - start, *OWN_LIMITS_MM), 0.0)
    found = start + settle(edges, searched, own_mm.astype(np.float32), SMOOTH_CELLS)
    return _carried_on(found, searched & (edges.trust > TRUSTED)), share_seen(edges.trust * usable, canal)


def _carried_on(back: Array, seen: Mask) -> Array:
    """Carry the wall straight on to the sides from where it is last seen: pedicles hide it there."""
    out = back.copy()
    first, last = np.flatnonzero(np.abs(U_MM) <= CANAL_MM)[[0, -1]]
    for start, stop, step in ((last + 1, len(U_MM), 1), (first - 1, -1, -1)):
        for i in range(start, stop, step):
            out[:, i] = np.where(seen[:, i], out[:, i], out[:, i - step])
    return out
