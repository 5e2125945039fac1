"""Counting ribs: which bodies bear one, seen in the coarse network's rib channel beside the straightened spine."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..segmentation import NetworkBodies
from ..segmentation.levels import RIB
from .name import NAMES, THORACIC, RibEvidence
from .separate import SpineCurve

# Beside the spine, beyond the transverse processes of most, before the ribs run forward.
ACROSS_MM = np.arange(42.0, 67.0, 4.0)
BACK_MM = np.arange(-10.0, 55.0, 4.0)
STEP_MM = 1.0
# There the rib lies this far above (below: negative) the middle of its body, along the spine: measured on the torso
# atlas and on one chest CT that was left out of the training, which differ by up to 6 mm.
OFFSET_MM = dict(zip(THORACIC, (0.0, 7.0, 7.0, 7.0, 5.0, 5.0, 4.0, 4.0, 0.0, -3.0, -9.0, -16.0), strict=True))
NO_RIB_OFFSET_MM = {"C7": 5.0}  # where one would lie; lumbar levels: as at T12
REACH_MM = 5.0
# Mean probability of rib on both sides; a rib clearly seen on one is a rib: twelfth ribs are often short on the other.
PRESENT, ABSENT = 0.4, 0.3
BELIEF = 0.95  # in what is seen; the rest is for cervical ribs, and for ribs that the network overlooks or invents


class RibCount:
    """Ribs beside the bodies of a column.

    Args:
        centres_mm: (n,) arc lengths of the bodies' middles.
    """

    def __init__(self, segmentation: NetworkBodies, curve: SpineCurve, centres_mm: NDArray[np.float64]) -> None:
        low, high = centres_mm.min() - 40.0, centres_mm.max() + 40.0
        self._s_mm = np.arange(low, high, STEP_MM)
        self._profile = _profile(segmentation, curve, self._s_mm)
        self._centres_mm = centres_mm

    def seen(self, body: int, level: str) -> float:
        """Return how surely (0 to 1) there is a rib where ``body`` would bear it as ``level``; NaN outside the scan."""
        offset = OFFSET_MM.get(level, NO_RIB_OFFSET_MM.get(level, OFFSET_MM["T12"]))
        near = np.abs(self._s_mm - self._centres_mm[body] - offset) <= REACH_MM
        part = self._profile[near]
        # Half of the place out of view: what lies there is not known.
        if np.isnan(part).mean() > 0.5:
            return float("nan")
        return float(np.nanmax(part))

    def evidence(self) -> RibEvidence:
        """Return the log probability of what is seen, for each body and name, with a rib and without; 0: not known."""
        shape = (len(self._centres_mm), len(NAMES) + 2)
        bearing, bare = np.zeros(shape), np.zeros(shape)
        for body in range(len(self._centres_mm)):
            for column, level in enumerate(("C7", *NAMES, "L5")):  # above C7, the names, below L5
                rib = self.seen(body, level)
                if not np.isnan(rib):
                    bearing[body, column] = np.log(1.0 - BELIEF + (2.0 * BELIEF - 1.0) * rib)
                    bare[body, column] = np.log(BELIEF - (2.0 * BELIEF - 1.0) * rib)
        return RibEvidence(bearing, bare)


def _profile(segmentation: NetworkBodies, curve: SpineCurve, s_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the rib probability beside the spine, mean of both sides; NaN where neither is in the scan."""
    line, across, back = curve.frame(s_mm)
    rib = segmentation.level_probability[RIB].astype(np.float32)
    spacing = np.asarray(segmentation.geometry.spacing_mm)
    sides = []
    for side in (-1.0, 1.0):
        u, v = (grid.ravel()[None, :, None] for grid in np.meshgrid(side * ACROSS_MM, BACK_MM))
        points = line[:, None] + u * across[:, None] + v * back[:, None]
        lps = segmentation.geometry.to_lps_mm(points[..., ::-1] / spacing)
        index = np.moveaxis(segmentation.level_geometry.to_index_xyz(lps)[..., ::-1], -1, 0)
        inside = np.all([(i >= -0.5) & (i <= n - 0.5) for i, n in zip(index, rib.shape, strict=True)], axis=0)
        values = ndimage.map_coordinates(rib, index, order=1, mode="nearest")
        sides.append(np.where(inside.mean(axis=1) > 0.5, np.where(inside, values, 0.0).max(axis=1), np.nan))
    both = np.stack(sides)
    known = ~np.isnan(both)
    return np.where(known.any(axis=0), np.nansum(both, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
