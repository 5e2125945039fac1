"""The two networks on a scan: a coarse look at the whole of it, a fine one along the spine."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure
from ..ground.memory import give_back
from ..ground.progress import Progress, silent
from ..scan import CTScan, Geometry
from .levels import FIRST_BODY, LAST_BODY
from .patches import FINE_MM, PATCH_SLICES, Patch, blended, body_bounds, cropped, halved, probabilities, slab_starts
from .resample import along_z, grid, in_plane, planes_resized
from .segmenter import ModelIdentity, NetworkBodies
from .weights import Model, load_model

COARSE_MM = (5.0, 5.0, 5.0)
WINDOW = (48, 64)  # coarse voxels (y, x): 240 x 320 mm
FORWARD = 5  # its centre lies 25 mm in front of the spine
CORRIDOR = 80  # voxels across: 160 mm about the spine, of the paper's 320 mm
SEEN = 0.5  # coarse probability of body above which a voxel counts
MIN_SEEN = 12  # such voxels (1.5 ml), under which a slab shows no spine


class NetworkSegmenter:
    """Finds the vertebral bodies with the networks of this package, or of a weights file.

    Args:
        device: "auto", "cpu", or a device of PyTorch's ("cuda", "mps", ...).
        weights: an ONNX or safetensors file that ``pack`` wrote; None: those of the package.
        threads: None: as many as the runtime sees fit.
    """

    def __init__(self, device: str = "auto", weights: Path | None = None, threads: int | None = None) -> None:
        self._model: Model = load_model(weights, device, threads)

    @property
    def identity(self) -> ModelIdentity:
        """Name and SHA-256 of the weights, and what runs them."""
        return self._model.identity

    def __call__(self, scan: CTScan, progress: Progress = silent) -> NetworkBodies:
        """Segment ``scan``; CannotMeasure if no spine is seen."""
        progress("segment", 0.0)
        fine_grid = grid(scan.geometry, FINE_MM)
        planes = in_plane(scan, fine_grid)
        progress("segment", 0.1)
        level_grid, levels = self._coarse(scan, planes)
        self._rest("coarse")
        progress("segment", 0.25)
        patches = self._patches(fine_grid.shape, fine_grid, level_grid, levels)
        if not patches:
            raise CannotMeasure("segmentation.no_spine")
        first, corridor = _corridor(planes, fine_grid.shape[0], patches)
        del planes
        inner = [(start - first, size) for start, size in patches]
        corner, classes = blended(self._model.fine, corridor, inner, lambda done: progress("segment", 0.3 + 0.7 * done))
        self._rest("fine")
        return NetworkBodies(cropped(fine_grid, corner + first, classes.shape[1:]), classes, level_grid, levels)

    def _rest(self, network: str) -> None:
        self._model.rest(network)
        give_back()

    def _coarse(self, scan: CTScan, planes: NDArray[np.float32]) -> tuple[Geometry, NDArray[np.float16]]:
        """Return the coarse grid about the body and the level probabilities (channels, z, y, x) on it."""
        whole = grid(scan.geometry, COARSE_MM)
        small = planes_resized(along_z(planes, whole.shape[0]), whole.shape[1:])
        corner, shape = _body_box(small)
        first = self._levels(small, corner, shape)
        # The networks see best what they were trained on: a window about the spine.
        again = _spine_window(first, corner, small.shape)
        if again is None:
            return cropped(whole, corner, shape), first
        return cropped(whole, *again), self._levels(small, *again)

    def _levels(self, small: NDArray[np.float32], corner: Any, shape: Any) -> NDArray[np.float16]:
        """Return the level probabilities (channels, z, y, x) of a part of the coarse volume."""
        view = small[tuple(slice(c, c + n) for c, n in zip(corner, shape, strict=True))]
        return halved(probabilities(self._model.coarse, view, "air"))

    def _patches(
        self, shape: Any, fine_grid: Geometry, level_grid: Geometry, levels: NDArray[np.float16]
    ) -> list[Patch]:
        """Return (start, size) in (z, y, x) of the patches that follow the spine."""
        body = levels[FIRST_BODY : LAST_BODY + 1].astype(np.float32).sum(axis=0)
        indices = np.argwhere(body > SEEN)
        spine = fine_grid.to_index_xyz(level_grid.to_lps_mm(indices[:, ::-1].astype(np.float64)))[:, ::-1]
        depth = min(PATCH_SLICES, shape[0])
        patches = []
        for start in slab_starts(shape[0]):
            near = spine[(spine[:, 0] >= start) & (spine[:, 0] < start + depth)]
            if len(near) < MIN_SEEN:
                continue
            middle = np.median(near[:, 1:], axis=0)  # a stray voxel must not pull the corridor off the spine
            size = np.array([depth, *(min(CORRIDOR, n) for n in shape[1:])])
            corner = np.clip(np.rint(middle - size[1:] / 2), 0, np.array(shape[1:]) - size[1:])
            patches.append((np.array([start, *corner], dtype=np.int64), size.astype(np.int64)))
        return patches


def _corridor(
    planes: NDArray[np.float32], slices: int, patches: list[Patch]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the part of the volume (z, y, x), ``slices`` high, that the patches are of, and its corner."""
    first = np.min([start for start, _ in patches], axis=0) * (0, 1, 1)
    end = np.max([start + size for start, size in patches], axis=0)
    return first, along_z(planes[:, first[1] : end[1], first[2] : end[2]], slices)


def _body_box(small: NDArray[np.float32]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return corner and shape (z, y, x) of what holds the body."""
    bounds = body_bounds(small)
    if bounds is None:
        raise CannotMeasure("segmentation.no_body")
    first_row, last_row, first_column, last_column = bounds
    shape = (small.shape[0], last_row + 1 - first_row, last_column + 1 - first_column)
    return (0, first_row, first_column), shape


def _spine_window(
    levels: NDArray[np.float16], corner: tuple[int, int, int], shape: Any
) -> tuple[tuple[int, int, int], tuple[int, int, int]] | None:
    """Return corner and shape (z, y, x) of the window about the spine that a first look saw; None if it saw none."""
    body = levels[FIRST_BODY : LAST_BODY + 1].astype(np.float32).sum(axis=0)
    seen = np.argwhere(body > SEEN)
    if len(seen) < MIN_SEEN:
        return None
    _, y, x = np.median(seen, axis=0) + corner
    starts, sizes = [0], [int(shape[0])]
    for middle, window, limit in ((y - FORWARD, WINDOW[0], shape[1]), (x, WINDOW[1], shape[2])):
        size = min(window, int(limit))
        starts.append(int(np.clip(round(middle - size / 2), 0, limit - size)))
        sizes.append(size)
    return (starts[0], starts[1], starts[2]), (sizes[0], sizes[1], sizes[2])
