"""Rods of any phantom: straight, even, round and parallel things that no patient has three of."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...scan import CTScan
from .slabs import Coarse, Slab, coarse_slabs

LEAST_RODS = 3
DIAMETER_MM = (4.0, 45.0)  # of the even inside, which is smaller than the rod
ROUNDNESS = 0.6  # of the area that a circle as long as it is would have
STRAIGHT_MM, PARALLEL_DEG = 1.5, 4.0
LEAST_LENGTH_MM, LEAST_PART = 45.0, 0.5
STEP_MM, STEP_HU = 5.0, 25.0
DIFFERENT_HU = 40.0
LIKE_DIAMETER = 1.4
LARGEST_ROD_HU = 1600.0
_RADIUS_MM = 6.0


@dataclass(frozen=True)
class _Spot:
    slab: int
    x_mm: float
    y_mm: float
    z_mm: float
    hu: float
    diameter_mm: float


def count_rods(scan: CTScan) -> int:
    """Return how many parallel rods of some phantom are in view; 0 if fewer than three."""
    coarse = coarse_slabs(scan, _RADIUS_MM)
    spots = [_spots(slab, number, coarse, scan) for number, slab in enumerate(coarse.slabs)]
    rods = [rod for rod in _chains(spots) if _is_rod(rod, scan)]
    largest = 0
    for one in rods:
        group = [other for other in rods if _alike(one, other)]
        values = [float(np.mean([spot.hu for spot in rod])) for rod in group]
        if len(group) >= LEAST_RODS and max(values) - min(values) >= DIFFERENT_HU:
            largest = max(largest, len(group))
    return largest


def _spots(slab: Slab, number: int, coarse: Coarse, scan: CTScan) -> list[_Spot]:
    labels, count = ndimage.label(slab.even & (slab.mean_hu < LARGEST_ROD_HU))
    found = []
    pixel_mm2 = coarse.pitch_mm[0] * coarse.pitch_mm[1]
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[box] == index
        area = float(part.sum()) * pixel_mm2
        diameter = 2.0 * math.sqrt(area / math.pi)
        longest = max(part.shape[0] * coarse.pitch_mm[1], part.shape[1] * coarse.pitch_mm[0])
        if not DIAMETER_MM[0] <= diameter <= DIAMETER_MM[1] or area < ROUNDNESS * math.pi / 4 * longest**2:
            continue
        y, x = (np.mean(np.nonzero(part)[axis]) + box[axis].start for axis in (0, 1))
        index_xy = coarse.to_index_xy(np.array([x, y]))
        hu = float(slab.mean_hu[box][part].mean())
        x_mm, y_mm, z_mm = (np.array([*index_xy, slab.z_index]) * scan.geometry.spacing_mm).tolist()
        found.append(_Spot(number, x_mm, y_mm, z_mm, hu, diameter))
    return found if count else []


def _chains(spots: Sequence[Sequence[_Spot]]) -> list[list[_Spot]]:
    """Join spots of neighbouring slabs, one slab may be missing."""
    chains: list[list[_Spot]] = []
    for level in spots:
        open_ends = [chain for chain in chains if level and level[0].slab - chain[-1].slab <= 2]
        for spot in level:
            near = [
                (math.hypot(spot.x_mm - chain[-1].x_mm, spot.y_mm - chain[-1].y_mm), chain)
                for chain in open_ends
                if chain[-1].slab < spot.slab and abs(chain[-1].hu - spot.hu) <= STEP_HU
            ]
            step, chain = min(near, key=lambda pair: pair[0], default=(math.inf, []))
            if step <= STEP_MM * (spot.slab - chain[-1].slab if chain else 1):
                chain.append(spot)
            else:
                chains.append([spot])
    return chains


def _line(rod: Sequence[_Spot]) -> tuple[NDArray[np.float64], float]:
    """Return the direction (unit vector, z up) and how far the spots lie off their line (root mean square)."""
    z = np.array([spot.z_mm for spot in rod])
    points = np.array([[spot.x_mm, spot.y_mm] for spot in rod])
    slope, start = np.polyfit(z, points, 1)
    off = np.linalg.norm(points - slope * z[:, None] - start, axis=1)
    along = np.array([*slope, 1.0])
    return along / np.linalg.norm(along), float(np.sqrt((off**2).mean()))


def _is_rod(rod: Sequence[_Spot], scan: CTScan) -> bool:
    if len(rod) < 4:
        return False
    length = rod[-1].z_mm - rod[0].z_mm
    height = scan.geometry.size[2] * scan.geometry.spacing_mm[2]
    return length >= min(LEAST_LENGTH_MM, LEAST_PART * height) and _line(rod)[1] <= STRAIGHT_MM


def _alike(one: Sequence[_Spot], other: Sequence[_Spot]) -> bool:
    apart = math.degrees(math.acos(min(1.0, float(_line(one)[0] @ _line(other)[0]))))
    a, b = (float(np.median([spot.diameter_mm for spot in rod])) for rod in (one, other))
    return apart <= PARALLEL_DEG and max(a, b) <= LIKE_DIAMETER * min(a, b)
