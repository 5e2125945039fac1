"""Counting ribs: which bodies bear one, seen in the coarse network's rib channel beside the straightened spine."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..segmentation import NetworkBodies
from ..segmentation.levels import RIB
from .curve import SpineCurve
from .name import RibEvidence
from .usual import NAMES, THORACIC

# A rib leaves its vertebra sideways as a nearly straight band. Where that starts hardly varies, but further out the
# lower ribs have come down by anything from nothing to more than a vertebra.
ACROSS_MM = np.arange(30.0, 55.0, 4.0)
BACK_MM = np.arange(-10.0, 55.0, 4.0)
STEP_MM = 1.0
COVERED = 0.65  # of a band must be rib: what crosses it further out is another vertebra's
# Millimetres down the spine for each sideways.
DESCENTS = (np.linspace(-0.2, 0.4, 4), np.linspace(0.0, 1.4, 8))
STEEP = ("T9", "T10", "T11", "T12")  # and, were there one, below
# The middle of a rib's start lies this far above that of its body, along the spine: the same within REACH_MM in two
# patients' scans, in the torso atlas and in our phantom.
OFFSET_MM = dict.fromkeys(THORACIC, 8.0) | {"T12": 5.0}
NO_RIB_OFFSET_MM = {"C7": 8.0}  # where one would lie; lumbar levels: as at T12
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
        low, high = centres_mm.min() - 80.0, centres_mm.max() + 40.0
        self._s_mm = np.arange(low, high, STEP_MM)
        self._flat, self._steep = _profiles(segmentation, curve, self._s_mm)
        self._centres_mm = centres_mm

    def seen(self, body: int, level: str) -> float:
        """Return how surely (0 to 1) there is a rib where ``body`` would bear it as ``level``; NaN outside the scan."""
        offset = OFFSET_MM.get(level, NO_RIB_OFFSET_MM.get(level, OFFSET_MM["T12"]))
        near = np.abs(self._s_mm - self._centres_mm[body] - offset) <= REACH_MM
        flat = level == "C7" or (level in THORACIC and level not in STEEP)
        part = (self._flat if flat else self._steep)[near]
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


def _profiles(
    segmentation: NetworkBodies, curve: SpineCurve, s_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how surely a flat or a steep rib starts beside the spine at each height: (n,) each, mean of both sides.

    That is what most of the likeliest band reaches; NaN where a steep band would leave the scan on both sides.
    """
    line, across, back = curve.frame(s_mm)
    rib = segmentation.level_probability[RIB].astype(np.float32)
    spacing = np.asarray(segmentation.geometry.spacing_mm)
    flat: list[NDArray[np.float64]] = []
    steep: list[NDArray[np.float64]] = []
    for side in (-1.0, 1.0):
        u, v = (grid[None, ..., None] for grid in np.meshgrid(side * ACROSS_MM, BACK_MM, indexing="ij"))
        points = line[:, None, None] + u * across[:, None, None] + v * back[:, None, None]
        lps = segmentation.geometry.to_lps_mm(points[..., ::-1] / spacing)
        index = np.moveaxis(segmentation.level_geometry.to_index_xyz(lps)[..., ::-1], -1, 0)
        inside = np.all([(i >= -0.5) & (i <= n - 0.5) for i, n in zip(index, rib.shape, strict=True)], axis=0)
        values = ndimage.map_coordinates(rib, index, order=1, mode="nearest")
        beside = np.where(inside.mean(axis=2) > 0.5, np.where(inside, values, 0.0).max(axis=2), np.nan)
        for bands, descents in zip((flat, steep), DESCENTS, strict=True):
            bands.append(np.max([_along(beside, descent) for descent in descents], axis=0))
    flat_mean, steep_mean = _of_both(flat), _of_both(steep)
    # A place is known or not, whatever name it is seen for.
    return np.where(np.isnan(steep_mean), np.nan, flat_mean), steep_mean


def _of_both(sides: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    both = np.stack(sides)
    known = ~np.isnan(both)
    return np.where(known.any(axis=0), np.nansum(both, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)


def _along(beside: NDArray[np.floating], descent: float) -> NDArray[np.float64]:
    """Return (n,) the probability that COVERED of a band reaches, for bands of ``beside`` (n, len(ACROSS_MM)).

    NaN where half of a band or more is unknown.
    """
    down = np.rint(descent * (ACROSS_MM - ACROSS_MM[0]) / STEP_MM).astype(int)
    rows = np.arange(len(beside))[:, None] - down
    inside = (rows >= 0) & (rows < len(beside))
    band = np.where(inside, beside[np.clip(rows, 0, len(beside) - 1), np.arange(len(down))], np.nan)
    known = np.isfinite(band).sum(axis=1)
    # Sorted, what is unknown comes last.
    place = ((1.0 - COVERED) * np.maximum(known - 1, 0)).astype(int)
    reached = np.take_along_axis(np.sort(band, axis=1), place[:, None], axis=1)[:, 0]
    return np.where(known > len(down) / 2, reached, np.nan)
