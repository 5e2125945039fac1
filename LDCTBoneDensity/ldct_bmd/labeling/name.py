"""Naming all bodies of a column at once.

Bodies follow each other without a break, so one number decides every name: which level the uppermost body is. Each
body votes for each level; the sum of the votes over the whole column is compared between the possible namings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

# Votes are given over these, from the top; what lies above C7 or below L5 is all one.
NAMES: tuple[str, ...] = ("C7", *(f"T{i}" for i in range(1, 13)), *(f"L{i}" for i in range(1, 6)))
FLOOR = 0.02  # a body can veto no naming on its own
CORRELATED_BODIES = 3.0  # neighbours err together: this many bodies count as one independent vote
CERTAIN = 0.95
GAP_FACTOR = 1.6  # centres further apart than this times the usual: a body was missed between them


@dataclass(frozen=True)
class Naming:
    """Names of the bodies of a column.

    Attributes:
        positions: index into NAMES of each body from the top; below 0 cervical, beyond the end sacral.
        probability: of this naming against the others.
        runner_up: how many levels the next likely naming lies lower (positive) or higher.
    """

    positions: tuple[int, ...]
    probability: float
    runner_up: int


def count_missing(centres_mm: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many bodies are missing before each body, from centres (n,) along the spine, top to bottom."""
    missing = np.zeros(len(centres_mm), dtype=np.int64)
    gaps = np.abs(np.diff(centres_mm))
    for i, gap in enumerate(gaps):
        others = np.delete(gaps, i)[max(0, i - 2) : i + 2]
        if len(others) and gap > GAP_FACTOR * np.median(others):
            missing[i + 1] = round(float(gap / np.median(others))) - 1
    return missing


def assign(votes: NDArray[np.float64], missing: NDArray[np.int64], ribs: NDArray[np.float64] | None = None) -> Naming:
    """Choose the most likely naming.

    Args:
        votes: (n, len(NAMES) + 2), probability of each body to be above C7, each of NAMES, below L5.
        missing: (n,), bodies missing before each body.
        ribs: log probability of the ribs that are seen, of the shape of ``votes``.
    """
    steps = np.cumsum(missing + 1) - 1 - missing[0]
    n, channels = votes.shape
    logs = np.log(np.maximum(votes, FLOOR)) / CORRELATED_BODIES
    if ribs is not None:
        logs = logs + ribs
    starts = np.arange(-(n + int(missing.sum())), channels)
    scores = np.array([logs[np.arange(n), np.clip(start + steps + 1, 0, channels - 1)].sum() for start in starts])
    probability = softmax(scores)
    order = np.argsort(probability)[::-1]
    best = int(order[0])
    return Naming(
        positions=tuple(int(p) for p in starts[best] + steps),
        probability=float(probability[best]),
        runner_up=int(starts[order[1]] - starts[best]),
    )
