"""The back wall."""

from dataclasses import dataclass

import numpy as np

from ..tuned import THREE_SLICES, tuned
from .best_surface import best_surface
from .frame import Sight
from .profiles import (
    EDGE_LIMITS,
    STEP_MM,
    EdgeLimits,
    beyond,
    gradient,
    half_maximum,
    offsets,
    settle,
    share_seen,
    smooth,
)
from .surfaces import ANGLE, U_MM, Array, Mask, Surfaces, between_plates


@dataclass(frozen=True)
class BackSearch:
    """How the back wall is looked for."""

    looked_mm: tuple[float, float] = tuned(
        (5.0, 8.0),
        "lines are looked along this far inwards and outwards",
        unit="mm",
        source="farther than the wall is looked for",
        data=THREE_SLICES,
    )
    hu_range: tuple[float, float] = tuned(
        (20.0, 550.0),
        "HU along a line count as no less and no more",
        unit="HU",
        source="fat, lung and metal are not an edge of bone",
        data=THREE_SLICES,
    )
    smooth_cells: float = tuned(
        0.7,
        "standard deviation of the smoothing along the surface",
        unit="cells of the surface",
        source="halved or doubled, it moves the mean Dice by less than 0.005",
        data=THREE_SLICES,
    )
    bend: float = tuned(
        0.3,
        "cost of a step between neighbouring cells of the surface, times the squared number of labels",
        unit="100 HU per mm",
        source="halved or doubled, it moves the mean Dice by less than 0.005",
        data=THREE_SLICES,
    )
    hold: float = tuned(
        0.01,
        "cost of the squared distance from the start",
        unit="100 HU per mm, for each mm2",
        source="halved or doubled, it moves the mean Dice by less than 0.005",
        data=THREE_SLICES,
    )
    inwards_mm: float = tuned(
        3.0, "the wall is looked for this far inwards", unit="mm", source="not recorded", data=THREE_SLICES
    )
    farther_mm: float = tuned(
        2.0,
        "it is looked for this much farther outwards than the other walls",
        unit="mm",
        source="the network cuts a concave wall straight",
        data=THREE_SLICES,
    )
    bone_hu: float = tuned(
        150.0,
        "what is brighter beyond the edge is not the canal",
        unit="HU",
        source="the canal is soft tissue",
        data=THREE_SLICES,
    )
    dark_mm: float = tuned(
        1.5, "how far beyond the edge that is looked at", unit="mm", source="not recorded", data=THREE_SLICES
    )
    canal_mm: float = tuned(
        6.0,
        "to the sides of that the wall may be hidden by pedicles",
        unit="mm from the middle",
        source="the canal lies behind the middle",
        data=THREE_SLICES,
    )
    pedicle_hu: float = tuned(
        140.0,
        "what is brighter behind the sides is a pedicle",
        unit="HU",
        source="its bone continues where the canal is dark",
        data=THREE_SLICES,
    )
    pedicle_from_mm: float = tuned(
        5.0, "a pedicle is looked for from here on", unit="mm outwards", source="not recorded", data=THREE_SLICES
    )
    side: float = tuned(
        0.8,
        "beyond it the side walls are the end of the body",
        unit="of the half width",
        source="not recorded",
        data=THREE_SLICES,
    )
    own_limits_mm: tuple[float, float] = tuned(
        (-1.0, 2.0),
        "the outline of the network is followed this far inwards and outwards, if no edge is seen",
        unit="mm",
        source="it is bitten out at the vein",
        data=THREE_SLICES,
    )
    trusted: float = tuned(
        0.3,
        "the wall is carried on to the sides from where it is trusted more",
        unit="trust, 0 to 1",
        source="pedicles hide it there",
        data=THREE_SLICES,
    )


BACK_SEARCH = BackSearch()


def find_back(
    sight: Sight,
    begin: Surfaces,
    own: Surfaces,
    reach_mm: float,
    search: BackSearch = BACK_SEARCH,
    limits: EdgeLimits = EDGE_LIMITS,
) -> tuple[Array, Array]:
    """Return how far back the back wall is (bodies, U_MM, LEVEL), and the share of it that is seen (bodies,).

    Arguments as for find_plates.
    """
    start, offset_mm = begin.back, offsets(*search.looked_mm)
    u = np.broadcast_to(U_MM[None, :, None].astype(np.float32), start.shape)
    w = between_plates(begin.bottom, begin.top, u, start)
    profile, usable = sight.along(u[..., None], start[..., None] + offset_mm, w[..., None], *search.hu_range)
    profile = smooth(profile, search.smooth_cells)
    canal = (np.abs(U_MM) <= search.canal_mm)[None, :, None]
    pedicle = ~canal & (np.median(profile[..., offset_mm > search.pedicle_from_mm], axis=-1) > search.pedicle_hu)
    half_width = np.median(begin.radius[:, np.abs(np.sin(ANGLE)) < 0.1], axis=(1, 2))
    side = (np.abs(U_MM) > search.side * half_width[:, None])[..., None]
    searched = usable & ~pedicle & ~side
    labels = round(search.dark_mm / STEP_MM)
    ahead = np.full_like(profile, search.bone_hu)
    ahead[..., :-labels] = profile[..., labels:]
    cost = np.clip(gradient(profile), -200.0, 50.0) / 100.0 + np.clip((ahead - search.bone_hu) / 80.0, 0.0, 2.5)
    cost = np.where(searched[..., None], cost, 0.0) + search.hold * offset_mm**2
    cost += beyond(offset_mm, search.inwards_mm, reach_mm + search.farther_mm)
    edges = half_maximum(profile, best_surface(cost.astype(np.float32), search.bend), offset_mm, limits)
    own_mm = np.where(np.isfinite(own.back) & canal, np.clip(own.back - start, *search.own_limits_mm), 0.0)
    found = start + settle(edges, searched, own_mm.astype(np.float32), limits.own_weight, search.smooth_cells)
    return _carried_on(found, searched & (edges.trust > search.trusted), canal[0, :, 0]), share_seen(
        edges.trust * usable, canal
    )


def _carried_on(back: Array, seen: Mask, canal: Mask) -> Array:
    """Carry the wall straight on to the sides from where it is last seen: pedicles hide it there."""
    out = back.copy()
    first, last = np.flatnonzero(canal)[[0, -1]]
    for start, stop, step in ((last + 1, len(U_MM), 1), (first - 1, -1, -1)):
        for i in range(start, stop, step):
            out[:, i] = np.where(seen[:, i], out[:, i], out[:, i - step])
    return out
