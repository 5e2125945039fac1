"""What both segmenters do with a volume: where the body lies in it, its patches, and their answers blended."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..ground.threads import in_threads
from ..scan import Geometry
from .levels import REGIONS
from .normalize import LOW_HU, UNIT_HU, normalize
from .runtime import Network

FINE_MM = (2.0, 2.0, 1.0)  # Pan et al. 2020
PATCH_SLICES = 64  # Pan et al. 2020
STEP_SLICES = 40
STRIDE = 8  # all networks halve three times
BODY_HU = -300
# Of float16: IEEE 754, binary16.
LEAST_NORMAL, LAST_DIGIT = np.float32(2.0**-14), np.float32(2.0**24)

Patch = tuple[NDArray[np.int64], NDArray[np.int64]]  # start and size (z, y, x)


def body_bounds(hu: NDArray[Any]) -> tuple[int, int, int, int] | None:
    """Return first and last row and column of the body in ``hu`` (z, y, x): columns of which a tenth is tissue."""
    tissue = 10 * np.count_nonzero(hu > BODY_HU, axis=0) > len(hu)
    rows, columns = np.flatnonzero(tissue.any(axis=1)), np.flatnonzero(tissue.any(axis=0))
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def slab_starts(slices: int) -> list[int]:
    """Return the first slices of the slabs that a window slides over."""
    last = max(0, slices - PATCH_SLICES)
    return sorted({*range(0, last, STEP_SLICES), last})


def blended(
    network: Network, volume: NDArray[np.float32], patches: Sequence[Patch], progress: Callable[[float], None]
) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    """Return the class probabilities (4, z, y, x) of the patches in ``volume`` (z, y, x), in HU, and their corner.

    Where patches overlap they are blended; what none covers is background.

    Args:
        progress: told the share of the patches that is done.
    """
    corner = np.min([start for start, _ in patches], axis=0)
    end = np.max([start + size for start, size in patches], axis=0)
    total = np.zeros((len(REGIONS), *(end - corner)), dtype=np.float32)
    weight = np.zeros(end - corner, dtype=np.float32)
    for number, (start, size) in enumerate(patches):
        progress(number / len(patches))
        patch = volume[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))]
        place = tuple(slice(a - c, a - c + n) for a, c, n in zip(start, corner, size, strict=True))
        blend = _blend(size)
        total[(slice(None), *place)] += probabilities(network, patch, "edge") * blend
        weight[place] += blend
    seen = weight > 0
    total[0][~seen] = 1.0
    total /= np.where(seen, weight, np.float32(1.0))
    return corner, halved(total)


def probabilities(network: Network, hu: NDArray[np.float32], beyond: Literal["edge", "air"]) -> NDArray[np.float32]:
    """Return the class probabilities (classes, z, y, x) that ``network`` gives for ``hu`` (z, y, x).

    Args:
        beyond: what the network sees where its input must be larger than ``hu``.
    """
    z, y, x = hu.shape
    logits = network(padded(normalize(hu), beyond))[:, :z, :y, :x]
    values = logits - logits.max(axis=0)
    np.exp(values, out=values)
    values /= values.sum(axis=0)
    return values


def halved(probability: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return probabilities (channels, z, y, x) as float16, rounded as numpy does, in a tenth of the time.

    Each number that loses digits below the least normal one makes the processor report it, which takes as long as
    fifty conversions, and most of a scan is such a number: they are rounded to its last digit before.
    """
    out = np.empty(probability.shape, dtype=np.float16)

    def fill(channel: int) -> None:
        for one, part in zip(out[channel], probability[channel], strict=True):
            one[...] = np.where(part < LEAST_NORMAL, np.rint(part * LAST_DIGIT) / LAST_DIGIT, part)

    in_threads(fill, range(len(out)))
    return out


def padded(inputs: NDArray[np.float32], beyond: Literal["edge", "air"]) -> NDArray[np.float32]:
    """Pad (z, y, x) at its ends to what the networks can halve, with air or with what the edge shows."""
    width = [(0, -n % STRIDE) for n in inputs.shape]
    if beyond == "edge":
        return np.pad(inputs, width, mode="edge")
    return np.pad(inputs, width, constant_values=LOW_HU / UNIT_HU)


def cropped(geometry: Geometry, corner: Any, shape: Any) -> Geometry:
    """Return the part of a grid from ``corner`` on, both (z, y, x)."""
    x, y, z = (float(v) for v in geometry.to_lps_mm(np.asarray(corner, dtype=np.float64)[::-1]))
    return replace(geometry, size=(int(shape[2]), int(shape[1]), int(shape[0])), origin_lps_mm=(x, y, z))


def _blend(shape: Any) -> NDArray[np.float32]:
    """Return weights (z, y, x) that fall towards the patch's ends, where the network sees less."""
    ramps = [np.minimum(np.arange(int(n)) + 1, np.arange(int(n), 0, -1)).astype(np.float32) for n in shape]
    z, y, x = (np.minimum(r / np.float32(min(16, len(r) / 2)), np.float32(1.0)) for r in ramps)
    return z[:, None, None] * y[:, None] * x
