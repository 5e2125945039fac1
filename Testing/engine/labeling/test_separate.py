"""Bodies are told apart along the spine, whatever joins or breaks them."""

import numpy as np
import pytest
from scipy import ndimage

from helpers_column import SPACING_ZYX_MM, column, fill_disc
from ldct_bmd.labeling.curve import fit_curve
from ldct_bmd.labeling.cuts import choose_cuts
from ldct_bmd.labeling.profile import PROFILE_SHAPE, STEP_MM, LevelAt
from ldct_bmd.labeling.separate import flood, separate

LUMBAR = (28.0, 27.0, 26.0, 25.0, 24.0)


def agreement(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """Share of each true body that has its own number."""
    return [float((found[truth == n] == n).mean()) for n in range(1, int(truth.max()) + 1)]


def test_bodies_are_numbered_from_the_top() -> None:
    foreground, truth = column(LUMBAR)
    numbers, extents, *_ = separate(foreground, SPACING_ZYX_MM)
    assert len(extents) == 5
    assert min(agreement(numbers, truth)) == 1.0
    assert np.all(np.diff(extents.mean(axis=1)) < 0)


@pytest.mark.parametrize("tilt", [-0.5, 0.5])
def test_bodies_of_a_tilted_spine_are_cut_along_their_endplates(tilt: float) -> None:
    foreground, truth = column(LUMBAR, tilt=tilt)
    numbers, extents, *_ = separate(foreground, SPACING_ZYX_MM)
    assert len(extents) == 5
    assert min(agreement(numbers, truth)) > 0.99


def test_neighbours_joined_by_an_osteophyte_are_split() -> None:
    foreground, truth = column(LUMBAR, bridge=(2, 3))
    assert ndimage.label(foreground > 0.5)[1] == 3
    numbers, extents, *_ = separate(foreground, SPACING_ZYX_MM)
    assert len(extents) == 5
    assert min(agreement(numbers, truth)) > 0.98


def test_bodies_that_thick_slices_melt_together_are_split() -> None:
    foreground, truth = column(LUMBAR, disc_mm=4.0)
    blurred = ndimage.uniform_filter1d(foreground, 5, axis=0)
    blurred = np.maximum(blurred, 0.55 * (blurred > 0.1))  # the discs are above one half too
    numbers, extents, *_ = separate(blurred, SPACING_ZYX_MM)
    assert len(extents) == 5
    assert min(agreement(numbers, truth)) > 0.95


def test_fragments_of_one_body_stay_together() -> None:
    foreground, truth = column(LUMBAR)
    z = np.argwhere(truth == 3)[:, 0]
    # A cleft across the body, as where the network misses a sclerotic band.
    middle = int(z.mean())
    foreground[middle : middle + 1, :, :][truth[middle : middle + 1] == 3] = 0.4
    numbers, extents, *_ = separate(foreground, SPACING_ZYX_MM)
    assert len(extents) == 5
    assert min(agreement(numbers, truth)[2:3]) > 0.9


@pytest.mark.parametrize("height_mm", [11.0, 6.0])
def test_a_crushed_body_between_normal_ones_is_one_body(height_mm: float) -> None:
    heights = (24.0, 24.0, height_mm, 25.0, 26.0)
    foreground, truth = column(heights, disc_mm=4.0)
    numbers, extents, *_ = separate(foreground, SPACING_ZYX_MM)
    assert len(extents) == 5
    assert min(agreement(numbers, truth)) == 1.0


def test_a_body_cut_by_the_scan_is_a_body_of_its_own() -> None:
    foreground, truth = column(LUMBAR, start_mm=-12.0)
    numbers, extents, *_ = separate(foreground, SPACING_ZYX_MM)
    assert len(extents) == 5
    assert min(agreement(numbers, truth)) == 1.0


def test_small_upper_and_large_lower_bodies_are_told_apart_in_one_column() -> None:
    heights = tuple(np.linspace(15, 28, 16))
    foreground, truth = column(heights, disc_mm=3.0)
    numbers, extents, *_ = separate(foreground, SPACING_ZYX_MM)
    assert len(extents) == 16
    assert min(agreement(numbers, truth)) == 1.0


def test_small_upper_bodies_are_not_joined_in_pairs_however_faint_each_second_disc_and_whatever_the_levels() -> None:
    foreground, truth = column((18.0,) * 6, disc_mm=4.0)
    for number in (1, 3, 5):
        fill_disc(foreground, truth, number, 0.9)

    def half_as_many(first: float) -> LevelAt:
        return lambda voxels: np.stack([first + (voxels[:, 0] - 10) / 44, np.ones(len(voxels))])

    numbers, extents, *_ = separate(
        foreground, SPACING_ZYX_MM, level_at=half_as_many(13.0)
    )  # counted upwards: T5 to T3
    assert len(extents) == 6
    assert min(agreement(numbers, truth)) > 0.95
    lumbar = separate(foreground, SPACING_ZYX_MM, level_at=half_as_many(1.0))  # L5 to L3 may be as high as two of these
    assert len(lumbar.extents) == 3


def test_no_height_is_reason_to_cut_a_body_through_bone() -> None:
    heights = (20.0, 20.0, 28.0, 21.0, 21.0)
    foreground, truth = column(heights, waist=0.03)
    ends = [np.argwhere(truth == n)[:, 0] for n in (5, 4, 3, 2, 1)]
    middles = [(end.min() + end.max()) / 2 for end in ends]

    def one_each(voxels: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(voxels[:, 0], middles, [13.0, 14.0, 15.0, 16.0, 17.0]), np.ones(len(voxels))])

    numbers, extents, *_ = separate(foreground, SPACING_ZYX_MM, level_at=one_each)
    assert len(extents) == 5
    assert min(agreement(numbers, truth)) == 1.0


@pytest.mark.parametrize(("disc", "middle", "off"), [(0.2, 0.35, 0.0), (0.9, 0.2, 0.5)], ids=["bridged", "clear"])
def test_bridged_discs_are_found_by_level_and_clear_ones_whatever_the_levels_say(
    disc: float, middle: float, off: float
) -> None:
    # Bodies of 20 mm with their discs, darker in their middle than a bridged disc; levels may be half a body off.
    at_mm = np.arange(0.0, 121.0, STEP_MM)
    to_disc = np.abs((at_mm + 10.0) % 20.0 - 10.0)
    profile = 400.0 * (1.0 - disc * (to_disc < 1.5) - middle * (to_disc > 8.5))
    profile = np.concatenate([np.zeros(4), ndimage.gaussian_filter1d(profile, 2), np.zeros(4)])
    at_mm = (np.arange(len(profile)) - 4) * STEP_MM
    cuts_mm = at_mm[choose_cuts(profile, 10.5 + at_mm / 20.0 + off)]
    assert cuts_mm[1:-1] == pytest.approx([20.0, 40.0, 60.0, 80.0, 100.0], abs=2.0)


def test_how_clearly_each_disc_is_seen_is_told() -> None:
    foreground, truth = column(LUMBAR)
    fill_disc(foreground, truth, 2, 0.9)
    fill_disc(foreground, truth, 4, 0.6)
    discs = separate(foreground, SPACING_ZYX_MM).discs
    assert discs[[0, 2]] == pytest.approx(1.0, abs=0.05)
    assert discs[[1, 3]] == pytest.approx([1 - 0.9**PROFILE_SHAPE.sharpen, 1 - 0.6**PROFILE_SHAPE.sharpen], abs=0.1)


def test_nothing_is_found_in_an_empty_map_or_in_specks() -> None:
    foreground = np.zeros((60, 40, 40), dtype=np.float32)
    assert len(separate(foreground, SPACING_ZYX_MM).extents) == 0
    foreground[10:14, 10:14, 10:14] = 1.0
    assert len(separate(foreground, SPACING_ZYX_MM).extents) == 0


def test_arc_length_of_a_straight_tilted_line_is_its_length() -> None:
    z = np.repeat(np.arange(0, 200, 1.0), 20)
    rng = np.random.default_rng(0)
    points = np.stack([z, 50 + 0.4 * z + rng.normal(0, 0.5, len(z)), 40 + rng.normal(0, 0.5, len(z))], axis=1)
    curve = fit_curve(points, np.ones(len(points)))
    ends = np.array([[20.0, 58.0, 40.0], [180.0, 122.0, 40.0]])
    low, high = curve.arc_length(ends)
    assert high - low == pytest.approx(160 * np.hypot(1, 0.4), rel=0.01)


def lowest_pass(height: np.ndarray, start: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The highest point of the lowest way from ``start`` to each voxel of ``mask``; infinite where there is none."""
    reached = np.where(start & mask, height, np.inf)
    cross = ndimage.generate_binary_structure(3, 1)
    while True:
        beside = np.maximum(ndimage.grey_erosion(reached, footprint=cross, mode="nearest"), height)
        nearer = np.minimum(np.where(mask, beside, np.inf), reached)
        if np.array_equal(nearer, reached):
            return reached
        reached = nearer


def test_water_from_each_seed_takes_the_lowest_way_and_stays_in_the_mask() -> None:
    rng = np.random.default_rng(3)
    height = ndimage.gaussian_filter(rng.normal(size=(30, 24, 20)), 2.0).astype(np.float32)
    mask = ndimage.gaussian_filter(rng.normal(size=height.shape), 2.0) > -0.05
    mask[:3] = False
    mask[:2, :5, :5] = True  # apart from the rest, and without a seed
    seeds = np.zeros(height.shape, dtype=np.int32)
    for number, place in enumerate(np.argwhere(mask & (np.arange(30) > 2)[:, None, None])[::900], start=1):
        seeds[tuple(place)] = number
    flooded = flood(height, seeds, mask)
    passes = np.stack([lowest_pass(height, (seeds == n) & mask, mask) for n in range(1, int(seeds.max()) + 1)])
    lowest = passes.min(axis=0)
    reachable = np.isfinite(lowest)
    assert np.array_equal(flooded > 0, reachable)
    assert (mask & ~reachable).any()
    own = np.take_along_axis(passes, np.maximum(flooded - 1, 0)[None], axis=0)[0]
    assert np.array_equal(own[reachable], lowest[reachable])
    assert len(np.unique(flooded)) > 4
