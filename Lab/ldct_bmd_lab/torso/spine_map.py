"""A smooth map that lays the atlas onto another spine.

Landmarks of the vertebrae that are given are joined by landmarks that carry the column on beyond them and by points far
from the spine that keep the trunk in shape; a spline of least bending goes through them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import RBFInterpolator
from scipy.spatial.transform import Rotation

from ldct_bmd.ground.errors import UsageError

from .landmarks import BODY_POINTS, SOFTNESS, Points, Vertebra, similarity
from .pose import upsample

STEP_MM = 6.0
TURN_LEVELS = 3  # so many vertebrae at each end say how those beyond are turned
FADING = 0.75  # of a turn and a size against the atlas, this much is left one level further on
TRUNK_OFFSETS_MM = ((0.0, -110.0, 0.0), (0.0, 70.0, 0.0), (0.0, 0.0, -120.0), (0.0, 0.0, 120.0))
TRUNK_SOFTNESS = 30.0
TURN_SMOOTHING_LEVELS = 3.0


@dataclass(frozen=True)
class SpineMap:
    """Where the voxels of the new anatomy lie in the atlas.

    Attributes:
        shape: voxels (z, y, x) of the new anatomy at 1 mm.
        offset: the new anatomy's first voxel in the frame of the vertebrae that were given.
        scale: size of the new trunk relative to the atlas's.
        coarse: (3, z, y, x) atlas indices at points ``STEP_MM`` apart, the first and last of which are at the corners.
    """

    shape: tuple[int, int, int]
    offset: NDArray[np.int64]
    scale: float
    coarse: NDArray[np.float64]

    def take(self, *arrays: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
        """Return arrays of the atlas in the new anatomy by nearest neighbour; beyond its edges the atlas goes on."""
        taken = tuple(np.empty(self.shape, np.uint8) for _ in arrays)
        planes = upsample(self.coarse, (self.coarse.shape[1], *self.shape[1:]))
        for z, where in enumerate(np.linspace(0, self.coarse.shape[1] - 1, self.shape[0])):
            low = min(int(where), self.coarse.shape[1] - 2)
            part = np.float32(where - low)
            nearest = np.rint(planes[:, low] * (1 - part) + planes[:, low + 1] * part).astype(np.int32)
            for axis, size in enumerate(arrays[0].shape):
                np.clip(nearest[axis], 0, size - 1, out=nearest[axis])
            for out, values in zip(taken, arrays, strict=True):
                out[z] = values[nearest[0], nearest[1], nearest[2]]
        return taken

    def folds(self) -> float:
        """Return the part of the new anatomy's volume in which the map turns the atlas inside out; 0 is right."""
        step = [(n - 1) / (m - 1) for n, m in zip(self.shape, self.coarse.shape[1:], strict=True)]
        jacobian = np.stack([np.stack(np.gradient(channel, *step), axis=-1) for channel in self.coarse], axis=-2)
        return float((np.linalg.det(jacobian) <= 0).mean())


def map_spine(
    atlas: Mapping[int, Vertebra], given: Mapping[int, Vertebra], atlas_shape: tuple[int, int, int]
) -> SpineMap:
    """Map the new anatomy, in which the vertebrae ``given`` lie as they are, to the atlas of all levels.

    Raises:
        UsageError: none is given, one that the atlas lacks, or not a run of neighbours.
    """
    levels = sorted(given)
    if not levels or levels != list(range(levels[0], levels[-1] + 1)) or not set(levels) <= set(atlas):
        raise UsageError.of_text(f"Give neighbouring vertebrae of the atlas to graft, not {levels}.")
    turns, scales, target = {}, {}, {}
    for level in levels:
        scales[level], turns[level] = similarity(atlas[level].points, given[level].points)
        target[level] = given[level].points
    for end, beyond in (
        (levels[-1], [k for k in sorted(atlas) if k > levels[-1]]),
        (levels[0], [k for k in sorted(atlas, reverse=True) if k < levels[0]]),
    ):
        _go_on(atlas, given, end, beyond, turns, scales, target)
    scale = float(np.mean([scales[level] for level in atlas]))
    centres = {level: target[level][:BODY_POINTS].mean(axis=0) for level in atlas}
    anchors = {level: atlas[level].points[:BODY_POINTS].mean(axis=0) for level in atlas}
    trunk_here, trunk_there = _trunk(anchors, centres, turns, scales)
    here = np.concatenate([*(target[level] for level in atlas), trunk_here])
    there = np.concatenate([*(atlas[level].points for level in atlas), trunk_there])
    softness = np.concatenate([np.tile(SOFTNESS, len(atlas)), np.full(len(trunk_here), TRUNK_SOFTNESS)])
    seen = ~np.isnan(here + there).any(axis=1)
    spline = RBFInterpolator(here[seen], there[seen], smoothing=softness[seen], kernel="linear", degree=1)
    offset, shape = _extent(anchors, centres, scales, atlas_shape)
    grid = [np.linspace(o, o + n - 1, 2 + int(n / STEP_MM)) for o, n in zip(offset, shape, strict=True)]
    points = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1)
    coarse = np.moveaxis(spline(points.reshape(-1, 3)).reshape(points.shape), -1, 0)
    return SpineMap(shape, offset, scale, coarse)


def _go_on(
    atlas: Mapping[int, Vertebra],
    given: Mapping[int, Vertebra],
    end: int,
    beyond: list[int],
    turns: dict[int, Rotation],
    scales: dict[int, float],
    target: dict[int, Points],
) -> None:
    """Place the atlas's vertebrae ``beyond`` the last given one, turned as it is and then less and less."""
    if not beyond:
        return
    near = sorted(given, key=lambda level: abs(level - end))[:TURN_LEVELS]
    scale, _ = _lay(atlas, given, list(given), BODY_POINTS)
    _, turn = _lay(atlas, given, near)
    upper = beyond[0] < end
    there, here = atlas[end].endplate(upper), given[end].endplate(upper)
    for level in beyond:
        here = here + scale * turn.apply(atlas[level].centre - there)
        there = atlas[level].centre
        turn = Rotation.from_rotvec(FADING * turn.as_rotvec())
        scale = scale**FADING
        turns[level], scales[level] = turn, scale
        target[level] = here + scale * turn.apply(np.nan_to_num(atlas[level].points - there))
        target[level][np.isnan(atlas[level].points)] = np.nan


def _lay(
    atlas: Mapping[int, Vertebra], given: Mapping[int, Vertebra], levels: list[int], points: int | None = None
) -> tuple[float, Rotation]:
    """Return scale and turn from the atlas to the given vertebrae by the first ``points`` of ``levels`` together."""
    return similarity(*(np.concatenate([column[k].points[:points] for k in levels]) for column in (atlas, given)))


def _trunk(
    anchors: Mapping[int, Points],
    centres: Mapping[int, Points],
    turns: Mapping[int, Rotation],
    scales: Mapping[int, float],
) -> tuple[Points, Points]:
    """Return points far from the spine in the new anatomy and in the atlas; there the turns of neighbours even out."""
    levels = sorted(anchors)
    smooth = ndimage.gaussian_filter1d(
        np.stack([turns[level].as_rotvec() for level in levels]), TURN_SMOOTHING_LEVELS, axis=0, mode="nearest"
    )
    size = ndimage.gaussian_filter1d([scales[level] for level in levels], TURN_SMOOTHING_LEVELS, mode="nearest")
    away = np.asarray(TRUNK_OFFSETS_MM)
    here = [centres[k] + s * Rotation.from_rotvec(v).apply(away) for k, v, s in zip(levels, smooth, size, strict=True)]
    return np.concatenate(here), np.concatenate([anchors[level] + away for level in levels])


def _extent(
    anchors: Mapping[int, Points],
    centres: Mapping[int, Points],
    scales: Mapping[int, float],
    atlas_shape: tuple[int, int, int],
) -> tuple[NDArray[np.int64], tuple[int, int, int]]:
    """Return first voxel and shape of a box that holds the whole new anatomy."""
    top, bottom = min(anchors), max(anchors)
    size = np.asarray(atlas_shape)
    low = np.min([centres[k] - scales[k] * anchors[k] for k in anchors], axis=0)
    high = np.max([centres[k] + scales[k] * (size - anchors[k]) for k in anchors], axis=0)
    low[0] = centres[bottom][0] - scales[bottom] * anchors[bottom][0]
    high[0] = centres[top][0] + scales[top] * (size[0] - anchors[top][0])
    offset = np.floor(low).astype(np.int64)
    shape = np.ceil(high - offset).astype(int)
    return offset, (int(shape[0]), int(shape[1]), int(shape[2]))
