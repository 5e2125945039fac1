"""What is a spine, and what only looks like one."""

import numpy as np
import pytest

from helpers_networks import LEVELS, levels_of, seen_by_networks
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.labeling import label
from ldct_bmd.labeling.recognise import is_spine


def test_a_lone_body_without_a_landmark_is_no_spine() -> None:
    scan, seen, numbers = seen_by_networks(ribs=())
    seen.class_probability[0][numbers != 3] = 1
    seen.class_probability[3][numbers != 3] = 0
    with pytest.raises(CannotMeasure, match="Only one body"):
        label(seen, scan)


def test_bodies_of_no_level_are_no_spine() -> None:
    scan, seen, _ = seen_by_networks()
    seen.level_probability[1:19] *= 0.3
    with pytest.raises(CannotMeasure, match="none of T1 to L5"):
        label(seen, scan)


def test_bodies_between_two_levels_are_a_spine() -> None:
    scan, seen, _ = seen_by_networks()
    bodies = seen.level_probability[1:19]
    bodies[:-1] = 0.25 * bodies[:-1] + 0.25 * bodies[1:]
    assert levels_of(label(seen, scan)) == LEVELS


def test_all_above_c7_have_its_level() -> None:
    assert is_spine(np.full(9, 0.6), np.array([0.2, 0, 0, 0, 0.1, 1, 2, 3, 4]))
    assert is_spine(np.full(9, 0.35), np.array([0, 0, 0, 0.9, 2, 3, 4, 5, 6]))


@pytest.mark.parametrize(
    ("levels", "recognised", "found"),
    [
        pytest.param((9, 10, 11, 12, 13, 14), 0.34, True, id="in order"),
        pytest.param((9, 10, 11, 12, 13, 14), 0.32, False, id="fainter"),
        pytest.param((9, 10, 11, 12, 13), 0.34, False, id="too short to tell"),
        pytest.param((9, 10, 11, 12, 3, 4, 5), 0.34, False, id="a jump upwards"),
        pytest.param((9, 10, 11, 12, 3, 4, 5), 0.41, True, id="a jump upwards, recognised"),
        pytest.param((3, 1, 2, 3, 3.6, 4.5, 5, 5.7), 0.34, False, id="rods just in step"),
        pytest.param((10.7, 10.9, 11.7, 12.2, 13.5, 14.8, 15.3), 0.34, False, id="on the line, out of step"),
    ],
)
def test_faint_rows_are_spines_only_in_step_and_on_the_line(
    levels: tuple[float, ...], recognised: float, found: bool
) -> None:
    assert is_spine(np.full(len(levels), recognised), np.array(levels, dtype=float)) == found


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        pytest.param((9, 10, 11, 12, 13, 14), True, id="each a level lower"),
        pytest.param((3, 1, 2, 3, 3.5, 4.5, 5, 5.7), False, id="rods"),
        pytest.param((11.9, 12, 12.7, 14, 15, 15.2, 15.9, 16), False, id="an abdomen upside down"),
        pytest.param((10.7, 10.9, 11.7, 12.2, 13.5, 14.8, 15.3), True, id="a short row, less clear at its ends"),
        pytest.param((9, 9, 9, 9, 9, 9), False, id="all alike"),
        pytest.param((14, 13, 12, 11, 10, 9), False, id="upside down"),
        pytest.param((5, 6, 7, 8, 5.5, 4), False, id="half of it upside down"),
        pytest.param((3, 4, 5, 7, 8, 9, 10, 11.3, 12), True, id="one missing"),
    ],
)
def test_a_row_of_bodies_is_a_spine_where_levels_follow_each_other(levels: tuple[float, ...], found: bool) -> None:
    assert is_spine(np.full(len(levels), 0.6), np.array(levels, dtype=float)) == found


def test_rods_too_thin_for_vertebrae_are_no_spine() -> None:
    scan, seen, numbers = seen_by_networks()
    _, y, x = np.indices(numbers.shape) * 2.0
    beside = (np.abs(y - 60) > 5) | (np.abs(x - 40) > 5)
    seen.class_probability[0][beside] = 1
    seen.class_probability[3][beside] = 0
    with pytest.raises(CannotMeasure, match="none of T1 to L5"):
        label(seen, scan)
