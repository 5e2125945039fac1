"""What a VOI's place adds: the spread of its mean over places, not the noise that the places share."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_voi import CENTER_LPS_MM, UPRIGHT, grid, offsets_mm, scan_of, scan_with
from ldct_bmd.densitometry import hu_statistics, hu_values, sample
from ldct_bmd.noise import Noise, noise_near
from ldct_bmd.placement import PLACEMENT, PlacementError, placement_spread
from ldct_bmd.voi import CylinderVOI

VOI = CylinderVOI(tuple(CENTER_LPS_MM.tolist()), (12.5, 8.4), UPRIGHT, 9.0)
SPACINGS = [(0.7, 0.7, 1.0), (0.9, 0.9, 3.0), (0.8, 0.8, 5.0)]
EXTENT_MM = (70.0, 60.0, 50.0)


def spread(scan, error=PLACEMENT, noise=None):
    return placement_spread(scan, VOI, sample(scan, VOI), noise, error)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize(
    ("gradient", "known_mm"),
    [((3.0, 0.0, 0.0), 0.5), ((0.0, 3.0, 0.0), 0.7), ((0.0, 0.0, 3.0), 0.4)],
)
def test_along_a_gradient_it_is_the_gradient_times_the_spread_of_the_place(spacing_mm, gradient, known_mm) -> None:
    error = PlacementError(across_mm=0.5, back_mm=0.7, along_mm=0.4, slices=0.0, size=0.0)
    a, b, c = gradient
    scan = scan_with(lambda x, y, z: 100.0 + a * x + b * y + c * z, grid(spacing_mm, EXTENT_MM))
    assert spread(scan, error) == pytest.approx(3.0 * known_mm, rel=0.01)


def test_thick_slices_move_it_farther_along_the_spine() -> None:
    thin, thick = (
        spread(scan_with(lambda x, y, z: 100.0 + 3.0 * z, grid(spacing_mm, EXTENT_MM))) for spacing_mm in SPACINGS[::2]
    )
    assert thick > 1.5 * thin


def bone(x, y, z):
    """Denser to the back, the sides and the endplates, as trabecular bone is."""
    return 140.0 + 1.2 * y + 0.03 * (x**2 + 2.0 * y**2) + 0.25 * z**2


@pytest.mark.parametrize("spacing_mm", SPACINGS[:2])
def test_it_is_the_spread_of_the_mean_over_vois_that_are_really_moved(spacing_mm) -> None:
    scan = scan_with(bone, grid(spacing_mm, EXTENT_MM))
    rng = np.random.default_rng(1)
    along = np.hypot(PLACEMENT.along_mm, PLACEMENT.slices * spacing_mm[2])
    moves = rng.normal(0.0, (PLACEMENT.across_mm, PLACEMENT.back_mm, along), (400, 3))
    sizes = 1.0 + rng.normal(0.0, PLACEMENT.size, 400)
    means = [
        hu_values(
            scan,
            replace(
                VOI,
                center_lps_mm=tuple((CENTER_LPS_MM + move).tolist()),
                semi_axes_mm=(12.5 * float(size), 8.4 * float(size)),
            ),
        ).mean_hu
        for move, size in zip(moves, sizes, strict=True)
    ]
    # 400 places know their spread to 4 %.
    assert spread(scan) == pytest.approx(np.std(means), rel=0.12)


def test_noise_alone_is_no_spread_of_the_place() -> None:
    geometry = grid((0.8, 0.8, 1.5), (130.0, 120.0, 36.0))
    x, y, _ = offsets_mm(geometry)
    anatomy = np.where((x / 21) ** 2 + (y / 16) ** 2 < 1, 150.0, 50.0)
    without, taken_off, errors = [], [], []
    for seed in range(10):
        scan = scan_of(
            (anatomy + np.random.default_rng(seed).normal(0.0, 60.0, anatomy.shape)).astype(np.float32), geometry
        )
        noise = noise_near(scan, VOI)
        without.append(spread(scan))
        taken_off.append(spread(scan, noise=noise))
        errors.append(hu_statistics(scan, VOI).standard_error_hu)
    assert np.mean(taken_off) < 0.7 * np.mean(without)
    assert np.mean(taken_off) < 0.3 * np.mean(errors)


def test_covariances_of_moved_means_are_those_of_the_noise() -> None:
    in_plane = np.zeros((5, 5))
    in_plane[0, 0] = 100.0
    in_plane[[0, 0, 1, -1], [1, -1, 0, 0]] = 40.0
    noise = Noise(in_plane, np.array([1.0, 0.25]))
    weights = np.ones((2, 3, 4))
    # All pairs of voxels by hand.
    points = np.argwhere(np.ones(weights.shape))
    expected = []
    for move in ((0, 0, 0), (0, 2, 0), (1, 0, 1), (0, 0, -3)):
        lag = np.abs(points[:, None] - points[None] - np.array(move))
        plane = np.select(
            [(lag[..., 1] + lag[..., 2]) == 0, (lag[..., 1] + lag[..., 2]) == 1], [100.0, 40.0], default=0.0
        )
        along = np.select([lag[..., 0] == 0, lag[..., 0] == 1], [1.0, 0.25], default=0.0)
        expected.append(float((plane * along).mean()))
    moved = [(0, 0, 0), (0, 2, 0), (1, 0, 1), (0, 0, -3)]
    assert noise.covariances(weights, moved) == pytest.approx(expected, abs=1e-9)
    assert noise.standard_error(weights) == pytest.approx(np.sqrt(expected[0]))


def test_at_the_scans_edge_it_is_still_stated() -> None:
    scan = scan_with(bone, grid((0.8, 0.8, 3.0), (27.0, 19.0, 9.5)))
    assert np.isfinite(spread(scan))
