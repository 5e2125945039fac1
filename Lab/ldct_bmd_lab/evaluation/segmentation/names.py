"""Can the probability of each single name be trusted: that of every body that matches a reference body."""

from collections.abc import Sequence

from ..confidence import Confidence, JudgedBody, confidence
from .case import CaseResult


def name_confidence(results: Sequence[CaseResult]) -> Confidence | None:
    """Return how far the probabilities of the bodies that were found can be trusted; None without any."""
    return confidence(
        [
            JudgedBody(case.name, row.found_as, row.probability, row.named_right)
            for case in results
            for row in case.levels
            if row.found_as is not None and row.probability is not None
        ]
    )
