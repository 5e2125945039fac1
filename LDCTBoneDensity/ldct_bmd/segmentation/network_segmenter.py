"""The two networks on a scan: a coarse look at the whole of it, a fine one along the spine."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ..errors import CannotMeasure
from ..progress import Progress, silent
from ..scan import CTScan, Geometry
from .device import cpu_has_bfloat16, find_device
from .levels import FIRST_BODY, LAST_BODY, REGIONS
from .normalize import LOW_HU, UNIT_HU, normalize
from .resample import along_z, grid, in_plane
from .segmenter import ModelIdentity, NetworkBodies
from .weights import Model, load_model

COARSE_MM = (5.0, 5.0, 5.0)
FINE_MM = (2.0, 2.0, 1.0)  # Pan et al. 2020
PATCH_SLICES = 64  # Pan et al. 2020
STEP_SLICES = 40
STRIDE = 8  # both networks halve three times
WINDOW = (48, 64)  # coarse voxels (y, x): 240 x 320 mm
FORWARD = 5  # its centre lies 25 mm in front of the spine
CORRIDOR = 80  # voxels across: 160 mm about the spine, of the paper's 320 mm
BODY_HU = -300
SEEN = 0.5  # coarse probability of body above which a voxel counts
MIN_SEEN = 12  # such voxels (1.5 ml), under which a slab shows no spine


class NetworkSegmenter:
    """Finds the vertebral bodies with the networks of this package, or of a weights file.

    Args:
        device: "auto", "cpu", "cuda", "mps" or another name that torch knows.
        weights: a safetensors file written by the training; None: those of the package.
    """

    def __init__(self, device: str = "auto", weights: Path | None = None) -> None:
        self.device = find_device(device)
        self._model: Model = load_model(weights)
        self._model.coarse.to(self.device)
        self._model.fine.to(self.device)

    @property
    def identity(self) -> ModelIdentity:
        """Name and SHA-256 of the weights."""
        return self._model.identity

    def __call__(self, scan: CTScan, progress: Progress = silent) -> NetworkBodies:
        """Segment ``scan``; CannotMeasure if no spine is seen."""
        progress("segment", 0.0)
        fine_grid = grid(scan.geometry, FINE_MM)
        with torch.inference_mode():
            planes = in_plane(scan, fine_grid)
            progress("segment", 0.1)
            level_grid, levels = self._coarse(scan, planes)
            progress("segment", 0.25)
            volume = along_z(planes, fine_grid.shape[0])
            window, classes = self._fine(volume, fine_grid, level_grid, levels, progress)
        return NetworkBodies(window, classes, level_grid, levels)

    def _coarse(self, scan: CTScan, planes: torch.Tensor) -> tuple[Geometry, NDArray[np.float16]]:
        """Return the coarse grid about the body and the level probabilities (channels, z, y, x) on it."""
        whole = grid(scan.geometry, COARSE_MM)
        small = functional.interpolate(
            along_z(planes, whole.shape[0])[None], size=whole.shape[1:], mode="bilinear", antialias=True
        )[0]
        corner, shape = _body_box(small)
        first = self._levels(small, corner, shape)
        # The networks see best what they were trained on: a window about the spine.
        again = _spine_window(first, corner, small.shape)
        if again is None:
            return _cropped(whole, corner, shape), first
        return _cropped(whole, *again), self._levels(small, *again)

    def _levels(self, small: torch.Tensor, corner: Any, shape: Any) -> NDArray[np.float16]:
        """Return the level probabilities (channels, z, y, x) of a part of the coarse volume."""
        view = small[tuple(slice(c, c + n) for c, n in zip(corner, shape, strict=True))]
        logits = self._apply(self._model.coarse, _padded(normalize(view), "constant"))
        probability = logits.softmax(dim=0)[:, : view.shape[0], : view.shape[1], : view.shape[2]]
        return probability.half().cpu().numpy()

    def _fine(
        self,
        volume: torch.Tensor,
        fine_grid: Geometry,
        level_grid: Geometry,
        levels: NDArray[np.float16],
        progress: Progress,
    ) -> tuple[Geometry, NDArray[np.float16]]:
        """Return the grid of the spine's corridor and the class probabilities (4, z, y, x) on it."""
        patches = self._patches(volume.shape, fine_grid, level_grid, levels)
        if not patches:
            raise CannotMeasure(
                "No spine was found in the scan: check that it is a chest CT, or choose another series."
            )
        corner = np.min([start for start, _ in patches], axis=0)
        end = np.max([start + size for start, size in patches], axis=0)
        total = torch.zeros((len(REGIONS), *(end - corner)))
        weight = torch.zeros(tuple(end - corner))
        for number, (start, size) in enumerate(patches):
            progress("segment", 0.3 + 0.7 * number / len(patches))
            patch = volume[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))]
            inputs = _padded(normalize(patch), "replicate")
            probability = self._apply(self._model.fine, inputs).softmax(dim=0).cpu()
            probability = probability[:, : size[0], : size[1], : size[2]]
            place = tuple(slice(a - c, a - c + n) for a, c, n in zip(start, corner, size, strict=True))
            blend = _blend(size)
            total[(slice(None), *place)] += probability * blend
            weight[place] += blend
        seen = weight > 0
        total[0][~seen] = 1.0
        total /= torch.where(seen, weight, torch.ones(()))
        window = _cropped(fine_grid, tuple(corner), tuple(end - corner))
        return window, total.half().numpy()

    def _patches(
        self, shape: Any, fine_grid: Geometry, level_grid: Geometry, levels: NDArray[np.float16]
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Return (start, size) in (z, y, x) of the patches that follow the spine."""
        body = levels[FIRST_BODY : LAST_BODY + 1].astype(np.float32).sum(axis=0)
        indices = np.argwhere(body > SEEN)
        spine = fine_grid.to_index_xyz(level_grid.to_lps_mm(indices[:, ::-1].astype(np.float64)))[:, ::-1]
        depth = min(PATCH_SLICES, shape[0])
        last = shape[0] - depth
        starts = sorted({*range(0, last, STEP_SLICES), last})
        patches = []
        for start in starts:
            near = spine[(spine[:, 0] >= start) & (spine[:, 0] < start + depth)]
            if len(near) < MIN_SEEN:
                continue
            middle = np.median(near[:, 1:], axis=0)  # a stray voxel must not pull the corridor off the spine
            size = np.array([depth, *(min(CORRIDOR, n) for n in shape[1:])])
            corner = np.clip(np.rint(middle - size[1:] / 2), 0, np.array(shape[1:]) - size[1:])
            patches.append((np.array([start, *corner], dtype=np.int64), size.astype(np.int64)))
        return patches

    def _apply(self, network: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (classes, z, y, x) of ``inputs`` (z, y, x), in bfloat16 where the processor has it."""
        batch = inputs[None, None].to(self.device).contiguous(memory_format=torch.channels_last_3d)
        fast = self.device.type == "cuda" or (self.device.type == "cpu" and cpu_has_bfloat16())
        with torch.autocast(self.device.type, dtype=torch.bfloat16) if fast else nullcontext():
            return network(batch)[0].float()


def _body_box(small: torch.Tensor) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return corner and shape (z, y, x) of what holds the body: the columns where a tenth of the slices are tissue."""
    tissue = (small > BODY_HU).float().mean(dim=0) > 0.1
    rows, columns = torch.where(tissue.any(dim=1))[0], torch.where(tissue.any(dim=0))[0]
    if not len(rows):
        raise CannotMeasure("The scan shows no body: choose the right series.")
    corner = (0, int(rows[0]), int(columns[0]))
    return corner, (small.shape[0], int(rows[-1]) + 1 - corner[1], int(columns[-1]) + 1 - corner[2])


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


def _padded(inputs: torch.Tensor, mode: str) -> torch.Tensor:
    """Pad (z, y, x) at its ends to what the networks can halve, with air or with what the edge shows."""
    z, y, x = (-n % STRIDE for n in inputs.shape)
    value = LOW_HU / UNIT_HU if mode == "constant" else None
    return functional.pad(inputs[None, None], (0, x, 0, y, 0, z), mode=mode, value=value)[0, 0]


def _cropped(geometry: Geometry, corner: Any, shape: Any) -> Geometry:
    """Return the part of a grid from ``corner`` on, both (z, y, x)."""
    x, y, z = (float(v) for v in geometry.to_lps_mm(np.asarray(corner, dtype=np.float64)[::-1]))
    return replace(geometry, size=(int(shape[2]), int(shape[1]), int(shape[0])), origin_lps_mm=(x, y, z))


def _blend(shape: Any) -> torch.Tensor:
    """Return weights (z, y, x) that fall towards the patch's ends, where the network sees less."""
    ramps = [torch.minimum(torch.arange(int(n)) + 1, torch.arange(int(n), 0, -1)).float() for n in shape]
    z, y, x = (torch.clamp(r / min(16, len(r) / 2), max=1.0) for r in ramps)
    return z[:, None, None] * y[:, None] * x
