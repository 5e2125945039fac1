"""HU statistics of a VOI: against integrals that are known, in any orientation, and what lies in the midline."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from helpers_voi import CENTER_LPS_MM, UPRIGHT, as_rows, cut_out, elliptic_body, flipped, grid, scan_of, scan_with
from ldct_bmd.densitometry import hu_pattern, hu_statistics, midline_contrast
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan import Geometry
from ldct_bmd.voi import CylinderVOI, place_voi

OBLIQUE = as_rows(Rotation.from_euler("xyz", [14, -9, 21], degrees=True).as_matrix())
SHORT_MM, HEIGHT_MM = 8.4, 9.0
LONG_MM = 0.30 * 1100 / (np.pi * SHORT_MM)


def trabecular_hu(x, y, z):
    """Denser under the endplates, lighter towards the back, a little denser to the left."""
    return 130.0 + 0.3 * x - 2.0 * y + 0.25 * z**2 + 0.05 * x**2 + 0.04 * y**2


# Second moments of an elliptic cylinder: a^2 / 4, b^2 / 4 and h^2 / 12.
TRUE_MEAN_HU = 130.0 + 0.25 * HEIGHT_MM**2 / 12 + 0.05 * LONG_MM**2 / 4 + 0.04 * SHORT_MM**2 / 4


def ideal_voi(axes=UPRIGHT, center=CENTER_LPS_MM):
    return CylinderVOI(tuple(np.asarray(center).tolist()), (LONG_MM, SHORT_MM), axes, HEIGHT_MM)


@pytest.mark.parametrize("spacing_mm", [(0.7, 0.7, 1.0), (0.98, 0.98, 1.25), (1.0, 1.0, 1.0), (0.6, 0.9, 2.0)])
@pytest.mark.parametrize("direction", [UPRIGHT, OBLIQUE])
def test_an_ideal_body_is_measured_within_1_hu_of_the_integral_and_4_mm_off_is_not(spacing_mm, direction):
    geometry = grid(spacing_mm, direction=direction, shift_mm=(0.21, -0.33, 0.0))
    scan = scan_with(trabecular_hu, geometry)
    box, mask = cut_out(elliptic_body(geometry))
    voi = place_voi(mask, box, geometry)

    assert hu_statistics(scan, voi).mean_hu == pytest.approx(TRUE_MEAN_HU, abs=1.0)

    for axis in (1, 2):  # 4 mm to the back, 4 mm up
        center = np.asarray(voi.center_lps_mm) + 4.0 * np.asarray(voi.axes_lps)[axis]
        misplaced = CylinderVOI(tuple(center.tolist()), voi.semi_axes_mm, voi.axes_lps, voi.height_mm)
        assert abs(hu_statistics(scan, misplaced).mean_hu - TRUE_MEAN_HU) > 1.0


@pytest.mark.parametrize("slice_mm", [3.0, 4.25, 5.0])
def test_thick_slices_weigh_by_the_part_inside_the_9_mm(slice_mm):
    geometry = grid((0.7, 0.7, slice_mm), shift_mm=(0.0, 0.0, 0.3 * slice_mm))
    per_slice = np.random.default_rng(0).uniform(50, 200, geometry.shape[0])
    hu = np.broadcast_to(per_slice[:, None, None], geometry.shape)

    centers = geometry.origin_lps_mm[2] + np.arange(geometry.shape[0]) * slice_mm - CENTER_LPS_MM[2]
    overlap = np.minimum(centers + slice_mm / 2, 4.5) - np.maximum(centers - slice_mm / 2, -4.5)
    expected = np.average(per_slice, weights=np.maximum(overlap, 0))
    assert hu_statistics(scan_of(hu, geometry), ideal_voi()).mean_hu == pytest.approx(expected, abs=0.1)


def test_the_same_scan_stored_otherwise_gives_the_same_statistics():
    geometry = grid((0.7, 0.8, 1.0))
    rng = np.random.default_rng(1)
    hu = ndimage.gaussian_filter(rng.normal(120, 60, geometry.shape), 0.7)
    voi = ideal_voi()
    expected = hu_statistics(scan_of(hu, geometry), voi)

    stored = [flipped(hu, geometry, axis) for axis in range(3)]
    direction = np.asarray(geometry.direction)[:, [2, 0, 1]]
    size, spacing = (tuple(np.asarray(v)[[2, 0, 1]].tolist()) for v in (geometry.size, geometry.spacing_mm))
    # Index axes (x, y, z) become (z, x, y), array axes (z, y, x) become (y, x, z).
    stored.append((hu.transpose(1, 2, 0), Geometry(size, spacing, geometry.origin_lps_mm, as_rows(direction))))
    for array, other in stored:
        got = hu_statistics(scan_of(array, other), voi)
        assert got.mean_hu == pytest.approx(expected.mean_hu, abs=0.1)
        assert got.sd_hu == pytest.approx(expected.sd_hu, rel=0.005)
        assert got.volume_mm3 == pytest.approx(expected.volume_mm3, rel=0.005)


def test_same_input_gives_the_same_numbers_bit_for_bit():
    geometry = grid((0.7, 0.7, 1.0))
    hu = np.random.default_rng(2).normal(120, 60, geometry.shape).astype(np.int16)

    assert hu_statistics(scan_of(hu, geometry), ideal_voi()) == hu_statistics(scan_of(hu.copy(), geometry), ideal_voi())


def test_spread_and_volume_are_those_of_the_cylinder():
    geometry = grid((0.5, 0.5, 0.5))
    got = hu_statistics(scan_with(lambda x, y, z: 10.0 * y + 0 * x, geometry), ideal_voi())

    assert got.sd_hu == pytest.approx(10.0 * SHORT_MM / 2, rel=0.01)
    assert got.volume_mm3 == pytest.approx(np.pi * LONG_MM * SHORT_MM * HEIGHT_MM, rel=0.005)


@pytest.mark.parametrize(
    ("spacing_mm", "fwhm_mm"),
    [
        ((0.7, 0.7, 1.0), (0.0, 0.0)),
        ((0.7, 0.7, 1.0), (1.5, 1.0)),
        ((0.7, 0.7, 1.0), (2.5, 2.0)),
        ((0.9, 0.9, 3.0), (2.0, 0.0)),
        ((0.6, 0.6, 1.25), (1.8, 2.5)),
    ],
)
def test_in_even_bone_without_soft_tissue_the_standard_error_is_the_scatter_over_repeated_scans(spacing_mm, fwhm_mm):
    geometry = grid(spacing_mm, extent_mm=(40.0, 40.0, 24.0))
    rng = np.random.default_rng(7)
    in_plane, along_z = (f / 2.355 for f in fwhm_mm)
    sigma = (along_z / spacing_mm[2], in_plane / spacing_mm[1], in_plane / spacing_mm[0])
    bone = scan_with(lambda x, y, z: 250.0 - 2.0 * y + 0 * x, geometry).hu
    means, errors = [], []
    for _ in range(60):
        noise = ndimage.gaussian_filter(rng.normal(size=geometry.shape), sigma, mode="wrap")
        got = hu_statistics(scan_of(bone + 40.0 * noise / noise.std(), geometry), ideal_voi())
        means.append(got.mean_hu)
        errors.append(got.standard_error_hu)

    # 60 repeats know the scatter to 9 % themselves.
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(means), rel=0.25)


def test_correlated_noise_is_less_certain_than_its_number_of_voxels_says():
    geometry = grid((0.7, 0.7, 1.0))
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=geometry.shape), 1.5)
    got = hu_statistics(scan_of(100 + 40 * noise / noise.std(), geometry), ideal_voi())

    naive = got.sd_hu / np.sqrt(got.volume_mm3 / geometry.voxel_volume_mm3)
    assert got.standard_error_hu > 3 * naive


def test_a_scan_without_noise_has_no_standard_error():
    geometry = grid((0.7, 0.7, 1.0))
    got = hu_statistics(scan_with(lambda x, y, z: 100.0 + 0.5 * x - y + 0.2 * z, geometry), ideal_voi())

    assert got.standard_error_hu == pytest.approx(0.0, abs=0.01)
    assert hu_statistics(scan_of(np.full(geometry.shape, 77, np.int16), geometry), ideal_voi()).standard_error_hu < 1e-6


def test_a_voi_that_leaves_the_scan_is_refused():
    geometry = grid((1.0, 1.0, 1.0))
    scan = scan_of(np.zeros(geometry.shape, np.int16), geometry)
    for offset in ([0, 0, 20.0], [25.0, 0, 0], [0, 500.0, 0]):
        voi = ideal_voi(center=CENTER_LPS_MM + np.array(offset))
        with pytest.raises(CannotMeasure, match="leaves the scan"):
            hu_statistics(scan, voi)
        with pytest.raises(CannotMeasure, match="leaves the scan"):
            hu_pattern(scan, voi)


def test_cement_and_gas_show_in_the_pattern_and_noisy_bone_does_not():
    geometry = grid((0.7, 0.7, 1.0))
    rng = np.random.default_rng(4)
    bone = rng.normal(110, 45, geometry.shape)
    plain = hu_pattern(scan_of(bone, geometry), ideal_voi())
    assert plain.fraction_dense == 0.0
    assert plain.fraction_light == 0.0

    middle = np.array(geometry.shape) // 2
    bone[middle[0] - 2 : middle[0] + 2, middle[1] - 4 : middle[1] + 4, middle[2] - 4 : middle[2] + 4] = 1500
    bone[middle[0] + 3, middle[1] - 5 : middle[1] - 2, middle[2] + 5] = -700
    odd = hu_pattern(scan_of(bone, geometry), ideal_voi())
    assert odd.maximum_hu == 1500
    assert odd.minimum_hu == -700
    assert odd.fraction_dense == pytest.approx(256 * geometry.voxel_volume_mm3 / ideal_voi().volume_mm3, rel=0.1)
    assert 0 < odd.fraction_light < 0.01


@pytest.mark.parametrize("direction", [UPRIGHT, OBLIQUE])
@pytest.mark.parametrize("vein_hu", [-60.0, 60.0])
def test_a_vein_in_the_midline_of_the_voi_is_measured_against_its_flanks(vein_hu, direction):
    geometry = grid((0.5, 0.5, 1.0), direction=direction)
    bone = scan_with(lambda x, y, z: 120.0 + x - 2.0 * y + z, geometry)
    scan = scan_with(lambda x, y, z: 120.0 + x - 2.0 * y + z + vein_hu * ((np.abs(x) < 3) & (y > 0)), geometry)
    axes = as_rows(np.asarray(direction).T)

    plain, veined = midline_contrast(bone, ideal_voi(axes)), midline_contrast(scan, ideal_voi(axes))

    assert plain.difference_hu == pytest.approx(0.0, abs=0.2)  # gradients in all directions are no vein
    assert veined.difference_hu == pytest.approx(vein_hu, rel=0.1)
    change = hu_statistics(scan, ideal_voi(axes)).mean_hu - hu_statistics(bone, ideal_voi(axes)).mean_hu
    assert veined.effect_hu == pytest.approx(change, rel=0.2)


def test_the_vein_is_looked_for_at_the_back_however_the_voi_s_axes_point():
    geometry = grid((0.7, 0.7, 1.0))
    scan = scan_with(lambda x, y, z: 100.0 - 60.0 * ((np.abs(x) < 3) & (y > 0)), geometry)
    turned = ideal_voi(((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)))

    expected, got = midline_contrast(scan, ideal_voi()), midline_contrast(scan, turned)

    assert got.difference_hu == pytest.approx(expected.difference_hu, abs=0.01)


def test_noise_alone_is_rarely_taken_for_a_vein():
    geometry = grid((0.7, 0.7, 1.0), extent_mm=(40.0, 40.0, 24.0))
    rng = np.random.default_rng(11)
    ratios = []
    for _ in range(60):
        noise = ndimage.gaussian_filter(rng.normal(size=geometry.shape), (0.8, 1.0, 1.0))
        got = midline_contrast(scan_of(120 + 40 * noise / noise.std(), geometry), ideal_voi())
        ratios.append(got.difference_hu / got.standard_error_hu)

    assert 0.6 < np.std(ratios) < 1.4
    assert np.mean(np.abs(ratios) > 3) < 0.05
