"""How much the mean of a VOI depends on where it lies: the spread over the places that the outline's error allows."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .noise import Noise
from .scan import CTScan
from .voi import CylinderVOI, Weights, voi_weights

Move = tuple[int, int, int]  # in voxels, (z, y, x)

STEP_MM = 2.0  # between places that are compared: less shows the noise of a few voxels, more another part of the body
SIZE_STEP = 0.1  # of the semi-axes


@dataclass(frozen=True)
class PlacementError:
    """Standard deviations of where the method places a VOI on one outline and on another of the same body.

    Root mean squares over 66 bodies of seven real scans with slices of 1 to 3.3 mm against reference bodies, rounded
    (Testing/benchmarks/outlines.py): 0.26 mm from left to right, 0.78 from front to back, 0.87 along the spine, 0.025
    of the size. How the spine's part goes with the slices is assumed, from 0.7 to 1.2 mm in these scans.

    Attributes:
        across_mm, back_mm: of its centre, from left to right and from front to back.
        along_mm: of its centre along the spine, but for the slices.
        slices: of its centre along the spine, in slices: an end of the mask is a whole slice higher or lower.
        size: of the semi-axes, as a share.
    """

    across_mm: float = 0.3
    back_mm: float = 0.8
    along_mm: float = 0.75
    slices: float = 0.2
    size: float = 0.03


PLACEMENT = PlacementError()


def placement_spread(
    scan: CTScan, voi: CylinderVOI, sampled: Weights, noise: Noise | None, error: PlacementError = PLACEMENT
) -> float:
    """Return the standard deviation in HU of the mean of ``voi`` over where it may lie.

    The VOI is moved by whole voxels, there and back along each axis of the grid: slope g and curvature h of the mean
    give g^2 s^2 + h^2 s^4 / 2 for a standard deviation s of the place. What noise alone makes of g and h is taken off,
    since it has a part of its own; it is not where the scan shows no soft tissue to know it from. The VOI made larger
    gives the part of its size. The method never tilts a VOI against the scan, so that no part is due to that.

    Args:
        sampled: what :func:`.densitometry.sample` gives for ``voi``.
        noise: that near the VOI; None where it is not known.
    """
    box, weights = sampled
    shares = weights / weights.sum(dtype=np.float64)
    spacing = scan.geometry.spacing_mm[::-1]
    steps = [max(1, round(STEP_MM / pitch)) for pitch in spacing]
    spread_mm = (float(np.hypot(error.along_mm, error.slices * spacing[0])), error.back_mm, error.across_mm)
    block = _around(scan.hu, box, steps)
    mean = _mean_at(block, shares, steps, (0, 0, 0))
    variance = (error.size / SIZE_STEP * (_larger_mean(scan, voi) - mean)) ** 2
    moves: list[Move] = [(steps[0], 0, 0), (0, steps[1], 0), (0, 0, steps[2])]
    of_noise = [(0.0, 0.0)] * 3 if noise is None else _of_noise(noise, weights, moves)
    for move, pitch, spread, (slope2_noise, curvature2_noise) in zip(moves, spacing, spread_mm, of_noise, strict=True):
        up, down = (_mean_at(block, shares, steps, _times(sign, move)) for sign in (1, -1))
        ratio2 = (spread / (max(move) * pitch)) ** 2
        variance += ((up - down) ** 2 / 4.0 - slope2_noise) * ratio2
        variance += ((up - 2.0 * mean + down) ** 2 - curvature2_noise) * ratio2**2 / 2.0
    return float(np.sqrt(max(variance, 0.0)))


def _of_noise(noise: Noise, weights: NDArray[np.float32], moves: list[Move]) -> list[tuple[float, float]]:
    """Return the mean square of what noise makes of slope and curvature along each of ``moves``, per move in HU2."""
    here, *others = noise.covariances(weights, [(0, 0, 0), *(_times(k, move) for move in moves for k in (1, 2))])
    pairs = zip(others[::2], others[1::2], strict=True)
    return [((here - far) / 2.0, 6.0 * here - 8.0 * near + 2.0 * far) for near, far in pairs]


def _times(factor: int, move: Move) -> Move:
    z, y, x = move
    return factor * z, factor * y, factor * x


def _around(hu: NDArray[np.generic], box: tuple[slice, slice, slice], steps: list[int]) -> NDArray[np.float64]:
    """Return the voxels of ``box`` with ``steps`` more on each side; beyond the scan its outermost ones again."""
    index = [
        np.clip(np.arange(s.start - step, s.stop + step), 0, n - 1)
        for s, step, n in zip(box, steps, hu.shape, strict=True)
    ]
    return np.asarray(hu[np.ix_(*index)], np.float64)


def _mean_at(block: NDArray[np.float64], shares: NDArray[np.float64], steps: list[int], moved: Move) -> float:
    at = tuple(slice(step + m, step + m + n) for step, m, n in zip(steps, moved, shares.shape, strict=True))
    return float(np.vdot(shares, block[at]))


def _larger_mean(scan: CTScan, voi: CylinderVOI) -> float:
    long_mm, short_mm = voi.semi_axes_mm
    larger = replace(voi, semi_axes_mm=((1.0 + SIZE_STEP) * long_mm, (1.0 + SIZE_STEP) * short_mm))
    box, weights = voi_weights(larger, scan.geometry)
    return float(np.vdot(weights, scan.hu[box]) / weights.sum(dtype=np.float64))
