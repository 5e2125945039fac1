"""Ideal bodies on any grid, for the tests of the VOI and of what is measured in it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.scan import Acquisition, CTScan, Geometry, Patient, Source

UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
CENTER_LPS_MM = np.array([-12.3, 145.6, -208.4])
AREA_MM2, WIDTH_MM, HEIGHT_MM = 1100.0, 42.0, 27.0


def grid(spacing_mm, extent_mm=(60.0, 52.0, 44.0), direction=UPRIGHT, shift_mm=(0.0, 0.0, 0.0)) -> Geometry:
    """A grid whose middle lies ``shift_mm`` off the body's centre."""
    size = tuple(round(e / s) for e, s in zip(extent_mm, spacing_mm, strict=True))
    middle = (np.asarray(size) - 1) / 2 * np.asarray(spacing_mm)
    origin = CENTER_LPS_MM + shift_mm - np.asarray(direction) @ middle
    return Geometry(size, tuple(spacing_mm), tuple(origin.tolist()), direction)


def offsets_mm(geometry: Geometry) -> NDArray[np.float64]:
    """(3, z, y, x): offset of every voxel's centre from the body's centre, along the grid's own axes."""
    z, y, x = np.indices(geometry.shape)
    points = geometry.to_lps_mm(np.stack([x, y, z], axis=-1)) - CENTER_LPS_MM
    return np.moveaxis(points @ np.asarray(geometry.direction), -1, 0)


def elliptic_body(geometry: Geometry, area_mm2=AREA_MM2, width_mm=WIDTH_MM, height_mm=HEIGHT_MM) -> NDArray[np.bool_]:
    """An elliptic cylinder along the grid's z axis, as the paper's worked example has it."""
    x, y, z = offsets_mm(geometry)
    depth_mm = area_mm2 / (np.pi / 4 * width_mm)
    return ((2 * x / width_mm) ** 2 + (2 * y / depth_mm) ** 2 < 1) & (np.abs(z) < height_mm / 2)


def cut_out(mask: NDArray[np.bool_]) -> tuple[tuple[slice, slice, slice], NDArray[np.bool_]]:
    """The box of a mask with a margin of one voxel, and the mask in it."""
    where = np.argwhere(mask)
    low = np.maximum(where.min(axis=0) - 1, 0)
    high = np.minimum(where.max(axis=0) + 2, mask.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return box, mask[box]


def scan_of(hu: NDArray, geometry: Geometry) -> CTScan:
    return CTScan(hu, geometry, Acquisition(), Patient(), Source("file"))


def scan_with(field: Callable[..., NDArray], geometry: Geometry) -> CTScan:
    """A scan of ``field(x, y, z)``, in mm from the body's centre along the grid's axes."""
    return scan_of(field(*offsets_mm(geometry)).astype(np.float32), geometry)


def flipped(array: NDArray, geometry: Geometry, axis: int) -> tuple[NDArray, Geometry]:
    """The same picture stored in the opposite order along ``axis`` (0 is x)."""
    last = np.zeros(3)
    last[axis] = geometry.size[axis] - 1
    direction = np.asarray(geometry.direction).copy()
    direction[:, axis] *= -1
    return np.flip(array, 2 - axis), Geometry(
        geometry.size, geometry.spacing_mm, tuple(geometry.to_lps_mm(last).tolist()), as_rows(direction)
    )


def as_rows(matrix):
    return tuple(tuple(float(v) for v in row) for row in matrix)
