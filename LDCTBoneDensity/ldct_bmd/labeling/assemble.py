"""Making the vertebral column of what the networks saw."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy import VERSE_VALUE, region
from ..ground.errors import CannotMeasure
from ..ground.progress import Progress
from ..scan import CTScan, Geometry
from ..segmentation import NetworkBodies
from ..segmentation.levels import FIRST_BODY, LAST_BODY, SACRUM
from ..segmentation.resample import map_points
from . import sacrum
from .column import VertebralColumn, make_vertebra, remade
from .judge import SMALLEST_ML, Landmarks, judge
from .name import HEIGHTS_MM, NAMES, Naming, assign, count_missing
from .outline import refine_outlines
from .ribs import RibCount
from .separate import separate

LEAST_BODIES = 2  # one alone of uncertain name: a knee or a phantom has one too
RECOGNISED = 0.4  # coarse probability of a body's two likeliest levels, which are neighbours: rows in limbs have less
A_ROW = 6  # bodies, from which on their order helps to tell a spine
STEP = 0.4  # of a level: how far two neighbours' expected levels may be from one apart
IN_STEP = 0.65  # of a row's steps: whole chests have 0.77 and more, the rods and reversed spines seen up to 0.58
IN_STEP_RECOGNISED = 0.33  # is enough for a row in step and on the line, but its names are uncertain
OFF_LINE = 0.5  # levels on average, off one level a body: whole rows of rods and reversed spines have 0.6 and more
CERVICAL = 0.5  # expected level below which a body counts as C7 or above
JOINED = 1.45  # times the usual length: two bodies in one
WHOLE = 0.8  # of a body's voxels lie in its largest part; if less do, it is in two
OUTLINE_MM = 1.2  # smooths the outline; bodies are told apart before
SACRAL = 0.0  # coarse probability by which sacrum must outdo body
COLUMN_PART = 0.3  # of the largest part of the column: what is smaller, apart from it, is no vertebra
SPINE_SEEN, SPINE_MARGIN = 0.25, 3  # coarse probability of body, and voxels (15 mm) about it
# A patch of the fine network shows too little of the column to be sure of its class: it has a small say.
REGION_POWER, REGION_FLOOR = 0.1, 0.05


def column_from_networks(segmentation: NetworkBodies, scan: CTScan, progress: Progress) -> VertebralColumn:
    """Return the named bodies of ``scan``; CannotMeasure if there is none."""
    progress("label", 0.0)
    foreground = _along_the_spine(segmentation)
    spacing_zyx = segmentation.geometry.spacing_mm[::-1]

    def hu_at(points_zyx_mm: NDArray[np.float64]) -> NDArray[np.floating]:
        lps = segmentation.geometry.to_lps_mm((points_zyx_mm / np.asarray(spacing_zyx))[:, ::-1])
        index_zyx = scan.geometry.to_index_xyz(lps)[:, ::-1]
        return ndimage.map_coordinates(scan.hu, index_zyx.T, output=np.float32, order=1, mode="nearest")

    numbers, extents, curve, discs = separate(foreground, spacing_zyx, hu_at, partial(_levels_at, segmentation))
    if curve is None or not len(extents):
        raise CannotMeasure("labeling.no_vertebra")
    progress("label", 0.4)
    on_sacrum = sacrum.follows(segmentation, numbers == len(extents))
    if on_sacrum and sacrum.is_stump(numbers, extents):
        numbers[numbers == len(extents)] = 0
        extents, discs = extents[:-1], discs[:-1]
        on_sacrum = sacrum.follows(segmentation, numbers == len(extents))
    centres = extents.mean(axis=1)
    ribs = RibCount(segmentation, curve, centres)
    votes, recognised, expected = _votes(segmentation, numbers, len(extents))
    if not is_spine(recognised, expected):
        raise CannotMeasure("labeling.like_no_level")
    naming = assign(votes, count_missing(centres, votes), ribs.evidence(), centres, on_sacrum)
    _join_fragments(numbers, naming)
    joined = joined_bodies(naming.positions, extents)
    bodies = np.zeros(scan.hu.shape, dtype=np.uint8)
    boxes = ndimage.find_objects(numbers)
    outline = ndimage.gaussian_filter(foreground, [OUTLINE_MM / d for d in spacing_zyx])
    vertebrae, torn = [], []
    for number, position in enumerate(naming.positions, start=1):
        progress("label", 0.5 + 0.5 * number / len(naming.positions))
        box = boxes[number - 1] if number <= len(boxes) else None
        if box is None or number - 1 in joined or not 0 <= position < len(NAMES):
            continue
        level = NAMES[position]
        box, body, part = _on_scan(outline, numbers, number, box, segmentation.geometry, scan.geometry)
        if not body.any():
            continue
        if part < WHOLE:
            torn.append(level)
        bodies[box][body & (bodies[box] == 0)] = VERSE_VALUE[level]
        vertebrae.append(make_vertebra(level, body, box, scan.geometry, naming.confidence[number - 1]))
    if not vertebrae:
        raise CannotMeasure("labeling.no_vertebra")
    bodies = refine_outlines(bodies, scan, [v.level for v in vertebrae if v.complete])
    vertebrae = remade(vertebrae, bodies, scan.geometry)
    whole_ml = [v.volume_ml for v in vertebrae if v.complete]
    if whole_ml and np.median(whole_ml) < SMALLEST_ML:
        raise CannotMeasure("labeling.like_no_level")
    faint = float(np.median(recognised)) < RECOGNISED
    verdict = judge(naming, vertebrae, extents, discs, votes, Landmarks(segmentation, numbers, ribs), faint, torn)
    if len(vertebrae) < LEAST_BODIES and not verdict.names_certain:
        raise CannotMeasure("labeling.one_body")
    return VertebralColumn(tuple(vertebrae), bodies, verdict.names_certain, verdict.remark, verdict.uncertain)


def is_spine(recognised: NDArray[np.floating], expected: NDArray[np.floating]) -> bool:
    """Tell a spine from a row of other things, which the coarse network gives no level or levels out of order.

    Args:
        recognised: (n,) probability that each body, from above, is of its likeliest two levels.
        expected: (n,) its expected level, counted downwards.
    """
    probability = float(np.median(recognised))
    row = expected[max(0, int((expected < CERVICAL).sum()) - 1) :]  # all above C7 have its level: the last is C7
    if len(row) >= A_ROW:
        first = row - np.arange(len(row))
        on_line = np.abs(first - np.median(first)).mean() <= OFF_LINE
        in_step = (np.abs(np.diff(row) - 1.0) <= STEP).mean() >= IN_STEP
        if on_line and in_step:
            return probability >= IN_STEP_RECOGNISED
        if not on_line and not in_step:
            return False
    return probability >= RECOGNISED


def _join_fragments(numbers: NDArray[np.uint8], naming: Naming) -> None:
    """Give neighbours of the same position the number of the lower one (in place)."""
    for number, (position, below) in enumerate(pairwise(naming.positions), start=1):
        if position == below:
            numbers[numbers == number] = number + 1


def joined_bodies(positions: Sequence[int], extents: NDArray[np.float64]) -> frozenset[int]:
    """Return which bodies (from 0) are two in truth: a name is left out beside them, and they are as long as two.

    One no longer than others of its level with their disc is not.

    Args:
        extents: (n, 2), from where to where each body goes along the spine, in mm.
    """
    lengths = np.diff(extents, axis=1)[:, 0]
    joined = set()
    for upper, (position, below) in enumerate(pairwise(positions)):
        if below - position > 1:
            for body in (upper, upper + 1):
                others = np.delete(lengths, body)[max(0, body - 2) : body + 2]
                usual_mm = HEIGHTS_MM[NAMES[np.clip(positions[body], 0, len(NAMES) - 1)]]
                if len(others) and lengths[body] > max(JOINED * np.median(others), usual_mm):
                    joined.add(body)
    return frozenset(joined)


def _along_the_spine(segmentation: NetworkBodies) -> NDArray[np.float32]:
    """Return the fine network's foreground (z, y, x) where the coarse one, which sees more, has the spine."""
    foreground = 1.0 - segmentation.class_probability[0].astype(np.float32)
    body = segmentation.level_probability[FIRST_BODY : LAST_BODY + 1].astype(np.float32).sum(axis=0)
    seen = body > SPINE_SEEN
    parts, count = ndimage.label(ndimage.binary_dilation(seen, iterations=SPINE_MARGIN))
    volume = np.bincount(parts[seen], minlength=count + 1)
    near = (volume >= COLUMN_PART * volume.max())[parts] & (parts > 0)
    sacrum = segmentation.level_probability[SACRUM].astype(np.float32)
    coarse = np.stack([near.astype(np.float32), sacrum - body])
    voxels = np.argwhere(foreground > 0.1)
    inside, sacral = map_points(coarse, segmentation.level_geometry, segmentation.geometry, voxels)
    foreground[tuple(voxels[(inside < 0.5) | (sacral > SACRAL)].T)] = 0.0
    return foreground


def _levels_at(segmentation: NetworkBodies, voxels: NDArray[np.intp]) -> NDArray[np.floating]:
    """Return for voxels (n, 3) of the fine grid the coarse network's expected body, from below, times its probability.

    The second of the two rows is that probability.
    """
    bodies = segmentation.level_probability[FIRST_BODY : LAST_BODY + 1].astype(np.float32)
    from_below = np.arange(len(bodies), 0, -1, dtype=np.float32)
    moments = np.stack([np.tensordot(from_below, bodies, axes=1), bodies.sum(axis=0)])
    return map_points(moments, segmentation.level_geometry, segmentation.geometry, voxels)


def _votes(
    segmentation: NetworkBodies, numbers: NDArray[np.uint8], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (count, levels) how likely each body is each level, above C7, C7 to L5, below L5; and two for is_spine.

    Of these (count,), one is the coarse network's mean probability that each body is of its likeliest two levels,
    which are neighbours: it tells a body from another thing better than one neighbour from the next. The other is the
    level that it expects, counted downwards.

    The coarse network sees the whole column and tells levels; the fine network's three classes, which see less of it,
    weigh in with a lower power.
    """
    voxels = np.argwhere(numbers)
    owner = numbers[tuple(voxels.T)].astype(int) - 1

    def sums(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.stack([np.bincount(owner, row, minlength=count) for row in values], axis=1)

    def shares(summed: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(summed / np.maximum(summed.sum(axis=1, keepdims=True), 1e-6))

    channels = segmentation.level_probability[FIRST_BODY : SACRUM + 1]
    seen = sums(map_points(channels, segmentation.level_geometry, segmentation.geometry, voxels))
    recognised = (seen[:, 1:-1] + seen[:, :-2]).max(axis=1) / np.maximum(np.bincount(owner, minlength=count), 1)
    expected = shares(seen[:, :-1]) @ np.arange(seen.shape[1] - 1)
    coarse = shares(seen)
    # "cervical" is C7 and all above it: both may take its whole vote.
    levels = np.concatenate([coarse[:, :1], coarse], axis=1)
    classes = segmentation.class_probability[1:, voxels[:, 0], voxels[:, 1], voxels[:, 2]]
    regions = shares(sums(classes.astype(np.float64)))
    by_level = np.ones_like(levels)
    for column, level in enumerate(NAMES, start=1):
        if region(level):
            by_level[:, column] = np.maximum(regions[:, region(level) - 1], REGION_FLOOR)
    votes = levels * by_level**REGION_POWER
    return shares(votes), recognised, expected


def _on_scan(
    foreground: NDArray[np.float32],
    numbers: NDArray[np.uint8],
    number: int,
    tight: tuple[slice, slice, slice],
    fine: Geometry,
    target: Geometry,
) -> tuple[tuple[slice, slice, slice], NDArray[np.bool_], float]:
    """Return a body on the scan's grid, from its probability on the fine one: its box (z, y, x) and mask.

    The mask is the largest part of what is seen; last comes how large a part, 0 to 1.
    """
    box = tuple(slice(max(0, s.start - 2), min(n, s.stop + 2)) for s, n in zip(tight, numbers.shape, strict=True))
    near = numbers[box]
    own = np.where((near == number) | (near == 0), foreground[box], 0.0)
    # Voxels that belong to no body are its margin only where they are less than half likely.
    own = np.where((near == 0) & (own > 0.5), 0.5, own)
    corner = fine.to_lps_mm(np.array([s.start for s in box], dtype=np.float64)[::-1])
    far = fine.to_lps_mm(np.array([s.stop - 1 for s in box], dtype=np.float64)[::-1])
    first, last = target.to_index_xyz(corner)[::-1], target.to_index_xyz(far)[::-1]
    start = np.maximum(np.ceil(first - 1), 0).astype(int)
    stop = np.minimum(np.floor(last + 1), np.array(target.shape) - 1).astype(int) + 1
    out = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    # Both grids share their axes, so each axis is interpolated on its own.
    for axis, (a, b, f, g) in enumerate(zip(start, stop, first, last, strict=True)):
        where = (np.arange(a, b) - f) / (g - f) * (own.shape[axis] - 1)
        own = _interpolate(own, where, axis)
    body = ndimage.binary_fill_holes(own > 0.5)
    parts, count = ndimage.label(body)
    share = 1.0
    if count > 1:
        sizes = np.bincount(parts.ravel())[1:]
        body, share = parts == 1 + int(np.argmax(sizes)), float(sizes.max() / sizes.sum())
    return out, body, share  # type: ignore[return-value]


def _interpolate(values: NDArray[np.floating], where: NDArray[np.float64], axis: int) -> NDArray[np.floating]:
    where = np.clip(where, 0, values.shape[axis] - 1)
    low = np.minimum(where.astype(int), values.shape[axis] - 2)
    shape = [1, 1, 1]
    shape[axis] = -1
    part = (where - low).reshape(shape)
    return np.take(values, low, axis) * (1 - part) + np.take(values, low + 1, axis) * part
