"""Heights of vertebral bodies from their masks, and what is called a fracture."""

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from ldct_bmd.anatomy import LEVEL_OF_VERSE_VALUE, VERSE_VALUE
from ldct_bmd.morphometry import BodyHeights, HeightLoss, body_heights, check_outline, height_losses
from ldct_bmd.morphometry.usual import usual_heights_mm
from ldct_bmd.quality.body_rules import LARGEST_HOLE
from ldct_bmd.scan import Geometry
from ldct_bmd.segmentation.body_split import split_bodies
from places import DATA

WIDTH_MM, DEPTH_MM, POSTERIOR_MM = 42.0, 31.0, 25.0


def body(spacing_mm, anterior=1.0, middle=1.0, forward_deg=0.0, sideways_deg=0.0):
    """A body with heights relative to its back wall, leaning forward and sideways."""
    size = tuple(int(64 / s) for s in spacing_mm)
    geometry = Geometry(size, spacing_mm, (-31.6, -31.9, -31.3), ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    z, y, x = np.indices(geometry.shape)
    points = geometry.to_lps_mm(np.stack([x, y, z], axis=-1))
    turned = points @ Rotation.from_euler("yx", [sideways_deg, forward_deg], degrees=True).as_matrix()
    right, back, up = np.moveaxis(turned, -1, 0)
    depth = np.clip(back / DEPTH_MM + 0.5, 0.0, 1.0)
    height = POSTERIOR_MM * (anterior + (1.0 - anterior) * depth) * (1.0 - (1.0 - middle) * np.sin(np.pi * depth))
    mask = ((2 * right / WIDTH_MM) ** 4 + (2 * back / DEPTH_MM) ** 4 < 1) & (np.abs(up) <= height / 2)
    return mask, tuple(slice(0, n) for n in geometry.shape), geometry


def wedge_mm(anterior, depth):
    """The height of a wedge at a part of its depth; it is measured an eighth of it inside either wall."""
    return POSTERIOR_MM * (anterior + (1.0 - anterior) * depth)


@pytest.mark.parametrize("forward_deg", [0.0, 7.0, 18.0, 30.0])
@pytest.mark.parametrize("anterior", [1.0, 0.85, 0.75, 0.6])
def test_a_wedge_is_measured_along_the_bodys_own_axis_near_its_walls(forward_deg, anterior):
    heights = body_heights(*body((0.7, 0.7, 1.0), anterior, forward_deg=forward_deg, sideways_deg=6.0))
    assert heights.posterior_mm == pytest.approx(wedge_mm(anterior, 0.88), abs=0.5)
    assert heights.anterior_mm == pytest.approx(wedge_mm(anterior, 0.12), abs=0.5)


def with_box(shape, geometry, left, back, up):
    """Voxels between the given limits in mm."""
    z, y, x = np.indices(shape)
    points = np.moveaxis(geometry.to_lps_mm(np.stack([x, y, z], axis=-1)), -1, 0)
    inside = [(low <= axis) & (axis <= high) for axis, (low, high) in zip(points, (left, back, up), strict=True)]
    return np.logical_and.reduce(inside)


def test_a_spur_in_front_is_no_front_wall():
    mask, box, geometry = body((0.8, 0.8, 1.0), 0.9)
    spur = with_box(mask.shape, geometry, (-21, 21), (-24, -10), (7, 11))
    bare, spurred = body_heights(mask, box, geometry), body_heights(mask | spur, box, geometry)
    assert spurred.anterior_mm == pytest.approx(bare.anterior_mm, abs=0.5)
    assert spurred.posterior_mm == pytest.approx(bare.posterior_mm, abs=0.5)


def test_lips_at_the_back_corners_tilt_nothing():
    mask, box, geometry = body((0.8, 0.8, 1.0))
    lips = [with_box(mask.shape, geometry, (low, low + 6), (9, 15), (-18, 18)) for low in (-16, 10)]
    bare, lipped = body_heights(mask, box, geometry), body_heights(mask | lips[0] | lips[1], box, geometry)
    assert np.allclose(lipped.each_mm, bare.each_mm, atol=0.5)


def test_a_bite_of_the_vein_in_the_back_wall_moves_no_height():
    mask, box, geometry = body((0.8, 0.8, 1.0), 0.9)
    bite = with_box(mask.shape, geometry, (-6, 6), (7, 20), (-3.5, 3.5))
    bare, bitten = body_heights(mask, box, geometry), body_heights(mask & ~bite, box, geometry)
    assert np.allclose(bitten.each_mm, bare.each_mm, atol=0.5)


def test_the_lines_of_the_heights_lie_in_the_body_from_endplate_to_endplate():
    mask, box, geometry = body((0.8, 0.8, 1.0), 0.8, forward_deg=12.0)
    heights = body_heights(mask, box, geometry)
    lengths = [np.linalg.norm(np.subtract(top, bottom)) for top, bottom in heights.lines_lps_mm]
    assert lengths == pytest.approx(heights.each_mm, abs=0.01)
    front, _, back = (np.mean(line, axis=0) for line in heights.lines_lps_mm)
    assert back[1] - front[1] > 20.0
    assert heights.lines_lps_mm[0][0][2] > heights.lines_lps_mm[0][1][2]


def image_of(mask, shift_mm=0.0, spacing_z=1.0):
    """Bone of 250 HU in soft tissue of 50 HU; its upper endplate lies ``shift_mm`` above the mask's."""
    up = round(shift_mm / spacing_z)
    inside = mask.copy()
    for step in range(1, up + 1):
        inside[step:] |= mask[:-step]
    return np.where(inside, 250.0, 50.0)


def test_a_height_is_as_sure_as_the_image_agrees_with_the_mask():
    mask, box, geometry = body((0.8, 0.8, 1.0))
    agrees = body_heights(mask, box, geometry, image_of(mask))
    off = body_heights(mask, box, geometry, image_of(mask, 3.0))
    unseen = body_heights(mask, box, geometry, np.full(mask.shape, 100.0))
    assert max(agrees.each_uncertainty_mm) < 0.9
    assert all(uncertainty == pytest.approx(2.8, abs=0.5) for uncertainty in off.each_uncertainty_mm)
    assert min(unseen.each_uncertainty_mm) > 2.0
    assert agrees.each_mm == off.each_mm == unseen.each_mm


def test_the_middle_of_a_biconcave_body_is_its_lowest():
    heights = body_heights(*body((0.7, 0.7, 1.0), middle=0.7, forward_deg=5.0))
    assert heights.middle_mm == pytest.approx(0.7 * POSTERIOR_MM, abs=0.7)
    assert heights.middle_mm < heights.anterior_mm - 3.0


@pytest.mark.parametrize("spacing_z", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("forward_deg", [4.0, 15.0])
def test_thick_slices_err_by_no_more_than_twice_the_stated_uncertainty(spacing_z, forward_deg):
    heights = body_heights(*body((0.8, 0.8, spacing_z), 0.9, forward_deg=forward_deg))
    assert abs(heights.anterior_mm - wedge_mm(0.9, 0.12)) < 2 * heights.uncertainty_mm
    assert abs(heights.posterior_mm - POSTERIOR_MM) < 2 * heights.uncertainty_mm


def test_a_mask_stored_the_other_way_round_has_the_same_heights():
    mask, box, geometry = body((0.8, 0.8, 1.5), 0.7, forward_deg=12.0)
    flipped = Geometry(
        geometry.size,
        geometry.spacing_mm,
        tuple(geometry.to_lps_mm(np.array([geometry.size[0] - 1, 0, 0])).tolist()),
        ((-1, 0, 0), (0, 1, 0), (0, 0, 1)),
    )
    here, there = body_heights(mask, box, geometry), body_heights(mask[:, :, ::-1], box, flipped)
    assert there.anterior_mm == pytest.approx(here.anterior_mm, abs=0.1)
    assert there.posterior_mm == pytest.approx(here.posterior_mm, abs=0.1)


def test_a_mask_that_fills_its_box_is_measured_like_one_with_a_margin():
    mask, _, geometry = body((1.0, 1.0, 1.0), forward_deg=10.0)
    where = np.argwhere(mask)
    box = tuple(slice(int(a), int(b) + 1) for a, b in zip(where.min(axis=0), where.max(axis=0), strict=True))
    tight = body_heights(mask[box], box, geometry)
    assert tight.posterior_mm == pytest.approx(POSTERIOR_MM, abs=0.5)


def test_a_speck_has_no_heights():
    mask, box, geometry = body((1.0, 1.0, 1.0))
    speck = np.zeros_like(mask)
    speck[30:33, 30:33, 30:33] = True
    assert body_heights(speck, box, geometry) is None
    assert body_heights(np.zeros_like(mask), box, geometry) is None


def heights(anterior, middle, posterior, uncertainty=0.66) -> BodyHeights:
    return BodyHeights(anterior, middle, posterior, uncertainty)


def usual(level: str, factors=(1.0, 1.0, 1.0), size: float = 1.1, uncertainty: float = 0.66) -> BodyHeights:
    """A body of the usual shape for its level, times ``factors`` in front, in the middle and at the back."""
    return heights(*(size * h * f for h, f in zip(usual_heights_mm(level), factors, strict=True)), uncertainty)


COLUMN = tuple([f"T{i}" for i in range(3, 13)] + [f"L{i}" for i in range(1, 6)])


def suspected(changed: dict[str, BodyHeights], levels=COLUMN) -> dict[str, HeightLoss]:
    losses = height_losses([(level, changed.get(level, usual(level))) for level in levels])
    return {loss.level: loss for loss in losses if loss.suspected}


@pytest.mark.parametrize("size", [0.9, 1.0, 1.3])
def test_a_column_of_usual_shape_and_any_size_has_lost_nothing(size):
    losses = height_losses([(level, usual(level, size=size)) for level in COLUMN])
    assert [loss.level for loss in losses] == [level for level in COLUMN if level not in ("T3", "L5")]
    assert all(abs(loss.loss) < 1e-6 for loss in losses)


@pytest.mark.parametrize(
    ("factors", "height"),
    [
        ((0.7, 0.85, 1.0), "anterior"),
        ((0.95, 0.7, 1.0), "middle"),
        ((0.7, 0.7, 0.7), "whole"),
        ((0.85, 0.92, 1.0), None),
        ((0.95, 0.87, 1.0), None),
        ((0.85, 0.85, 0.85), None),
        ((1.0, 0.95, 0.75), None),  # the back alone: an outline that lacks a corner, no form of fracture
    ],
)
@pytest.mark.parametrize("level", ["T4", "T7", "T12", "L1", "L4"])
def test_a_fifth_less_than_expected_is_the_limit(level, factors, height):
    found = suspected({level: usual(level, factors)})
    assert {name: loss.height for name, loss in found.items()} == ({} if height is None else {level: height})


def test_the_natural_wedge_of_the_middle_thorax_is_no_loss_and_the_same_wedge_is_one_in_the_lumbar_spine():
    wedge = (0.82, 0.9, 1.0)
    front, middle, back = (h * f for h, f in zip((20.0, 20.0, 20.0), wedge, strict=True))
    assert not height_losses([("T7", heights(front, middle, back))])[0].suspected
    flatter = heights(0.77 * 28.0, 0.88 * 28.0, 28.0)
    assert height_losses([("L3", flatter)])[0].suspected


def test_a_wedge_of_a_third_is_seen_at_t7_too():
    assert list(suspected({"T7": usual("T7", (0.66, 0.83, 1.0))})) == ["T7"]


def test_a_loss_within_twice_its_uncertainty_is_none():
    assert list(suspected({"L1": usual("L1", (0.7, 0.85, 1.0))})) == ["L1"]
    assert suspected({"L1": usual("L1", (0.7, 0.85, 1.0), uncertainty=4.0)}) == {}


def test_a_fractured_neighbour_hides_no_fracture():
    crushed = {level: usual(level, (0.68, 0.68, 0.68)) for level in ("T12", "L1")}
    assert set(suspected(crushed)) == {"T12", "L1"}


def test_a_neighbour_whose_outline_is_unsure_tells_nothing():
    wrong = usual("T5", (1.4, 1.4, 1.4), uncertainty=4.0)
    assert suspected({"T5": wrong}) == {}


def test_a_body_alone_is_judged_by_its_own_back():
    (wedge,) = height_losses([("L1", usual("L1", (0.7, 0.85, 1.0)))])
    assert wedge.suspected
    (whole,) = height_losses([("L1", usual("L1", (0.5, 0.5, 0.5)))])
    assert not whole.suspected  # nothing tells a small person from a crushed body


def test_levels_outside_t4_to_l4_are_not_graded():
    column = [(level, usual(level, (0.5, 0.6, 1.0))) for level in ("C7", "T3", "L5", "L6")]
    assert height_losses(column) == ()


def test_transitional_levels_take_part():
    levels = ("T11", "T12", "T13", "L1", "L2")
    assert list(suspected({"T13": usual("T13", (0.6, 0.8, 1.0))}, levels)) == ["T13"]


def test_the_loss_says_what_was_expected():
    loss = suspected({"L1": usual("L1", (0.7, 0.85, 1.0))})["L1"]
    assert loss.loss == pytest.approx(1.0 - loss.height_mm / loss.expected_mm)
    assert loss.loss == pytest.approx(0.3, abs=0.02)
    assert 0.02 < loss.uncertainty < 0.08


@pytest.mark.parametrize(("bite", "hole"), [(0, False), (5, True)])
def test_a_tunnel_through_a_mask_is_a_hole(bite, hole):
    mask, box, geometry = body((1.0, 1.0, 1.0))
    tunnel = with_box(mask.shape, geometry, (-bite, bite), (-30, 30), (-bite, bite)) if bite else np.zeros_like(mask)
    outline = check_outline(mask & ~tunnel, box, geometry, image_of(mask))
    assert (outline.hole_fraction > LARGEST_HOLE) == hole


def test_a_mask_beside_its_bone_is_far_from_the_edges():
    mask, box, geometry = body((1.0, 1.0, 1.0))
    assert check_outline(mask, box, geometry, image_of(mask)).far_fraction < 0.05
    beside = np.roll(image_of(mask), 8, axis=0)
    assert check_outline(mask, box, geometry, beside).far_fraction > 0.25
    assert check_outline(mask, box, geometry, np.full(mask.shape, 100)).far_fraction == 1.0


def read_labels(path: Path):
    image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    size, spacing, origin, direction = image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()
    geometry = Geometry(size, spacing, origin, (direction[:3], direction[3:6], direction[6:]))
    return sitk.GetArrayFromImage(image).astype(np.uint8), geometry


def boxed(mask):
    where = np.argwhere(mask)
    box = tuple(slice(int(a), int(b) + 1) for a, b in zip(where.min(axis=0), where.max(axis=0), strict=True))
    return box, mask[box]


VERSE004 = DATA / "verse_masks" / "sub-verse004_seg-vert_msk.nii.gz"


@pytest.mark.skipif(not VERSE004.exists(), reason=f"no real masks at {VERSE004}")
def test_the_real_fracture_of_l1_is_seen_and_the_intact_lumbar_bodies_are_not():
    labels, geometry = read_labels(VERSE004)
    bodies = split_bodies(labels, geometry.spacing_mm[::-1])
    column = []
    for level in ("T11", "T12", "L1", "L2", "L3", "L4"):
        box, mask = boxed(bodies == VERSE_VALUE[level])
        column.append((level, body_heights(mask, box, geometry)))
    assert [loss.level for loss in height_losses(column) if loss.suspected] == ["L1"]


REAL = DATA / "real" / "train"


@pytest.mark.skipif(not REAL.exists(), reason=f"no real scans at {REAL}")
@pytest.mark.parametrize("name", ["lidc_0314", "nlst_101287", "r01_001", "cort_liver"])
def test_heights_of_reference_masks_are_those_read_off_their_surfaces(name):
    """Slices of 1 to 2.5 mm: 95 % within 1.5 mm."""
    labels, geometry = read_labels(REAL / name / "bodies.nii.gz")
    with (REAL / name / "quality.csv").open(encoding="utf-8") as file:
        rows = {row["level"]: row for row in csv.DictReader(file)}
    off = []
    for level, row in rows.items():
        box, mask = boxed(labels == VERSE_VALUE[level])
        found = body_heights(mask, box, geometry)
        read = [row[f"{place}_mm"] for place in ("anterior", "middle", "posterior")]
        off += [abs(mm - float(text)) for mm, text in zip(found.each_mm, read, strict=True) if text]
    assert np.mean(np.array(off) < 1.5) >= 0.95


@pytest.mark.skipif(not REAL.exists(), reason=f"no real scans at {REAL}")
@pytest.mark.parametrize("name", ["lidc_0314", "r01_001", "panc_cb_001", "cort_liver"])
def test_no_intact_reference_body_is_suspected(name):
    labels, geometry = read_labels(REAL / name / "bodies.nii.gz")
    column = []
    for value, level in LEVEL_OF_VERSE_VALUE.items():
        if level != "T13" and (labels == value).any():
            box, mask = boxed(labels == value)
            column.append((level, body_heights(mask, box, geometry)))
    assert [loss.level for loss in height_losses(column) if loss.suspected] == []
