"""The one network of Pan et al. 2020 on a scan: a window that slides along it, about the middle of the body."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure
from ..ground.progress import Progress, silent
from ..scan import CTScan
from .patches import FINE_MM, PATCH_SLICES, blended, body_bounds, cropped, slab_starts
from .resample import along_z, grid, in_plane
from .segmenter import ClassBodies, ModelIdentity
from .weights import load_pan2020

CROP = 160  # voxels across: 320 mm about the middle of the body (Pan et al. 2020)


class Pan2020Segmenter:
    """Finds the vertebral bodies as Pan et al. 2020 do.

    Args:
        device: "auto", "cpu", or a device of PyTorch's ("cuda", "mps", ...).
        weights: an ONNX or safetensors file that holds this one network.
    """

    def __init__(self, device: str, weights: Path) -> None:
        self._model = load_pan2020(weights, device)

    @property
    def identity(self) -> ModelIdentity:
        """Name, with that of the method, and SHA-256 of the weights, and what runs them."""
        return replace(self._model.identity, name=f"{self._model.identity.name} (Pan et al. 2020)")

    def __call__(self, scan: CTScan, progress: Progress = silent) -> ClassBodies:
        """Segment ``scan``; CannotMeasure if it shows no body."""
        progress("segment", 0.0)
        fine_grid = grid(scan.geometry, FINE_MM)
        volume = along_z(in_plane(scan, fine_grid), fine_grid.shape[0])
        progress("segment", 0.2)
        corner = _corner(volume)
        shape = np.array([max(len(volume), PATCH_SLICES), CROP, CROP])
        crop = _cut_out(volume, corner, shape)
        size = np.array([PATCH_SLICES, CROP, CROP])
        patches = [(np.array([start, 0, 0]), size) for start in slab_starts(len(crop))]
        _, classes = blended(self._model.network, crop, patches, lambda done: progress("segment", 0.2 + 0.8 * done))
        first, last = np.maximum(corner, 0), np.minimum(corner + shape, volume.shape)
        inside = tuple(slice(int(a), int(b)) for a, b in zip(first - corner, last - corner, strict=True))
        return ClassBodies(cropped(fine_grid, first, last - first), classes[(slice(None), *inside)])


def _corner(volume: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return where (z, y, x) the crop about the middle of the body begins; below 0 it lies outside the scan."""
    bounds = body_bounds(volume)
    if bounds is None:
        raise CannotMeasure("segmentation.no_body")
    first_row, last_row, first_column, last_column = bounds
    return np.array([0, (first_row + last_row + 1 - CROP) // 2, (first_column + last_column + 1 - CROP) // 2])


def _cut_out(volume: NDArray[np.float32], corner: NDArray[np.int64], shape: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return a part of ``volume`` (z, y, x); beyond its edges it goes on as there, as in the training."""
    z, y, x = (
        np.arange(start, start + n).clip(0, size - 1)
        for start, n, size in zip(corner, shape, volume.shape, strict=True)
    )
    return volume[z[:, None, None], y[:, None], x]
