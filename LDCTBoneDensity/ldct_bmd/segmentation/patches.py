"""What both segmenters do with a volume: where the body lies in it, its patches, and their answers blended."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ..scan import Geometry
from .device import cpu_has_bfloat16
from .levels import REGIONS
from .normalize import LOW_HU, UNIT_HU, normalize

FINE_MM = (2.0, 2.0, 1.0)  # Pan et al. 2020
PATCH_SLICES = 64  # Pan et al. 2020
STEP_SLICES = 40
STRIDE = 8  # all networks halve three times
BODY_HU = -300

Patch = tuple[NDArray[np.int64], NDArray[np.int64]]  # start and size (z, y, x)


def body_bounds(hu: torch.Tensor) -> tuple[int, int, int, int] | None:
    """Return first and last row and column of the body in ``hu`` (z, y, x): columns of which a tenth is tissue."""
    tissue = (hu > BODY_HU).float().mean(dim=0) > 0.1
    rows, columns = torch.where(tissue.any(dim=1))[0], torch.where(tissue.any(dim=0))[0]
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def slab_starts(slices: int) -> list[int]:
    """Return the first slices of the slabs that a window slides over."""
    last = max(0, slices - PATCH_SLICES)
    return sorted({*range(0, last, STEP_SLICES), last})


def blended(
    network: torch.nn.Module,
    device: torch.device,
    volume: torch.Tensor,
    patches: Sequence[Patch],
    progress: Callable[[float], None],
) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    """Return the class probabilities (4, z, y, x) of the patches in ``volume`` (z, y, x), in HU, and their corner.

    Where patches overlap they are blended; what none covers is background.

    Args:
        progress: told the share of the patches that is done.
    """
    corner = np.min([start for start, _ in patches], axis=0)
    end = np.max([start + size for start, size in patches], axis=0)
    total = torch.zeros((len(REGIONS), *(end - corner)))
    weight = torch.zeros(tuple(end - corner))
    for number, (start, size) in enumerate(patches):
        progress(number / len(patches))
        patch = volume[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))]
        inputs = padded(normalize(patch), "replicate")
        probability = apply(network, inputs, device).softmax(dim=0).cpu()
        probability = probability[:, : size[0], : size[1], : size[2]]
        place = tuple(slice(a - c, a - c + n) for a, c, n in zip(start, corner, size, strict=True))
        blend = _blend(size)
        total[(slice(None), *place)] += probability * blend
        weight[place] += blend
    seen = weight > 0
    total[0][~seen] = 1.0
    total /= torch.where(seen, weight, torch.ones(()))
    return corner, total.half().numpy()


def apply(network: torch.nn.Module, inputs: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return logits (classes, z, y, x) of ``inputs`` (z, y, x), in bfloat16 where the processor has it."""
    batch = inputs[None, None].to(device).contiguous(memory_format=torch.channels_last_3d)
    fast = device.type == "cuda" or (device.type == "cpu" and cpu_has_bfloat16())
    with torch.autocast(device.type, dtype=torch.bfloat16) if fast else nullcontext():
        return network(batch)[0].float()


def padded(inputs: torch.Tensor, mode: str) -> torch.Tensor:
    """Pad (z, y, x) at its ends to what the networks can halve, with air or with what the edge shows."""
    z, y, x = (-n % STRIDE for n in inputs.shape)
    value = LOW_HU / UNIT_HU if mode == "constant" else None
    return functional.pad(inputs[None, None], (0, x, 0, y, 0, z), mode=mode, value=value)[0, 0]


def cropped(geometry: Geometry, corner: Any, shape: Any) -> Geometry:
    """Return the part of a grid from ``corner`` on, both (z, y, x)."""
    x, y, z = (float(v) for v in geometry.to_lps_mm(np.asarray(corner, dtype=np.float64)[::-1]))
    return replace(geometry, size=(int(shape[2]), int(shape[1]), int(shape[0])), origin_lps_mm=(x, y, z))


def _blend(shape: Any) -> torch.Tensor:
    """Return weights (z, y, x) that fall towards the patch's ends, where the network sees less."""
    ramps = [torch.minimum(torch.arange(int(n)) + 1, torch.arange(int(n), 0, -1)).float() for n in shape]
    z, y, x = (torch.clamp(r / min(16, len(r) / 2), max=1.0) for r in ramps)
    return z[:, None, None] * y[:, None] * x
