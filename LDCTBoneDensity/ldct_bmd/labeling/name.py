"""Naming all bodies of a column at once.

Bodies follow each other, but for rare slips of the segmentation: a body split in two, two joined, one missed. Each
body votes for each level; the namings of the whole column are weighed against each other (a hidden Markov chain).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, softmax

from ..anatomy import LEVELS
from ..words import Phrase

# Votes are given over these, from the top; what lies above C7 or below L5 is all one.
NAMES: tuple[str, ...] = ("C7", *(f"T{i}" for i in range(1, 13)), *(f"L{i}" for i in range(1, 6)))
# Height of each body with its disc: the torso atlas's (a woman), larger above T4, as in two patients' scans.
HEIGHTS_MM: dict[str, float] = dict(
    zip(
        NAMES,
        (19, 20, 21, 22, 23, 24, 25, 25.5, 26.5, 27.5, 28.5, 30, 32, 33.5, 34.5, 35, 35, 34.5),
        strict=True,
    )
)
TRANSITIONAL = {"T13": "T12", "L6": "L5"}  # only a reader names them; as high as the one above
CERVICAL, SACRAL = 6, 2  # bodies above C7, and below L5 (a sixth lumbar one, or of the sacrum), that may be in view
NO_VOTE = 1e-6  # a body of no votes at all is as high as the mean of all
FLOOR = 0.02  # a body can veto no naming on its own
CORRELATED_BODIES = 4.0  # neighbours err together: this many bodies count as one independent vote,
INDEPENDENT_VOTES = 3.5  # and a whole column, which may lean one way, as no more than these
CERTAIN = 0.95
SLIP = 4e-4  # chance that two neighbours are one body in truth, or that one between them was missed or joined to one,
FAR = 13.0  # which grows with how much closer, or further apart, they are than usual: most columns vary by a tenth
GAP_FACTOR = 1.6  # centres further apart than this times the usual: a body was missed between them
# Of the usual distance between centres: halves of one body lie closer, a body missed or joined to another further
# apart. One that is crushed to a third of its height stays within.
CLOSE, WIDE = 0.62, 1.4
BESIDE = 4  # gaps on either side tell what is usual: a crushed body spoils two of them
TALLEST = 1.3  # times what HEIGHTS_MM make usual: farther apart are no neighbours, were all the others as far apart
NOT_L5 = 0.05  # odds that a body right above the sacrum is another than L5: a sixth lumbar one, or no sacrum

THORACIC = tuple(f"T{i}" for i in range(1, 13))


class RibHypothesis(NamedTuple):
    """Which bodies show ribs: how many of a whole spine bear them, at which levels they are seen, how often."""

    bearing: int
    seen: tuple[str, ...]
    prior: float


# Twelfth ribs that are too short count as missing; now and then the network overlooks those between the shoulders, or
# all of them.
RIB_HYPOTHESES = (
    RibHypothesis(12, THORACIC, 0.82),
    RibHypothesis(12, THORACIC[4:], 0.03),
    RibHypothesis(11, THORACIC[:-1], 0.06),
    RibHypothesis(13, (*THORACIC, "L1"), 0.06),
    RibHypothesis(0, (), 0.03),
)


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
        positions: index into NAMES of each body from the top; below 0 cervical, beyond the end sacral. Fragments of one
            body have the same position; where one is left out, two bodies are joined or one was missed.
        confidence: probability of each body's position.
        others: the next likely position of each body, and its probability.
        rib_bearing: how many bodies of a whole spine so named bear ribs: 12, or 11, 13 or none if that is
            likelier.
    """

    positions: tuple[int, ...]
    confidence: tuple[float, ...]
    others: tuple[tuple[int, float], ...]
    rib_bearing: int = 12

    def other(self, body: int) -> tuple[str | Phrase, float]:
        """Return the next likely name of a body, and its probability."""
        position, probability = self.others[body]
        if 0 <= position < len(NAMES):
            return NAMES[position], probability
        return Phrase("names.cervical" if position < 0 else "names.below_l5"), probability


def count_missing(centres_mm: NDArray[np.float64], votes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many bodies are missing before each body, from centres (n,) along the spine, top to bottom.

    Args:
        votes: (n, len(NAMES) + 2), as for :func:`assign`.
    """
    missing = np.zeros(len(centres_mm), dtype=np.int64)
    gaps = relative_gaps(np.abs(np.diff(centres_mm)) / _usual_gaps(votes))
    missing[1:] = np.where(gaps > GAP_FACTOR, np.rint(gaps) - 1, 0)
    return missing


def assign(
    votes: NDArray[np.float64],
    missing: NDArray[np.int64],
    ribs: RibEvidence | None = None,
    centres_mm: NDArray[np.float64] | None = None,
    on_sacrum: bool = False,
) -> Naming:
    """Choose the most likely naming of the whole column: each body the next level, but for rare slips.

    Args:
        votes: (n, len(NAMES) + 2), probability of each body to be above C7, each of NAMES, below L5.
        missing: (n,), bodies missing before each body.
        centres_mm: (n,) along the spine: where neighbours lie far apart, one was more likely missed.
        on_sacrum: the sacrum is seen right below the lowest body.
    """
    n, channels = votes.shape
    logs = np.log(np.maximum(votes, FLOOR)) / max(CORRELATED_BODIES, n / INDEPENDENT_VOTES)
    levels = np.arange(-CERVICAL, len(NAMES) + SACRAL)
    columns = np.clip(levels + 1, 0, channels - 1)
    lowest = np.log(np.where(levels == NAMES.index("L5"), 1.0, NOT_L5)) if on_sacrum else np.zeros(len(levels))
    slips = _slips(missing, centres_mm, votes)
    forward, backward, scores = [], [], []
    for _, shown, prior in RIB_HYPOTHESES:
        bears = np.array([False, *(name in shown for name in NAMES), False])
        seen = np.zeros_like(logs) if ribs is None else np.where(bears, ribs.bearing, ribs.bare)
        emission = (logs + seen)[:, columns]
        emission[-1] += lowest
        ahead, back = _pass(emission, missing, slips), _pass(emission[::-1], missing, slips, reverse=True)[::-1]
        forward.append(ahead)
        backward.append(back - emission)
        scores.append(np.log(prior) + logsumexp(ahead[-1]))
    share = softmax(scores)
    marginal = sum(w * softmax(ahead + back, axis=1) for w, ahead, back in zip(share, forward, backward, strict=True))
    marginal = np.asarray(marginal)
    # The likeliest position of each body; they follow each other since slips are rare.
    best = np.maximum.accumulate(marginal.argmax(axis=1))
    confidence = marginal[np.arange(n), best]
    rest = marginal.copy()
    rest[np.arange(n), best] = 0.0
    others = rest.argmax(axis=1)
    return Naming(
        positions=tuple(int(levels[k]) for k in best),
        confidence=tuple(float(c) for c in confidence),
        others=tuple((int(levels[k]), float(rest[body, k])) for body, k in enumerate(others)),
        rib_bearing=RIB_HYPOTHESES[int(np.argmax(share))].bearing,
    )


def relative_gaps(gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each gap (n,) between centres over the median of the four next ones on either side; 1 if there is none.

    Args:
        gaps: of those usual between such bodies, so that those of a patient are much the same.
    """
    beside = (np.delete(gaps, i)[max(0, i - BESIDE) : i + BESIDE] for i in range(len(gaps)))
    return np.array([gap / np.median(others) if len(others) else 1.0 for gap, others in zip(gaps, beside, strict=True)])


def odd_gaps(levels: Sequence[str], gaps_mm: NDArray[np.float64]) -> list[tuple[str, str]]:
    """Return the neighbours whose distance does not go with their names.

    Args:
        levels: n + 1 of LEVELS, whole bodies from the top; T13 and L6 are of the patient's if they are among them.
        gaps_mm: (n,) between their centres.
    """
    whole = [level for level in LEVELS if level in NAMES or level in levels]
    steps = np.diff([whole.index(level) for level in levels])
    gaps = gaps_mm / steps / _between([HEIGHTS_MM[TRANSITIONAL.get(level, level)] for level in levels])
    return [
        pair
        for gap, relative, pair in zip(gaps, relative_gaps(gaps), pairwise(levels), strict=True)
        if not CLOSE < relative < WIDE or gap > TALLEST
    ]


def _usual_gaps(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the usual distances (n - 1,) in mm between bodies with such ``votes`` (n, len(NAMES) + 2)."""
    heights = np.pad(list(HEIGHTS_MM.values()), 1, mode="edge")
    return _between(np.average(np.broadcast_to(heights, votes.shape), axis=1, weights=votes + NO_VOTE))


def _between(heights_mm: ArrayLike) -> NDArray[np.float64]:
    heights = np.asarray(heights_mm, dtype=np.float64)
    return np.asarray((heights[1:] + heights[:-1]) / 2)


def odd_place(upper: str, lower: str) -> Phrase:
    """Return what is wrong between two neighbours, or at a name given twice."""
    if upper == lower or not (upper and lower):
        return Phrase("names.odd_at", {"level": upper or lower})
    return Phrase("names.odd_between", {"upper": upper, "lower": lower})


def _slips(
    missing: NDArray[np.int64], centres_mm: NDArray[np.float64] | None, votes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n, 3) log probability that a body is the same as, the next after, or the next but one after the last."""
    split, joined = np.full((2, len(missing)), SLIP)
    if centres_mm is not None:
        gaps = np.abs(np.diff(centres_mm)) / (1 + missing[1:]) / _usual_gaps(votes)
        excess = relative_gaps(gaps) - 1.0
        split[1:] = np.clip(SLIP * np.exp(-FAR * excess), 0.5 * SLIP, 0.5)
        joined[1:] = np.clip(SLIP * np.exp(FAR * excess), 0.5 * SLIP, 0.5)
    return np.log(np.stack([split, 1.0 - split - joined, joined], axis=1))


def _pass(
    emission: NDArray[np.float64], missing: NDArray[np.int64], slips: NDArray[np.float64], reverse: bool = False
) -> NDArray[np.float64]:
    """Return (n, levels) log probability of all that is seen up to each body, for each level of it."""
    out = np.empty_like(emission)
    out[0] = emission[0]
    n = len(emission)
    for i in range(1, n):
        junction = n - i if reverse else i
        steps = np.array([0, 1, 2]) + int(missing[junction])
        moved = [_shifted(out[i - 1], -s if reverse else s) + slips[junction, k] for k, s in enumerate(steps)]
        out[i] = logsumexp(moved, axis=0) + emission[i]
    return out


def _shifted(row: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    shifted = np.full_like(row, -1e9)
    by = int(np.clip(by, -len(row), len(row)))
    if by >= 0:
        shifted[by:] = row[: len(row) - by]
    else:
        shifted[: len(row) + by] = row[-by:]
    return shifted
