"""Distances between vertebral bodies, against those usual for their levels: where one is missing, split or joined."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..anatomy import LEVELS
from .tuned import ANATOMY, DRAWN, FOUR_REAL_SCANS, tuned
from .usual import HEIGHTS_MM, NAMES

TRANSITIONAL = {"T13": "T12", "L6": "L5"}  # only a reader names them; as high as the one above
NO_VOTE = 1e-6  # a body of no votes at all is as high as the mean of all


@dataclass(frozen=True)
class GapLimits:
    """How far apart, from centre to centre, neighbours may lie."""

    missed: float = tuned(
        1.6,
        "farther apart, a body was missed between them",
        unit="of the distance usual next to it",
        source="between one step and two; most columns vary by a tenth",
        data=DRAWN,
    )
    close: float = tuned(
        0.62,
        "closer, they are halves of one body",
        unit="of the distance usual next to it",
        source="a body crushed to a third of its height stays above",
        data=DRAWN,
    )
    wide: float = tuned(
        1.4,
        "farther apart, a body was missed between them, or is joined to one of them",
        unit="of the distance usual next to it",
        source="next to a crushed body neighbours stay below",
        data=DRAWN,
    )
    beside: int = tuned(
        4,
        "gaps on either side that tell what is usual",
        unit="gaps",
        source="a crushed body spoils two of them",
        data=ANATOMY,
    )
    tallest: float = tuned(
        1.3,
        "farther apart they are not neighbours, were all the others as far apart",
        unit="of the distance that HEIGHTS_MM make usual",
        source="a tall man's lie closer; those of bodies joined in pairs, or of three cut in two, do not",
        data=FOUR_REAL_SCANS,
    )


GAP_LIMITS = GapLimits()


def count_missing(
    centres_mm: NDArray[np.float64], votes: NDArray[np.float64], limits: GapLimits = GAP_LIMITS
) -> NDArray[np.int64]:
    """Return how many bodies are missing before each body, from centres (n,) along the spine, top to bottom.

    Args:
        votes: (n, len(NAMES) + 2), as for :func:`~.name.assign`.
    """
    missing = np.zeros(len(centres_mm), dtype=np.int64)
    gaps = relative_gaps(np.abs(np.diff(centres_mm)) / usual_gaps(votes), limits)
    missing[1:] = np.where(gaps > limits.missed, np.rint(gaps) - 1, 0)
    return missing


def relative_gaps(gaps: NDArray[np.float64], limits: GapLimits = GAP_LIMITS) -> NDArray[np.float64]:
    """Return each gap (n,) between centres over the median of the next ones on either side; 1 if there is none.

    Args:
        gaps: of those usual between such bodies, so that those of a patient are much the same.
    """
    beside = (np.delete(gaps, i)[max(0, i - limits.beside) : i + limits.beside] for i in range(len(gaps)))
    return np.array([gap / np.median(others) if len(others) else 1.0 for gap, others in zip(gaps, beside, strict=True)])


def odd_gaps(
    levels: Sequence[str], gaps_mm: NDArray[np.float64], limits: GapLimits = GAP_LIMITS
) -> list[tuple[str, str]]:
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
        for gap, relative, pair in zip(gaps, relative_gaps(gaps, limits), pairwise(levels), strict=True)
        if not limits.close < relative < limits.wide or gap > limits.tallest
    ]


def usual_gaps(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the usual distances (n - 1,) in mm between bodies with such ``votes`` (n, len(NAMES) + 2)."""
    heights = np.pad(list(HEIGHTS_MM.values()), 1, mode="edge")
    return _between(np.average(np.broadcast_to(heights, votes.shape), axis=1, weights=votes + NO_VOTE))


def _between(heights_mm: ArrayLike) -> NDArray[np.float64]:
    heights = np.asarray(heights_mm, dtype=np.float64)
    return np.asarray((heights[1:] + heights[:-1]) / 2)
