"""Whether the names of a column are certain, and what they rest on or what speaks against them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..segmentation import NetworkBodies
from . import sacrum
from .column import Vertebra
from .name import CERTAIN, NAMES, ODD_PLACE, THORACIC, Naming, odd_gap
from .ribs import ABSENT, PRESENT, RibCount


@dataclass(frozen=True)
class Landmarks:
    """What names can be counted from.

    Attributes:
        numbers: (z, y, x) on the fine grid, 1 for the uppermost body.
    """

    segmentation: NetworkBodies
    numbers: NDArray[np.uint8]
    ribs: RibCount

    def seen(self, naming: Naming, found: set[str]) -> list[str]:
        """Return the landmarks that are in view where the names of the bodies ``found`` say that they are."""

        def rib(level: str) -> float:
            return self.ribs.seen(naming.positions.index(NAMES.index(level)), level) if level in found else np.nan

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
    naming: Naming, vertebrae: Sequence[Vertebra], centres_mm: NDArray[np.float64], landmarks: Landmarks
) -> tuple[bool, str]:
    """Return whether the names are certain, and a sentence that says why.

    Args:
        vertebrae: those of the named bodies that are on the scan, from the top.
        centres_mm: (n,) of all bodies of ``naming``, along the spine.
    """
    odd = _odd_place(naming, vertebrae, centres_mm)
    if odd is not None:
        return False, ODD_PLACE.format(*odd)
    anchors = landmarks.seen(naming, {v.level for v in vertebrae})
    ribs = _odd_ribs(naming.rib_bearing, anchors)
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


def _odd_ribs(bearing: int, anchors: Sequence[str]) -> str | None:
    """Return what is odd about how many vertebrae bear ribs, if anything is."""
    if bearing == 0:
        return "no ribs are seen to count from"
    if bearing > len(THORACIC):
        return f"a rib is seen at L1, so {bearing} vertebrae seem to bear ribs"
    # Counted from the first rib, twelfth ribs may be short; from the sacrum there might be a sixth lumbar vertebra.
    if bearing < len(THORACIC) and "the first rib" not in anchors:
        return f"no rib is seen at T12, so {bearing} vertebrae seem to bear ribs"
    return None


def _odd_place(
    naming: Naming, vertebrae: Sequence[Vertebra], centres_mm: NDArray[np.float64]
) -> tuple[str, str] | None:
    """Return the neighbours between which names are left out or given twice, or that lie oddly close or far apart."""
    for upper, lower in pairwise(naming.positions):
        if lower - upper != 1 and upper >= 0 and lower < len(NAMES):
            return NAMES[upper], NAMES[lower]
    whole = [v.level for v in vertebrae if v.complete]
    at = np.array([centres_mm[naming.positions.index(NAMES.index(level))] for level in whole])
    return odd_gap(whole, np.abs(np.diff(at)))
