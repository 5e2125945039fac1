"""The sacrum, where the coarse network sees one: what follows it upwards is L5."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ..segmentation import NetworkBodies
from ..segmentation.levels import SACRUM

LEAST_MM3 = 20000.0  # S1 alone is larger; smaller false ones are seen below a scan that ends in the chest
NEAR_MM = 20.0  # L5 is nearer to the sacrum, with their disc between them; L4 is not
# The top of S1 is now and then taken for a body: lower than these shares of the body above it, in height and volume.
STUMP_HEIGHT, STUMP_VOLUME = 0.7, 0.35


def follows(segmentation: NetworkBodies, body: NDArray[np.bool_]) -> bool:
    """Return whether the sacrum lies right below ``body`` (z, y, x), a mask on the fine grid."""
    parts, count = ndimage.label(segmentation.level_probability[SACRUM] > 0.5)
    if not count or not body.any():
        return False
    sizes = np.bincount(parts.ravel())[1:]
    if sizes.max() * segmentation.level_geometry.voxel_volume_mm3 < LEAST_MM3:
        return False
    sacrum = np.argwhere(parts == 1 + int(np.argmax(sizes)))
    sacrum_mm = segmentation.level_geometry.to_lps_mm(sacrum[:, ::-1].astype(np.float64))
    body_mm = segmentation.geometry.to_lps_mm(np.argwhere(body)[:, ::-1].astype(np.float64))
    # It rises behind L5 and beside it, but its middle is lower.
    if np.median(sacrum_mm[:, 2]) >= body_mm[:, 2].min():
        return False
    return bool(cKDTree(body_mm).query(sacrum_mm)[0].min() <= NEAR_MM)


def is_stump(numbers: NDArray[np.uint8], extents: NDArray[np.float64]) -> bool:
    """Return whether the lowest body is too low and too small beside the next to be one.

    Args:
        numbers: (z, y, x), 1 for the uppermost body.
        extents: (n, 2), from where to where each body goes along the spine, in mm.
    """
    if len(extents) < 2:
        return False
    above, last = np.abs(np.diff(extents[-2:], axis=1))[:, 0]
    volume_above, volume = (np.count_nonzero(numbers == n) for n in (len(extents) - 1, len(extents)))
    return bool(last < STUMP_HEIGHT * above and volume < STUMP_VOLUME * volume_above)
