"""Numbers that were chosen on data say so, and a step takes others in their place."""

from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from helpers_column import SPACING_ZYX_MM, column
from ldct_bmd.labeling.assemble import LABELING
from ldct_bmd.labeling.cuts import CutCosts, choose_cuts
from ldct_bmd.labeling.gaps import GapLimits, odd_gaps
from ldct_bmd.labeling.name import NamingPriors, assign
from ldct_bmd.labeling.recognise import SpineSigns, is_spine
from ldct_bmd.labeling.separate import SEPARATION, separate
from ldct_bmd.labeling.usual import NAMES


def numbers(tuning: Any, path: str = "") -> Iterator[tuple[str, "Field[Any]"]]:
    """Every number that labelling was tuned with, by its dotted name."""
    for item in fields(tuning):
        value = getattr(tuning, item.name)
        if is_dataclass(value):
            yield from numbers(value, f"{path}{item.name}.")
        else:
            yield f"{path}{item.name}", item


@pytest.mark.parametrize(
    ("name", "number"), numbers(LABELING), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_tuned_number_says_what_it_does_its_unit_its_source_and_its_data(name: str, number: "Field[Any]") -> None:
    assert {"means", "unit", "source", "data"} <= number.metadata.keys(), name
    assert all(number.metadata.values()), name


def test_cuts_that_cost_more_are_fewer() -> None:
    foreground, _ = column((28.0, 27.0, 26.0, 25.0, 24.0), bridge=(2, 3))
    dear = replace(SEPARATION, cuts=CutCosts(cut=1.2))
    assert len(separate(foreground, SPACING_ZYX_MM).extents) == 5
    assert len(separate(foreground, SPACING_ZYX_MM, tuning=dear).extents) < 5
    profile = np.concatenate([np.zeros(4), 400.0 * (1 - 0.6 * (np.arange(120) % 60 == 0)), np.zeros(4)])
    assert len(choose_cuts(profile)) == 3
    assert len(choose_cuts(profile, costs=CutCosts(cut=0.7))) == 2


def test_names_follow_the_priors_that_are_given() -> None:
    votes = np.full((5, len(NAMES) + 2), 0.01)
    votes[np.arange(5), 10 + np.arange(5)] = 1.0
    trusting, doubting = (
        assign(votes, np.zeros(5, dtype=int), priors=NamingPriors(floor=floor)) for floor in (1e-6, 0.9)
    )
    assert min(trusting.confidence) > 0.95 > max(doubting.confidence)


def test_limits_of_distances_and_of_spines_are_those_given() -> None:
    levels, gaps = ["T2", "T3", "T4", "T5", "T6"], np.array([24.0, 24.5, 30.0, 25.0])
    assert odd_gaps(levels, gaps) == []
    assert odd_gaps(levels, gaps, GapLimits(wide=1.1)) == [("T4", "T5")]
    faint = np.full(4, 0.3)
    assert not is_spine(faint, np.arange(4.0))
    assert is_spine(faint, np.arange(4.0), SpineSigns(recognised=0.25))
