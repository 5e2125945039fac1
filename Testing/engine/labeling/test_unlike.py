"""Why a row of bodies is like no spine: each cause has its own sentence."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from helpers_column import SPACING_ZYX_MM, column
from helpers_networks import HEIGHTS, empty_scan, scan_grid, seen_by_networks
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.labeling import Vertebra, VertebralColumn, explained, label
from ldct_bmd.labeling.field import cut_by_field
from ldct_bmd.labeling.lying import lies_on_side
from ldct_bmd.scan import Acquisition, CTScan, Geometry, OtherSeries, Patient, Source
from ldct_bmd.segmentation import NamedBodies

REFUSAL = CannotMeasure("labeling.like_no_level")
SPACING = (2.0, 2.0, 3.0)
UPRIGHT = scan_grid(10).direction
NAMES = ("T12", "L1", "L2", "L3", "L4")


def marked(spacing_mm: tuple[float, float, float] = SPACING) -> CTScan:
    """A scan whose corner at the back, at the head and on the left is marked, so that its way up can be told."""
    hu = np.zeros((8, 10, 12), np.int16)
    hu[-1, -1, -1] = 1
    geometry = Geometry((12, 10, 8), spacing_mm, (0.0, 0.0, 0.0), scan_grid(10).direction)
    return CTScan(hu, geometry, Acquisition(), Patient(), Source("file"))


def whole() -> VertebralColumn:
    _, numbers = column(HEIGHTS)
    geometry = Geometry((40, 60, len(numbers)), SPACING_ZYX_MM[::-1], (0.0, 0.0, 0.0), scan_grid(10).direction)
    labels = np.zeros_like(numbers)
    for number, level in enumerate(NAMES, start=1):
        labels[numbers == number] = VERSE_VALUE[level]
    return label(NamedBodies(labels), empty_scan(geometry))


def recognised_if(right: Callable[[CTScan], bool]) -> Callable[[CTScan], VertebralColumn]:
    found = whole()

    def look(scan: CTScan) -> VertebralColumn:
        if right(scan):
            return found
        raise REFUSAL

    return look


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (lambda hu: hu[:, ::-1], "front and back are exchanged"),
        (lambda hu: hu[::-1], "head and feet are exchanged"),
        (lambda hu: hu[::-1, ::-1], "front and back, and head and feet are exchanged"),
        (lambda hu: np.rot90(hu, 1, (1, 2)), "turned by a quarter"),
    ],
)
def test_a_patient_who_lies_otherwise_is_told(turn: Callable[[np.ndarray], np.ndarray], said: str) -> None:
    scan = marked()
    _, seen, _ = seen_by_networks()
    upright = turn(scan.hu)

    def is_upright(other: CTScan) -> bool:
        assert other.hu.shape == other.geometry.shape
        return np.array_equal(other.hu, upright)

    found = explained(REFUSAL, scan, seen, recognised_if(is_upright))
    assert found.code == "labeling.turned"
    assert said in str(found)


@pytest.mark.parametrize(("axis", "said"), [(2, "1.5 times as high"), (0, "1.5 times as wide")])
def test_a_wrong_voxel_size_is_told(axis: int, said: str) -> None:
    _, seen, _ = seen_by_networks()

    def is_right(other: CTScan) -> bool:
        return other.geometry.spacing_mm[axis] == 1.5 * SPACING[axis]

    assert str(explained(REFUSAL, marked(), seen, recognised_if(is_right))).startswith("The voxel size looks wrong: ")
    assert said in str(explained(REFUSAL, marked(), seen, recognised_if(is_right)))


def test_what_is_no_spine_in_any_way_is_refused_as_before() -> None:
    _, seen, _ = seen_by_networks()
    assert explained(REFUSAL, marked(), seen, recognised_if(lambda _: False)) is REFUSAL
    other = CannotMeasure("labeling.no_vertebra")
    assert explained(other, marked(), seen, recognised_if(lambda _: True)) is other


@pytest.mark.parametrize("code", ["labeling.one_body", "labeling.no_vertebra", "labeling.like_no_level"])
@pytest.mark.parametrize(("goes_on", "told"), [(True, "labeling.split_scan"), (None, None)])
def test_a_part_of_a_scan_is_told_to_be_one(code: str, goes_on: bool | None, told: str | None) -> None:
    _, seen, _ = seen_by_networks()
    scan = marked()
    other = OtherSeries("1.2#2", "", 18, None, goes_on)
    part = replace(scan, source=replace(scan.source, other_series=(other,)))
    found = explained(CannotMeasure(code), part, seen, recognised_if(lambda _: False))
    assert found.code == (told or code)


def filled_behind(scan: CTScan, y_mm: float) -> CTScan:
    """The scan as a field would show it that ends there: beyond it is one value."""
    rng = np.random.default_rng(1)
    hu = rng.normal(40, 20, scan.geometry.shape).astype(np.int16)
    y = scan.geometry.origin_lps_mm[1] + np.arange(hu.shape[1]) * scan.geometry.spacing_mm[1]
    hu[:, y > y_mm] = -1024
    hu[0, 0, 0] = -1207  # streaks are darker than what is filled in
    return CTScan(hu, scan.geometry, Acquisition(), Patient(), Source("file"))


def test_a_field_that_cuts_the_bodies_is_told() -> None:
    scan, seen, _ = seen_by_networks()
    voxels = np.argwhere(seen.class_probability[0] < 0.5)
    y_mm = seen.geometry.to_lps_mm(voxels[:, ::-1].astype(float))[:, 1]
    look = recognised_if(lambda _: False)
    assert explained(REFUSAL, filled_behind(scan, y_mm.max() - 2.0), seen, look).code == "labeling.cut_by_field"
    assert explained(REFUSAL, filled_behind(scan, y_mm.max() + 15.0), seen, look) is REFUSAL


def test_bodies_that_the_field_cuts_are_incomplete() -> None:
    found = whole()
    _, numbers = column(HEIGHTS)
    geometry = Geometry((40, 60, len(numbers)), SPACING_ZYX_MM[::-1], (0.0, 0.0, 0.0), scan_grid(10).direction)
    scan = empty_scan(geometry)
    end_mm = np.argwhere(found.bodies)[:, 1].max() * geometry.spacing_mm[1]
    cut = cut_by_field(found, filled_behind(scan, end_mm))
    assert set(cut.cut_by_field) <= set(NAMES)
    assert cut.cut_by_field
    assert not any(v.complete for v in cut.vertebrae if v.level in cut.cut_by_field)
    left_whole = cut_by_field(found, filled_behind(scan, end_mm + 10.0))
    assert left_whole.cut_by_field == ()
    assert left_whole is found


def test_a_piece_that_the_field_left_of_a_body_is_no_whole_one() -> None:
    """It is so small that it touches the edge nowhere much."""
    _, numbers = column(HEIGHTS)
    labels = np.where(numbers == 3, VERSE_VALUE["L2"], 0).astype(np.uint8)
    z, y, _ = (np.unique(axis) for axis in np.nonzero(labels))
    labels[: z[len(z) // 2]] = 0
    labels[z[len(z) // 2] + 2 :] = 0
    labels[:, y[3] :] = 0
    geometry = Geometry((40, 60, len(numbers)), SPACING_ZYX_MM[::-1], (0.0, 0.0, 0.0), scan_grid(10).direction)
    piece = label(NamedBodies(labels), empty_scan(geometry))
    cut = cut_by_field(piece, filled_behind(empty_scan(geometry), y[2] * geometry.spacing_mm[1]))
    assert piece.vertebrae[0].complete
    assert piece.vertebrae[0].volume_ml < 1.0
    assert cut.cut_by_field == ("L2",)


@pytest.mark.parametrize(
    ("left_mm", "front_mm", "on_side"), [(40.0, 0.0, True), (0.0, 40.0, False), (10.0, 5.0, False)]
)
def test_a_trunk_beside_the_spine_is_one_that_lies_on_its_side(left_mm: float, front_mm: float, on_side: bool) -> None:
    """The middle of the tissue against that of the bodies."""
    found = whole()
    x_mm, y_mm, _ = np.median([v.centroid_lps_mm for v in found.vertebrae], axis=0)
    geometry = Geometry((100, 100, found.bodies.shape[0]), (2.0, 2.0, 1.0), (-100.0, -100.0, 0.0), UPRIGHT)
    hu = np.full(geometry.shape, -1000, np.int16)
    y, x = np.mgrid[-100:100:2, -100:100:2]
    hu[:, np.hypot(x - x_mm - left_mm, y - y_mm + front_mm) < 25.0] = 40
    scan = CTScan(hu, geometry, Acquisition(), Patient(), Source("file"))
    assert lies_on_side(found, scan) is on_side


def test_it_is_told_where_the_names_are_uncertain() -> None:
    _, numbers = column(HEIGHTS)
    labels = np.zeros_like(numbers)
    for number, level in enumerate(("T11", "T12", "L2", "L3", "L4"), start=1):
        labels[numbers == number] = VERSE_VALUE[level]
    labels = np.pad(labels, ((0, 0), (0, 0), (60, 60)))
    geometry = Geometry(labels.shape[::-1], SPACING_ZYX_MM[::-1], (0.0, 0.0, 0.0), UPRIGHT)
    hu = np.full(labels.shape, -1000, np.int16)
    hu[:, :, 90:150] = 40  # the bodies are about 80
    found = label(NamedBodies(labels), CTScan(hu, geometry, Acquisition(), Patient(), Source("file")))
    assert "as if the patient lay on the side" in str(found.remark)
    assert "between T12 and L2" in str(label(NamedBodies(labels), empty_scan(geometry)).remark)


def test_bodies_in_a_trunk_on_its_side_explain_nothing() -> None:
    """The networks recognise bodies that are turned by a quarter as well: then it is not the turn that was wrong."""
    found = whole()
    x_mm, y_mm, _ = np.median([v.centroid_lps_mm for v in found.vertebrae], axis=0)
    geometry = Geometry((100, 100, found.bodies.shape[0]), (2.0, 2.0, 1.0), (-100.0, -100.0, 0.0), UPRIGHT)
    hu = np.random.default_rng(1).integers(-1000, -900, geometry.shape).astype(np.int16)
    y, x = np.mgrid[-100:100:2, -100:100:2]
    hu[:, np.hypot(x - x_mm, y - y_mm + 40.0) < 25.0] = 40  # the trunk is before the spine, as it lies
    scan = CTScan(hu, geometry, Acquisition(), Patient(), Source("file"))
    _, seen, _ = seen_by_networks()
    assert not lies_on_side(found, scan)

    def look(other: CTScan) -> VertebralColumn:
        if other.geometry.spacing_mm != geometry.spacing_mm:
            raise REFUSAL
        middle = np.argwhere(other.hu[0] > -300).mean(axis=0) * 2.0 - 100.0
        beside = replace(
            found, vertebrae=tuple(_moved(v, x_mm=middle[1] - 40.0, y_mm=middle[0]) for v in found.vertebrae)
        )
        assert lies_on_side(beside, other)
        return beside

    assert explained(REFUSAL, scan, seen, look) is REFUSAL


def _moved(vertebra: Vertebra, x_mm: float, y_mm: float) -> Vertebra:
    return replace(vertebra, centroid_lps_mm=(x_mm, y_mm, vertebra.centroid_lps_mm[2]))
