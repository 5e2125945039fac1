"""The networks' grids lie where the scan lies."""

import numpy as np
import pytest

from helpers_spine import spine_scan
from ldct_bmd.scan import Acquisition, CTScan, Geometry, Patient, Source
from ldct_bmd.segmentation.resample import along_z, grid, in_plane, map_points

TURNED = ((0.96, -0.28, 0.0), (0.28, 0.96, 0.0), (0.0, 0.0, 1.0))
GEOMETRY = Geometry((60, 50, 40), (0.8, 0.8, 1.25), (-30.0, 12.0, 400.0), TURNED)


def ramp(geometry: Geometry) -> np.ndarray:
    """HU that rise linearly in space."""
    z, y, x = np.indices(geometry.shape)
    points = geometry.to_lps_mm(np.stack([x, y, z], axis=-1))
    return (points @ np.array([1.0, -2.0, 0.5])).astype(np.float32)


def scan_of(hu: np.ndarray, geometry: Geometry) -> CTScan:
    return CTScan(hu, geometry, Acquisition(), Patient(), Source("file"))


def test_a_coarser_grid_covers_the_same_field() -> None:
    coarse = grid(GEOMETRY, (2.0, 2.0, 1.0))
    for geometry in (GEOMETRY, coarse):
        size = np.array(geometry.size)
        assert np.allclose(geometry.to_lps_mm((size - 1) / 2), GEOMETRY.to_lps_mm((np.array(GEOMETRY.size) - 1) / 2))
        assert np.allclose(size * geometry.spacing_mm, np.array(GEOMETRY.size) * GEOMETRY.spacing_mm)


def test_resampling_keeps_a_linear_field_in_place() -> None:
    target = grid(GEOMETRY, (2.0, 2.0, 1.0))
    out = along_z(in_plane(scan_of(ramp(GEOMETRY), GEOMETRY), target), target.shape[0])
    inner = (slice(3, -3),) * 3
    # HU rise by up to 4 per voxel of the coarse grid: a shift of a tenth of a voxel would show.
    assert np.abs(out - ramp(target))[inner].max() < 0.1


def test_low_dose_noise_is_averaged_not_picked() -> None:
    rng = np.random.default_rng(0)
    geometry = Geometry((200, 200, 20), (0.7, 0.7, 1.0), (0.0, 0.0, 0.0), ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)))
    noisy = rng.normal(0, 60, geometry.shape).astype(np.float32)
    out = in_plane(scan_of(noisy, geometry), grid(geometry, (2.0, 2.0, 1.0)))
    assert float(out.std()) < 25


def test_padding_far_below_air_counts_as_air() -> None:
    hu = np.full(GEOMETRY.shape, -3024, dtype=np.int16)
    out = in_plane(scan_of(hu, GEOMETRY), grid(GEOMETRY, (2.0, 2.0, 1.0)))
    assert float(out.min()) == pytest.approx(-1024)


def test_values_are_read_at_points_of_another_grid() -> None:
    coarse = grid(GEOMETRY, (5.0, 5.0, 5.0))
    fine = grid(GEOMETRY, (2.0, 2.0, 1.0))
    voxels = np.array([[20, 8, 9], [15, 10, 12], [25, 9, 14]])
    read = map_points(ramp(coarse)[None], coarse, fine, voxels)[0]
    assert np.allclose(read, ramp(fine)[tuple(voxels.T)], atol=0.05)


def test_memory_is_taken_slice_by_slice_but_nothing_is_left_out() -> None:
    scan = spine_scan()
    target = grid(scan.geometry, (2.0, 2.0, 1.0))
    planes = in_plane(scan, target)
    assert planes.shape == (scan.hu.shape[0], *target.shape[1:])
    assert np.isfinite(planes).all()
    assert float(planes[-1].std()) > 0


def test_the_coarse_grid_keeps_a_linear_field_in_place_along_z() -> None:
    target = grid(GEOMETRY, (5.0, 5.0, 5.0))
    out = along_z(ramp(GEOMETRY), target.shape[0])[:, 25, 30]
    column = ramp(GEOMETRY)[:, 25, 30]
    # The slices' centres, by hand: the same field, divided anew.
    step = GEOMETRY.size[2] / target.size[2]
    where = (np.arange(target.size[2]) + 0.5) * step - 0.5
    expected = np.interp(where, np.arange(len(column)), column)
    assert np.allclose(out[2:-2], expected[2:-2], atol=0.01)
