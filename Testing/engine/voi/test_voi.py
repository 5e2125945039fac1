"""The paper's VOI: where it is placed, how large it is, and which part of each voxel it holds."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from helpers_voi import CENTER_LPS_MM, UPRIGHT, as_rows, cut_out, elliptic_body, flipped, grid
from ldct_bmd.scan import Geometry
from ldct_bmd.voi import (
    CannotPlaceVOI,
    CylinderVOI,
    eroded,
    fraction_inside_grid,
    fraction_outside,
    place_voi,
    voi_weights,
)

OBLIQUE = as_rows(Rotation.from_euler("xyz", [14, -9, 21], degrees=True).as_matrix())


def placed(geometry, **body):
    box, mask = cut_out(elliptic_body(geometry, **body))
    return place_voi(mask, box, geometry)


def cylinder(center=CENTER_LPS_MM, axes=UPRIGHT, semi_axes=(12.5, 8.4), height=9.0):
    return CylinderVOI(tuple(np.asarray(center).tolist()), semi_axes, axes, height)


def test_the_worked_example_of_1100_mm2_and_42_mm_gives_semi_axes_of_8_4_and_12_5_mm():
    voi = placed(grid((0.3, 0.3, 1.0)))

    assert voi.semi_axes_mm == pytest.approx((12.5, 8.4), rel=0.01)
    assert voi.height_mm == 9.0
    assert voi.center_lps_mm == pytest.approx(CENTER_LPS_MM, abs=0.05)
    assert voi.axes_lps == UPRIGHT
    assert np.pi * voi.semi_axes_mm[0] * voi.semi_axes_mm[1] == pytest.approx(0.30 * 1100, rel=0.01)


@pytest.mark.parametrize(
    "spacing_mm", [(0.7, 0.7, 1.0), (0.98, 0.98, 1.25), (0.7, 0.7, 3.0), (0.9, 0.6, 4.25), (1.5, 1.5, 1.5)]
)
def test_the_voi_does_not_depend_on_the_grid_that_the_body_is_drawn_on(spacing_mm):
    voi = placed(grid(spacing_mm, shift_mm=(0.17, -0.29, 0.41)))

    # The longest row is known to one pixel, the midpoint of the height to half a slice.
    assert voi.semi_axes_mm[1] == pytest.approx(8.4, abs=0.2 * spacing_mm[0])
    assert voi.semi_axes_mm[0] * voi.semi_axes_mm[1] == pytest.approx(0.30 * 1100 / np.pi, rel=0.01)
    assert voi.center_lps_mm[:2] == pytest.approx(CENTER_LPS_MM[:2], abs=0.1)
    assert voi.center_lps_mm[2] == pytest.approx(CENTER_LPS_MM[2], abs=0.51 * spacing_mm[2])


def test_the_voi_follows_a_body_between_two_voxels():
    still = placed(grid((0.7, 0.7, 1.0)))
    moved = placed(grid((0.7, 0.7, 1.0), shift_mm=(0.35, 0.2, 0.0)))

    assert moved.center_lps_mm == pytest.approx(still.center_lps_mm, abs=0.1)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("height_mm", [26.0, 27.0])
def test_a_flipped_scan_gives_the_same_voi_for_an_odd_and_an_even_number_of_slices(axis, height_mm):
    geometry = grid((0.8, 0.7, 1.0), shift_mm=(0.1, 0.2, 0.3))
    tapering = elliptic_body(geometry, height_mm=height_mm)
    for z in range(tapering.shape[0]):  # so that each slice has its own area, width and centre
        tapering[z, :, : 14 + z // 2] = False
        tapering[z, : 12 + z // 3] = False
    assert (np.count_nonzero(tapering.any(axis=(1, 2))) % 2 == 1) == (height_mm == 27.0)
    turned, turned_geometry = flipped(tapering, geometry, axis)

    box, mask = cut_out(tapering)
    turned_box, turned_mask = cut_out(turned)
    voi, other = place_voi(mask, box, geometry), place_voi(turned_mask, turned_box, turned_geometry)

    assert other.center_lps_mm == pytest.approx(voi.center_lps_mm, abs=1e-9)
    assert other.semi_axes_mm == pytest.approx(voi.semi_axes_mm, abs=1e-9)
    assert np.abs(other.axes_lps) == pytest.approx(np.abs(voi.axes_lps), abs=1e-12)


def test_the_middle_is_that_of_the_height_not_of_the_volume():
    geometry = grid((1.0, 1.0, 1.0))
    body = elliptic_body(geometry)
    slices = np.flatnonzero(body.any(axis=(1, 2)))
    body[slices[0] : slices[0] + 10, 30:] = False  # a wedge: the centre of mass moves up, the midpoint does not

    box, mask = cut_out(body)

    assert place_voi(mask, box, geometry).center_lps_mm[2] == pytest.approx(CENTER_LPS_MM[2], abs=1e-9)


def test_the_width_is_the_longest_run_of_one_row_not_the_whole_width():
    geometry = Geometry((40, 20, 20), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), UPRIGHT)
    body = np.zeros(geometry.shape, dtype=bool)
    body[5:15, 4:10, 5:25] = True  # 20 mm wide to the right in front
    body[5:15, 10:16, 15:35] = True  # 20 mm wide to the left behind: 30 mm across in all

    voi = place_voi(*reversed(cut_out(body)), geometry)

    assert voi.semi_axes_mm[1] == pytest.approx(0.20 * 20)


def test_the_voi_takes_the_axes_of_an_oblique_scan():
    voi = placed(grid((0.7, 0.7, 1.0), direction=OBLIQUE))

    assert np.asarray(voi.axes_lps) == pytest.approx(np.asarray(OBLIQUE).T)
    assert voi.center_lps_mm == pytest.approx(CENTER_LPS_MM, abs=0.1)
    assert voi.semi_axes_mm == pytest.approx((12.5, 8.4), rel=0.02)


def test_a_body_of_exactly_9_mm_is_measured_and_a_lower_one_is_refused():
    geometry = grid((1.0, 1.0, 0.9))

    def with_slices(count):
        box = (slice(5, 5 + count), slice(5, 35), slice(5, 45))
        return place_voi(np.ones((count, 30, 40), dtype=bool), box, geometry)

    assert with_slices(10).height_mm == 9.0
    with pytest.raises(CannotPlaceVOI, match=r"only 8\.1 mm high"):
        with_slices(9)


def test_an_empty_body_and_one_with_a_gap_in_its_middle_are_refused():
    geometry = grid((1.0, 1.0, 1.0))
    body = elliptic_body(geometry)
    box, mask = cut_out(body)
    with pytest.raises(CannotPlaceVOI, match="empty"):
        place_voi(np.zeros_like(mask), box, geometry)

    halves = mask.copy()
    halves[len(mask) // 2 - 2 : len(mask) // 2 + 3] = False
    with pytest.raises(CannotPlaceVOI, match="gap"):
        place_voi(halves, box, geometry)


def test_osteophytes_that_make_the_short_axis_the_longer_one_are_seen():
    assert not placed(grid((0.7, 0.7, 1.0))).short_axis_is_longer
    assert placed(grid((0.7, 0.7, 1.0)), area_mm2=700.0, width_mm=50.0).short_axis_is_longer


@pytest.mark.parametrize("spacing_mm", [(0.7, 0.7, 1.0), (0.5, 0.9, 4.25), (3.0, 3.0, 3.0)])
@pytest.mark.parametrize("direction", [UPRIGHT, OBLIQUE])
@pytest.mark.parametrize("turn", range(4))
def test_the_sampled_volume_is_that_of_the_cylinder_in_any_position(spacing_mm, direction, turn):
    geometry = grid(spacing_mm, direction=direction)
    axes = UPRIGHT if turn == 0 else as_rows(Rotation.random(random_state=turn).as_matrix())
    voi = cylinder(CENTER_LPS_MM + np.random.default_rng(turn).uniform(-2, 2, 3), axes)

    box, weights = voi_weights(voi, geometry)

    assert weights.min() >= 0.0
    assert weights.max() <= 1.0 + 1e-6
    assert weights.sum() * geometry.voxel_volume_mm3 == pytest.approx(voi.volume_mm3, rel=0.005)
    z, y, x = np.nonzero(weights)
    inside = np.stack([x + box[2].start, y + box[1].start, z + box[0].start], axis=-1)
    middle = np.average(geometry.to_lps_mm(inside), axis=0, weights=weights[z, y, x])
    assert middle == pytest.approx(voi.center_lps_mm, abs=0.01 + 0.01 * max(spacing_mm))


def test_each_voxel_weighs_by_the_part_of_it_that_lies_inside():
    geometry = grid((1.1, 0.9, 1.6), direction=OBLIQUE)
    voi = cylinder(axes=as_rows(Rotation.from_euler("xyz", [25, 10, -30], degrees=True).as_matrix()))
    box, weights = voi_weights(voi, geometry)
    rng = np.random.default_rng(5)

    for z, y, x in rng.permutation(np.argwhere((weights > 0.05) & (weights < 0.95)))[:20]:
        index = np.array([x + box[2].start, y + box[1].start, z + box[0].start])
        points = voi.to_local_mm(geometry.to_lps_mm(index + rng.uniform(-0.5, 0.5, (20000, 3))))
        inside = ((points[:, :2] / voi.semi_axes_mm) ** 2).sum(axis=1) <= 1
        inside &= np.abs(points[:, 2]) <= voi.height_mm / 2
        assert weights[z, y, x] == pytest.approx(inside.mean(), abs=0.03)


def test_a_shift_of_a_fraction_of_a_voxel_changes_the_weights_smoothly():
    geometry = grid((0.7, 0.7, 1.0))

    def mean_position(shift_mm):
        box, weights = voi_weights(cylinder(CENTER_LPS_MM + np.array([shift_mm, 0, 0])), geometry)
        return np.average(np.arange(box[2].start, box[2].stop), weights=weights.sum(axis=(0, 1))) * 0.7

    start = mean_position(0.0)
    assert [mean_position(s) - start for s in (0.1, 0.2, 0.35)] == pytest.approx([0.1, 0.2, 0.35], abs=0.01)


def test_a_voi_over_the_edge_is_cropped_and_tells_how_much_is_inside():
    geometry = grid((1.0, 1.0, 1.0))
    top = geometry.to_lps_mm(np.array([30, 26, geometry.size[2] - 0.5]))
    voi = cylinder(top)

    box, weights = voi_weights(voi, geometry)

    assert box[0].stop == geometry.shape[0]
    assert weights.shape == tuple(s.stop - s.start for s in box)
    assert fraction_inside_grid(voi, weights, geometry) == pytest.approx(0.5, abs=0.005)


def test_a_voi_beside_the_grid_has_no_voxels():
    geometry = grid((1.0, 1.0, 1.0))
    voi = cylinder(CENTER_LPS_MM + np.array([0.0, 500.0, 0.0]))

    box, weights = voi_weights(voi, geometry)

    assert weights.size == 0
    assert np.zeros(geometry.shape)[box].shape == weights.shape
    assert fraction_inside_grid(voi, weights, geometry) == 0.0


def test_the_paper_s_ellipse_keeps_2_mm_from_the_surface_of_an_ideal_body_and_a_displaced_one_does_not():
    geometry = grid((0.7, 0.7, 1.0))
    box, mask = cut_out(elliptic_body(geometry))
    voi = place_voi(mask, box, geometry)
    assert fraction_outside(voi, eroded(mask, geometry), box, geometry) < 0.002

    displaced = cylinder(np.asarray(voi.center_lps_mm) + np.array([0, 11.0, 0]), semi_axes=voi.semi_axes_mm)
    assert 0.1 < fraction_outside(displaced, eroded(mask, geometry), box, geometry) < 0.5
    beside = cylinder(np.asarray(voi.center_lps_mm) + np.array([0, 60.0, 0]), semi_axes=voi.semi_axes_mm)
    assert fraction_outside(beside, eroded(mask, geometry), box, geometry) == pytest.approx(1.0)


@pytest.mark.parametrize("spacing_mm", [(0.5, 0.5, 0.5), (0.7, 0.7, 3.0), (1.2, 0.8, 1.0)])
def test_the_margin_is_measured_in_mm_from_the_surface_whatever_the_voxels(spacing_mm):
    geometry = grid(spacing_mm)
    x, _, _ = np.meshgrid(*(np.arange(n) for n in geometry.size), indexing="ij")
    wall = (geometry.to_lps_mm(np.stack([x, x * 0, x * 0], axis=-1))[..., 0] < CENTER_LPS_MM[0]).T
    surface = geometry.to_lps_mm(np.array([np.flatnonzero(wall[0, 0])[-1] + 0.5, 0, 0]))[0]
    voi = cylinder(axes=UPRIGHT, semi_axes=(6.0, 6.0))
    center = np.asarray(voi.center_lps_mm)
    center[0] = surface - 2.0  # half of it is farther than 2 mm from the wall
    whole = (slice(0, geometry.shape[0]), slice(0, geometry.shape[1]), slice(0, geometry.shape[2]))

    outside = fraction_outside(cylinder(center, semi_axes=(6.0, 6.0)), eroded(wall, geometry), whole, geometry)

    # Voxels count by their centres: half a voxel of the 9.4 mm of mean chord is the resolution.
    assert outside == pytest.approx(0.5, abs=0.5 * spacing_mm[0] / 9.4 + 0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        {"semi_axes": (12.0, 0.0)},
        {"semi_axes": (float("nan"), 8.0)},
        {"height": -9.0},
        {"center": (0.0, float("inf"), 0.0)},
        {"axes": ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))},
        {"axes": ((2.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))},
    ],
)
def test_what_is_no_elliptic_cylinder_cannot_be_made(wrong):
    with pytest.raises(ValueError):
        cylinder(**wrong)
