"""Heights of vertebral bodies from their masks, and what is called a fracture."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.morphometry import BodyHeights, body_heights, height_losses
from ldct_bmd.scan import Geometry
from ldct_bmd.segmentation.body_split import split_bodies
from scipy.spatial.transform import Rotation

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


@pytest.mark.parametrize("forward_deg", [0.0, 7.0, 18.0, 30.0])
@pytest.mark.parametrize("anterior", [1.0, 0.85, 0.75, 0.6])
def test_a_wedge_is_measured_along_the_bodys_own_axis(forward_deg, anterior):
    heights = body_heights(*body((0.7, 0.7, 1.0), anterior, forward_deg=forward_deg, sideways_deg=6.0))
    assert heights.posterior_mm == pytest.approx(POSTERIOR_MM, abs=0.5)
    assert heights.anterior_mm == pytest.approx(anterior * POSTERIOR_MM, abs=0.5)


def test_the_middle_of_a_biconcave_body_is_its_lowest():
    heights = body_heights(*body((0.7, 0.7, 1.0), middle=0.7, forward_deg=5.0))
    assert heights.middle_mm == pytest.approx(0.7 * POSTERIOR_MM, abs=0.7)
    assert heights.middle_mm < heights.anterior_mm - 3.0


@pytest.mark.parametrize("spacing_z", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("forward_deg", [4.0, 15.0])
def test_thick_slices_err_by_no_more_than_twice_the_stated_uncertainty(spacing_z, forward_deg):
    heights = body_heights(*body((0.8, 0.8, spacing_z), 0.9, forward_deg=forward_deg))
    assert abs(heights.anterior_mm - 0.9 * POSTERIOR_MM) < 2 * heights.uncertainty_mm
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


def heights(anterior, middle, posterior, uncertainty=0.76) -> BodyHeights:
    return BodyHeights(anterior, middle, posterior, uncertainty)


INTACT = heights(24.0, 23.0, 25.0)


@pytest.mark.parametrize(
    ("measured", "lost"),
    [
        (heights(19.9, 23.0, 25.0), "anterior"),
        (heights(20.1, 23.0, 25.0), None),
        (heights(24.0, 19.9, 25.0), "middle"),
        (heights(24.0, 20.1, 25.0), None),
        (heights(25.0, 24.0, 19.9), "posterior"),
        (heights(21.5, 22.0, 25.0), None),  # normal wedging at the thoracolumbar junction
    ],
)
def test_a_fifth_of_a_height_is_the_limit(measured, lost):
    losses = height_losses([("L1", measured)])
    assert ("L1" in losses) == (lost is not None)
    if lost is not None:
        assert f"its {lost} height" in losses["L1"]


def test_a_loss_within_its_uncertainty_is_none():
    assert "L1" in height_losses([("L1", heights(19.0, 22.0, 25.0))])
    assert not height_losses([("L1", heights(19.0, 22.0, 25.0, uncertainty=2.9))])


def test_a_body_crushed_evenly_is_seen_against_its_neighbours():
    crushed = heights(18.5, 18.0, 19.0)
    losses = height_losses([("T12", INTACT), ("L1", crushed), ("L2", INTACT)])
    assert list(losses) == ["L1"]
    assert "neighbours" in losses["L1"]


def test_a_mask_that_lacks_a_corner_at_the_back_is_no_crushed_body():
    """Heights of an intact T11 of soft bone whose outline is bitten at its lower back edge."""
    bitten = heights(20.1, 20.3, 17.1, uncertainty=0.88)
    column = [("T11", bitten), ("T12", heights(22.6, 22.0, 23.6, 0.88)), ("L1", heights(24.5, 23.2, 23.0, 0.88))]
    assert height_losses(column) == {}


def test_a_body_crushed_more_at_the_back_than_in_front_is_still_seen():
    losses = height_losses([("T12", INTACT), ("L1", heights(20.5, 19.5, 19.4)), ("L2", INTACT)])
    assert "neighbours" in losses["L1"]


def test_a_column_that_grows_downwards_is_no_fracture():
    column = [
        (level, heights(0.95 * h, 0.93 * h, h))
        for level, h in zip(("T10", "T11", "T12", "L1", "L2"), (20, 21.5, 23, 24, 25), strict=True)
    ]
    assert height_losses(column) == {}


def test_two_bodies_that_are_no_neighbours_are_not_compared():
    assert height_losses([("T9", heights(18.0, 17.5, 18.5)), ("L3", heights(27.0, 26.0, 27.5))]) == {}


def test_levels_outside_t4_to_l4_are_not_graded():
    wedge = heights(12.0, 14.0, 16.0)
    assert "T2" not in height_losses([("T2", wedge)])
    assert "L5" not in height_losses([("L5", wedge)])
    assert "T6" in height_losses([("T6", wedge)])


VERSE004 = Path(__file__).parents[2].parent / "shared" / "data" / "verse_masks" / "sub-verse004_seg-vert_msk.nii.gz"


@pytest.mark.skipif(not VERSE004.exists(), reason=f"no real masks at {VERSE004}")
def test_the_real_fracture_of_l1_is_seen_and_the_intact_lumbar_bodies_are_not():
    image = sitk.DICOMOrient(sitk.ReadImage(str(VERSE004)), "LPS")
    size, spacing, origin, direction = image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()
    geometry = Geometry(size, spacing, origin, (direction[:3], direction[3:6], direction[6:]))
    bodies = split_bodies(sitk.GetArrayFromImage(image).astype(np.uint8), spacing[::-1])
    column = []
    for level in ("T11", "T12", "L1", "L2", "L3", "L4"):
        mask = bodies == VERSE_VALUE[level]
        where = np.argwhere(mask)
        box = tuple(slice(int(a), int(b) + 1) for a, b in zip(where.min(axis=0), where.max(axis=0), strict=True))
        column.append((level, body_heights(mask[box], box, geometry)))
    assert list(height_losses(column)) == ["L1"]
