"""Genant's grade as a loss of height suggests it."""

import pytest

from ldct_bmd.morphometry import GenantSuggestion, HeightLoss, suggested_grade


def loss(part: float, uncertainty: float, height: str = "anterior", suspected: bool = True) -> HeightLoss:
    return HeightLoss("T7", height, 20.0 * (1.0 - part), 20.0, part, uncertainty, suspected)


@pytest.mark.parametrize(
    ("part", "uncertainty", "least", "most"),
    [
        (0.21, 0.01, 1, 1),
        (0.25, 0.0, 1, 1),
        (0.24, 0.03, 1, 2),
        (0.32, 0.03, 2, 2),
        (0.40, 0.0, 2, 2),
        (0.41, 0.0, 3, 3),
        (0.38, 0.05, 2, 3),
        (0.55, 0.05, 3, 3),
    ],
)
def test_the_grades_within_twice_the_uncertainty_are_suggested(part, uncertainty, least, most):
    suggestion = suggested_grade(loss(part, uncertainty))
    assert suggestion == GenantSuggestion("wedge", least, most)


def test_where_any_grade_is_possible_none_is_suggested():
    assert suggested_grade(loss(0.32, 0.08)) is None


def test_what_is_not_suspected_has_no_grade():
    assert suggested_grade(loss(0.30, 0.02, suspected=False)) is None


@pytest.mark.parametrize(("height", "shape"), [("anterior", "wedge"), ("middle", "biconcave"), ("whole", "crush")])
def test_the_lost_height_names_the_shape(height, shape):
    suggestion = suggested_grade(loss(0.32, 0.01, height))
    assert suggestion is not None
    assert suggestion.shape == shape
