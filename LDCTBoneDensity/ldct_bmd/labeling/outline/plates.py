"""The endplates in the scan."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..tuned import THREE_SLICES, tuned
from .best_surface import best_surface
from .frame import Sight
from .profiles import EDGE_LIMITS, EdgeLimits, beyond, gradient, half_maximum, offsets, settle, share_seen, smooth
from .surfaces import ANGLE_STEP, U_MM, V_MM, Array, Mask, Surfaces, polynomial, robust_fit, spread


@dataclass(frozen=True)
class PlateSearch:
    """How the endplates are looked for."""

    hu_range: tuple[float, float] = tuned(
        (-50.0, 650.0),
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
        0.2,
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
    inwards: float = tuned(
        1.75,
        "how far inwards they are looked for",
        unit="times the reach of the round",
        source="an outline that takes in the disc is put right",
        data=THREE_SLICES,
    )
    outwards: float = tuned(
        1.5,
        "how far outwards",
        unit="times the reach of the round",
        source="one that ends in bone may do so since bone hides the disc",
        data=THREE_SLICES,
    )
    of_height: float = tuned(
        0.33, "never farther inwards", unit="of the height of the body", source="not recorded", data=THREE_SLICES
    )
    disc_bend: float = tuned(
        0.4,
        "cost of a step between neighbouring cells of the middle of the disc, times the squared number of labels",
        unit="100 HU per mm",
        source="halved or doubled, it moves the mean Dice by less than 0.005",
        data=THREE_SLICES,
    )
    disc_hold: float = tuned(
        0.002,
        "cost of the squared distance from 1 mm outside the start, for the middle of the disc",
        unit="100 HU per mm, for each mm2",
        source="halved or doubled, it moves the mean Dice by less than 0.005",
        data=THREE_SLICES,
    )
    disc_from_mm: float = tuned(
        0.5,
        "the disc is looked for from here on",
        unit="mm outside the start",
        source="not recorded",
        data=THREE_SLICES,
    )
    disc_to_mm: float = tuned(
        2.5, "and up to here", unit="mm beyond the reach of the plate", source="not recorded", data=THREE_SLICES
    )
    beyond_disc: float = tuned(
        1.5,
        "cost of each step beyond the darkest part of the disc, up to two",
        unit="100 HU per mm",
        source="no endplate lies beyond its disc",
        data=THREE_SLICES,
    )
    look_mm: float = tuned(
        3.0,
        "lines are looked along this much farther than plates are looked for",
        unit="mm",
        source="the levels inside and outside lie there",
        data=THREE_SLICES,
    )
    own_rim_mm: float = tuned(
        4.0,
        "the outline of the network is not followed nearer to the rim",
        unit="mm inside the wall",
        source="the rims of the network are round",
        data=THREE_SLICES,
    )
    own_limit_mm: float = tuned(
        2.0,
        "it is followed this far, if no edge is seen",
        unit="mm",
        source="its plates end in steps of a slice",
        data=THREE_SLICES,
    )
    rim_mm: float = tuned(
        5.0, "what is nearer to the wall is rim", unit="mm inside the wall", source="not recorded", data=THREE_SLICES
    )
    rim_out_mm: float = tuned(
        1.0,
        "no plate goes farther out than that from a quadric through it",
        unit="mm",
        source="plates do not run along bridges",
        data=THREE_SLICES,
    )
    rim_in_mm: float = tuned(
        0.8,
        "at the rim no plate goes farther in than that",
        unit="mm",
        source="plates do not run along bridges",
        data=THREE_SLICES,
    )
    node_mm: float = tuned(
        5.0,
        "inside the rim no plate goes farther in than that",
        unit="mm",
        source="nodes may go deeper inside",
        data=THREE_SLICES,
    )


PLATE_SEARCH = PlateSearch()


def find_plates(
    sight: Sight,
    begin: Surfaces,
    own: Surfaces,
    reach_mm: float,
    search: PlateSearch = PLATE_SEARCH,
    limits: EdgeLimits = EDGE_LIMITS,
) -> tuple[Array, Array, Array]:
    """Return the lower and the upper endplates (bodies, U_MM, V_MM), and the share of both that is seen (bodies,).

    Args:
        begin: where the search begins.
        own: the network's outline.
        reach_mm: how far from the start the plates are looked for, times ``inwards`` and ``outwards``.
    """
    count = len(begin.top)
    both = Sight(sight.hu, sight.geometry, [*sight.frames, *sight.frames])
    sign = np.repeat(np.array([-1.0, 1.0], dtype=np.float32), count)[:, None, None]
    rim = _within(begin.radius)
    near = _about(rim > 0.5)
    start, outline = (np.concatenate([s.bottom, s.top])[:, near[0], near[1]] for s in (begin, own))
    rim = rim[:, near[0], near[1]]
    offset_mm = offsets(reach_mm * search.inwards + search.look_mm, reach_mm * search.outwards + search.look_mm)
    u, v = (a.astype(np.float32)[None, ..., None] for a in np.meshgrid(U_MM[near[0]], V_MM[near[1]], indexing="ij"))
    u, v = (np.broadcast_to(a, (2 * count, *a.shape[1:])) for a in (u, v))
    profile, usable = both.along(u, v, start[..., None] + sign[..., None] * offset_mm, *search.hu_range)
    profile = smooth(profile, search.smooth_cells)
    searched = (rim > 0.5) & usable
    height = np.median(begin.top - begin.bottom, axis=(1, 2))
    inwards = np.minimum(reach_mm * search.inwards, search.of_height * np.tile(height, 2)).astype(np.float32)[
        :, None, None, None
    ]
    cost = np.clip(gradient(profile), -250.0, 60.0) / 100.0
    cost += search.hold * offset_mm**2 + beyond(offset_mm, inwards, reach_mm * search.outwards)
    cost += search.beyond_disc * np.clip(
        _beyond_disc(profile, offset_mm, searched, reach_mm * search.outwards, search), 0.0, 2.0
    )
    label = best_surface(_where(searched, cost, 0.05 * offset_mm**2), search.bend)
    # The outside level lies a slice away where slices are thick.
    edges = half_maximum(profile, label, offset_mm, limits, max(limits.outside_mm, sight.geometry.spacing_mm[2]))
    held = np.isfinite(outline) & (rim > search.own_rim_mm)
    own_mm = np.where(held, np.clip(sign * (outline - start), -search.own_limit_mm, search.own_limit_mm), 0.0).astype(
        np.float32
    )
    offset = settle(edges, searched * np.clip(rim / 3.0, 0.2, 1.0), own_mm, limits.own_weight, search.smooth_cells)
    offset = np.stack([spread(o, r > -0.5) for o, r in zip(offset, rim, strict=True)])
    found = _without_bridges(start + sign * offset, sign, rim, polynomial(2)[near], search)
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


def _beyond_disc(profile: Array, offset_mm: Array, searched: Mask, outwards_mm: float, search: PlateSearch) -> Array:
    """Return how many labels each label is beyond the darkest surface outside the plate: the middle of the disc."""
    cost = np.clip(profile, 40.0, 350.0) / 100.0 + search.disc_hold * (offset_mm - 1.0) ** 2
    cost += beyond(offset_mm, -search.disc_from_mm, outwards_mm + search.disc_to_mm)
    disc = best_surface(_where(searched, cost, 0.05 * (offset_mm - 1.0) ** 2), search.disc_bend)
    return _where(searched, np.arange(len(offset_mm)) - disc[..., None], np.zeros_like(offset_mm))


def _without_bridges(plates: Array, sign: Array, rim: Array, terms: NDArray[np.float64], search: PlateSearch) -> Array:
    """Limit plates (bodies, n0, n1) to a quadric of these terms through each, close to it at the rims."""
    out = np.empty_like(plates)
    for body, plate in enumerate(plates):
        inner = rim[body] > 1.5
        fit = spread(terms @ robust_fit(terms[inner], plate[inner], 0.5, 0.5), inner)
        inwards = np.where(rim[body] > search.rim_mm, search.node_mm, search.rim_in_mm)
        out[body] = fit + sign[body] * np.clip(sign[body] * (plate - fit), -inwards, search.rim_out_mm)
    return out
