"""Random anatomy: where each voxel of a synthetic scan lies in the atlas.

The maps are smooth, so they are made on a coarse grid and interpolated.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from .atlas import VOXEL_MM, Atlas

COARSE_STEP_MM = 8.0
# So much of the elastic amplitude is left along the body: below T4 three patients' vertebrae lie 0.95 to 1.18 times as
# far apart as the atlas's; with all of it they did 0.76 to 1.5 times.
ELASTIC_ALONG = 0.4
BEND_FROM_MM, BEND_TO_MM, BEND_STEP_MM = -250.0, 800.0, 2.0
HUMP_LEVELS = (8, 14)  # T1 leans furthest, T7 not at all
UPPER_LEVELS = (8, 11)  # T1 to T4, whose lean is measured
SPINE_RADIUS_MM = 40.0  # what is closer to the bodies' middles moves with them


@dataclass(frozen=True)
class PoseSpec:
    """How far anatomy may stray from the atlas; angles in degrees, lengths in mm, standard deviations unless said."""

    scale: tuple[float, float] = (0.84, 1.2)  # uniform range: small women to tall men
    axis_scale: float = 0.06  # log, each axis on its own
    rotation: tuple[float, float, float] = (8.0, 6.0, 6.0)  # about x (pitch), y (roll), z (yaw)
    bend: float = 14.0  # change of the spine's curvature in the sagittal plane, over 200 mm
    side_bend: tuple[float, float] = (2.5, 14.0)  # in the coronal plane: of most patients, of the scoliotic ones
    scoliosis: float = 0.1  # chance of it
    hump: float = 0.3  # chance of an upper chest that leans to the front
    lean: tuple[float, float] = (25.0, 48.0)  # uniform range of that lean, T1 to T4 against the body's length
    elastic: tuple[tuple[float, float], ...] = ((90.0, 9.0), (45.0, 4.0), (22.0, 1.4))  # (knot distance, amplitude)
    rib_slope: float = 0.12  # how much the ribs rise or fall away from the spine: breath held in, arms raised
    fracture: float = 0.15  # chance of fractured bodies in the scan
    organ_shift: float = 25.0  # along z, on their own
    organ_elastic: tuple[tuple[float, float], ...] = ((90.0, 18.0), (45.0, 7.0))


def upsample(coarse: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate (..., z, y, x) trilinearly to ``shape``, corners on corners."""
    tensor = torch.as_tensor(np.asarray(coarse, dtype=np.float32))
    lead = tensor.shape[:-3]
    out = functional.interpolate(
        tensor.reshape(1, -1, *tensor.shape[-3:]), size=shape, mode="trilinear", align_corners=True
    )
    return out.reshape(*lead, *shape).numpy()


def smooth_field(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    extent_mm: tuple[float, ...],
    knots_mm: float,
    channels: int = 1,
) -> NDArray[np.float32]:
    """Return (channels, *shape) of unit-variance smooth noise with knots about ``knots_mm`` apart."""
    knots = tuple(max(3, 2 + int(e / knots_mm)) for e in extent_mm)
    return upsample(rng.standard_normal((channels, *knots)), shape)


def _rotation(angles_xyz_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrix acting on (z, y, x) vectors."""
    matrix = np.eye(3)
    for axis, (i, j) in enumerate(((0, 1), (0, 2), (1, 2))):  # about x turns z-y, about y turns z-x, about z turns y-x
        c, s = np.cos(np.deg2rad(angles_xyz_deg[axis])), np.sin(np.deg2rad(angles_xyz_deg[axis]))
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = c
        turn[i, j], turn[j, i] = -s, s
        matrix = matrix @ turn
    return matrix


def _bend(
    rng: np.random.Generator,
    points: NDArray[np.float64],
    atlas: Atlas,
    pivot_z: float,
    spread: float,
    plane: int,
    leaning: NDArray[np.float64] | None = None,
) -> None:
    """Bend the spine, endplates turning with it; ``points`` (3, ...) in atlas mm, in place.

    Args:
        plane: 1 sagittal, 2 coronal: the axis towards which it bends.
        leaning: further angles along the spine, in radians, from :func:`_hump`.
    """
    s = np.arange(BEND_FROM_MM, BEND_TO_MM, BEND_STEP_MM)
    base_y = np.interp(s, atlas.axis_zyx[:, 0], atlas.axis_zyx[:, plane])
    knots = np.arange(-300.0, 900.0, 100.0)
    slope = np.interp(s, knots, np.deg2rad(rng.normal(0, spread / 2, len(knots))))
    angle = np.cumsum(slope) * (BEND_STEP_MM / 100.0)
    angle -= np.interp(pivot_z, s, angle)
    if leaning is not None:
        angle += leaning
    # The centre line bends away from the atlas's own by the angle's integral; the atlas's own curve stays beneath.
    offset = np.cumsum(np.sin(angle)) * BEND_STEP_MM
    offset -= np.interp(pivot_z, s, offset)
    along = np.cumsum(np.cos(angle)) * BEND_STEP_MM
    along += pivot_z - np.interp(pivot_z, s, along)
    z, y = points[0].copy(), points[plane].copy()
    foot = z.copy()
    for _ in range(6):
        line_z, line_y = np.interp(foot, s, along), np.interp(foot, s, base_y + offset)
        turn = np.interp(foot, s, angle)
        foot += 0.8 * ((z - line_z) * np.cos(turn) + (y - line_y) * np.sin(turn))
    turn = np.interp(foot, s, angle)
    line_z, line_y = np.interp(foot, s, along), np.interp(foot, s, base_y + offset)
    points[0] = foot
    points[plane] = np.interp(foot, s, base_y) + (y - line_y) * np.cos(turn) - (z - line_z) * np.sin(turn)


def _hump(rng: np.random.Generator, atlas: Atlas, spec: PoseSpec) -> NDArray[np.float64] | None:
    """Draw how far, in radians along the spine, the upper chest leans to the front beyond what the atlas's does."""
    if (
        not spec.hump
        or rng.random() >= spec.hump
        or not {*HUMP_LEVELS, *UPPER_LEVELS} <= set(atlas.axis_levels.tolist())
    ):
        return None
    place = dict(zip(atlas.axis_levels.tolist(), atlas.axis_zyx, strict=True))
    upper, lower = (place[level] for level in UPPER_LEVELS)
    own = np.arctan2(lower[1] - upper[1], upper[0] - lower[0])
    more = max(0.0, np.deg2rad(rng.uniform(*spec.lean)) - own)
    top, bottom = (float(place[level][0]) for level in HUMP_LEVELS)
    share = np.clip((np.arange(BEND_FROM_MM, BEND_TO_MM, BEND_STEP_MM) - bottom) / (top - bottom), 0.0, 1.0)
    return np.asarray(-more * share)


def _vary_heights(rng: np.random.Generator, points: NDArray[np.float64], atlas: Atlas, fracture: float) -> None:
    """Make bodies and discs lower or higher, and some wedged or crushed; ``points`` (3, ...) in atlas mm, in place."""
    axis = atlas.axis_zyx
    edges = (axis[1:, 0] + axis[:-1, 0]) / 2
    heights = np.diff(np.concatenate([[2 * edges[0] - edges[1]], edges, [2 * edges[-1] - edges[-2]]]))
    amount = rng.normal(0.0, 0.06, len(axis))
    wedge = rng.normal(0.0, 0.05, len(axis))
    if rng.random() < fracture:
        for k in rng.integers(0, len(axis), size=rng.integers(1, 4)):
            amount[k] = rng.uniform(0.1, 0.6)  # positive squeezes
            wedge[k] = rng.uniform(0.0, 0.6) if rng.random() < 0.7 else 0.0
    shift = np.zeros_like(points[0])
    z, y = points[0], points[1]
    for (centre_z, centre_y, _), height, squeeze, tilt in zip(axis, heights, amount, wedge, strict=True):
        if abs(squeeze) < 0.02 and abs(tilt) < 0.02:
            continue
        relative = (z - centre_z) / (0.62 * height)
        front = np.clip((centre_y - y) / 18.0, -1.0, 1.2)
        shift += (z - centre_z) * np.exp(-(relative**4)) * (squeeze * 0.7 + tilt * 0.5 * front)
    points[0] += shift


def _slope_ribs(rng: np.random.Generator, points: NDArray[np.float64], atlas: Atlas, spread: float) -> None:
    """Raise or lower what lies away from the spine, more the further it does; ``points`` (3, ...) in atlas mm."""
    z, y, x = points
    spine = [np.interp(z, atlas.axis_zyx[:, 0], atlas.axis_zyx[:, axis]) for axis in (1, 2)]
    away = np.hypot(y - spine[0], x - spine[1])
    points[0] += rng.normal(0, spread) * np.clip(away - SPINE_RADIUS_MM, 0, None)


def place(
    rng: np.random.Generator,
    atlas: Atlas,
    spec: PoseSpec,
    centre_mm: NDArray[np.float64],
    shape: tuple[int, int, int],
    spacing_zyx_mm: tuple[float, float, float],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw a pose; return where the scan's voxels lie in the atlas's skeleton and among its organs.

    Args:
        centre_mm: atlas position (z, y, x) of the scan's centre.

    Returns:
        Two arrays (3, z, y, x) of atlas indices (z, y, x).
    """
    extent = tuple((n - 1) * d for n, d in zip(shape, spacing_zyx_mm, strict=True))
    coarse = tuple(max(2, 1 + round(e / COARSE_STEP_MM)) for e in extent)
    grid = np.stack(
        np.meshgrid(*(np.linspace(-e / 2, e / 2, n) for e, n in zip(extent, coarse, strict=True)), indexing="ij")
    )
    scale = rng.uniform(*spec.scale) * np.exp(rng.normal(0, spec.axis_scale, 3))
    matrix = _rotation(rng.normal(0, spec.rotation)) / scale[:, None]
    if rng.random() < 0.5:
        matrix[2] *= -1  # mirror left and right
    points = np.tensordot(matrix, grid, axes=1) + centre_mm[:, None, None, None]
    _bend(rng, points, atlas, float(centre_mm[0]), spec.bend, plane=1, leaning=_hump(rng, atlas, spec))
    side = spec.side_bend[int(rng.random() < spec.scoliosis)]
    _bend(rng, points, atlas, float(centre_mm[0]), side, plane=2)
    for knots, amplitude in spec.elastic:
        moved = smooth_field(rng, coarse, extent, knots, 3) * amplitude * rng.uniform(0, 1)
        moved[0] *= ELASTIC_ALONG
        points += moved
    _slope_ribs(rng, points, atlas, spec.rib_slope)
    _vary_heights(rng, points, atlas, spec.fracture)
    organs = points.copy()
    organs[0] += rng.normal(0, spec.organ_shift)
    organs[0] = centre_mm[0] + (organs[0] - centre_mm[0]) * np.exp(rng.normal(0, 0.12))
    organs[1] += rng.normal(0, 5.0)
    for knots, amplitude in spec.organ_elastic:
        organs += smooth_field(rng, coarse, extent, knots, 3) * amplitude * rng.uniform(0, 1)
    return upsample(points / VOXEL_MM, shape), upsample(organs / VOXEL_MM, shape)
