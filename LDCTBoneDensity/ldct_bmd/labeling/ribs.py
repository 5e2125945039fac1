"""Counting ribs: which bodies bear one, seen in the coarse network's rib channel next to the straightened spine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..segmentation import NetworkBodies
from ..segmentation.levels import RIB
from .curve import SpineCurve
from .name import RibEvidence
from .tuned import NOT_RECORDED, PATIENTS_ATLAS_PHANTOM, tuned
from .usual import NAMES, THORACIC

STEP_MM = 1.0  # between the places, along the spine, at which ribs are looked for
STEEP = ("T9", "T10", "T11", "T12")  # and, were there one, below


@dataclass(frozen=True)
class RibSigns:
    """Where the rib of a vertebra is looked for, and what counts as one."""

    across_mm: tuple[float, float, float] = tuned(
        (30.0, 55.0, 4.0),
        "where a rib is followed sideways: from, to, step",
        unit="mm from the middle of the spine",
        source="there it is a nearly straight band whose start hardly varies",
        data=NOT_RECORDED,
    )
    back_mm: tuple[float, float, float] = tuned(
        (-10.0, 55.0, 4.0),
        "where it is looked for from front to back: from, to, step",
        unit="mm behind the line of the bodies",
        source="ribs leave their vertebra behind its middle",
        data=NOT_RECORDED,
    )
    covered: float = tuned(
        0.65,
        "a band is rib if this much of it is",
        unit="of its length",
        source="what crosses it further out is another vertebra's",
        data=NOT_RECORDED,
    )
    flat_descents: tuple[float, float, int] = tuned(
        (-0.2, 0.4, 4),
        "how far upper ribs come down: least, most, steps between",
        unit="mm for each mm sideways",
        source="they leave their vertebra level",
        data=NOT_RECORDED,
    )
    steep_descents: tuple[float, float, int] = tuned(
        (0.0, 1.4, 8),
        "how far lower ribs come down: least, most, steps between",
        unit="mm for each mm sideways",
        source="further out they have come down by anything from nothing to more than a vertebra",
        data=NOT_RECORDED,
    )
    offset_mm: float = tuned(
        8.0,
        "the middle of a rib's start lies this far above that of its body",
        unit="mm along the spine",
        source="the same within the reach wherever it was looked at",
        data=PATIENTS_ATLAS_PHANTOM,
    )
    last_offset_mm: float = tuned(
        5.0,
        "the same at T12, and at lumbar levels, were there a rib",
        unit="mm along the spine",
        source="the same within the reach wherever it was looked at",
        data=PATIENTS_ATLAS_PHANTOM,
    )
    reach_mm: float = tuned(
        5.0,
        "a rib is looked for this far above and below that",
        unit="mm along the spine",
        source="patients, atlas and phantom agree within it",
        data=PATIENTS_ATLAS_PHANTOM,
    )
    present: float = tuned(
        0.4,
        "more is a rib",
        unit="mean probability of rib on both sides",
        source="a rib clearly seen on one side is a rib: twelfth ribs are often short on the other",
        data=NOT_RECORDED,
    )
    absent: float = tuned(
        0.3,
        "less is not a rib",
        unit="mean probability of rib on both sides",
        source="between the two nothing is concluded",
        data=NOT_RECORDED,
    )
    belief: float = tuned(
        0.95,
        "how far what is seen is believed",
        unit="probability",
        source="the rest is for cervical ribs, and for ribs that the network overlooks or invents",
        data=NOT_RECORDED,
    )

    def offset_of(self, level: str) -> float:
        """Return how far above the middle of its body the rib of ``level`` would start, in mm."""
        return self.offset_mm if level == "C7" or (level in THORACIC and level != "T12") else self.last_offset_mm


RIB_SIGNS = RibSigns()


class RibCount:
    """Ribs next to the bodies of a column.

    Args:
        centres_mm: (n,) arc lengths of the bodies' middles.
    """

    def __init__(
        self,
        segmentation: NetworkBodies,
        curve: SpineCurve,
        centres_mm: NDArray[np.float64],
        signs: RibSigns = RIB_SIGNS,
    ) -> None:
        self.signs = signs
        low, high = centres_mm.min() - 80.0, centres_mm.max() + 40.0
        self._s_mm = np.arange(low, high, STEP_MM)
        self._flat, self._steep = _profiles(segmentation, curve, self._s_mm, signs)
        self._centres_mm = centres_mm

    def seen(self, body: int, level: str) -> float:
        """Return how surely (0 to 1) there is a rib where ``body`` would bear it as ``level``; NaN outside the scan."""
        offset = self.signs.offset_of(level)
        near = np.abs(self._s_mm - self._centres_mm[body] - offset) <= self.signs.reach_mm
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
        belief = self.signs.belief
        for body in range(len(self._centres_mm)):
            for column, level in enumerate(("C7", *NAMES, "L5")):  # above C7, the names, below L5
                rib = self.seen(body, level)
                if not np.isnan(rib):
                    bearing[body, column] = np.log(1.0 - belief + (2.0 * belief - 1.0) * rib)
                    bare[body, column] = np.log(belief - (2.0 * belief - 1.0) * rib)
        return RibEvidence(bearing, bare)


def _profiles(
    segmentation: NetworkBodies, curve: SpineCurve, s_mm: NDArray[np.float64], signs: RibSigns
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how surely a flat or a steep rib starts next to the spine at each height: (n,) each, mean of both sides.

    That is what most of the likeliest band reaches; NaN where a steep band would leave the scan on both sides.
    """
    line, across, back = curve.frame(s_mm)
    across_mm, back_mm = np.arange(*signs.across_mm), np.arange(*signs.back_mm)
    descents = np.linspace(*signs.flat_descents), np.linspace(*signs.steep_descents)
    rib = segmentation.level_probability[RIB].astype(np.float32)
    spacing = np.asarray(segmentation.geometry.spacing_mm)
    flat: list[NDArray[np.float64]] = []
    steep: list[NDArray[np.float64]] = []
    for side in (-1.0, 1.0):
        u, v = (grid[None, ..., None] for grid in np.meshgrid(side * across_mm, back_mm, indexing="ij"))
        points = line[:, None, None] + u * across[:, None, None] + v * back[:, None, None]
        lps = segmentation.geometry.to_lps_mm(points[..., ::-1] / spacing)
        index = np.moveaxis(segmentation.level_geometry.to_index_xyz(lps)[..., ::-1], -1, 0)
        inside = np.all([(i >= -0.5) & (i <= n - 0.5) for i, n in zip(index, rib.shape, strict=True)], axis=0)
        values = ndimage.map_coordinates(rib, index, order=1, mode="nearest")
        beside = np.where(inside.mean(axis=2) > 0.5, np.where(inside, values, 0.0).max(axis=2), np.nan)
        for bands, steps in zip((flat, steep), descents, strict=True):
            bands.append(np.max([_along(beside, across_mm, descent, signs.covered) for descent in steps], axis=0))
    flat_mean, steep_mean = _of_both(flat), _of_both(steep)
    # A place is known or not, whatever name it is seen for.
    return np.where(np.isnan(steep_mean), np.nan, flat_mean), steep_mean


def _of_both(sides: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    both = np.stack(sides)
    known = ~np.isnan(both)
    return np.where(known.any(axis=0), np.nansum(both, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)


def _along(
    beside: NDArray[np.floating], across_mm: NDArray[np.float64], descent: float, covered: float
) -> NDArray[np.float64]:
    """Return (n,) the probability that ``covered`` of a band reaches, for bands of ``beside`` (n, len(across_mm)).

    NaN where half of a band or more is unknown.
    """
    down = np.rint(descent * (across_mm - across_mm[0]) / STEP_MM).astype(int)
    rows = np.arange(len(beside))[:, None] - down
    inside = (rows >= 0) & (rows < len(beside))
    band = np.where(inside, beside[np.clip(rows, 0, len(beside) - 1), np.arange(len(down))], np.nan)
    known = np.isfinite(band).sum(axis=1)
    # Sorted, what is unknown comes last.
    place = ((1.0 - covered) * np.maximum(known - 1, 0)).astype(int)
    reached = np.take_along_axis(np.sort(band, axis=1), place[:, None], axis=1)[:, 0]
    return np.where(known > len(down) / 2, reached, np.nan)
