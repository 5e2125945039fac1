"""Naming all bodies of a column at once.

Bodies follow each other, but for rare slips of the segmentation: a body split in two, two joined, one missed. Each
body votes for each level; the namings of the whole column are weighed against each other (a hidden Markov chain).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from ..words import Phrase
from .gaps import GAP_LIMITS, GapLimits, relative_gaps, usual_gaps
from .tuned import ANATOMY, DRAWN, LOWER_PETCT, SYNTHETIC, tuned
from .usual import NAMES, THORACIC


class RibHypothesis(NamedTuple):
    """Which bodies show ribs: how many of a whole spine bear them, at which levels they are seen, how often."""

    bearing: int
    seen: tuple[str, ...]
    prior: float


@dataclass(frozen=True)
class NamingPriors:
    """What is held to be likely of a column before it is seen, and how far votes are trusted."""

    above_c7: int = tuned(6, "bodies above C7 that may be in view", unit="bodies", source="C1 to C6", data=ANATOMY)
    below_l5: int = tuned(
        2,
        "bodies below L5 that may be in view",
        unit="bodies",
        source="a sixth lumbar one, or of the sacrum",
        data=ANATOMY,
    )
    floor: float = tuned(
        0.02,
        "the least that any vote counts as",
        unit="probability",
        source="a body can veto no naming on its own",
        data=DRAWN,
    )
    correlated_bodies: float = tuned(
        4.0,
        "this many bodies count as one independent vote",
        unit="bodies",
        source="neighbours err together",
        data=SYNTHETIC,
    )
    independent_votes: float = tuned(
        3.5,
        "a whole column counts as no more votes than these",
        unit="votes",
        source="it may lean one way",
        data=SYNTHETIC,
    )
    slip: float = tuned(
        4e-4,
        "chance that neighbours at their usual distance are one body in truth, or that one between them was missed",
        unit="probability",
        source="a more frequent one gave 5 of 13 virtual patients' chests a wrong name",
        data=SYNTHETIC,
    )
    far: float = tuned(
        13.0,
        "how much likelier a slip is where neighbours are closer, or farther apart, than usual",
        unit="logarithm per relative distance",
        source="most columns vary by a tenth",
        data=SYNTHETIC,
    )
    not_l5: float = tuned(
        0.05,
        "odds that a body right above the sacrum is another than L5",
        unit="odds",
        source="a sixth lumbar one, or no sacrum",
        data=LOWER_PETCT,
    )
    ribs: tuple[RibHypothesis, ...] = tuned(
        (
            RibHypothesis(12, THORACIC, 0.82),
            RibHypothesis(12, THORACIC[4:], 0.03),
            RibHypothesis(11, THORACIC[:-1], 0.06),
            RibHypothesis(13, (*THORACIC, "L1"), 0.06),
            RibHypothesis(0, (), 0.03),
        ),
        "which bodies show ribs, and how often",
        unit="probability",
        source=(
            "twelfth ribs that are too short count as missing; now and then the network overlooks those between the "
            "shoulders, or all of them"
        ),
        data=SYNTHETIC,
    )
    gaps: GapLimits = GAP_LIMITS


NAMING_PRIORS = NamingPriors()


class RibEvidence(NamedTuple):
    """Log probability, (n, len(NAMES) + 2) each, of what is seen next to each body if it had each name.

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


def assign(
    votes: NDArray[np.float64],
    missing: NDArray[np.int64],
    ribs: RibEvidence | None = None,
    centres_mm: NDArray[np.float64] | None = None,
    on_sacrum: bool = False,
    priors: NamingPriors = NAMING_PRIORS,
) -> Naming:
    """Choose the most likely naming of the whole column: each body the next level, but for rare slips.

    Args:
        votes: (n, len(NAMES) + 2), probability of each body to be above C7, each of NAMES, below L5.
        missing: (n,), bodies missing before each body.
        centres_mm: (n,) along the spine: where neighbours lie far apart, one was more likely missed.
        on_sacrum: the sacrum is seen right below the lowest body.
    """
    n, channels = votes.shape
    logs = np.log(np.maximum(votes, priors.floor)) / max(priors.correlated_bodies, n / priors.independent_votes)
    levels = np.arange(-priors.above_c7, len(NAMES) + priors.below_l5)
    columns = np.clip(levels + 1, 0, channels - 1)
    lowest = np.log(np.where(levels == NAMES.index("L5"), 1.0, priors.not_l5)) if on_sacrum else np.zeros(len(levels))
    slips = _slips(missing, centres_mm, votes, priors)
    forward, backward, scores = [], [], []
    for _, shown, prior in priors.ribs:
        bears = np.array([False, *(name in shown for name in NAMES), False])
        seen = np.zeros_like(logs) if ribs is None else np.where(bears, ribs.bearing, ribs.bare)
        emission = (logs + seen)[:, columns]
        emission[-1] += lowest
        ahead, back = _pass(emission, missing, slips), _pass(emission[::-1], missing, slips, reverse=True)[::-1]
        forward.append(ahead)
        backward.append(back - emission)
        scores.append(np.log(prior) + scipy.special.logsumexp(ahead[-1]))
    share = scipy.special.softmax(scores)
    marginal = sum(
        w * scipy.special.softmax(ahead + back, axis=1) for w, ahead, back in zip(share, forward, backward, strict=True)
    )
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
        rib_bearing=priors.ribs[int(np.argmax(share))].bearing,
    )


def odd_place(upper: str, lower: str) -> Phrase:
    """Return what is wrong between two neighbours, or at a name given twice."""
    if upper == lower or not (upper and lower):
        return Phrase("names.odd_at", {"level": upper or lower})
    return Phrase("names.odd_between", {"upper": upper, "lower": lower})


def _slips(
    missing: NDArray[np.int64],
    centres_mm: NDArray[np.float64] | None,
    votes: NDArray[np.float64],
    priors: NamingPriors,
) -> NDArray[np.float64]:
    """Return (n, 3) log probability that a body is the same as, the next after, or the next but one after the last."""
    split, joined = np.full((2, len(missing)), priors.slip)
    if centres_mm is not None:
        gaps = np.abs(np.diff(centres_mm)) / (1 + missing[1:]) / usual_gaps(votes)
        excess = relative_gaps(gaps, priors.gaps) - 1.0
        least = 0.5 * priors.slip
        split[1:] = np.clip(priors.slip * np.exp(-priors.far * excess), least, 0.5)
        joined[1:] = np.clip(priors.slip * np.exp(priors.far * excess), least, 0.5)
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
        out[i] = scipy.special.logsumexp(moved, axis=0) + emission[i]
    return out


def _shifted(row: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    shifted = np.full_like(row, -1e9)
    by = int(np.clip(by, -len(row), len(row)))
    if by >= 0:
        shifted[by:] = row[: len(row) - by]
    else:
        shifted[: len(row) + by] = row[-by:]
    return shifted
