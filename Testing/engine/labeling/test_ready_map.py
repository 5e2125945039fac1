"""The column of a ready label map, whose names are taken as they are."""

import numpy as np
import pytest

from helpers_column import SPACING_ZYX_MM, column
from helpers_networks import HEIGHTS, LEVELS, empty_scan, levels_of, scan_grid, seen_by_networks
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.labeling import label
from ldct_bmd.scan import Geometry
from ldct_bmd.segmentation import NamedBodies


def test_names_of_a_ready_label_map_are_taken_as_they_are() -> None:
    _, numbers = column(HEIGHTS)
    geometry = Geometry((40, 60, len(numbers)), SPACING_ZYX_MM[::-1], (0.0, 0.0, 0.0), scan_grid(10).direction)
    labels = np.zeros_like(numbers)
    for number, level in enumerate(("L4", "L5"), start=2):
        labels[numbers == number] = VERSE_VALUE[level]
    labels[0, 0, 0] = VERSE_VALUE["L4"]  # a crumb
    found = label(NamedBodies(labels), empty_scan(geometry))
    assert levels_of(found) == ("L4", "L5")
    assert found.names_certain
    assert found.bodies[0, 0, 0] == 0
    assert found.vertebra("L4").complete  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("names", "certain"),
    [
        (LEVELS, True),
        (("T11", "T12", "L2", "L3", "L4"), False),
        (("T11", "T12", "T13", "L1", "L2"), True),
        (("T12", "T13", "L2", "L3", "L4"), False),
        (("L3", "L4", "L5", "L6"), True),
    ],
)
def test_a_ready_label_map_that_skips_a_level_is_uncertain(names: tuple[str, ...], certain: bool) -> None:
    _, numbers = column(HEIGHTS)
    geometry = Geometry((40, 60, len(numbers)), SPACING_ZYX_MM[::-1], (0.0, 0.0, 0.0), scan_grid(10).direction)
    labels = np.zeros_like(numbers)
    for number, level in enumerate(names, start=1):
        labels[numbers == number] = VERSE_VALUE[level]
    assert label(NamedBodies(labels), empty_scan(geometry)).names_certain is certain


def test_a_map_without_a_vertebra_is_refused() -> None:
    geometry = scan_grid(20)
    with pytest.raises(CannotMeasure, match="No vertebra was found"):
        label(NamedBodies(np.zeros(geometry.shape, np.uint8)), empty_scan(geometry))


def test_asking_for_the_mask_of_a_level_that_is_not_there_is_a_defect() -> None:
    scan, seen, _ = seen_by_networks()
    with pytest.raises(KeyError):
        label(seen, scan).mask("T1")
