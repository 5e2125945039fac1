"""The networks' grids: scans resampled by linear interpolation.

Whatever runs the networks, they see the same numbers.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..ground.threads import in_threads
from ..scan import CTScan, Geometry

_SLICES_AT_ONCE = 8


def grid(geometry: Geometry, spacing_mm: tuple[float, float, float]) -> Geometry:
    """Return the grid over the same field with about ``spacing_mm`` (x, y, z)."""
    old = list(zip(geometry.size, geometry.spacing_mm, strict=True))
    size = tuple(max(1, round(n * d / s)) for (n, d), s in zip(old, spacing_mm, strict=True))
    pitch = tuple(n * d / m for (n, d), m in zip(old, size, strict=True))
    first = np.array([(m / d - 1) / 2 for m, d in zip(pitch, geometry.spacing_mm, strict=True)])
    origin = geometry.to_lps_mm(first)
    return Geometry(size, pitch, tuple(float(v) for v in origin), geometry.direction)  # type: ignore[arg-type]


def in_plane(scan: CTScan, target: Geometry) -> NDArray[np.float32]:
    """Return the scan's slices at the in-plane size of ``target``: (slices, y, x) float32.

    Linear interpolation whose support grows with the step, so that low-dose noise is averaged, not picked.
    """
    out = np.empty((len(scan.hu), *target.shape[1:]), dtype=np.float32)

    def fill(first: int) -> None:
        for z in range(first, min(first + _SLICES_AT_ONCE, len(out))):
            # Padding outside the reconstruction circle, far below air on some scanners, must not bleed into skin.
            out[z] = _resized(np.maximum(scan.hu[z], -1024).astype(np.float32), target.shape[1:])

    in_threads(fill, range(0, len(out), _SLICES_AT_ONCE))
    return out


def planes_resized(volume: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resample the planes of (z, y, x) to ``shape`` (y, x), as :func:`in_plane` does."""
    return np.stack([_resized(plane, shape) for plane in volume])


def along_z(volume: NDArray[np.float32], slices: int) -> NDArray[np.float32]:
    """Resample (z, y, x) to ``slices`` along z, linearly."""
    flat: NDArray[np.float32] = _weights(len(volume), slices) @ volume.reshape(len(volume), -1)
    return flat.reshape(slices, *volume.shape[1:])


def _resized(plane: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    rows = _weights(plane.shape[0], shape[0]) @ plane
    turned: NDArray[np.float32] = _weights(plane.shape[1], shape[1]) @ np.ascontiguousarray(rows.T)
    return turned.T


@lru_cache(maxsize=16)
def _weights(size: int, new: int) -> sparse.csr_array:
    """Return the matrix (new, size) of an antialiased linear interpolation: triangles of the wider of the two steps."""
    step = size / new
    wide = max(step, 1.0)
    middle = (np.arange(new)[:, None] + 0.5) * step - 0.5
    near = np.floor(middle) + np.arange(-np.ceil(wide), np.ceil(wide) + 2)
    weight = np.maximum(1.0 - np.abs(near - middle) / wide, 0.0)
    weight[(near < 0) | (near >= size)] = 0.0
    weight /= weight.sum(axis=1, keepdims=True)
    row, column = np.nonzero(weight)
    index = near[row, column].astype(np.int32)
    return sparse.csr_array((weight[row, column].astype(np.float32), (row, index)), shape=(new, size))


def map_points(
    values: NDArray[np.floating], source: Geometry, target: Geometry, index_zyx: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Interpolate ``values`` (channels, z, y, x) on ``source`` at voxels (n, 3) of ``target``: (channels, n)."""
    points = source.to_index_xyz(target.to_lps_mm(index_zyx[:, ::-1].astype(np.float64)))
    return np.stack([sampled(one, points) for one in np.asarray(values, dtype=np.float32)])


def sampled(values: NDArray[np.float32], index_xyz: NDArray[np.floating]) -> NDArray[np.float32]:
    """Interpolate ``values`` (z, y, x) linearly at continuous indices (..., 3); the outer voxels go on beyond them."""
    at = np.zeros(index_xyz.shape[:-1], dtype=np.intp)
    parts, steps = [], []
    for axis, (size, stride) in enumerate(zip(values.shape[::-1], _strides(values.shape), strict=True)):
        place = np.clip(index_xyz[..., axis], 0, size - 1)
        below = np.minimum(np.floor(place), max(size - 2, 0))
        place -= below
        parts.append(place.astype(np.float32, copy=False))
        steps.append(stride if size > 1 else 0)
        at += below.astype(np.intp) * stride
    flat = np.ascontiguousarray(values).ravel()
    (x, y, z), (dx, dy, dz) = parts, steps

    def between(near: NDArray[np.float32], far: NDArray[np.float32], part: NDArray[np.float32]) -> NDArray[np.float32]:
        far -= near
        far *= part
        far += near
        return far

    def row(shift: int) -> NDArray[np.float32]:
        first = at + shift
        return between(flat.take(first, mode="clip"), flat.take(first + dx, mode="clip"), x)

    return between(between(row(0), row(dy), y), between(row(dz), row(dz + dy), y), z)


def _strides(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return how far apart neighbours along x, y and z lie in the memory of (z, y, x)."""
    return 1, shape[2], shape[1] * shape[2]
