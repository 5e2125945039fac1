"""Naming all bodies of a column at once.

Bodies follow each other without a break, so one number decides every name: which level the uppermost body is. Each
body votes for each level; the sum of the votes over the whole column is compared between the possible namings.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

# Votes are given over these, from the top; what lies above C7 or below L5 is all one.
NAMES: tuple[str, ...] = ("C7", *(f"T{i}" for i in range(1, 13)), *(f"L{i}" for i in range(1, 6)))
FLOOR = 0.02  # a body can veto no naming on its own
CORRELATED_BODIES = 3.0  # neighbours err together: this many bodies count as one independent vote
CERTAIN = 0.95
GAP_FACTOR = 1.6  # centres further apart than this times the usual: a body was missed between them

THORACIC = tuple(f"T{i}" for i in range(1, 13))
# How many bodies bear ribs, and how often: twelfth ribs that are too short to be seen count as missing.
RIB_BEARING: dict[int, tuple[tuple[str, ...], float]] = {
    12: (THORACIC, 0.84),
    11: (THORACIC[:-1], 0.10),
    13: ((*THORACIC, "L1"), 0.06),
}


class RibEvidence(NamedTuple):
    """Log probability, (n, len(NAMES) + 2) each, of what is seen beside each body if it had each name.

    Attributes:
        bearing: if it bore a rib.
        bare: if it did not.
    """

    bearing: NDArray[np.float64]
    bare: NDArray[np.float64]


@dataclass(frozen=True)
class Naming:
    """Names of the bodies of a column.

    Attributes:
        positions: index into NAMES of each body from the top; below 0 cervical, beyond the end sacral.
        probability: of this naming against the others.
        runner_up: how many levels the next likely naming lies lower (positive) or higher.
        rib_bearing: how many bodies of a whole spine so named bear ribs: 12, or 11 or 13 if that is likelier.
    """

    positions: tuple[int, ...]
    probability: float
    runner_up: int
    rib_bearing: int = 12


def count_missing(centres_mm: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many bodies are missing before each body, from centres (n,) along the spine, top to bottom."""
    missing = np.zeros(len(centres_mm), dtype=np.int64)
    gaps = np.abs(np.diff(centres_mm))
    for i, gap in enumerate(gaps):
        others = np.delete(gaps, i)[max(0, i - 2) : i + 2]
        if len(others) and gap > GAP_FACTOR * np.median(others):
            missing[i + 1] = round(float(gap / np.median(others))) - 1
    return missing


def assign(votes: NDArray[np.float64], missing: NDArray[np.int64], ribs: RibEvidence | None = None) -> Naming:
    """Choose the most likely naming.

    Args:
        votes: (n, len(NAMES) + 2), probability of each body to be above C7, each of NAMES, below L5.
        missing: (n,), bodies missing before each body.
    """
    steps = np.cumsum(missing + 1) - 1 - missing[0]
    n, channels = votes.shape
    logs = np.log(np.maximum(votes, FLOOR)) / CORRELATED_BODIES
    starts = np.arange(-(n + int(missing.sum())), channels)
    columns = np.clip(starts[:, None] + steps + 1, 0, channels - 1)  # (namings, n)
    rows = np.arange(n)
    # One row a number of rib-bearing bodies, one column a naming.
    counts = list(RIB_BEARING)
    scores = np.zeros((len(counts), len(starts)))
    for row, (bearers, prior) in enumerate(RIB_BEARING.values()):
        bears = np.array([False, *(name in bearers for name in NAMES), False])
        seen = np.zeros_like(logs) if ribs is None else np.where(bears, ribs.bearing, ribs.bare)
        scores[row] = np.log(prior) + (logs + seen)[rows, columns].sum(axis=1)
    probability = softmax(logsumexp(scores, axis=0))
    order = np.argsort(probability)[::-1]
    best = int(order[0])
    return Naming(
        positions=tuple(int(p) for p in starts[best] + steps),
        probability=float(probability[best]),
        runner_up=int(starts[order[1]] - starts[best]),
        rib_bearing=counts[int(np.argmax(scores[:, best]))],
    )
