"""The networks' grids: scans resampled by linear interpolation."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ..scan import CTScan, Geometry

SLICES_AT_ONCE = 32  # bounds memory


def grid(geometry: Geometry, spacing_mm: tuple[float, float, float]) -> Geometry:
    """Return the grid over the same field with about ``spacing_mm`` (x, y, z)."""
    old = list(zip(geometry.size, geometry.spacing_mm, strict=True))
    size = tuple(max(1, round(n * d / s)) for (n, d), s in zip(old, spacing_mm, strict=True))
    pitch = tuple(n * d / m for (n, d), m in zip(old, size, strict=True))
    first = np.array([(m / d - 1) / 2 for m, d in zip(pitch, geometry.spacing_mm, strict=True)])
    origin = geometry.to_lps_mm(first)
    return Geometry(size, pitch, tuple(float(v) for v in origin), geometry.direction)  # type: ignore[arg-type]


def in_plane(scan: CTScan, target: Geometry) -> torch.Tensor:
    """Return the scan's slices at the in-plane size of ``target``: (slices, y, x) float32.

    Linear interpolation whose support grows with the step, so that low-dose noise is averaged, not picked.
    """
    shape = target.shape[1:]
    out = torch.empty((scan.hu.shape[0], *shape), dtype=torch.float32)
    for start in range(0, len(out), SLICES_AT_ONCE):
        # Padding outside the reconstruction circle, far below air on some scanners, must not bleed into skin.
        part = torch.from_numpy(np.maximum(scan.hu[start : start + SLICES_AT_ONCE], -1024).astype(np.float32))
        out[start : start + SLICES_AT_ONCE] = functional.interpolate(
            part[None], size=shape, mode="bilinear", antialias=True
        )[0]
    return out


def along_z(volume: torch.Tensor, slices: int) -> torch.Tensor:
    """Resample (z, y, x) to ``slices`` along z, linearly."""
    flat = volume.reshape(1, 1, len(volume), -1)
    out = functional.interpolate(flat, size=(slices, flat.shape[-1]), mode="bilinear", antialias=True)
    return out.reshape(slices, *volume.shape[1:])


def map_points(
    values: NDArray[np.floating], source: Geometry, target: Geometry, index_zyx: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Interpolate ``values`` (channels, z, y, x) on ``source`` at voxels (n, 3) of ``target``: (channels, n)."""
    points = source.to_index_xyz(target.to_lps_mm(index_zyx[:, ::-1].astype(np.float64)))
    size = np.asarray(source.size)
    normalized = (2 * points + 1) / size - 1
    sampled = functional.grid_sample(
        torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None],
        torch.from_numpy(normalized.astype(np.float32))[None, None, None],
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return sampled[0, :, 0, 0].numpy()
