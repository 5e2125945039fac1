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
from ldct_bmd.labeling.profile import STEP_MM
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


@pytest.mark.parametrize(("name", "number"), [pytest.param(*found, id=found[0]) for found in numbers(LABELING)])
def test_a_tuned_number_says_what_it_does_its_unit_its_source_and_its_data(name: str, number: "Field[Any]") -> None:
    assert {"means", "unit", "source", "data"} <= number.metadata.keys(), name
    assert all(number.metadata.values()), name


def test_cuts_that_cost_more_are_fewer() -> None:
    # Two bodies of 20 mm, and a disc at which the section falls by two thirds.
    at_mm = np.arange(0.0, 40.0, STEP_MM)
    profile = np.concatenate([np.zeros(4), 400.0 * (1.0 - 0.67 * (np.abs(at_mm - 20.0) < 2.0)), np.zeros(4)])
    assert len(choose_cuts(profile)) == 3
    assert len(choose_cuts(profile, costs=CutCosts(cut=0.7))) == 2


def test_bodies_are_separated_with_the_numbers_that_are_given() -> None:
    foreground, _ = column((28.0, 27.0, 26.0, 25.0, 24.0))
    volumes_ml = np.bincount(separate(foreground, SPACING_ZYX_MM).numbers.ravel())[1:] * np.prod(SPACING_ZYX_MM) / 1000
    least_ml = float(np.median(volumes_ml))
    large = replace(SEPARATION, bodies=replace(SEPARATION.bodies, least_ml=least_ml))
    kept = separate(foreground, SPACING_ZYX_MM, tuning=large)
    assert 0 < len(kept.extents) == (volumes_ml >= least_ml).sum() < 5


def test_names_follow_the_priors_that_are_given() -> None:
    votes = np.full((5, len(NAMES) + 2), 0.01)
    votes[np.arange(5), 10 + np.arange(5)] = 1.0
    trusting, doubting = (
        assign(votes, np.zeros(5, dtype=int), priors=NamingPriors(floor=floor)) for floor in (1e-6, 0.9)
    )
    assert min(trusting.confidence) > 0.9 > max(doubting.confidence)


def test_limits_of_distances_and_of_spines_are_those_given() -> None:
    levels, gaps = ["T2", "T3", "T4", "T5", "T6"], np.array([24.0, 24.5, 30.0, 25.0])
    assert odd_gaps(levels, gaps) == []
    assert odd_gaps(levels, gaps, GapLimits(wide=1.1)) == [("T4", "T5")]
    faint = np.full(4, 0.3)
    assert not is_spine(faint, np.arange(4.0))
    assert is_spine(faint, np.arange(4.0), SpineSigns(recognised=0.25))
