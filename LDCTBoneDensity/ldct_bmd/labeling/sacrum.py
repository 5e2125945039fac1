"""The sacrum, where the coarse network sees one: what follows it upwards is L5."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..segmentation import NetworkBodies
from ..segmentation.levels import SACRUM
from .tuned import NOT_RECORDED, tuned


@dataclass(frozen=True)
class SacrumSigns:
    """What is a sacrum, and what is its top taken for a body."""

    least_mm3: float = tuned(
        20000.0,
        "a smaller one is none",
        unit="mm3",
        source="S1 alone is larger; smaller false ones are seen below a scan that ends in the chest",
        data=NOT_RECORDED,
    )
    near_mm: float = tuned(
        20.0,
        "a body that follows it is nearer",
        unit="mm",
        source="L5 is nearer to the sacrum, with their disc between them; L4 is not",
        data=NOT_RECORDED,
    )
    stump_height: float = tuned(
        0.7,
        "a lowest body that is lower, and smaller as well, is the top of S1",
        unit="times the height of the body above",
        source="the top of S1 is now and then taken for a body",
        data=NOT_RECORDED,
    )
    stump_volume: float = tuned(
        0.35,
        "a lowest body that is smaller, and lower as well, is the top of S1",
        unit="times the volume of the body above",
        source="the top of S1 is now and then taken for a body",
        data=NOT_RECORDED,
    )


SACRUM_SIGNS = SacrumSigns()


def follows(segmentation: NetworkBodies, body: NDArray[np.bool_], signs: SacrumSigns = SACRUM_SIGNS) -> bool:
    """Return whether the sacrum lies right below ``body`` (z, y, x), a mask on the fine grid."""
    parts, count = ndimage.label(segmentation.level_probability[SACRUM] > 0.5)
    if not count or not body.any():
        return False
    sizes = np.bincount(parts.ravel())[1:]
    if sizes.max() * segmentation.level_geometry.voxel_volume_mm3 < signs.least_mm3:
        return False
    sacrum = np.argwhere(parts == 1 + int(np.argmax(sizes)))
    sacrum_mm = segmentation.level_geometry.to_lps_mm(sacrum[:, ::-1].astype(np.float64))
    body_mm = segmentation.geometry.to_lps_mm(np.argwhere(body)[:, ::-1].astype(np.float64))
    # It rises behind L5 and next to it, but its middle is lower.
    if np.median(sacrum_mm[:, 2]) >= body_mm[:, 2].min():
        return False
    return _are_near(body_mm, sacrum_mm, signs.near_mm)


def _are_near(points_mm: NDArray[np.float64], others_mm: NDArray[np.float64], reach_mm: float) -> bool:
    """Return whether any of the points (n, 3) lies within ``reach_mm`` of another (m, 3)."""
    # A tree of scipy's takes ten times as long to import as this takes.
    low, high = points_mm.min(axis=0) - reach_mm, points_mm.max(axis=0) + reach_mm
    close = others_mm[np.all((others_mm >= low) & (others_mm <= high), axis=1)]
    return any(((points_mm - point) ** 2).sum(axis=1).min() <= reach_mm**2 for point in close)


def is_stump(numbers: NDArray[np.uint8], extents: NDArray[np.float64], signs: SacrumSigns = SACRUM_SIGNS) -> bool:
    """Return whether the lowest body is too low and too small next to the one above to be one.

    Args:
        numbers: (z, y, x), 1 for the uppermost body.
        extents: (n, 2), from where to where each body goes along the spine, in mm.
    """
    if len(extents) < 2:
        return False
    above, last = np.abs(np.diff(extents[-2:], axis=1))[:, 0]
    volume_above, volume = (np.count_nonzero(numbers == n) for n in (len(extents) - 1, len(extents)))
    return bool(last < signs.stump_height * above and volume < signs.stump_volume * volume_above)
