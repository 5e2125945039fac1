"""From surfaces to voxels."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...scan import Geometry
from .frame import Frame
from .start import ANGLE, CELL_MM, LEVEL, U_MM, V_MM

FINE_MM = 0.5
FINE_ANGLE, FINE_LEVEL = np.deg2rad(1.25), 0.02


def fill(frame: Frame, bottom, top, radius, back, geometry: Geometry) -> tuple[tuple[slice, slice, slice], NDArray[np.bool_]]:
    """Return the box (z, y, x) on the scan's grid and the voxels whose centres lie inside the surfaces."""
    reach = float(radius[np.sin(ANGLE) < 0.3].max())
    behind = float(min(back[np.abs(U_MM) < 14].max(), 30.0)) + 1.0
    lo, hi = float(bottom.min()), float(top.max())
    corners = np.stack(np.meshgrid([-reach, reach], [-reach, behind], [lo, hi], indexing="ij"), axis=-1).reshape(-1, 3)
    index = frame.to_index_xyz(corners, geometry)
    first = np.clip(np.floor(index.min(axis=0)), 0, np.asarray(geometry.size) - 1).astype(int)
    stop = np.clip(np.ceil(index.max(axis=0)) + 1, first + 1, geometry.size).astype(int)
    z, y, x = (np.arange(a, b, dtype=np.float32) for a, b in zip(first[::-1], stop[::-1], strict=True))
    origin = (geometry.to_lps_mm(np.zeros(3)) - frame.center_lps_mm) @ frame.axes_lps.T
    turn = (np.asarray(geometry.direction) * np.asarray(geometry.spacing_mm)).T @ frame.axes_lps.T
    u, v, w = (
        (origin[k] + z * turn[2, k])[:, None, None] + (y * turn[1, k])[:, None] + (x * turn[0, k])
        for k in range(3)
    )
    u, v, w = (a.astype(np.float32) for a in (u, v, w))
    iu, iv = _index(u, U_MM, FINE_MM), _index(v, V_MM, FINE_MM)
    low, high = (_fine_plate(p)[iu, iv] for p in (bottom, top))
    level = (w - low) / np.maximum(high - low, 1.0)
    t = np.clip((level / FINE_LEVEL).astype(np.intp), 0, round(1 / FINE_LEVEL) - 1)
    a = np.rint(np.mod(np.arctan2(v, u), 2 * np.pi) / FINE_ANGLE).astype(np.intp)
    width_u, width_v, width_w = np.abs(turn).sum(axis=0).astype(np.float32)
    # The part of a voxel that is inside, were the surfaces planes at right angles.
    part = np.clip((w - low) / width_w + 0.5, 0, 1)
    part *= np.clip((high - w) / width_w + 0.5, 0, 1)
    part *= np.clip((_fine_wall(radius)[a, t] - np.hypot(u, v)) / width_u + 0.5, 0, 1)
    part *= np.clip((_fine_back(back)[iu, t] - v) / width_v + 0.5, 0, 1)
    inside = part > 0.5
    box = tuple(slice(int(f), int(s)) for f, s in zip(first[::-1], stop[::-1], strict=True))
    parts, count = ndimage.label(inside)
    if count > 1:
        inside = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return box, inside  # type: ignore[return-value]


def _index(values, grid, step) -> NDArray[np.intp]:
    count = round((grid[-1] - grid[0]) / step) + 1
    return np.clip(np.rint((values - grid[0]) / step).astype(np.intp), 0, count - 1)


def _fine_plate(plate):
    rows, columns = (np.arange(0, len(g) - 1 + 1e-6, FINE_MM / CELL_MM) for g in (U_MM, V_MM))
    return ndimage.map_coordinates(plate, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest")


def _levels():
    return (np.arange(FINE_LEVEL / 2, 1, FINE_LEVEL) - LEVEL[0]) / (LEVEL[1] - LEVEL[0])


def _fine_wall(radius):
    angles = np.arange(0, 2 * np.pi + 1e-6, FINE_ANGLE) / (ANGLE[1] - ANGLE[0])
    wrapped = np.concatenate([radius, radius[:1]])
    return ndimage.map_coordinates(wrapped, np.meshgrid(angles, _levels(), indexing="ij"), order=1, mode="nearest")


def _fine_back(back):
    rows = np.arange(0, len(U_MM) - 1 + 1e-6, FINE_MM / CELL_MM)
    return ndimage.map_coordinates(back, np.meshgrid(rows, _levels(), indexing="ij"), order=1, mode="nearest")
