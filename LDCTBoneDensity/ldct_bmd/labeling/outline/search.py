"""The search for each of a body's surfaces in the scan."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...scan import Geometry
from .best_surface import best_surface
from .frame import Frame, Part
from .profiles import STEP_MM, blend, gradient, half_maximum, smooth, take
from .start import ANGLE, LEVEL, U_MM, V_MM, Start, Surfaces, fourier, plate_at, polynomial, robust_fit

Array = NDArray[np.float32]

PLATE_MM = np.arange(-10.0, 9.1, STEP_MM, dtype=np.float32)
WALL_MM = np.arange(-5.0, 6.6, STEP_MM, dtype=np.float32)
BACK_MM = np.arange(-5.0, 8.1, STEP_MM, dtype=np.float32)
PLATE_BEND, WALL_BEND, BACK_BEND = 0.20, 0.20, 0.30
PLATE_HOLD, WALL_HOLD, BACK_HOLD = 0.01, 0.02, 0.01
BONE_BEYOND_HU = 165.0
CANAL_MM = 6.0
WIDE = 0.8
SHEET = True
SHEETH = 0.002
SHEETP = 1.5
SHEETIN = -0.5
SHEETOUT = 2.5
BEHIND = 8.0
INF, OUTF = 1.75, 1.5


@dataclass(frozen=True)
class Sight:
    """The scan about the bodies, and their frames."""

    hu: Part
    geometry: Geometry
    frames: Sequence[Frame]

    def along(self, u, v, w) -> Array:
        """Return HU at points (bodies, ...), nan outside the scan."""
        out = np.empty(np.broadcast_shapes(u.shape, v.shape, w.shape), dtype=np.float32)
        last = np.asarray(self.geometry.size) - 0.5
        for i, frame in enumerate(self.frames):
            points = np.stack(np.broadcast_arrays(u[i], v[i], w[i]), axis=-1)
            index = frame.to_index_xyz(points, self.geometry)
            hu = self.hu.at(index)
            out[i] = np.where(((index < -0.5) | (index > last)).any(axis=-1), np.nan, hu)
        return out


def plates(sight: Sight, begin: Surfaces, own: Surfaces, reach: float) -> tuple[Array, Array]:
    """Return bottom and top (bodies, U_MM, V_MM) and how far each can be trusted."""
    u, v = np.meshgrid(U_MM, V_MM, indexing="ij")
    angle = np.mod(np.arctan2(v, u), 2 * np.pi) / (ANGLE[1] - ANGLE[0])
    start = np.concatenate([begin.bottom, begin.top])
    raw = np.concatenate([own.bottom, own.top])
    count = len(begin.top)
    sign = np.repeat(np.float32([-1.0, 1.0]), count)[:, None, None]
    radius = np.concatenate([begin.radius[..., :2].mean(axis=-1), begin.radius[..., -2:].mean(axis=-1)])
    wrapped = np.concatenate([radius, radius[:, :1]], axis=1)
    rim = np.stack([ndimage.map_coordinates(r, [angle], order=1) for r in wrapped]) - np.hypot(u, v)
    foot = rim > 0.5
    w = start[..., None] + sign[..., None] * PLATE_MM
    shape = w.shape
    one = np.ones((2 * count, 1, 1, 1), dtype=np.float32)
    both = Sight(sight.hu, sight.geometry, [*sight.frames, *sight.frames])
    profile = both.along(u[None, ..., None] * one, v[None, ..., None] * one, w)
    seen = np.isfinite(profile).all(axis=-1)
    profile = smooth(np.clip(np.nan_to_num(profile, nan=60.0), -50.0, 650.0), 0.7)
    cost = np.clip(gradient(profile), -250.0, 60.0) / 100.0
    cost += PLATE_HOLD * PLATE_MM**2 + 2.0 * np.clip(-PLATE_MM - reach*INF, 0.0, None) ** 2 + 2.0 * np.clip(PLATE_MM - reach*OUTF, 0.0, None) ** 2
    cost = np.where((foot & seen)[..., None], cost, 0.05 * PLATE_MM**2).astype(np.float32)
    if SHEET:
        disc = np.clip(profile, 40.0, 350.0) / 100.0 + SHEETH * (PLATE_MM - 1.0) ** 2
        disc += 2.0 * np.clip(-PLATE_MM - SHEETIN, 0.0, None) ** 2 + 2.0 * np.clip(PLATE_MM - reach * OUTF - SHEETOUT, 0.0, None) ** 2
        disc = np.where((foot & seen)[..., None], disc, 0.05 * (PLATE_MM - 1.0) ** 2).astype(np.float32)
        sheet = best_surface(disc, 2 * PLATE_BEND)
        beyond = np.arange(len(PLATE_MM)) - sheet[..., None]
        cost += np.where((foot & seen)[..., None], SHEETP * np.clip(beyond, 0.0, 2.0), 0.0)
    label = best_surface(cost, PLATE_BEND)
    edges = half_maximum(profile, label, PLATE_MM)
    trust = edges.trust * foot * seen * np.clip(rim / 3.0, 0.2, 1.0)
    held = np.where(np.isfinite(raw) & (rim > 4.0), np.clip(sign * (raw - start), -2.0, 2.0), 0.0).astype(np.float32)
    offset = blend(replace(edges, trust=trust.astype(np.float32)), held, 0.05, 0.7)
    for i in range(2 * count):
        near = ndimage.distance_transform_edt(rim[i] < -0.5, return_distances=False, return_indices=True)
        offset[i] = offset[i][near[0], near[1]]
    found = start + sign * offset
    found = _without_bridges(found, sign, trust, rim)
    return found[:count], found[count:]


ORDER = 2
RIM_OUT, RIM_IN, NODE = 1.0, 0.8, 5.0


def _without_bridges(found, sign, trust, rim):
    u, v = np.meshgrid(U_MM / 15.0, V_MM / 15.0, indexing="ij")
    terms = polynomial(u, v, ORDER)
    out = found.copy()
    for i in range(len(found)):
        m = rim[i] > 1.5
        if m.sum() < 30:
            continue
        fit = terms @ robust_fit(terms[m], found[i][m], 0.5, 0.5)
        near = ndimage.distance_transform_edt(~m, return_distances=False, return_indices=True)
        fit = fit[near[0], near[1]]
        off = (found[i] - fit) * sign[i]
        inwards = np.where(rim[i] > 5.0, NODE, RIM_IN)
        out[i] = fit + sign[i] * np.clip(off, -inwards, RIM_OUT)
    return out.astype(np.float32)


def walls(sight: Sight, begin: Surfaces, own: Surfaces, reach: float) -> Array:
    """Return the walls' radius (bodies, ANGLE, LEVEL)."""
    cos, sin = (f(ANGLE)[None, :, None].astype(np.float32) for f in (np.cos, np.sin))
    start = begin.radius
    low, high = (plate_at(p, start * cos, start * sin) for p in (begin.bottom, begin.top))
    w = low + LEVEL.astype(np.float32) * (high - low)
    r = start[..., None] + WALL_MM
    profile = sight.along(r * cos[..., None], r * sin[..., None], w[..., None])
    seen = np.isfinite(profile).all(axis=-1)
    profile = smooth(np.clip(np.nan_to_num(profile, nan=60.0), 20.0, 550.0), 0.6, wrap=True)
    beyond = np.lib.stride_tricks.sliding_window_view(profile, 5, axis=-1).min(axis=-1)[..., 1:]
    dark = np.full_like(profile, 170.0)
    dark[..., : beyond.shape[-1]] = beyond
    cost = np.clip(gradient(profile), -200.0, 50.0) / 100.0 + np.clip((dark - 170.0) / 100.0, 0.0, 2.0)
    through = _bone_beyond(profile)
    cost = np.where((through | ~seen)[..., None], 0.0, cost)
    cost += np.where(through[..., None], 0.05, WALL_HOLD) * WALL_MM**2
    cost += 2.0 * np.clip(np.abs(WALL_MM) - reach, 0.0, None) ** 2
    label = best_surface(cost.astype(np.float32), WALL_BEND, wrap=True)
    edges = half_maximum(np.minimum(profile, 550.0), label, WALL_MM)
    trust = edges.trust * ~through * seen
    held = np.where(np.isfinite(own.radius), np.clip(own.radius - start, -2.0, 2.0), 0.0)
    held = np.where(np.sin(ANGLE)[None, :, None] > 0.3, 0.0, held).astype(np.float32)
    radius = start + blend(replace(edges, trust=trust.astype(np.float32)), held, 0.05, 0.6, wrap=True)
    return without_spurs(radius), through


def _bone_beyond(profile: Array) -> NDArray[np.bool_]:
    """Return where a pedicle leaves the body: bone all the way outwards, to the side of the canal."""
    near = (WALL_MM > -1.6) & (WALL_MM < 5.1)
    behind = np.abs(np.rad2deg(ANGLE) - 90.0)
    beside = (behind > 12.0) & (behind < 80.0)
    through = (profile[..., near].min(axis=-1) > BONE_BEYOND_HU) & beside[:, None]
    out = np.empty_like(through)
    for i, t in enumerate(through):
        out[i] = ndimage.binary_dilation(ndimage.binary_opening(t)) & beside[:, None]
    return out


def without_spurs(radius: Array) -> Array:
    """Limit the front and sides to 3 mm beyond the usual flare of their rims: what goes farther is a spur."""
    angle = np.rad2deg(ANGLE)
    front = (angle > 190.0) & (angle < 350.0)
    middle = (LEVEL > 0.3) & (LEVEL < 0.7)
    waist = np.percentile(radius[:, :, middle], 30, axis=2)
    waist = ndimage.gaussian_filter1d(waist, 1.2, axis=1, mode="wrap")[..., None]
    flare = np.median((radius - waist)[:, front], axis=1, keepdims=True)
    flare = np.clip(ndimage.gaussian_filter1d(flare, 1.0, axis=2, mode="nearest"), 0.5, 9.0)
    limited = np.minimum(radius, waist + flare + 3.0)
    return np.where(front[:, None], limited, radius).astype(np.float32)


def back_wall(sight: Sight, begin: Surfaces, own: Surfaces, reach: float) -> Array:
    """Return how far back the back wall is (bodies, U_MM, LEVEL)."""
    start = begin.back
    u = np.broadcast_to(U_MM[None, :, None].astype(np.float32), start.shape)
    low, high = (plate_at(p, u, start) for p in (begin.bottom, begin.top))
    w = low + LEVEL.astype(np.float32) * (high - low)
    profile = sight.along(u[..., None], start[..., None] + BACK_MM, w[..., None])
    seen = np.isfinite(profile).all(axis=-1)
    profile = smooth(np.clip(np.nan_to_num(profile, nan=60.0), 20.0, 550.0), 0.6)
    dark = np.full_like(profile, 150.0)
    dark[..., :-3] = profile[..., 3:]
    cost = np.clip(gradient(profile), -200.0, 50.0) / 100.0 + np.clip((dark - 150.0) / 80.0, 0.0, 2.5)
    canal = (np.abs(U_MM) <= CANAL_MM)[None, :, None]
    behind = (BACK_MM > 5.0)
    pedicle = ~canal & (np.median(profile[..., behind], axis=-1) > 140.0)
    half_width = np.median(begin.radius[:, np.abs(np.sin(ANGLE)) < 0.1], axis=(1, 2))
    wide = (np.abs(U_MM) > WIDE * half_width[:, None])[..., None]
    free = seen & ~pedicle & ~wide
    cost = np.where(free[..., None], cost, 0.0) + BACK_HOLD * BACK_MM**2
    cost += 2.0 * np.clip(-BACK_MM - 3.0, 0.0, None) ** 2 + 2.0 * np.clip(BACK_MM - reach, 0.0, None) ** 2
    label = best_surface(cost.astype(np.float32), BACK_BEND)
    edges = half_maximum(profile, label, BACK_MM)
    trust = edges.trust * free
    held = np.where(np.isfinite(own.back) & canal, np.clip(own.back - start, -1.0, 2.0), 0.0).astype(np.float32)
    offset = blend(replace(edges, trust=trust.astype(np.float32)), held, 0.05, 0.7)
    back = start + offset
    return _carried_on(back, trust, free), pedicle


def _carried_on(back: Array, trust: Array, free: NDArray[np.bool_]) -> Array:
    """Beside the canal, where a pedicle hides the wall, carry it on from the canal's edge straight to the sides."""
    back = back.copy()
    first, last = np.flatnonzero(np.abs(U_MM) <= CANAL_MM)[[0, -1]]
    for i in range(last + 1, len(U_MM)):
        back[:, i] = np.where(free[:, i] & (trust[:, i] > 0.3), back[:, i], back[:, i - 1])
    for i in range(first - 1, -1, -1):
        back[:, i] = np.where(free[:, i] & (trust[:, i] > 0.3), back[:, i], back[:, i + 1])
    return back


def corners(radius: Array, back: Array, through: NDArray[np.bool_]) -> Array:
    """Carry the side walls straight on to the back wall where a pedicle hides the corner."""
    degrees = np.rad2deg(ANGLE)
    radius = radius.copy()
    for side in (1, -1):
        angles = degrees if side == 1 else np.mod(180.0 - degrees, 360.0)
        order = [int(i) for i in np.argsort(angles) if angles[i] < 90.0]
        reach = (radius[:, [int(np.flatnonzero(angles == a)[0]) for a in (350.0, 355.0, 0.0, 5.0)]]
                 * np.abs(np.cos(np.deg2rad([350.0, 355.0, 0.0, 5.0])))[None, :, None]).max(axis=1)
        lateral = reach
        for i in order:
            c = max(abs(np.cos(ANGLE[i])), 0.05)
            free = ~through[:, i]
            lateral = np.where(free, radius[:, i] * c, lateral)
            if angles[i] > 0:
                radius[:, i] = np.where(free, radius[:, i], np.minimum(lateral / c, 60.0))
    return radius


def behind_the_canal(radius: Array) -> Array:
    """Set the walls free where the back wall alone is the body's end."""
    cos, sin = np.cos(ANGLE)[None, :, None], np.sin(ANGLE)[None, :, None]
    return np.where((sin > 0.0) & (radius * np.abs(cos) < BEHIND), radius + 8.0, radius).astype(np.float32)
