"""Separating the vertebral bodies of a foreground map: cuts through the discs, found along the spine.

Bodies that touch (thick slices, bridging osteophytes) are split and fragments of one body stay together, because the
cuts are chosen for the whole column at once: where the cross-section dips and where, in the scan itself along the
straightened spine, a narrow dark band between two endplates shows a disc, at distances that vertebrae have.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import make_smoothing_spline
from skimage.segmentation import watershed

from .name import HEIGHTS_MM

STEP_MM = 0.5  # along the spine
MIN_PERIOD_MM, MAX_PERIOD_MM = 9.0, 55.0  # body and disc: L1 crushed to a quarter; L4 of a tall man
# Chosen by looking at the profiles of one chest and one abdomen CT, then kept for the others.
CUT_COST = 0.45  # a body has a waist, and darker bone above and below its middle
# A cut where the section falls by less than NO_DISC costs up to that much more: no height is reason enough for it.
NO_DISC, THROUGH_BONE = 0.12, 1.5
REGULARITY = 0.25  # cost of neighbours that differ by a factor e in height,
MOST_IRREGULAR = 0.1  # and the most that one pair costs: a crushed body is no reason to cut others
EMPTY = 0.02  # of the largest cross-section: less is no body
SLIVER_MM = 12.0  # T1 of a small woman is that high: what a lower body costs, at the end of what is seen, where the
CUT_SLIVER, SLIVER = 0.3, 0.15  # scan cuts it seldom so close to its edge, and elsewhere, where it is crushed
LEVELS, MOST_LEVELS = 0.8, 1.0  # cost of a stretch over which the level changes by two, or not at all, and its limit
LEVEL_SMOOTH_MM = 3.0
# A cut costs where the coarse network sees the middle of a body and gains half way between two, on average nothing. A
# clear disc gains more, so that this decides where the scan shows none: bridged discs, bodies with dark middles.
MID_BODY = 0.6
# A body may be that much taller than usual; cost of one that is e times taller than that, and its limit.
TALL, TOO_TALL, MOST_TALL = 1.2, 5.0, 2.0
INSEPARABLE = 2.0  # cost of a stretch longer than any body, in which no disc is seen
SHARPEN = 4  # power of the probability: what is half in doubt is a disc rather than a body
# The middle of the spine, well inside endplates' rims and away from the canal.
CORE_ACROSS_MM, CORE_BACK_MM = np.arange(-8.0, 9.0, 2.0), np.arange(-6.0, 7.0, 2.0)
CORE_HU = (-100.0, 600.0)
WIDEST_DISC_MM = 12.0
HU_OFFSET = 200.0  # so that a disc of 90 HU between endplates of 200 HU counts
MIN_BODY_ML = 1.0
SMOOTH_MM = 1.0
CORE = 0.5  # middle part of each segment that seeds its body
# Bodies meet in a valley of the foreground; where it shows none, at the cut: it is a ridge, this high, between them.
RIDGE = 0.5


@dataclass(frozen=True)
class SpineCurve:
    """The spine as a curve: y and x (mm) as smooth functions of z (mm), with arc length."""

    z_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    x_mm: NDArray[np.float64]
    s_mm: NDArray[np.float64]

    def arc_length(self, points_zyx_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the arc length (n,) at which the curve's normal plane holds each point (n, 3)."""
        slope_y, slope_x = np.gradient(self.y_mm, self.z_mm), np.gradient(self.x_mm, self.z_mm)
        z = points_zyx_mm[:, 0].copy()
        for _ in range(5):
            y, x = np.interp(z, self.z_mm, self.y_mm), np.interp(z, self.z_mm, self.x_mm)
            dy, dx = np.interp(z, self.z_mm, slope_y), np.interp(z, self.z_mm, slope_x)
            ahead = points_zyx_mm[:, 0] - z + (points_zyx_mm[:, 1] - y) * dy + (points_zyx_mm[:, 2] - x) * dx
            z += 0.8 * ahead / (1 + dy**2 + dx**2)
        return np.interp(z, self.z_mm, self.s_mm)

    def frame(self, s_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return at arc lengths (n,) the curve's points and the unit vectors to the left and to the back, (n, 3) each.

        All in (z, y, x) order, in mm. Beyond its ends the curve goes straight on.
        """
        z = np.interp(s_mm, self.s_mm, self.z_mm)
        z = z + np.minimum(s_mm - self.s_mm[0], 0) + np.maximum(s_mm - self.s_mm[-1], 0)
        line = np.stack([z, np.interp(z, self.z_mm, self.y_mm), np.interp(z, self.z_mm, self.x_mm)], axis=1)
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        left = np.array([0.0, 0.0, 1.0]) - along[:, 2:] * along
        left /= np.linalg.norm(left, axis=1, keepdims=True)
        return line, left, np.cross(left, along)


def fit_curve(points_zyx_mm: NDArray[np.float64], weight: NDArray[np.float64]) -> SpineCurve:
    """Fit the curve through foreground voxels (n, 3): a smoothing spline through their centres slab by slab."""
    z = points_zyx_mm[:, 0]
    slab = np.floor(z / 4.0).astype(int)
    slab -= slab.min()
    mass = np.bincount(slab, weight)
    used = mass > 0.05 * np.median(mass[mass > 0])
    centres = [np.bincount(slab, weight * points_zyx_mm[:, a])[used] / mass[used] for a in range(3)]
    line_z = np.arange(z.min() - 30, z.max() + 30, 1.0)
    if used.sum() >= 5:
        trust = np.sqrt(mass[used] / mass.max())
        fits = [make_smoothing_spline(centres[0], c, w=trust, lam=3e3) for c in centres[1:]]
        inside = np.clip(line_z, centres[0][0], centres[0][-1])
        # Beyond the ends it goes straight on.
        line_y, line_x = (f(inside) + f.derivative()(inside) * (line_z - inside) for f in fits)
    else:
        line_y, line_x = (np.full_like(line_z, c.mean()) for c in centres[1:])
    pitch = np.sqrt(np.gradient(line_y, line_z) ** 2 + np.gradient(line_x, line_z) ** 2 + 1)
    return SpineCurve(line_z, line_y, line_x, np.cumsum(pitch) - pitch[0])


class Separation(NamedTuple):
    """Bodies told apart.

    Attributes:
        numbers: (z, y, x), 1 for the uppermost body, 0 outside.
        extents: (n, 2), each body's extent along the spine in mm of arc length; empty where there is none.
        curve: the spine; None where there is none.
        discs: (n - 1,), how clearly a disc is seen between each body and the next: how far, 0 to 1, the section of bone
            falls between them.
    """

    numbers: NDArray[np.uint8]
    extents: NDArray[np.float64]
    curve: SpineCurve | None
    discs: NDArray[np.float64]


HUAt = Callable[[NDArray[np.float64]], NDArray[np.floating]]
LevelAt = Callable[[NDArray[np.intp]], NDArray[np.floating]]


def separate(
    foreground: NDArray[np.floating],
    spacing_zyx_mm: tuple[float, float, float],
    hu_at: HUAt | None = None,
    level_at: LevelAt | None = None,
) -> Separation:
    """Number the vertebral bodies of a foreground probability map from the top.

    Args:
        foreground: (z, y, x), probability of vertebral body.
        hu_at: the scan's HU at points (n, 3), in mm (z, y, x) from the centre of the map's first voxel.
        level_at: for voxels (n, 3) two rows: the expected number of the body counted upwards times how surely there is
            one, and how surely.
    """
    spacing = np.asarray(spacing_zyx_mm)
    numbers = np.zeros(foreground.shape, dtype=np.uint8)
    mask = _column(foreground > 0.5, spacing)
    voxels = np.argwhere(mask)
    if not len(voxels):
        return Separation(numbers, np.empty((0, 2)), None, np.empty(0))
    # A margin of doubtful voxels makes the profile smooth.
    wide = np.argwhere(ndimage.binary_dilation(mask, iterations=1) & (foreground > 0.1))
    weight = foreground[tuple(wide.T)].astype(np.float64)
    curve = fit_curve(wide * spacing, weight)
    s = curve.arc_length(wide * spacing)
    low = s.min() - 2 * STEP_MM
    bins = np.floor((s - low) / STEP_MM).astype(int)
    profile = np.bincount(bins, weight**SHARPEN, minlength=bins.max() + 4) * float(np.prod(spacing)) / STEP_MM  # mm2
    profile = ndimage.gaussian_filter1d(profile, SMOOTH_MM / STEP_MM)
    if hu_at is not None:
        profile *= _bone_along(curve, low + (np.arange(len(profile)) + 0.5) * STEP_MM, hu_at)
    voxel_s = curve.arc_length(voxels * spacing)
    level = None
    if level_at is not None:
        level = _level_along(np.floor((voxel_s - low) / STEP_MM).astype(int), level_at(voxels), len(profile))
    found = choose_cuts(profile, level)
    cuts = found * STEP_MM + low
    segment = np.searchsorted(cuts, voxel_s)  # 1 ... len(cuts) - 1 from the bottom
    centre = (cuts[1:] + cuts[:-1]) / 2
    half = np.diff(cuts) / 2
    known = (segment > 0) & (segment < len(cuts))
    index = np.clip(segment - 1, 0, len(centre) - 1)
    core = known & (np.abs(voxel_s - centre[index]) < CORE * half[index])
    seeds = np.zeros(foreground.shape, dtype=np.int32)
    seeds[tuple(voxels[core].T)] = segment[core]
    height = -ndimage.gaussian_filter(foreground.astype(np.float32), 0.7)
    height[tuple(voxels[known].T)] += RIDGE * ((np.abs(voxel_s - centre[index]) / half[index]) ** 2)[known]
    flooded = watershed(height, seeds, mask=mask)
    extents, kept = [], []
    total = float(np.prod(spacing)) / 1000.0
    for number in range(len(cuts) - 1, 0, -1):
        part = flooded == number
        if part.sum() * total < MIN_BODY_ML or cuts[number] - cuts[number - 1] > MAX_PERIOD_MM:
            continue
        along = voxel_s[part[tuple(voxels.T)]]
        extents.append((float(np.percentile(along, 2)), float(np.percentile(along, 98))))
        numbers[part] = len(extents)
        kept.append(profile[found[number - 1] : found[number] + 1])
    return Separation(numbers, np.asarray(extents).reshape(-1, 2), curve, _discs(kept))


def _discs(sections: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return how far, 0 to 1, the profile falls between each body and the next.

    Args:
        sections: the profile over each body from the top, ends included, upwards.
    """
    return np.array(
        [1.0 - min(upper[0], lower[-1]) / min(upper.max(), lower.max()) for upper, lower in pairwise(sections)]
    )


def _level_along(bins: NDArray[np.intp], seen: NDArray[np.floating], length: int) -> NDArray[np.float64] | None:
    """Return the expected number of the body, counted upwards, for each sample along the spine."""
    smooth = LEVEL_SMOOTH_MM / STEP_MM
    moment, mass = (
        ndimage.gaussian_filter1d(np.bincount(bins, row, minlength=length)[:length], smooth, mode="constant")
        for row in seen
    )
    known = mass > 1e-3 * mass.max()
    if not known.any():
        return None
    where = np.flatnonzero(known)
    return np.interp(np.arange(length), where, moment[where] / mass[where])


def _bone_along(curve: SpineCurve, s_mm: NDArray[np.float64], hu_at: HUAt) -> NDArray[np.float64]:
    """Return for each arc length how far (0 to 1) the middle of the spine is bone there, not a disc.

    A disc is darker than the endplates on both sides of it, which are nearer to each other than those of a body.
    """
    line, across, back = curve.frame(s_mm)
    u, v = (grid.ravel()[None, :, None] for grid in np.meshgrid(CORE_ACROSS_MM, CORE_BACK_MM))
    points = line[:, None] + u * across[:, None] + v * back[:, None]
    hu = np.median(np.asarray(hu_at(points.reshape(-1, 3))).reshape(len(s_mm), -1), axis=1)
    hu = ndimage.gaussian_filter1d(np.clip(hu, *CORE_HU), SMOOTH_MM / STEP_MM)
    filled = ndimage.grey_closing(hu, size=round(WIDEST_DISC_MM / STEP_MM), mode="nearest")
    return np.asarray((1.0 - (filled - hu) / (filled + HU_OFFSET)) ** 3)


def _column(mask: NDArray[np.bool_], spacing: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Drop specks: parts under the size of the smallest fragment worth having."""
    parts, count = ndimage.label(mask)
    if not count:
        return mask
    volume_ml = np.bincount(parts.ravel()) * float(np.prod(spacing)) / 1000.0
    keep = volume_ml >= 0.5
    keep[0] = False
    return keep[parts]


def choose_cuts(profile: NDArray[np.float64], level: NDArray[np.float64] | None = None) -> NDArray[np.intp]:
    """Return positions (in samples, from the bottom) of the ends and of the discs in a profile of cross-sections.

    Dynamic programming over the local minima: the depth of each cut against the lower of the two highest sections
    beside it, less a cost per cut, less the irregularity of neighbouring heights. Where there is nothing, a stretch may
    have any length. A second look (``level``, the expected number of the body at each sample, counted upwards) adds
    that from one end of a body to the other it changes by one, that cuts lie between two levels, and that bodies of a
    level are seldom taller than usual.
    """
    nothing = EMPTY * profile.max()
    inside = np.flatnonzero(profile > nothing)
    first, last = int(inside[0]), int(inside[-1])
    falls, rises = np.diff(profile)[:-1], np.diff(profile)[1:]
    minima = np.flatnonzero(((falls <= 0) & (rises > 0)) | ((falls < 0) & (rises >= 0))) + 1
    nodes = np.array([first, *minima[(minima > first) & (minima < last)], last])
    count = len(nodes)
    peaks = np.zeros((count, count))
    for a in range(count):
        peaks[a, a:] = np.maximum.accumulate(profile[nodes[a] :])[nodes[a:] - nodes[a]]
    low, high, sliver = MIN_PERIOD_MM / STEP_MM, MAX_PERIOD_MM / STEP_MM, SLIVER_MM / STEP_MM
    best: dict[tuple[int, int], tuple[float, tuple[int, int] | None]] = {}
    for b in range(1, count):
        for a in range(b):
            length, at_end = nodes[b] - nodes[a], a == 0 or b == count - 1
            empty = peaks[a, b] <= nothing
            if not empty and length < low and not at_end:
                continue
            over = 0.0
            if not empty:
                over = _levels_cost(level, nodes[a], nodes[b], at_end) + _height_cost(level, nodes[a], nodes[b])
            value = -np.inf if a else -INSEPARABLE * (length > high)
            chosen: tuple[int, int] | None = None
            for before in range(a):
                state = best.get((before, a))
                if state is None:
                    continue
                gain = state[0]
                if not empty and length > high:
                    gain -= INSEPARABLE
                elif not empty and peaks[before, a] > nothing:
                    depth = 1.0 - profile[nodes[a]] / min(peaks[before, a], peaks[a, b])
                    gain += depth - CUT_COST - THROUGH_BONE * max(0.0, 1.0 - depth / NO_DISC)
                    gain -= _mid_body_cost(level, nodes[a])
                    above, below = length, nodes[a] - nodes[before]
                    if min(above, below) < sliver:
                        cut = (b == count - 1 and above < sliver) or (before == 0 and below < sliver)
                        gain -= CUT_SLIVER if cut else SLIVER
                    if before and b < count - 1:  # a body that the scan cuts may have any height
                        ratio = abs(np.log(above / below))
                        gain -= min(REGULARITY * max(0.0, ratio - 0.15), MOST_IRREGULAR)
                if gain > value:
                    value, chosen = gain, (before, a)
            if np.isfinite(value):
                best[(a, b)] = (value - over, chosen)
    finished = [(state[0], key) for key, state in best.items() if key[1] == count - 1]
    key: tuple[int, int] | None = max(finished)[1]
    path = [count - 1]
    while key is not None:
        path.append(key[0])
        key = best[key][1]
    return nodes[path[::-1]]


def _mid_body_cost(level: NDArray[np.float64] | None, at: int) -> float:
    """Return what a cut at sample ``at`` costs for lying in a body: levels are whole numbers in its middle."""
    if level is None:
        return 0.0
    off = level[at] - np.floor(level[at]) - 0.5  # evenly spread from -0.5 to 0.5, (2 off)^2 has the mean 1/3
    return float(MID_BODY * ((2.0 * off) ** 2 - 1.0 / 3.0))


def _levels_cost(level: NDArray[np.float64] | None, start: int, end: int, at_end: bool) -> float:
    """Return what a body from sample ``start`` to ``end`` costs for the change of level over it; a cut one may lack."""
    if level is None:
        return 0.0
    excess = float(level[end] - level[start]) - 1.0
    if at_end:
        excess = max(excess, 0.0)
    return min(LEVELS * excess**2, MOST_LEVELS)


def _height_cost(level: NDArray[np.float64] | None, start: int, end: int) -> float:
    """Return what a body from sample ``start`` to ``end`` costs for being taller than others of its level."""
    if level is None:
        return 0.0
    number = float(level[(start + end) // 2])  # 1: L5
    upwards_mm = list(HEIGHTS_MM.values())[::-1]
    usual_mm = np.interp(number, np.arange(1, len(upwards_mm) + 1), upwards_mm)
    excess = np.log((end - start) * STEP_MM / (TALL * usual_mm))
    return float(np.clip(TOO_TALL * excess, 0.0, MOST_TALL))
