"""Noise near a VOI: the scatter over repeated scans, whatever the bone's texture, and from soft tissue alone."""

import numpy as np
import pytest
from scipy import ndimage

from helpers_voi import CENTER_LPS_MM, UPRIGHT, grid, offsets_mm, scan_of
from ldct_bmd.densitometry import hu_statistics
from ldct_bmd.noise import noise_near
from ldct_bmd.voi import CylinderVOI, voi_weights

VOI = CylinderVOI(tuple(CENTER_LPS_MM.tolist()), (12.5, 8.4), UPRIGHT, 9.0)
EXTENT_MM = (130.0, 120.0, 30.0)
REPEATS = 5


def trunk(geometry, texture_hu=80.0, bone_hu=180.0):
    """A vertebra with coarse trabeculae between muscles, aorta and a slanting liver, in fat."""
    x, y, z = offsets_mm(geometry)
    hu = np.full(geometry.shape, -100.0)
    for muscle_x in (-42.0, 42.0):
        hu[((x - muscle_x) / 24) ** 2 + ((y - 32) / 20) ** 2 < 1] = 55.0
    hu[np.hypot(x - 12, y + 30) < 12] = 40.0
    hu[np.hypot(x + 45 + 0.3 * z, y + 28) < 26] = 60.0
    hu[(np.abs(x - 42 + 0.2 * y) < 1.0) & (y > 20)] = -60.0  # fat between two muscles
    sigma = [0.8 / s for s in geometry.spacing_mm[::-1]]
    texture = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=geometry.shape), sigma)
    body = (x / 21) ** 2 + (y / 16) ** 2 < 1
    return np.where(body, bone_hu + texture_hu * texture / texture.std(), hu)


def correlated(white, geometry, fwhm_mm, ramp):
    """Give noise a smooth or, with the ramp of filtered backprojection, a fine kernel (FWHM in plane, along z)."""
    _, rows, columns = geometry.shape
    across, along = (f / 2.355 for f in fwhm_mm)
    f = np.hypot(
        np.fft.fftfreq(rows, geometry.spacing_mm[1])[:, None], np.fft.rfftfreq(columns, geometry.spacing_mm[0])[None, :]
    )
    amplitude = np.exp(-2 * (np.pi * across * f) ** 2) * (np.sqrt(f + 0.005) if ramp else 1.0)
    planes = np.fft.irfft2(np.fft.rfft2(white) * amplitude, s=(rows, columns))
    return ndimage.gaussian_filter(planes, (along / geometry.spacing_mm[2], 0, 0), mode="wrap")


def noise(geometry, rng, sd_hu, fwhm_mm, ramp):
    drawn = correlated(rng.normal(size=geometry.shape), geometry, fwhm_mm, ramp)
    return sd_hu * drawn / drawn.std()


def scatter_of_the_mean(geometry, sd_hu, fwhm_mm, ramp):
    """Standard deviation of the VOI's mean over all possible draws: its weights filtered as the white noise is."""
    box, weights = voi_weights(VOI, geometry)
    one_voxel, voi = np.zeros((2, *geometry.shape))
    one_voxel[tuple(n // 2 for n in geometry.shape)] = 1.0
    voi[box] = weights / weights.sum(dtype=float)
    per_white = [np.linalg.norm(correlated(image, geometry, fwhm_mm, ramp)) for image in (voi, one_voxel)]
    return sd_hu * per_white[0] / per_white[1]


@pytest.mark.parametrize("spacing_mm", [(0.7, 0.7, 1.0), (0.9, 0.9, 3.0)])
@pytest.mark.parametrize(
    ("sd_hu", "fwhm_mm", "ramp"),
    [
        (30.0, (0.0, 0.0), False),
        (60.0, (1.5, 1.2), False),
        (30.0, (3.0, 2.0), False),
        (60.0, (1.8, 1.5), True),
        (80.0, (1.2, 2.0), True),
    ],
)
def test_the_standard_error_is_the_scatter_of_the_mean_over_repeated_scans(spacing_mm, sd_hu, fwhm_mm, ramp):
    geometry = grid(spacing_mm, EXTENT_MM)
    anatomy = trunk(geometry)
    rng = np.random.default_rng(1)
    errors = [
        hu_statistics(
            scan_of(np.rint(anatomy + noise(geometry, rng, sd_hu, fwhm_mm, ramp)).astype(np.int16), geometry), VOI
        ).standard_error_hu
        for _ in range(REPEATS)
    ]

    expected = scatter_of_the_mean(geometry, sd_hu, fwhm_mm, ramp)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(expected, rel=0.25)


def test_the_expected_scatter_is_that_of_repeated_scans():
    geometry = grid((0.9, 0.9, 3.0), EXTENT_MM)
    box, weights = voi_weights(VOI, geometry)
    rng = np.random.default_rng(8)
    how = (40.0, (1.8, 1.5), True)
    means = [np.average(noise(geometry, rng, *how)[box], weights=weights) for _ in range(100)]

    # 100 means know their scatter to 7 %.
    assert np.std(means) == pytest.approx(scatter_of_the_mean(geometry, *how), rel=0.2)


def test_coarse_trabeculae_are_not_taken_for_noise():
    geometry = grid((0.7, 0.7, 1.0), EXTENT_MM)
    drawn = noise(geometry, np.random.default_rng(2), 20.0, (1.5, 1.2), False)
    coarse, even = (hu_statistics(scan_of(trunk(geometry, t) + drawn, geometry), VOI) for t in (100.0, 0.0))

    assert coarse.sd_hu > 3 * even.sd_hu
    assert coarse.standard_error_hu == even.standard_error_hu


def test_bone_as_light_as_muscle_is_not_taken_for_soft_tissue():
    geometry = grid((0.7, 0.7, 1.0), EXTENT_MM)
    drawn = noise(geometry, np.random.default_rng(3), 20.0, (1.5, 1.2), False)
    dense, light = (hu_statistics(scan_of(trunk(geometry, 40.0, b) + drawn, geometry), VOI) for b in (180.0, 50.0))

    assert light.standard_error_hu == pytest.approx(dense.standard_error_hu, rel=0.05)


def test_even_organs_without_noise_make_next_to_no_standard_error():
    for spacing_mm in ((0.7, 0.7, 1.0), (0.9, 0.9, 4.25)):
        geometry = grid(spacing_mm, EXTENT_MM)
        assert hu_statistics(scan_of(trunk(geometry), geometry), VOI).standard_error_hu < 0.5


def test_twice_the_noise_is_twice_the_standard_error():
    geometry = grid((0.7, 0.7, 1.0), EXTENT_MM)
    drawn = noise(geometry, np.random.default_rng(4), 40.0, (1.5, 1.2), False)
    once, twice = (noise_near(scan_of(50.0 + f * drawn, geometry), VOI) for f in (0.5, 1.0))

    assert once is not None
    assert twice is not None
    assert once.sd_hu == pytest.approx(20.0, rel=0.05)
    weights = voi_weights(VOI, geometry)[1]
    assert twice.standard_error(weights) == pytest.approx(2 * once.standard_error(weights), rel=0.05)


def test_scaling_the_weights_changes_nothing_and_a_larger_voi_is_more_certain():
    geometry = grid((0.7, 0.7, 1.0), EXTENT_MM)
    near = noise_near(scan_of(50.0 + noise(geometry, np.random.default_rng(5), 40.0, (1.5, 1.2), False), geometry), VOI)
    assert near is not None
    small, large = (voi_weights(CylinderVOI(VOI.center_lps_mm, (a, a), UPRIGHT, 9.0), geometry)[1] for a in (5.0, 10.0))

    assert near.standard_error(3.0 * small) == pytest.approx(near.standard_error(small))
    assert near.standard_error(large) == pytest.approx(near.standard_error(small) / 2, rel=0.2)


def test_without_soft_tissue_in_reach_noise_and_texture_together_take_its_place():
    geometry = grid((0.7, 0.7, 1.0), EXTENT_MM)
    drawn = noise(geometry, np.random.default_rng(6), 20.0, (1.5, 1.2), False)
    anatomy = trunk(geometry)
    bare = scan_of(np.where(anatomy > 100, anatomy, -100) + drawn, geometry)

    assert noise_near(bare, VOI) is None
    both = hu_statistics(bare, VOI).standard_error_hu
    assert both > hu_statistics(scan_of(anatomy + drawn, geometry), VOI).standard_error_hu
    assert noise_near(scan_of(anatomy[:1], grid((0.7, 0.7, 1.0), (*EXTENT_MM[:2], 1.0))), VOI) is None


def test_the_edge_of_the_scan_close_to_the_voi_is_no_obstacle():
    geometry = grid((0.7, 0.7, 1.0), (130.0, 80.0, 11.0), shift_mm=(0.0, 10.0, 0.0))
    drawn = noise(geometry, np.random.default_rng(7), 30.0, (0.0, 0.0), False)
    near = noise_near(scan_of(50.0 + drawn, geometry), VOI)

    assert near is not None
    assert near.sd_hu == pytest.approx(30.0, rel=0.1)
