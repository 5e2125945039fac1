"""Where in each slab the rods of a description stand: the pattern moved, turned and mirrored in every possible way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..nominal import WATER_OFFSET_HU
from .description import Equations, PhantomDescription
from .slabs import Coarse, Slab

TURNS_DEG = tuple(range(-21, 22, 3))
STRETCHES = (1.0, 1.035)  # an axial slice cuts a phantom that is tilted by 15 degrees 3.5 % longer
# HU per mg/cm3 at 70 to 150 kVp, and how far from 0 HU water may be.
SENSITIVITY_HU, USUAL_SENSITIVITY_HU, WATER_HU = (0.8, 3.0), 1.5, 80.0
# The densest rod stands out from its surroundings by 100 HU or more.
_DIRECTIONS, _LEAST_DIRECTIONS, _AROUND, _LEAST_STEP_HU, _STEP_PER_NOISE = 8, 6, 1.6, 15.0, 0.5
LOOSE_RESIDUAL_HU = 30.0  # of the whole fit at this stage; the measured rods have a limit of their own


@dataclass(frozen=True)
class Placement:
    """Where the pattern stands in one slab.

    Attributes:
        origin_xy: the description's origin, continuous (x, y) index of the scan.
        signs: of the description's x and y: -1 where it lies mirrored (turned end for end, or upside down).
        turn_deg: from the scan's x axis to the description's.
        cost: of the fit, to compare placements in one slab.
    """

    z_index: float
    origin_xy: tuple[float, float]
    signs: tuple[int, int]
    turn_deg: float
    cost: float


class PatternSearch:
    """Looks for the rods of one description."""

    def __init__(self, phantom: PhantomDescription, coarse: Coarse) -> None:
        self._coarse = coarse
        self._centres = np.array([[rod.x_mm, rod.y_mm] for rod in phantom.rods])
        self._radius_mm = max(rod.diameter_mm for rod in phantom.rods) / 2
        self._mineral = np.array([rod.mineral_mg_cm3 for rod in phantom.rods])
        is_mindways = phantom.equations is Equations.MINDWAYS
        # What HU would be if the mineral attenuated nothing.
        self._base = np.array([(rod.water_mg_cm3 or 0.0) - WATER_OFFSET_HU for rod in phantom.rods]) * is_mindways
        self._usual_hu = self._base + USUAL_SENSITIVITY_HU * self._mineral
        self._least_hu = self._base + SENSITIVITY_HU[0] * self._mineral
        self._most_hu = self._base + SENSITIVITY_HU[1] * self._mineral
        flips_y = (1, -1) if np.ptp(self._centres[:, 1]) > 1.0 else (1,)
        self._poses = [
            (signs, turn, stretch) for signs in product((1, -1), flips_y) for turn in TURNS_DEG for stretch in STRETCHES
        ]

    def in_order(self, without: int | None = None) -> list[Placement]:
        """Return the best placement in each slab where the HU rise with the mineral; ``without`` one rod."""
        rods = [k for k in range(len(self._mineral)) if k != without]
        return self._search(rods, shuffled=False)

    def in_any_order(self) -> list[Placement]:
        """Return the best placement in each slab where the rods' HU are the right ones in whatever order."""
        return self._search(list(range(len(self._mineral))), shuffled=True)

    def _search(self, rods: Sequence[int], shuffled: bool) -> list[Placement]:
        densest = max(rods, key=lambda k: float(self._usual_hu[k]))
        found = []
        for slab in self._coarse.slabs:
            anchors = self._anchors(slab, densest)
            best: Placement | None = None
            for start in rods if shuffled else [densest]:
                for signs, turn, stretch in self._poses if len(anchors) else []:
                    placed = self._best(slab, anchors, rods, start, (signs, turn, stretch), shuffled)
                    if placed is not None and (best is None or placed.cost < best.cost):
                        best = placed
            if best is not None:
                found.append(best)
        return found

    def _anchors(self, slab: Slab, rod: int) -> NDArray[np.intp]:
        low, high = sorted((self._least_hu[rod], self._most_hu[rod]))
        wanted = slab.even & (slab.mean_hu > low - WATER_HU) & (slab.mean_hu < high + WATER_HU)
        return np.argwhere(wanted & self._ends_nearby(slab))[:, ::-1]

    def _ends_nearby(self, slab: Slab) -> NDArray[np.bool_]:
        """Tell where HU differ in most directions at a rod's distance: in a rod, not in the midst of an organ."""
        differing = np.zeros(slab.mean_hu.shape, np.intp)
        for angle in np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS:
            step = (
                np.array([math.sin(angle), math.cos(angle)]) * _AROUND * self._radius_mm / self._coarse.pitch_mm[::-1]
            )
            there = np.roll(slab.mean_hu, np.rint(step).astype(int), axis=(0, 1))
            differing += np.abs(there - slab.mean_hu) > _LEAST_STEP_HU + _STEP_PER_NOISE * slab.noise_hu
        return differing >= _LEAST_DIRECTIONS

    def _best(
        self,
        slab: Slab,
        anchors: NDArray[np.intp],
        rods: Sequence[int],
        start: int,
        pose: tuple[tuple[int, int], float, float],
        shuffled: bool,
    ) -> Placement | None:
        signs, turn, stretch = pose
        across = self._turned(self._centres[rods] - self._centres[start], signs, turn) * stretch
        pixels = anchors[:, None, :] + np.rint(across / self._coarse.pitch_mm).astype(np.intp)
        rows, columns = slab.mean_hu.shape
        within = ((pixels >= 0) & (pixels < (columns, rows))).all(axis=(1, 2))
        pixels, kept = pixels[within], anchors[within]
        x, y = pixels[..., 0], pixels[..., 1]
        even = slab.even[y, x].all(axis=1)
        if not even.any():
            return None
        hu = slab.mean_hu[y[even], x[even]]
        kept = kept[even]
        order = np.argsort(self._usual_hu[rods])
        mineral, base = self._mineral[rods], self._base[rods]
        if shuffled:
            hu, mineral, base = np.sort(hu, axis=1), mineral[order], base[order]
        centred = mineral - mineral.mean()
        above = hu - base
        sensitivity = above @ centred / (centred @ centred)
        water = above.mean(axis=1) - sensitivity * mineral.mean()
        residual = above - sensitivity[:, None] * mineral - water[:, None]
        rms = np.sqrt((residual**2).mean(axis=1))
        fits = (sensitivity >= SENSITIVITY_HU[0]) & (sensitivity <= SENSITIVITY_HU[1]) & (np.abs(water) <= WATER_HU)
        fits &= rms <= LOOSE_RESIDUAL_HU
        if not fits.any():
            return None
        # Of all places that fit the one amid them: discs are smaller than rods.
        lowest = rms[fits].min()
        near = fits & (rms <= lowest + 0.5 * slab.noise_hu + 1.0)
        middle = kept[near].mean(axis=0)
        origin = self._coarse.to_index_xy(middle) - self._turned(
            self._centres[start] * stretch, signs, turn
        ) / self._coarse.pitch_mm * np.asarray(self._coarse.factors)
        return Placement(slab.z_index, (float(origin[0]), float(origin[1])), signs, turn, float(lowest - near.sum()))

    @staticmethod
    def _turned(points: NDArray[np.float64], signs: tuple[int, int], turn_deg: float) -> NDArray[np.float64]:
        angle = math.radians(turn_deg)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return np.asarray((points * signs) @ turn.T)
