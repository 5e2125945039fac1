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
from .name import CERTAIN, NAMES, THORACIC, Naming, odd_gap, tell_odd_place
from .ribs import ABSENT, PRESENT, RibCount

FIRST_RIB, LAST_RIB, ON_SACRUM = "the first rib", "the last rib", "the sacrum"
LEAST_FOR_TREND = 8  # bodies; of fewer none is called too long
LONG = 1.5  # times what the others let expect: two bodies, one of them crushed
SMALLEST_ML = (
    4.0  # a whole adult T1 has more; so do, in the median, all whole bodies of a spine, rods of a phantom less
)
FAINT_DISC = 0.4  # of the section of bone is lost at the disc: in scans that show all of them it is at least 0.58
OUTVOTED = 0.1  # a body with less of a vote for its name is taken for another one


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
            anchors.append(FIRST_RIB)
        if rib("T12") > PRESENT and rib("L1") < ABSENT:
            anchors.append(LAST_RIB)
        if "L5" in found and max(naming.positions) < len(NAMES):
            lowest = self.numbers == 1 + naming.positions.index(NAMES.index("L5"))
            if sacrum.follows(self.segmentation, lowest):
                anchors.append(ON_SACRUM)
        return anchors

    def contradiction(self, naming: Naming, found: set[str]) -> str | None:
        """Return which landmark speaks against the names of the bodies ``found``, if one does."""
        if "T1" in found and self.rib(naming, "T1") < ABSENT:
            return "no rib is seen at T1"
        if "C7" in found and self.rib(naming, "C7") > PRESENT:
            return "a rib is seen at C7"
        lowest = naming.positions[-1]
        if lowest != NAMES.index("L5") and sacrum.follows(self.segmentation, self.numbers == len(naming.positions)):
            return f"the sacrum lies right below {NAMES[lowest] if lowest < len(NAMES) else 'what follows L5'}"
        return None


def judge(
    naming: Naming,
    vertebrae: Sequence[Vertebra],
    extents_mm: NDArray[np.float64],
    discs: NDArray[np.float64],
    votes: NDArray[np.float64],
    landmarks: Landmarks,
    faint: bool = False,
) -> tuple[bool, str]:
    """Return whether the names are certain, and a sentence that says why.

    Args:
        vertebrae: those of the named bodies that are on the scan, from the top.
        extents_mm: (n, 2), from where to where each body of ``naming`` goes along the spine.
        discs: (n - 1,), how clearly one is seen between each body and the next, 0 to 1.
        votes: (n, len(NAMES) + 2), as for :func:`~.name.assign`.
        faint: whether the bodies were hardly recognised as vertebrae.
    """
    odd = _odd_place(naming, vertebrae, extents_mm)
    if odd is not None:
        return False, tell_odd_place(*odd)
    found = {v.level for v in vertebrae}
    anchors = landmarks.seen(naming, found)
    against = (
        ("the bodies are hardly like those of their levels" if faint else None)
        or _faint_disc(naming, found, discs)
        or _too_small(vertebrae)
        or _odd_ribs(naming, found, landmarks, anchors)
        or landmarks.contradiction(naming, found)
        or (_outvoted(naming, votes) if LAST_RIB not in anchors and ON_SACRUM not in anchors else None)
        or _too_little(anchors)
    )
    if against:
        return False, f"The names are uncertain: {against}; count the ribs and confirm or correct the names."
    probability = min(v.confidence for v in vertebrae)
    if probability < CERTAIN:
        other = f"{abs(naming.runner_up)} level{'s' if abs(naming.runner_up) > 1 else ''}"
        way = "lower" if naming.runner_up > 0 else "higher"
        return False, (
            f"The names are uncertain (probability {probability:.2f}): they might be {other} {way}; "
            "count the ribs and correct them."
        )
    return True, f"The names are counted from {' and '.join(anchors)} (probability {probability:.2f})."


def _faint_disc(naming: Naming, found: set[str], discs: NDArray[np.float64]) -> str | None:
    """Return which neighbours were told apart with no disc in sight, if any were: one, two or three they may be."""
    for (upper, lower), disc in zip(pairwise(naming.positions), discs, strict=True):
        if disc < FAINT_DISC and upper >= 0 and lower < len(NAMES) and {NAMES[upper], NAMES[lower]} <= found:
            return f"no clear disc is seen between {NAMES[upper]} and {NAMES[lower]}"
    return None


def _too_small(vertebrae: Sequence[Vertebra]) -> str | None:
    """Return which whole body below C7 is too small for one, if any is: a part of its neighbour."""
    small = [v.level for v in vertebrae if v.complete and v.level != "C7" and v.volume_ml < SMALLEST_ML]
    return f"{small[0]} is smaller than any adult's" if small else None


def _odd_ribs(naming: Naming, found: set[str], landmarks: Landmarks, anchors: Sequence[str]) -> str | None:
    """Return what is odd about how many vertebrae bear ribs, if anything is."""
    if naming.rib_bearing == 0:
        return "no ribs are seen to count from"
    at = {level: landmarks.rib(naming, level) for level in ("T12", "L1") if level in found}
    # What is out of view compares as neither.
    if naming.rib_bearing > len(THORACIC) or at.get("L1", np.nan) >= ABSENT:
        return f"a rib is seen at L1, so {len(THORACIC) + 1} vertebrae seem to bear ribs"
    # From the first rib to the sacrum all are counted; from either one, a rib too few may be a name too low.
    counted = FIRST_RIB in anchors and ON_SACRUM in anchors
    if at.get("T12", np.nan) < PRESENT and not counted:
        clear = "clear " if at["T12"] >= ABSENT else ""
        return f"no {clear}rib is seen at T12, so {len(THORACIC) - 1} vertebrae seem to bear ribs"
    return None


def _outvoted(naming: Naming, votes: NDArray[np.float64]) -> str | None:
    """Return which neighbours are both taken for another vertebra than their names say, or that the lowest body is.

    So it is where one was lost without a gap above them. It matters where names are counted from above alone: votes may
    well be off by one where ribs below tell better.
    """
    columns = np.clip(np.asarray(naming.positions) + 1, 0, votes.shape[1] - 1)
    outvoted = votes[np.arange(len(votes)), columns] < OUTVOTED
    for number in np.flatnonzero(outvoted[:-1] & outvoted[1:]):
        upper, lower = naming.positions[number], naming.positions[number + 1]
        if upper >= 0 and lower < len(NAMES):
            return f"{NAMES[upper]} and {NAMES[lower]} look like other vertebrae"
    if outvoted[-1] and 0 <= naming.positions[-1] < len(NAMES):
        return f"{NAMES[naming.positions[-1]]} looks like another vertebra"
    return None


def _too_little(anchors: Sequence[str]) -> str | None:
    if not anchors:
        return "neither C7/T1, nor the last rib, nor the sacrum is in view and clear enough to count from"
    if list(anchors) == [ON_SACRUM]:
        return "only the sacrum is in view to count from, and a sixth lumbar vertebra cannot be excluded"
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
