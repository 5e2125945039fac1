"""Outlines of vertebral bodies: from the network's to the edges in the scan."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers_bodies import BACK, FRONT, LOWEST_MM, SOFT_HU, X0_MM, Y0_MM, Shape, as_networks_see, scan_of
from ldct_bmd.labeling.outline import refine_outlines
from ldct_bmd.labeling.outline.best_surface import best_surface
from ldct_bmd.scan import CTScan

LEVELS = ("T11", "T12", "L1")
MIDDLE = 19


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def end_mm(mask: NDArray[np.bool_], scan: CTScan, axis: int, where: tuple[slice, ...], last: bool) -> float:
    """Mean place of a mask's first or last voxel face along ``axis`` (0 z, 1 y, 2 x), over the lines in ``where``."""
    lines = np.moveaxis(mask[where], axis, -1).reshape(-1, mask[where].shape[axis])
    lines = lines[lines.any(axis=1)]
    spacing, origin = scan.geometry.spacing_mm[2 - axis], scan.geometry.origin_lps_mm[2 - axis]
    start = where[axis].start or 0
    at = lines.shape[1] - np.argmax(lines[:, ::-1], axis=1) if last else np.argmax(lines, axis=1)
    return float((at - 0.5 + start).mean() * spacing + origin)


def middle_lines(u_mm: tuple[int, int], v_mm: tuple[int, int]) -> tuple[slice, slice, slice]:
    return slice(None), slice(v_mm[0] - Y0_MM, v_mm[1] - Y0_MM + 1), slice(u_mm[0] - X0_MM, u_mm[1] - X0_MM + 1)


@pytest.mark.parametrize(("thickness_mm", "least"), [(1.0, 0.97), (2.0, 0.97)])
def test_outlines_reach_the_true_surface(thickness_mm: float, least: float) -> None:
    scan, bodies = scan_of(Shape(), thickness_mm)
    seen = as_networks_see(bodies, scan.geometry)
    assert dice(seen == MIDDLE, bodies == MIDDLE) < least - 0.015
    refined = refine_outlines(seen.copy(), scan, LEVELS)
    for value in (18, 19, 20):
        assert dice(refined == value, bodies == value) > least
        assert (refined == value).sum() == pytest.approx((bodies == value).sum(), rel=0.05)


def test_in_thick_slices_plates_are_found_to_a_third_of_a_slice_and_walls_as_well_as_ever() -> None:
    scan, bodies = scan_of(Shape(), 3.0)
    refined = refine_outlines(as_networks_see(bodies, scan.geometry), scan, LEVELS)
    for number, value in enumerate((20, 19, 18)):
        bottom_mm = LOWEST_MM + 6.0 + number * 28.0
        z_mm = np.arange(scan.geometry.size[2]) * 3.0
        assert not (refined[(z_mm < bottom_mm - 1.0) | (z_mm > bottom_mm + 23.0)] == value).any()
        sure = (z_mm > bottom_mm + 1.0) & (z_mm < bottom_mm + 21.0)
        assert dice(refined[sure] == value, bodies[sure] == value) > 0.97


def test_tilted_and_noisy_bodies_are_followed_too() -> None:
    scan, bodies = scan_of(Shape(tilt=0.35), noise_hu=40.0)
    refined = refine_outlines(as_networks_see(bodies, scan.geometry), scan, LEVELS)
    assert dice(refined == MIDDLE, bodies == MIDDLE) > 0.94


def test_a_concave_back_wall_is_followed_where_the_network_cut_it_straight() -> None:
    shape = Shape(pedicles=True)
    scan, bodies = scan_of(shape)
    refined = refine_outlines(as_networks_see(bodies, scan.geometry), scan, LEVELS) == MIDDLE
    z = np.flatnonzero((bodies == MIDDLE).any(axis=(1, 2)))
    high, low = z[len(z) * 3 // 4], z[len(z) // 4]
    for at in (low, high):  # below the pedicles and through them
        rows = slice(at - 2, at + 3)
        middle = (rows, *middle_lines((-2, 2), (0, 37))[1:])
        assert end_mm(refined, scan, 1, middle, last=True) == pytest.approx(BACK - shape.concave_mm, abs=0.7)
        for sides in ((-14, -10), (10, 14)):
            beside = (rows, *middle_lines(sides, (0, 37))[1:])
            assert end_mm(refined, scan, 1, beside, last=True) == pytest.approx(BACK - 0.3, abs=0.9)


def test_the_foramen_of_the_vein_is_bridged() -> None:
    scan, bodies = scan_of(Shape(vein_mm=8.0))
    seen = as_networks_see(bodies, scan.geometry)
    z = int(np.argwhere(bodies == MIDDLE)[:, 0].mean())
    seen[z - 3 : z + 4, 5 - Y0_MM :, -4 - X0_MM : 5 - X0_MM] = 0  # bitten out by the network too
    refined = refine_outlines(seen.copy(), scan, LEVELS) == MIDDLE
    middle = (slice(z - 2, z + 3), *middle_lines((-2, 2), (0, 37))[1:])
    assert end_mm(refined, scan, 1, middle, last=True) == pytest.approx(BACK - 2.5, abs=1.0)
    assert dice(refined, bodies == MIDDLE) > 0.96


def test_a_spur_is_cut_three_millimetres_beyond_the_wall() -> None:
    plain, bodies = scan_of(Shape())
    spurred, _ = scan_of(Shape(spur_mm=9.0))
    seen = as_networks_see(bodies, plain.geometry)
    with_spur = seen.copy()
    z = int(np.argwhere(bodies == MIDDLE)[:, 0].max())
    with_spur[z - 3 : z + 1, 2:20, -5 - X0_MM : 6 - X0_MM] = MIDDLE  # the network took it in
    refined = refine_outlines(with_spur.copy(), spurred, LEVELS) == MIDDLE
    first_mm = np.argwhere(refined)[:, 1].min() + plain.geometry.origin_lps_mm[1]
    assert first_mm > -FRONT - 5.0


def test_the_networks_outline_stays_where_the_scan_shows_no_edge() -> None:
    scan, bodies = scan_of(Shape(fused=True))
    seen = as_networks_see(bodies, scan.geometry, shift_mm=0.0)
    refined = refine_outlines(seen.copy(), scan, LEVELS)
    inner = middle_lines((-8, 8), (-8, 4))
    for last, value in ((True, MIDDLE), (False, 18)):  # the fused plates
        kept, own = (end_mm(mask == value, scan, 0, inner, last) for mask in (refined, seen))
        assert kept == pytest.approx(own, abs=1.0)
    at_mm, true_mm = (end_mm(mask == MIDDLE, scan, 0, inner, False) for mask in (refined, bodies))
    assert at_mm == pytest.approx(true_mm, abs=0.4)  # the free plate is found all the same


def test_a_body_that_the_scan_does_not_show_stays_as_it_is() -> None:
    scan, bodies = scan_of(Shape())
    seen = as_networks_see(bodies, scan.geometry)
    blank = replace(scan, hu=np.full_like(scan.hu, int(SOFT_HU)))
    np.testing.assert_array_equal(refine_outlines(seen.copy(), blank, LEVELS), seen)


def test_metal_leaves_the_networks_outline() -> None:
    scan, bodies = scan_of(Shape())
    seen = as_networks_see(bodies, scan.geometry)
    hu = scan.hu.copy()
    hu[bodies == MIDDLE] = 2500
    refined = refine_outlines(seen.copy(), replace(scan, hu=hu), LEVELS)
    np.testing.assert_array_equal(refined == MIDDLE, seen == MIDDLE)


def test_neighbours_never_overlap_and_none_is_lost() -> None:
    """Narrow discs, and a border between two bodies that lies in bone: each voxel still has one owner."""
    scan, bodies = scan_of(Shape(disc_mm=2.0))
    seen = as_networks_see(bodies, scan.geometry, shift_mm=2.5)
    refined = refine_outlines(seen.copy(), scan, LEVELS)
    for value in (18, 19, 20):
        own, now = (seen == value).sum(), (refined == value).sum()
        assert 0.6 * own <= now <= 1.8 * own
    twice = refine_outlines(refined.copy(), scan, LEVELS)
    assert set(np.unique(twice)) == {0, 18, 19, 20}


def test_bodies_that_are_not_whole_are_left_alone() -> None:
    scan, bodies = scan_of(Shape())
    seen = as_networks_see(bodies, scan.geometry)
    refined = refine_outlines(seen.copy(), scan, ("T12",))
    for value in (18, 20):
        np.testing.assert_array_equal(refined == value, seen == value)
    assert not np.array_equal(refined == MIDDLE, seen == MIDDLE)


def test_the_result_is_the_same_each_time() -> None:
    scan, bodies = scan_of(Shape())
    seen = as_networks_see(bodies, scan.geometry)
    first = refine_outlines(seen.copy(), scan, LEVELS)
    np.testing.assert_array_equal(first, refine_outlines(seen.copy(), scan, LEVELS))


def test_crumbs_and_missing_levels_are_passed_over() -> None:
    scan, bodies = scan_of(Shape())
    crumb = np.zeros_like(bodies)
    crumb[40:43, 30:33, 30:33] = MIDDLE
    np.testing.assert_array_equal(refine_outlines(crumb.copy(), scan, ("T12", "L5")), crumb)


def test_the_best_surface_is_smooth_and_bridges_gaps() -> None:
    cost = np.zeros((1, 12, 12, 21), dtype=np.float32)
    true = 8.0 + 0.25 * np.arange(12)
    for i in range(12):
        cost[0, i, :, :] = np.minimum(0.3 * np.abs(np.arange(21) - true[i]), 1.0)
    cost[0, 4:7, 4:7] = 0.0  # nothing to be seen
    cost[0, 9, 9, 18] = -1.0  # noise
    found = best_surface(cost, bend=0.2)[0]
    assert np.abs(found - true[:, None]).max() < 0.8


def test_a_closed_surface_has_no_seam() -> None:
    true = 7.0 + 3.0 * np.sin(np.deg2rad(np.arange(0, 360, 10)))
    cost = np.broadcast_to(0.1 * np.abs(np.arange(15) - true[:, None, None]), (36, 4, 15)).astype(np.float32)[None]
    found = best_surface(cost, 0.2, wrap=True)
    turned = best_surface(np.roll(cost, 18, axis=1), 0.2, wrap=True)
    np.testing.assert_allclose(np.roll(found, 18, axis=1), turned, atol=0.1)
    assert np.abs(found[0] - true[:, None]).max() < 0.8
