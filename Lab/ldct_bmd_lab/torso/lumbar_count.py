"""Spines of six or of four lumbar vertebrae: one comes in or falls out at the lower end.

Below the middle of a vertebra the atlas goes on from the middle of its neighbour, turned as the neighbour is; what lies
there gets the name of its place in the count from above. A last lumbar vertebra in the middle of such a scan is not L5.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from . import tissues as t
from .atlas import Atlas

L3, L4, L5 = 22, 23, 24


def vary_lumbar_count(
    rng: np.random.Generator, atlas: Atlas, at: NDArray[np.float32], chances: tuple[float, float]
) -> tuple[NDArray[np.bool_], int] | None:
    """Draw a sixth lumbar vertebra, or take the fifth away; None in most scans.

    Args:
        at: (3, z, y, x), where each voxel lies in the atlas; in place.
        chances: of six and of four.

    Returns:
        Which voxels (z, y, x) now show what is named one vertebra lower (+1) or higher (-1) than in the atlas.
    """
    drawn = rng.random() if any(chances) else 1.0
    if drawn >= sum(chances):
        return None
    extra = drawn < chances[0]
    place = dict(zip(atlas.axis_levels.tolist(), atlas.axis_zyx, strict=True))
    if not {L3, L4, L5} <= set(place):
        return None
    here, there = (L5, L4) if extra else (L4, L5)
    up_here, up_there = (_course(place, level) for level in (here, there))
    turn, _ = Rotation.align_vectors(up_there[None], up_here[None])
    from_middle = at - place[here].astype(np.float32)[:, None, None, None]
    below = np.asarray(np.tensordot(up_here.astype(np.float32), from_middle, axes=1) < 0)
    moved = turn.as_matrix().astype(np.float32) @ from_middle[:, below]
    at[:, below] = moved + place[there].astype(np.float32)[:, None]
    return below, 1 if extra else -1


def rename(labels: NDArray[np.uint8], below: NDArray[np.bool_], by: int) -> None:
    """Name the vertebrae and discs of ``labels`` (z, y, x) ``below`` as many levels lower as said; in place."""
    table = np.arange(256, dtype=np.uint8)
    discs = {level: t.DISCS[level - t.TRUNK_BODIES[0]] for level in t.TRUNK_BODIES}
    for level in (L4, L5):
        table[level], table[level + t.ARCH_OFFSET] = level + by, level + by + t.ARCH_OFFSET
        table[discs[level]] = discs.get(level + by, discs[L5])
    labels[below] = table[labels[below]]


def _course(place: dict[int, NDArray[np.float64]], level: int) -> NDArray[np.float64]:
    """Return the unit vector (z, y, x) up the spine at L4 or L5."""
    lower = place.get(level + 1, place[level])
    up = place[level - 1] - lower
    return np.asarray(up / np.linalg.norm(up))
