"""How likely each body is each level, as the two networks see it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..anatomy import region
from ..segmentation import NetworkBodies
from ..segmentation.levels import FIRST_BODY, SACRUM
from ..segmentation.resample import map_points
from .tuned import CHEST_AND_ABDOMEN, tuned
from .usual import NAMES


@dataclass(frozen=True)
class VoteWeights:
    """How much the fine network's three classes say about levels."""

    region_power: float = tuned(
        0.1,
        "power of the class's probability",
        unit="exponent",
        source="a patch shows too little of the column to be sure of its class: it has a small say",
        data=CHEST_AND_ABDOMEN,
    )
    region_floor: float = tuned(
        0.05,
        "the least that a class counts as",
        unit="probability",
        source="a class can veto no level",
        data=CHEST_AND_ABDOMEN,
    )


VOTE_WEIGHTS = VoteWeights()


class LevelVotes(NamedTuple):
    """How likely each of n bodies is each level.

    Attributes:
        levels: (n, len(NAMES) + 2), how likely it is above C7, each of NAMES, below L5.
        recognised: (n,), the coarse network's mean probability that it is of its likeliest two levels, which are
            neighbours: it tells a body from another thing better than one neighbour from the next.
        expected: (n,), the level that the coarse network expects, counted downwards.
    """

    levels: NDArray[np.float64]
    recognised: NDArray[np.float64]
    expected: NDArray[np.float64]


def level_votes(
    segmentation: NetworkBodies, numbers: NDArray[np.uint8], count: int, weights: VoteWeights = VOTE_WEIGHTS
) -> LevelVotes:
    """Return the votes for ``count`` bodies.

    The coarse network sees the whole column and tells levels; the fine network's three classes, which see less of it,
    weigh in with a lower power.

    Args:
        numbers: (z, y, x) on the fine grid, 1 for the uppermost body.
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
            by_level[:, column] = np.maximum(regions[:, region(level) - 1], weights.region_floor)
    return LevelVotes(shares(levels * by_level**weights.region_power), recognised, expected)
