"""The front, the sides and the corners at the pedicles."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

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
from .surfaces import ANGLE, DEGREES, LEVEL, Array, Mask, Surfaces, between_plates


@dataclass(frozen=True)
class WallSearch:
    """How the front, the sides and the corners at the pedicles are looked for."""

    looked_mm: tuple[float, float] = tuned(
        (5.0, 6.5),
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
        0.6,
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
        0.02,
        "cost of the squared distance from the start",
        unit="100 HU per mm, for each mm2",
        source="halved or doubled, it moves the mean Dice by less than 0.005",
        data=THREE_SLICES,
    )
    hold_at_pedicle: float = tuned(
        0.05,
        "cost of the squared distance from the start, at pedicles",
        unit="100 HU per mm, for each mm2",
        source="halved or doubled, it moves the mean Dice by less than 0.005",
        data=THREE_SLICES,
    )
    bone_hu: float = tuned(
        170.0,
        "what is brighter beyond the edge is the head of a rib, or more of the body",
        unit="HU",
        source="soft tissue is darker",
        data=THREE_SLICES,
    )
    dark_mm: float = tuned(
        2.5, "how far beyond the edge that is looked at", unit="mm", source="not recorded", data=THREE_SLICES
    )
    pedicle_hu: float = tuned(
        165.0, "a pedicle is brighter all the way outwards", unit="HU", source="it is bone", data=THREE_SLICES
    )
    pedicle_from_mm: float = tuned(
        -1.6, "from where on a pedicle must be bright", unit="mm outwards", source="not recorded", data=THREE_SLICES
    )
    pedicle_to_mm: float = tuned(
        5.1, "up to where it must be bright", unit="mm outwards", source="not recorded", data=THREE_SLICES
    )
    pedicle_degrees: tuple[float, float] = tuned(
        (12.0, 80.0),
        "pedicles leave the body in this range",
        unit="degrees from straight back",
        source="to the side of the canal",
        data=THREE_SLICES,
    )
    own_limit_mm: float = tuned(
        2.0,
        "the outline of the network is followed this far, if no edge is seen",
        unit="mm",
        source="not recorded",
        data=THREE_SLICES,
    )
    own_from: float = tuned(
        0.3,
        "behind it the outline of the network is not followed",
        unit="sine of the angle, back is 1",
        source="its corners lack 2 mm there, and its back wall is cut straight",
        data=THREE_SLICES,
    )
    spur_mm: float = tuned(
        3.0,
        "what goes farther out is a spur",
        unit="mm beyond the usual flare of the rims",
        source="not recorded",
        data=THREE_SLICES,
    )
    spur_degrees: tuple[float, float] = tuned(
        (190.0, 350.0),
        "where spurs are cut off: the front half",
        unit="degrees from the left over the back",
        source="the front alone has a flare that is usual",
        data=THREE_SLICES,
    )
    canal_mm: float = tuned(
        8.0,
        "there the back wall alone is the end of the body",
        unit="mm from the middle",
        source="not recorded",
        data=THREE_SLICES,
    )


WALL_SEARCH = WallSearch()


def find_walls(
    sight: Sight,
    begin: Surfaces,
    own: Surfaces,
    reach_mm: float,
    search: WallSearch = WALL_SEARCH,
    limits: EdgeLimits = EDGE_LIMITS,
) -> tuple[Array, Array]:
    """Return the walls' radius (bodies, ANGLE, LEVEL), and the share of the front and sides that is seen (bodies,).

    Arguments as for find_plates.
    """
    cos, sin = (f(ANGLE)[None, :, None].astype(np.float32) for f in (np.cos, np.sin))
    start, offset_mm = begin.radius, offsets(*search.looked_mm)
    w = between_plates(begin.bottom, begin.top, start * cos, start * sin)
    radius = start[..., None] + offset_mm
    profile, usable = sight.along(radius * cos[..., None], radius * sin[..., None], w[..., None], *search.hu_range)
    profile = smooth(profile, search.smooth_cells, wrap=True)
    pedicle = _pedicle(profile, offset_mm, search)
    searched = usable & ~pedicle
    cost = np.clip(gradient(profile), -200.0, 50.0) / 100.0 + np.clip(
        (_darkest(profile, search) - search.bone_hu) / 100.0, 0.0, 2.0
    )
    cost = np.where(searched[..., None], cost, 0.0) + beyond(offset_mm, reach_mm, reach_mm)
    cost += np.where(pedicle[..., None], search.hold_at_pedicle, search.hold) * offset_mm**2
    label = best_surface(cost.astype(np.float32), search.bend, wrap=True)
    edges = half_maximum(profile, label, offset_mm, limits)
    held = np.isfinite(own.radius) & (sin < search.own_from)
    own_mm = np.where(held, np.clip(own.radius - start, -search.own_limit_mm, search.own_limit_mm), 0.0).astype(
        np.float32
    )
    found = start + settle(edges, searched, own_mm, limits.own_weight, search.smooth_cells, wrap=True)
    return _with_corners(_without_spurs(found, search), pedicle), share_seen(
        edges.trust * usable, sin < search.own_from
    )


def free_behind_the_canal(radius: Array, search: WallSearch = WALL_SEARCH) -> Array:
    """Return walls (bodies, ANGLE, LEVEL) that are out of the way where the back wall alone is the body's end."""
    cos, sin = np.cos(ANGLE)[None, :, None], np.sin(ANGLE)[None, :, None]
    return np.where((sin > 0.0) & (radius * np.abs(cos) < search.canal_mm), radius + search.canal_mm, radius).astype(
        np.float32
    )


def _darkest(profile: Array, search: WallSearch) -> Array:
    """Return the lowest HU from a label's own place to ``dark_mm`` beyond it; ``bone_hu`` where that isn't seen."""
    labels = round(search.dark_mm / STEP_MM)
    seen = np.lib.stride_tricks.sliding_window_view(profile, labels, axis=-1).min(axis=-1)[..., 1:]
    out = np.full_like(profile, search.bone_hu)
    out[..., : seen.shape[-1]] = seen
    return out


def _pedicle(profile: Array, offset_mm: Array, search: WallSearch) -> Mask:
    """Return where a pedicle leaves the body (bodies, ANGLE, LEVEL): bone all the way, to the side of the canal."""
    near = (offset_mm > search.pedicle_from_mm) & (offset_mm < search.pedicle_to_mm)
    from_back = np.abs(DEGREES - 90.0)
    beside = ((from_back > search.pedicle_degrees[0]) & (from_back < search.pedicle_degrees[1]))[:, None]
    bone = (profile[..., near].min(axis=-1) > search.pedicle_hu) & beside
    cross = ndimage.generate_binary_structure(2, 1)[None]
    return np.asarray(ndimage.binary_dilation(ndimage.binary_opening(bone, cross), cross) & beside)


def _without_spurs(radius: Array, search: WallSearch) -> Array:
    """Limit the front: what goes farther than ``spur_mm`` beyond the usual flare of a body's rims is a spur."""
    front = (search.spur_degrees[0] < DEGREES) & (search.spur_degrees[1] > DEGREES)
    waist = np.percentile(radius[:, :, (LEVEL > 0.3) & (LEVEL < 0.7)], 30, axis=2)
    waist = ndimage.gaussian_filter1d(waist, 1.2, axis=1, mode="wrap")[..., None]
    flare = np.median((radius - waist)[:, front], axis=1, keepdims=True)
    flare = np.clip(ndimage.gaussian_filter1d(flare, 1.0, axis=2, mode="nearest"), 0.5, 9.0)
    limit = np.where(front[:, None], waist + flare + search.spur_mm, np.inf)
    return np.minimum(radius, limit).astype(np.float32)


def _with_corners(radius: Array, pedicle: Mask) -> Array:
    """Carry the side walls straight on to the back where a pedicle hides them: there the back wall ends the body."""
    out = radius.copy()
    left, back, right = (int(np.argmin(np.abs(DEGREES - d))) for d in (0.0, 90.0, 180.0))
    for side, towards in ((left, 1), (right, -1)):
        ahead = [side - towards * k for k in (2, 1, 0, -1)]
        lateral = (radius[:, ahead] * np.abs(np.cos(ANGLE[ahead]))[None, :, None]).max(axis=1)
        for i in range(side, back, towards):
            cos = abs(float(np.cos(ANGLE[i])))
            free = ~pedicle[:, i]
            lateral = np.where(free, radius[:, i] * cos, lateral)
            out[:, i] = np.where(free, radius[:, i], lateral / cos)
    return out
