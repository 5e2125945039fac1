"""What the two networks see along the spine: bodies by the fine one, where the coarse one has the spine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..segmentation import NetworkBodies
from ..segmentation.levels import FIRST_BODY, LAST_BODY, SACRUM
from ..segmentation.resample import map_points
from .tuned import FOUR_REAL_SCANS, tuned


@dataclass(frozen=True)
class SpineRegion:
    """Where the fine network's bodies are believed, by what the coarse network sees there."""

    seen: float = tuned(
        0.25,
        "of a body, from which on the coarse network has the spine there",
        unit="probability",
        source="a body between two levels, in doubt, has more",
        data=FOUR_REAL_SCANS,
    )
    margin: int = tuned(
        3,
        "about what it has",
        unit="voxels of the coarse grid, 5 mm each",
        source="it outlines bodies roughly",
        data=FOUR_REAL_SCANS,
    )
    column_part: float = tuned(
        0.3,
        "a smaller part, apart from the column, is not a vertebra",
        unit="of the largest part",
        source="two false bodies in the head of the upper PET/CT, and one in the abdomen, are gone",
        data=FOUR_REAL_SCANS,
    )
    sacral: float = tuned(
        0.0,
        "by which sacrum must outdo body to be none",
        unit="probability",
        source="the likelier of the two",
        data=FOUR_REAL_SCANS,
    )


SPINE_REGION = SpineRegion()


def along_the_spine(segmentation: NetworkBodies, region: SpineRegion = SPINE_REGION) -> NDArray[np.float32]:
    """Return the fine network's foreground (z, y, x) where the coarse one, which sees more, has the spine."""
    foreground = 1.0 - segmentation.class_probability[0].astype(np.float32)
    body = segmentation.level_probability[FIRST_BODY : LAST_BODY + 1].astype(np.float32).sum(axis=0)
    seen = body > region.seen
    parts, count = ndimage.label(ndimage.binary_dilation(seen, iterations=region.margin))
    volume = np.bincount(parts[seen], minlength=count + 1)
    near = (volume >= region.column_part * volume.max())[parts] & (parts > 0)
    sacrum = segmentation.level_probability[SACRUM].astype(np.float32)
    coarse = np.stack([near.astype(np.float32), sacrum - body])
    voxels = np.argwhere(foreground > 0.1)
    inside, sacral = map_points(coarse, segmentation.level_geometry, segmentation.geometry, voxels)
    foreground[tuple(voxels[(inside < 0.5) | (sacral > region.sacral)].T)] = 0.0
    return foreground


def levels_at(segmentation: NetworkBodies, voxels: NDArray[np.intp]) -> NDArray[np.floating]:
    """Return for voxels (n, 3) of the fine grid the coarse network's expected body, from below, times its probability.

    The second of the two rows is that probability.
    """
    bodies = segmentation.level_probability[FIRST_BODY : LAST_BODY + 1].astype(np.float32)
    from_below = np.arange(len(bodies), 0, -1, dtype=np.float32)
    moments = np.stack([np.tensordot(from_below, bodies, axes=1), bodies.sum(axis=0)])
    return map_points(moments, segmentation.level_geometry, segmentation.geometry, voxels)
