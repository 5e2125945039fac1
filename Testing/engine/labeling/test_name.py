"""All names of a column are decided at once, and what cannot be settled is said."""

import numpy as np
import pytest

from ldct_bmd.labeling.gaps import count_missing, odd_gaps, relative_gaps
from ldct_bmd.labeling.judge import CERTAINTY_LIMITS
from ldct_bmd.labeling.name import RibEvidence, assign
from ldct_bmd.labeling.usual import NAMES, THORACIC

CHANNELS = len(NAMES) + 2  # above C7, C7 ... L5, below L5


def votes(top: str, count: int, width: float = 0.7, shift: tuple[int, ...] = ()) -> np.ndarray:
    """Votes of ``count`` bodies from ``top`` down; those with numbers in ``shift`` vote one level too high."""
    centres = NAMES.index(top) + 1 + np.arange(count)
    centres[list(shift)] -= 1
    levels = np.arange(CHANNELS)
    raw = np.exp(-0.5 * ((levels - centres[:, None]) / width) ** 2)
    return raw / raw.sum(axis=1, keepdims=True)


def names(positions: tuple[int, ...]) -> list[str]:
    return [NAMES[p] if 0 <= p < len(NAMES) else "?" for p in positions]


def test_clear_votes_name_the_column() -> None:
    naming = assign(votes("T1", 14, width=0.5), np.zeros(14, dtype=int))
    assert names(naming.positions) == [*(f"T{i}" for i in range(1, 13)), "L1", "L2"]
    assert min(naming.confidence) > CERTAINTY_LIMITS.probability


def test_a_class_boundary_off_by_one_shifts_no_name() -> None:
    # Pan et al. 2020: seven bodies were called T7-T12, and L1 became a thirteenth thoracic vertebra.
    wrong = votes("T1", 14, width=0.5, shift=(12, 13))
    naming = assign(wrong, np.zeros(14, dtype=int))
    assert names(naming.positions)[-2:] == ["L1", "L2"]


def test_a_column_that_leans_one_way_is_not_certain_however_long() -> None:
    # Each body says two to one that it is the next lower level.
    leaning = (votes("T3", 12, width=0.4) + 2 * votes("T4", 12, width=0.4)) / 3
    assert min(assign(leaning, np.zeros(12, dtype=int)).confidence) < CERTAINTY_LIMITS.probability


def test_votes_split_between_two_namings_are_not_certain() -> None:
    half = 0.5 * votes("T1", 14, width=0.4) + 0.5 * votes("T2", 14, width=0.4)
    naming = assign(half, np.zeros(14, dtype=int))
    assert min(naming.confidence) < CERTAINTY_LIMITS.probability
    assert {other for other, _ in naming.others} & set(naming.positions)


def test_a_missed_body_shifts_none_of_the_names_below_it() -> None:
    kept = np.delete(votes("T8", 8), 3, axis=0)
    missing = np.array([0, 0, 0, 1, 0, 0, 0])
    naming = assign(kept, missing)
    assert names(naming.positions) == ["T8", "T9", "T10", "T12", "L1", "L2", "L3"]


def test_a_gap_between_centres_counts_as_missing_bodies() -> None:
    centres = -np.array([0.0, 25.0, 51.0, 104.0, 131.0])
    assert count_missing(centres, votes("T8", 5)).tolist() == [0, 0, 0, 1, 0]


def test_discs_that_grow_downwards_are_no_gap() -> None:
    centres = -np.cumsum(np.linspace(18, 36, 16))
    assert count_missing(centres, votes("T1", 16)).sum() == 0


@pytest.mark.parametrize(
    ("gaps_mm", "odd"),
    [
        ((24.0, 24.5, 23.0, 25.0), None),  # as in a tall man
        ((24.0, 24.5, 36.0, 25.0), ("T4", "T5")),
        ((24.0, 24.5, 14.0, 25.0), ("T4", "T5")),
        ((31.0, 32.0, 33.0, 32.0), ("T2", "T3")),  # three bodies cut into two, all along
    ],
)
def test_distances_that_do_not_go_with_the_names_are_told(gaps_mm: tuple[float, ...], odd: tuple[str, str]) -> None:
    assert odd_gaps(["T2", "T3", "T4", "T5", "T6"], np.array(gaps_mm))[:1] == ([] if odd is None else [odd])


def test_distances_are_compared_with_those_usual_for_their_levels() -> None:
    levels = ["T2", "T3", "T4", "T5", "T6", "L1", "L2", "L3", "L4", "L5"]
    usual = np.array([21.5, 22.5, 23.5, 24.5, 206.75, 34.0, 34.75, 35.0, 34.75])  # mm, T6 to L1 over those left out
    assert odd_gaps(levels, 0.9 * usual) == []
    usual[-1] = 20.0  # T2 and T3 lie so, L4 and L5 do not
    assert odd_gaps(levels, 0.9 * usual) == [("L4", "L5")]


def test_a_body_without_any_vote_is_named_after_its_neighbours() -> None:
    seen = votes("T8", 6, width=0.4)
    seen[2] = 0.0
    centres = -np.cumsum([0.0, 27.0, 28.0, 29.0, 31.0, 33.0])
    naming = assign(seen, count_missing(centres, seen), centres_mm=centres)
    assert names(naming.positions) == ["T8", "T9", "T10", "T11", "T12", "L1"]
    assert np.isfinite(naming.confidence).all()


def test_a_crushed_body_makes_no_others_far_apart() -> None:
    gaps = np.array([1.0] * 5 + [0.7, 0.7] + [1.0] * 5)
    assert relative_gaps(gaps) == pytest.approx(gaps)


def test_a_level_left_out_is_no_odd_distance() -> None:
    assert odd_gaps(["T9", "T10", "T12", "L1"], np.array([29.0, 61.0, 33.0])) == []


def test_bodies_above_c7_and_below_l5_get_no_name() -> None:
    rows = votes("C7", 3)
    above = np.zeros((2, CHANNELS))
    above[:, :2] = 0.5
    naming = assign(np.concatenate([above, rows]), np.zeros(5, dtype=int))
    assert names(naming.positions) == ["?", "?", "C7", "T1", "T2"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_column_of_one_or_two_bodies_is_named_too(count: int) -> None:
    naming = assign(votes("L1", count, width=0.4), np.zeros(count, dtype=int))
    assert names(naming.positions)[0] == "L1"


def rib_evidence(top: str, count: int, bearers: tuple[str, ...]) -> RibEvidence:
    """What is seen beside ``count`` bodies from ``top`` down of which the true ``bearers`` bear ribs."""
    level = [NAMES[NAMES.index(top) + k] for k in range(count)]
    seen = np.array([[0.97 if name in bearers else 0.03] for name in level]) * np.ones((1, CHANNELS))
    return RibEvidence(np.log(seen), np.log(1 - seen))


@pytest.mark.parametrize(
    ("bearers", "number"), [(THORACIC, 12), (THORACIC[:-1], 11), ((*THORACIC, "L1"), 13)], ids=["12", "11", "13"]
)
def test_eleven_or_thirteen_rib_bearing_bodies_are_told_and_shift_no_name(
    bearers: tuple[str, ...], number: int
) -> None:
    naming = assign(votes("C7", 16), np.zeros(16, dtype=int), rib_evidence("C7", 16, bearers))
    assert names(naming.positions) == ["C7", *THORACIC, "L1", "L2", "L3"]
    assert naming.rib_bearing == number


def test_the_last_rib_alone_settles_names_that_the_votes_leave_open() -> None:
    half = 0.5 * votes("T9", 7, width=0.4) + 0.5 * votes("T8", 7, width=0.4)
    naming = assign(half, np.zeros(7, dtype=int), rib_evidence("T9", 7, THORACIC))
    assert names(naming.positions)[0] == "T9"
    # A thirteenth rib or a missing twelfth would explain the other namings: rarer, not impossible.
    assert 0.7 < min(naming.confidence) < CERTAINTY_LIMITS.probability


def test_a_gap_longer_than_any_column_is_no_error() -> None:
    votes = np.full((3, len(NAMES) + 2), 1e-3)
    for body, level in enumerate(("T1", "T1", "L5")):
        votes[body, NAMES.index(level) + 1] = 1.0
    centres = np.array([0.0, 10.0, 330.0])
    for missing in ([0, 0, 27], [0, 30, 0]):
        naming = assign(votes, np.array(missing), centres_mm=centres)
        assert len(naming.positions) == 3
