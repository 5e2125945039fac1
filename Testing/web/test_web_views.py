"""Views along endplates lie as the engine has the body, what is drawn there is in place, and surfaces are closed."""

from dataclasses import replace

import numpy as np
import pytest
import scipy

from helpers_record import column_scan, examined
from ldct_bmd.examination import BodyMask
from ldct_bmd.morphometry import body_axes_lps
from ldct_bmd.reading.outlines import body_outlines
from ldct_bmd.scan import Geometry
from ldct_bmd.voi import CylinderVOI
from ldct_bmd_web.planes import grid_along, hu_in, outlines_in
from ldct_bmd_web.surfaces import Surface, body_surface, net, voi_surface

TURN = scipy.spatial.transform.Rotation.from_euler("xz", [20.0, 10.0], degrees=True).as_matrix()


def area_mm2(line: np.ndarray) -> float:
    x, y = line.T
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2


def volume_mm3(surface: Surface) -> float:
    a, b, c = (surface[0][surface[1][:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def turned_body() -> tuple[BodyMask, Geometry]:
    """A block of 40 x 30 x 24 mm, turned, about the middle of its grid."""
    geometry = Geometry((80, 80, 80), (0.8, 0.8, 1.0), (-31.6, -31.6, -39.5), ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    z, y, x = np.mgrid[0:80, 0:80, 0:80].astype(float)
    own = geometry.to_lps_mm(np.stack([x, y, z], axis=-1)) @ TURN
    inside = (np.abs(own) < [20.0, 15.0, 12.0]).all(axis=-1)
    return BodyMask((slice(0, 80), slice(0, 80), slice(0, 80)), inside), geometry


def test_the_grid_along_the_endplates_has_the_engines_axes_and_the_body_in_its_middle() -> None:
    record, (body, geometry) = examined(), turned_body()
    grid = grid_along(record, {"L1": body}, "L1", geometry)
    axes = body_axes_lps(body.inside, body.box, geometry)
    assert axes is not None
    assert np.array(grid.direction).T.tolist() == axes.tolist()
    assert axes[2] == pytest.approx(TURN[:, 2], abs=0.03)
    (middle,) = [one.centroid_lps_mm for one in record.vertebrae if one.level == "L1"]
    assert grid.to_index_xyz(np.array(middle)) == pytest.approx((np.array(grid.size) - 1) / 2)


def test_a_tilted_slice_shows_the_voxels_where_they_are() -> None:
    scan = column_scan()
    x, y, z = (np.moveaxis(np.mgrid[0:174, 0:56, 0:64], 0, -1) @ np.eye(3)[::-1]).T  # a ramp in each direction
    ramp = replace(scan, hu=(x + 2.0 * y - 3.0 * z).T.astype(np.float32))
    grid = replace(scan.geometry, origin_lps_mm=(-10.0, -9.0, 4.0), size=(20, 19, 18), direction=TURN.tolist())
    for across, index in ((0, 11), (1, 7), (2, 9)):
        at = [np.arange(n) for n in grid.size]
        at[across] = np.array([index])
        points = np.stack(np.meshgrid(*at, indexing="ij"), axis=-1).astype(float)
        there = scan.geometry.to_index_xyz(grid.to_lps_mm(points)) @ [1.0, 2.0, -3.0]
        assert hu_in(ramp, grid, across, index) == pytest.approx(np.squeeze(there, axis=across).T, abs=1e-3)
    assert hu_in(scan, scan.geometry, 2, 9) is not None
    assert np.array_equal(hu_in(scan, scan.geometry, 2, 9), scan.hu[9])


def test_outlines_in_a_tilted_slice_are_those_of_the_block_cut_straight() -> None:
    body, geometry = turned_body()
    grid = Geometry((161, 161, 161), (0.5, 0.5, 0.5), tuple((TURN @ [-40.0, -40.0, -40.0]).tolist()), TURN.tolist())
    for across, area, off in ((0, 30 * 24, 43), (1, 40 * 24, 33), (2, 40 * 30, 27)):
        (line,) = outlines_in(body, geometry, grid, across, 80)
        assert area_mm2(line) == pytest.approx(area, rel=0.03)
        assert line.mean(axis=0) == pytest.approx([40.0, 40.0], abs=0.6)
        assert outlines_in(body, geometry, grid, across, 80 + off) == []
    straight = outlines_in(body, geometry, geometry, 2, 40)
    assert all(map(np.array_equal, straight, body_outlines(body, geometry, 2, 40)))


def test_the_surface_of_a_body_is_closed_and_holds_its_volume() -> None:
    body, geometry = turned_body()
    points, triangles = body_surface(body, geometry)
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    assert set(np.unique(edges, axis=0, return_counts=True)[1].tolist()) == {2}
    assert volume_mm3((points, triangles)) == pytest.approx(40 * 30 * 24, rel=0.04)
    assert np.abs(points @ TURN).max(axis=0) == pytest.approx([20.0, 15.0, 12.0], abs=1.0)


def test_the_net_of_a_ball_is_round() -> None:
    z, y, x = np.mgrid[0:31, 0:31, 0:31] - 15.0
    points, triangles = net((0.5 + (10.0 - np.sqrt(x**2 + y**2 + z**2)) / 4).astype(np.float32))
    assert np.linalg.norm(points - 15.0, axis=1) == pytest.approx(10.0, abs=0.15)
    assert volume_mm3((points, triangles)) == pytest.approx(4 / 3 * np.pi * 1000, rel=0.02)


def test_the_surface_of_a_voi_is_the_cylinder() -> None:
    axes = tuple(map(tuple, TURN.T.tolist()))
    voi = CylinderVOI((3.0, -4.0, 5.0), (12.0, 8.0), axes, 9.0)  # type: ignore[arg-type]
    surface = voi_surface(voi)
    assert volume_mm3(surface) == pytest.approx(voi.volume_mm3, rel=0.002)
    assert voi.to_local_mm(surface[0]).max(axis=0) == pytest.approx([12.0, 8.0, 4.5], abs=0.02)
