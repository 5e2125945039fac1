"""Where an anatomy ends in the middle of a body: nothing above is shown as if it were known."""

import numpy as np
from numpy.typing import NDArray

from . import tissues as t
from .atlas import Atlas

NEAR_SPINE_MM = (70.0, 45.0)  # before and behind the bodies' middles, and beside them: what a scan ends with
MOST_BEYOND, LEAST_BEYOND = 0.6, -0.2  # of half a scan's height, so much lies above the end


def highest_centre(rng: np.random.Generator, atlas: Atlas, reach_mm: float) -> float:
    """Draw how high (atlas mm) the centre of a scan that reaches ``reach_mm`` up may lie."""
    if not atlas.open_above:
        return float("inf")
    return len(atlas.skeleton) - reach_mm * (1 - rng.uniform(LEAST_BEYOND, MOST_BEYOND))


def hide_unknown(atlas: Atlas, at: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Label as unknown what lies above the end of the anatomy; return the slices (z,) that the spine no longer reaches.

    Args:
        at: (3, z, y, x), where each voxel lies in the atlas.
        labels: (z, y, x), in place.
    """
    ended = np.zeros(len(labels), dtype=bool)
    if not atlas.open_above:
        return ended
    above = at[0] > len(atlas.skeleton) - 1
    _, middle_y, middle_x = atlas.axis_zyx[-1]
    near = (np.abs(at[1] - middle_y) < NEAR_SPINE_MM[0]) & (np.abs(at[2] - middle_x) < NEAR_SPINE_MM[1])
    ended = np.asarray((above & near).any(axis=(1, 2)))
    if ended.any():
        ended[np.argmax(ended) :] = True
    labels[above] = t.UNKNOWN
    labels[ended] = t.UNKNOWN
    return ended
