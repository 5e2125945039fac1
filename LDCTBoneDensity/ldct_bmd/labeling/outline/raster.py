"""From surfaces to voxels."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...scan import Geometry
from ...voi import Box
from .frame import Frame
from .surfaces import ANGLE, ANGLE_STEP, CELL_MM, LEVEL, U_MM, V_MM, Array, Surfaces

# Surfaces are looked up on tables as fine as this.
FINE_MM, FINE_DEGREES, FINE_LEVEL = 0.5, 1.25, 0.02


def part_inside(surfaces: Surfaces, body: int, frame: Frame, geometry: Geometry) -> tuple[Box, Array]:
    """Return a box (z, y, x) of the grid and the part (0 to 1) of each of its voxels that lies inside a body.

    As if the surfaces that cut a voxel were planes at right angles.
    """
    bottom, top, radius, back = (s[body] for s in (surfaces.bottom, surfaces.top, surfaces.radius, surfaces.back))
    box = _box(bottom, top, radius, back, frame, geometry)
    axes = [np.arange(s.start, s.stop, dtype=np.float64) for s in box]
    origin = (geometry.to_lps_mm(np.zeros(3)) - frame.center_lps_mm) @ frame.axes_lps.T
    turn = (np.asarray(geometry.direction) * np.asarray(geometry.spacing_mm)).T @ frame.axes_lps.T
    u, v, w = (
        sum(np.ix_(*(a * s for a, s in zip(axes, turn[::-1, k], strict=True))), start=origin[k]).astype(np.float32)
        for k in range(3)
    )
    width_u, width_v, width_w = np.abs(turn).sum(axis=0).astype(np.float32)  # a voxel's shadow on each axis
    at_u, at_v = _cell(u, U_MM), _cell(v, V_MM)
    low, high = (_fine_plate(plate)[at_u, at_v] for plate in (bottom, top))
    count = round(1 / FINE_LEVEL)
    level = np.clip((w - low) / np.maximum(high - low, 1.0) * count, 0, count - 1).astype(np.intp)
    angle = np.rint(np.mod(np.rad2deg(np.arctan2(v, u)), 360.0) / FINE_DEGREES).astype(np.intp)
    part = _share(w - low, width_w) * _share(high - w, width_w)
    part *= _share(_fine_walls(radius)[angle, level] - np.hypot(u, v), width_u)
    part *= _share(_fine_back(back)[at_u, level] - v, width_v)
    return box, part


def largest(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest part of a mask."""
    parts, count = ndimage.label(inside)
    return inside if count < 2 else np.asarray(parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:])))


def _box(bottom: Array, top: Array, radius: Array, back: Array, frame: Frame, geometry: Geometry) -> Box:
    aside = float(radius[np.sin(ANGLE) < 0.3].max()) + 1.0
    behind = float(back[np.abs(U_MM) < aside].max()) + 1.0
    ends = [[-aside, aside], [-aside, behind], [float(bottom.min()), float(top.max())]]
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    index = frame.to_index_xyz(corners, geometry)[:, ::-1]
    first = np.clip(np.floor(index.min(axis=0)).astype(int), 0, np.asarray(geometry.shape) - 1)
    stop = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, first + 1, geometry.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))
    return z, y, x


def _share(depth_mm: Array, width_mm: np.float32) -> Array:
    return np.clip(depth_mm / width_mm + np.float32(0.5), 0.0, 1.0)


def _cell(values: Array, grid: NDArray[np.float64]) -> NDArray[np.intp]:
    count = round((grid[-1] - grid[0]) / FINE_MM)
    return np.clip(np.rint((values - grid[0]) / FINE_MM), 0, count).astype(np.intp)


def _fine_plate(plate: Array) -> Array:
    return _finer(plate, *(np.arange(0.0, len(grid) - 1 + 1e-6, FINE_MM / CELL_MM) for grid in (U_MM, V_MM)))


def _fine_walls(radius: Array) -> Array:
    closed = np.concatenate([radius, radius[:1]])
    return _finer(closed, np.arange(0.0, len(radius) + 1e-6, FINE_DEGREES / ANGLE_STEP), _fine_levels())


def _fine_back(back: Array) -> Array:
    return _finer(back, np.arange(0.0, len(U_MM) - 1 + 1e-6, FINE_MM / CELL_MM), _fine_levels())


def _fine_levels() -> NDArray[np.float64]:
    return np.asarray((np.arange(FINE_LEVEL / 2, 1.0, FINE_LEVEL) - LEVEL[0]) / (LEVEL[1] - LEVEL[0]))


def _finer(table: Array, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Array:
    where = np.meshgrid(rows, columns, indexing="ij")
    return np.asarray(ndimage.map_coordinates(table, where, output=np.float32, order=1, mode="nearest"))
