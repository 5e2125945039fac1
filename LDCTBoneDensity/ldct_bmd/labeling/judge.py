"""Whether the names of a column are certain, and what they rest on or what speaks against them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from ..segmentation import NetworkBodies
from . import sacrum
from .column import Vertebra
from .name import CERTAIN, NAMES, ODD_PLACE, THORACIC, Naming, odd_gap
from .ribs import ABSENT, PRESENT, RibCount

LEAST_FOR_TREND = 8  # bodies; of fewer none is called too long
LONG = 1.5  # times what the others let expect: two bodies, one of them crushed


@dataclass(frozen=True)
class Landmarks:
    """What names can be counted from.

    Attributes:
        numbers: (z, y, x) on the fine grid, 1 for the uppermost body.
    """

    segmentation: NetworkBodies
    numbers: NDArray[np.uint8]
    ribs: RibCount

    def rib(self, naming: Naming, level: str) -> float:
        """Return how surely the body called ``level``, which is one of those named, bears a rib; NaN if out of view."""
        return self.ribs.seen(naming.positions.index(NAMES.index(level)), level)

    def seen(self, naming: Naming, found: set[str]) -> list[str]:
        """Return the landmarks that are in view where the names of the bodies ``found`` say that they are."""

        def rib(level: str) -> float:
            return self.rib(naming, level) if level in found else np.nan

        # A place for a rib that is out of view tells nothing: it compares as neither.
        anchors = []
        if rib("T1") > PRESENT and rib("C7") < ABSENT:
            anchors.append("the first rib")
        if rib("T12") > PRESENT and rib("L1") < ABSENT:
            anchors.append("the last rib")
        if "L5" in found and max(naming.positions) < len(NAMES):
            lowest = self.numbers == 1 + naming.positions.index(NAMES.index("L5"))
            if sacrum.follows(self.segmentation, lowest):
                anchors.append("the sacrum")
        return anchors


def judge(
    naming: Naming, vertebrae: Sequence[Vertebra], extents_mm: NDArray[np.float64], landmarks: Landmarks
) -> tuple[bool, str]:
    """Return whether the names are certain, and a sentence that says why.

    Args:
        vertebrae: those of the named bodies that are on the scan, from the top.
        extents_mm: (n, 2), from where to where each body of ``naming`` goes along the spine.
    """
    odd = _odd_place(naming, vertebrae, extents_mm)
    if odd is not None:
        return False, ODD_PLACE.format(*odd)
    found = {v.level for v in vertebrae}
    anchors = landmarks.seen(naming, found)
    # From the first rib to the sacrum all are counted; from either one, a rib too few may be a name too low.
    counted = "the first rib" in anchors and "the sacrum" in anchors
    bare = "T12" in found and landmarks.rib(naming, "T12") < PRESENT
    ribs = _odd_ribs(naming.rib_bearing, bare and not counted)
    if ribs is not None:
        return False, f"The names are uncertain: {ribs}; count them and confirm or correct the names."
    if not anchors:
        return False, (
            "The names are uncertain: neither C7/T1, nor the last rib, nor the sacrum is in view to count from."
        )
    probability = min(v.confidence for v in vertebrae)
    if probability < CERTAIN:
        other = f"{abs(naming.runner_up)} level{'s' if abs(naming.runner_up) > 1 else ''}"
        way = "lower" if naming.runner_up > 0 else "higher"
        return False, (
            f"The names are uncertain (probability {probability:.2f}): they might be {other} {way}; "
            "count the ribs and correct them."
        )
    return True, f"The names are counted from {' and '.join(anchors)} (probability {probability:.2f})."


def _odd_ribs(bearing: int, bare: bool) -> str | None:
    """Return what is odd about how many vertebrae bear ribs, if anything is; ``bare``: none is seen at T12."""
    if bearing == 0:
        return "no ribs are seen to count from"
    if bearing > len(THORACIC):
        return f"a rib is seen at L1, so {bearing} vertebrae seem to bear ribs"
    if bare:
        return f"no rib is seen at T12, so {len(THORACIC) - 1} vertebrae seem to bear ribs"
    return None


def _odd_place(
    naming: Naming, vertebrae: Sequence[Vertebra], extents_mm: NDArray[np.float64]
) -> tuple[str, str] | None:
    """Return the neighbours between which names are left out or given twice, or that are oddly far apart or long."""
    for upper, lower in pairwise(naming.positions):
        if lower - upper != 1 and upper >= 0 and lower < len(NAMES):
            return NAMES[upper], NAMES[lower]
    whole = [v.level for v in vertebrae if v.complete]
    at = np.array([extents_mm.mean(axis=1)[naming.positions.index(NAMES.index(level))] for level in whole])
    odd = odd_gap(whole, np.abs(np.diff(at)))
    if odd is not None:
        return odd
    for position, length in zip(naming.positions[1:-1], relative_lengths(extents_mm), strict=False):
        if length > LONG and 0 <= position < len(NAMES) - 1:
            return NAMES[position], NAMES[position + 1]
    return None


def relative_lengths(extents_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how long each body but the first and the last is, over what the others let expect.

    Lengths grow steadily down the spine; the scan's edges may cut the first and the last one.

    Args:
        extents_mm: (n, 2), from where to where each body goes along the spine.
    """
    if len(extents_mm) < LEAST_FOR_TREND:
        return np.ones(max(len(extents_mm) - 2, 0))
    lengths = np.log(np.maximum(np.abs(np.diff(extents_mm[1:-1], axis=1))[:, 0], 1.0))
    number = np.arange(len(lengths))
    trend = theilslopes(lengths, number)
    return np.asarray(np.exp(lengths - trend.intercept - trend.slope * number))
