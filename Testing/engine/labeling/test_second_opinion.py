"""The names of a ready label map against those that are counted on the same scan."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers_column import SPACING_ZYX_MM, column
from helpers_networks import HEIGHTS, empty_scan, levels_of, scan_grid
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.labeling import VertebralColumn, label
from ldct_bmd.labeling.second_opinion import doubted
from ldct_bmd.scan import CTScan, Geometry
from ldct_bmd.segmentation import NamedBodies, NetworkBodies
from ldct_bmd.segmentation.label_map import LabelMapSegmenter
from ldct_bmd.words import Phrase


def lumbar(names: tuple[str, ...]) -> VertebralColumn:
    """Return four bodies in a row, called ``names``, as a ready label map gives them; "" leaves one out."""
    _, numbers = column(HEIGHTS)
    geometry = Geometry((40, 60, len(numbers)), SPACING_ZYX_MM[::-1], (0.0, 0.0, 0.0), scan_grid(10).direction)
    labels = np.zeros_like(numbers)
    for number, level in enumerate(names, start=1):
        if level:
            labels[numbers == number] = VERSE_VALUE[level]
    return label(NamedBodies(labels), empty_scan(geometry))


COUNTED = Phrase("names.counted", {"anchors": (Phrase("names.last_rib"),), "probability": 1.0})


def counted(names: tuple[str, ...], certain: bool = True) -> VertebralColumn:
    return replace(lumbar(names), remark=COUNTED, names_certain=certain)


def test_a_map_whose_names_are_counted_likewise_is_trusted() -> None:
    given = lumbar(("T12", "L1", "L2", "L3"))
    assert doubted(given, counted(("T12", "L1", "L2", "L3"))) is given


@pytest.mark.parametrize("shifted", [("T11", "T12", "L1", "L2"), ("L1", "L2", "L3", "L4")])
def test_a_map_that_is_one_level_off_is_doubted(shifted: tuple[str, ...]) -> None:
    found = doubted(lumbar(shifted), counted(("T12", "L1", "L2", "L3")))
    assert not found.names_certain
    assert found.uncertain == ()
    assert levels_of(found) == shifted
    own = "L3" if shifted[0] == "T11" else "L1"
    assert f"the segmentation calls L2 what is {own} by counting from the last rib" in str(found.remark)


def test_but_not_by_names_that_are_uncertain_themselves() -> None:
    own = counted(("T12", "L1", "L2", "L3"), certain=False)
    assert doubted(lumbar(("L1", "L2", "L3", "L4")), own).names_certain


def test_nor_for_a_level_beyond_those_that_are_measured() -> None:
    found = doubted(lumbar(("T11", "T12", "L1", "L2")), counted(("T10", "T12", "L1", "L2")))
    assert found.names_certain
    assert found.uncertain == ("T11",)
    assert "Of T11 they are uncertain: the segmentation calls T11 what is T10" in str(found.remark)


def test_two_bodies_under_one_name_are_told() -> None:
    merged = lumbar(("T12", "L1", "L1", "L3"))
    found = doubted(merged, counted(("T12", "L1", "L2", "L3")))
    assert not found.certain("L1")
    assert "what the segmentation calls L1 holds L1 and L2" in str(found.remark)


def test_a_witness_that_sees_no_spine_says_nothing(tmp_path: Path) -> None:
    """A map is measured where the networks find nothing, as in a phantom of cylinders."""

    def blind(_: CTScan) -> NetworkBodies:
        raise CannotMeasure("segmentation.no_spine")

    assert LabelMapSegmenter(tmp_path, "verse", "body", witness=blind)._seen(empty_scan(scan_grid(10))) is None
