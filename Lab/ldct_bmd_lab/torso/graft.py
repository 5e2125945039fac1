"""A second anatomy: the atlas laid onto another patient's vertebrae, and these set into it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from . import tissues as t
from .atlas import Atlas
from .canal import fill_canal
from .landmarks import find_landmarks
from .spine_map import map_spine

ENDPLATE_MM = 4.0  # of each body, so much beside a disc bounds it
FIRST_WITH_DISC, LOWEST = 8, 24  # T1, L5
BONE = (*t.BODIES, *t.ARCHES, *t.RIBS, t.SACRUM)
SACRAL_DISC_MM = 18.0  # the lowest disc is no higher than this
FEWEST_POINTS = 50

Box = tuple[slice, slice, slice]


def graft(atlas: Atlas, vertebrae: NDArray[np.uint8]) -> Atlas:
    """Return an atlas whose spine is that of ``vertebrae`` at their levels and goes on from them at the others.

    Args:
        atlas: the torso.
        vertebrae: bodies and arches of neighbours in the values of :mod:`.tissues`, as :mod:`.vertebra_masks` gives
            them, (z, y, x) at 1 mm; z up, y to the back, x to the left.

    Raises:
        UsageError: the vertebrae are not a run of the atlas's levels.
    """
    levels = tuple(level for level in t.BODIES if (vertebrae == level).any())
    anatomy = map_spine(
        find_landmarks(atlas.skeleton, tuple(int(level) for level in atlas.axis_levels)),
        find_landmarks(vertebrae, levels),
        (atlas.skeleton.shape[0], atlas.skeleton.shape[1], atlas.skeleton.shape[2]),
    )
    skeleton, organs, outside = anatomy.take(atlas.skeleton, atlas.organs, atlas.outside_mm)
    _remove(skeleton, levels)
    _set_in(skeleton, vertebrae, anatomy.offset)
    _fit_discs(skeleton, levels)
    centres = centres_of(skeleton, atlas.axis_levels)
    fill_canal(skeleton, centres)
    outside = np.minimum(outside * np.float32(anatomy.scale), np.iinfo(np.uint8).max).astype(np.uint8)
    return replace(atlas, skeleton=skeleton, organs=organs, outside_mm=outside, axis_zyx=centres)


def spine_of(atlas: Atlas) -> NDArray[np.uint8]:
    """Return the whole vertebrae of an atlas, cut out for :func:`graft`; what its upper edge cuts is left out."""
    cut = set(np.unique(atlas.skeleton[-1]).tolist()) if atlas.open_above else set()
    levels = [int(k) for k in atlas.axis_levels if not {int(k), int(k) + t.ARCH_OFFSET} & cut]
    values = (*levels, *(level + t.ARCH_OFFSET for level in levels))
    box = _box(atlas.skeleton, values)
    part = atlas.skeleton[box]
    return np.where(t.member(values)[part], part, 0).astype(np.uint8)


def _remove(skeleton: NDArray[np.uint8], levels: tuple[int, ...]) -> None:
    """Take out the atlas's own vertebrae of ``levels`` with the discs above and below; organs lie behind them."""
    gone = t.member((*levels, *(level + t.ARCH_OFFSET for level in levels)))
    gone |= t.member(tuple({_disc_below(level) for level in levels if level < LOWEST} | {_disc_below(levels[0] - 1)}))
    skeleton[gone[skeleton]] = 0


def _disc_below(level: int) -> int:
    """Return the label of the disc below ``level``; the atlas names none above T1's, which stands in for those."""
    return t.DISCS[max(0, level - FIRST_WITH_DISC)]


def _set_in(skeleton: NDArray[np.uint8], given: NDArray[np.uint8], offset: NDArray[np.int64]) -> None:
    """Write ``given``, whose first voxel is ``-offset`` of ``skeleton``, over what is there."""
    place, part = [], []
    for start, n, size in zip(-offset, given.shape, skeleton.shape, strict=True):
        low, high = max(0, int(start)), min(size, int(start) + n)
        place.append(slice(low, high))
        part.append(slice(low - int(start), high - int(start)))
    new = given[tuple(part)]
    skeleton[tuple(place)][new > 0] = new[new > 0]


def _fit_discs(skeleton: NDArray[np.uint8], levels: tuple[int, ...]) -> None:
    """Fill the hull of each two facing endplates, one of them new, with disc where there is no bone."""
    present = set(np.unique(skeleton))
    column = [level for level in (levels[0] - 1, *levels, levels[-1] + 1) if level in present and level in t.BODIES]
    for upper, lower in pairwise(column):
        fit_disc(skeleton, upper, lower)
    if LOWEST in levels:
        _fit_last_disc(skeleton, t.member(BONE))


def fit_disc(skeleton: NDArray[np.uint8], upper: int, lower: int) -> None:
    """Fill the hull of the facing endplates of two neighbours with disc where there is no bone; in place."""
    box = _box(skeleton, (upper, lower))
    part = skeleton[box]
    a, b = np.argwhere(part == upper), np.argwhere(part == lower)
    up = (a.mean(axis=0) - b.mean(axis=0)) / np.linalg.norm(a.mean(axis=0) - b.mean(axis=0))
    hull = _hull(np.concatenate([_facing(a, -up), _facing(b, up)]), part.shape)
    part[hull & ~t.member(BONE)[part]] = _disc_below(upper)


def fit_sacral_disc(skeleton: NDArray[np.uint8]) -> None:
    """Fill the hull of L5's lower endplate and of what faces it of the sacrum with disc; in place."""
    body_z, body_y, _ = (slice(s.start, s.stop) for s in _box(skeleton, (LOWEST,), margin=0))
    box = _box(skeleton, (LOWEST,), margin=int(SACRAL_DISC_MM))
    part = skeleton[box]
    body, sacrum = part == LOWEST, part == t.SACRUM
    sacrum[:, body_y.stop - box[1].start :] = False  # its facets
    near = np.argwhere(sacrum & (ndimage.distance_transform_edt(~body) <= SACRAL_DISC_MM))
    points = np.argwhere(body)
    if len(near) < FEWEST_POINTS or body_z.start == 0:
        return
    up = points.mean(axis=0) - near.mean(axis=0)
    up /= np.linalg.norm(up)
    hull = _hull(np.concatenate([_facing(points, -up), _facing(near, up)]), part.shape)
    part[hull & ~t.member(BONE)[part]] = _disc_below(LOWEST)


def _fit_last_disc(skeleton: NDArray[np.uint8], bone: NDArray[np.bool_]) -> None:
    """Fill the hull of L5's lower endplate and of what the atlas's disc touches of the sacrum."""
    disc = _disc_below(LOWEST)
    if not (skeleton == disc).any():
        return
    box = _box(skeleton, (LOWEST, disc))
    part = skeleton[box]
    body, last = np.argwhere(part == LOWEST), np.argwhere(part == disc)
    beside = np.argwhere(ndimage.binary_dilation(part == disc, iterations=2) & (part == t.SACRUM))
    up = (body.mean(axis=0) - last.mean(axis=0)) / np.linalg.norm(body.mean(axis=0) - last.mean(axis=0))
    hull = _hull(np.concatenate([_facing(body, -up), beside, last]), part.shape)
    part[hull & ~bone[part]] = disc


def _facing(body: NDArray[np.intp], towards: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the voxels (n, 3) of a body beside the endplate that looks ``towards``, which may lie at a slant."""
    local = body - body.mean(axis=0)
    height = local @ towards
    across = local - height[:, None] * towards
    cells = np.rint(across / 2.0).astype(int)
    _, cell = np.unique(cells, axis=0, return_inverse=True)
    top = np.full(cell.max() + 1, -np.inf)
    np.maximum.at(top, cell.ravel(), height)
    high = height >= np.maximum(top[cell.ravel()] - 0.5, 0.0)
    design = np.concatenate([np.ones((len(body), 1)), across], axis=1)
    plane = np.linalg.lstsq(design[high], height[high], rcond=None)[0]
    return body[height >= design @ plane - ENDPLATE_MM]


def _hull(points: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which voxels lie within the convex hull of ``points`` (n, 3)."""
    equations = ConvexHull(points).equations.astype(np.float32)
    grid = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape), indexing="ij"), axis=-1)
    inside = np.ones(shape, dtype=bool)
    for *normal, offset in equations:
        inside &= grid @ np.asarray(normal, np.float32) + offset <= 0
    return inside


def _box(skeleton: NDArray[np.uint8], values: tuple[int, ...], margin: int = 3) -> Box:
    """Return the box around all voxels of ``values`` with a margin."""
    boxes = [
        box for value, box in enumerate(ndimage.find_objects(skeleton), start=1) if box is not None and value in values
    ]
    ranges = [
        slice(max(0, min(box[axis].start for box in boxes) - margin), max(box[axis].stop for box in boxes) + margin)
        for axis in range(3)
    ]
    return ranges[0], ranges[1], ranges[2]


def centres_of(skeleton: NDArray[np.uint8], levels: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the centres (n, 3) of the bodies of ``levels``, all of which are there."""
    boxes = ndimage.find_objects(skeleton)
    centres = []
    for level in levels:
        box = boxes[int(level) - 1]
        centre = ndimage.center_of_mass(skeleton[box] == level)
        centres.append([s.start + c for s, c in zip(box, centre, strict=True)])
    return np.asarray(centres)
