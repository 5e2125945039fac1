"""The front, the sides and the corners at the pedicles."""

import numpy as np
from scipy import ndimage

from .best_surface import best_surface
from .frame import Sight
from .profiles import STEP_MM, beyond, gradient, half_maximum, offsets, settle, share_seen, smooth
from .surfaces import ANGLE, DEGREES, LEVEL, Array, Mask, Surfaces, between_plates

OFFSET_MM = offsets(5.0, 6.5)
HU_RANGE = (20.0, 550.0)
SMOOTH_CELLS = 0.6
BEND, HOLD, HOLD_AT_PEDICLE = 0.2, 0.02, 0.05
BONE_HU = 170.0  # brighter within DARK_MM beyond the edge: a rib's head or more of the body
DARK_MM = 2.5
PEDICLE_HU = 165.0  # all the way outwards
PEDICLE_DEGREES = (12.0, 80.0)  # from straight back
OWN_LIMIT_MM = 2.0
OWN_FROM = 0.3  # sine of the angle: behind it the network's corners lack 2 mm, and the back wall is cut straight
SPUR_MM = 3.0  # beyond the usual flare of the rims
SPUR_FROM, SPUR_TO = 190.0, 350.0  # degrees: the front half
CANAL_MM = 8.0  # from the middle: there the back wall alone is the body's end


def find_walls(sight: Sight, begin: Surfaces, own: Surfaces, reach_mm: float) -> tuple[Array, Array]:
    """Return the walls' radius (bodies, ANGLE, LEVEL), and the share of the front and sides that is seen (bodies,).

    Arguments as for find_plates.
    """
    cos, sin = (f(ANGLE)[None, :, None].astype(np.float32) for f in (np.cos, np.sin))
    start = begin.radius
    w = between_plates(begin.bottom, begin.top, start * cos, start * sin)
    radius = start[..., None] + OFFSET_MM
    profile, usable = sight.along(radius * cos[..., None], radius * sin[..., None], w[..., None], *HU_RANGE)
    profile = smooth(profile, SMOOTH_CELLS, wrap=True)
    pedicle = _pedicle(profile)
    searched = usable & ~pedicle
    cost = np.clip(gradient(profile), -200.0, 50.0) / 100.0 + np.clip((_darkest(profile) - BONE_HU) / 100.0, 0.0, 2.0)
    cost = np.where(searched[..., None], cost, 0.0) + beyond(OFFSET_MM, reach_mm, reach_mm)
    cost += np.where(pedicle[..., None], HOLD_AT_PEDICLE, HOLD) * OFFSET_MM**2
    label = best_surface(cost.astype(np.float32), BEND, wrap=True)
    edges = half_maximum(profile, label, OFFSET_MM)
    held = np.isfinite(own.radius) & (sin < OWN_FROM)
    own_mm = np.where(held, np.clip(own.radius - start, -OWN_LIMIT_MM, OWN_LIMIT_MM), 0.0).astype(np.float32)
    found = start + settle(edges, searched, own_mm, SMOOTH_CELLS, wrap=True)
    return _with_corners(_without_spurs(found), pedicle), share_seen(edges.trust * usable, sin < OWN_FROM)


def free_behind_the_canal(radius: Array) -> Array:
    """Return walls (bodies, ANGLE, LEVEL) that are out of the way where the back wall alone is the body's end."""
    cos, sin = np.cos(ANGLE)[None, :, None], np.sin(ANGLE)[None, :, None]
    return np.where((sin > 0.0) & (radius * np.abs(cos) < CANAL_MM), radius + CANAL_MM, radius).astype(np.float32)


def _darkest(profile: Array) -> Array:
    """Return the lowest HU from a label's own place to DARK_MM beyond it; BONE_HU where that isn't seen."""
    labels = round(DARK_MM / STEP_MM)
    seen = np.lib.stride_tricks.sliding_window_view(profile, labels, axis=-1).min(axis=-1)[..., 1:]
    out = np.full_like(profile, BONE_HU)
    out[..., : seen.shape[-1]] = seen
    return out


def _pedicle(profile: Array) -> Mask:
    """Return where a pedicle leaves the body (bodies, ANGLE, LEVEL): bone all the way, to the side of the canal."""
    near = (OFFSET_MM > -1.6) & (OFFSET_MM < 5.1)
    from_back = np.abs(DEGREES - 90.0)
    beside = ((from_back > PEDICLE_DEGREES[0]) & (from_back < PEDICLE_DEGREES[1]))[:, None]
    bone = (profile[..., near].min(axis=-1) > PEDICLE_HU) & beside
    cross = ndimage.generate_binary_structure(2, 1)[None]
    return np.asarray(ndimage.binary_dilation(ndimage.binary_opening(bone, cross), cross) & beside)


def _without_spurs(radius: Array) -> Array:
    """Limit the front: what goes farther than SPUR_MM beyond the usual flare of a body's rims is a spur."""
    front = (DEGREES > SPUR_FROM) & (DEGREES < SPUR_TO)
    waist = np.percentile(radius[:, :, (LEVEL > 0.3) & (LEVEL < 0.7)], 30, axis=2)
    waist = ndimage.gaussian_filter1d(waist, 1.2, axis=1, mode="wrap")[..., None]
    flare = np.median((radius - waist)[:, front], axis=1, keepdims=True)
    flare = np.clip(ndimage.gaussian_filter1d(flare, 1.0, axis=2, mode="nearest"), 0.5, 9.0)
    limit = np.where(front[:, None], waist + flare + SPUR_MM, np.inf)
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
