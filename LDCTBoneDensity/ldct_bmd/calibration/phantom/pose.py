"""The phantom's place in the scan: from a placement in each slab to one straight pose, and its refinement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from ...scan import CTScan
from .description import PhantomDescription, Rod
from .pattern import Placement

LARGEST_TILT = math.tan(math.radians(25.0))  # 15 degrees about both axes, and some
STRAIGHT_MM = 4.0
SAME_TURN_DEG = 7.0
LEAST_LENGTH_MM = 30.0
MARGIN_MM = 25.0
MIDDLE_PART = 0.6  # of the length that is more than the least
SMOOTHING_MM = 8.0
_ANGLES, _RADII = 16, (0.3, 0.7, 0.9, 1.0)
_MOST_STEPS = 10


@dataclass(frozen=True)
class Pose:
    """How the phantom lies.

    Attributes:
        x_mm, y_mm: of its origin in the plane z = 0; the frame is that of the scan's axes, in mm from its first voxel.
        tilt_x, tilt_y: how far the rods go in x and y per mm of z.
        turn_rad: from the scan's x axis to the description's, about z.
        signs: of the description's x and y.
    """

    x_mm: float
    y_mm: float
    tilt_x: float
    tilt_y: float
    turn_rad: float
    signs: tuple[int, int]

    def axes(self) -> NDArray[np.float64]:
        """Return the unit vectors across (description's x, y) and along the rods, as rows."""
        ax, ay, az = along = np.array([self.tilt_x, self.tilt_y, 1.0]) / math.hypot(self.tilt_x, self.tilt_y, 1.0)
        across = np.array([math.cos(self.turn_rad), math.sin(self.turn_rad), 0.0])
        across -= (across @ along) * along
        ux, uy, uz = across = across / math.sqrt(across @ across)
        down = np.array([ay * uz - az * uy, az * ux - ax * uz, ax * uy - ay * ux])
        return np.stack([across * self.signs[0], down * self.signs[1], along])

    def rod_point(self, x_mm: float, y_mm: float, z_mm: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where the axis of a rod crosses the plane at ``z_mm``, (..., 3)."""
        axes = self.axes()
        start = np.array([self.x_mm, self.y_mm, 0.0]) + x_mm * axes[0] + y_mm * axes[1]
        steps = (np.asarray(z_mm)[..., None] - start[2]) / axes[2, 2]
        return np.asarray(start + steps * axes[2])


def straight_pose(placements: Sequence[Placement], scan: CTScan) -> tuple[Pose, tuple[float, float]] | None:
    """Return the pose that most placements share, and the z range (mm) they span; None where no three do.

    Where a scan is so short that it has fewer than three slabs, two must do.
    """
    spacing = np.asarray(scan.geometry.spacing_mm)
    points = np.array([[*p.origin_xy, p.z_index] for p in placements]).reshape(-1, 3) * spacing
    best: list[int] = []
    for i, j in combinations(range(len(placements)), 2):
        rise = points[j, 2] - points[i, 2]
        slope = (points[j, :2] - points[i, :2]) / rise if rise else np.full(2, np.inf)
        if np.abs(slope).max() > LARGEST_TILT:
            continue
        off = np.linalg.norm(points[:, :2] - points[i, :2] - slope * (points[:, 2:] - points[i, 2]), axis=1)
        agreeing = [
            k
            for k, p in enumerate(placements)
            if off[k] <= STRAIGHT_MM
            and p.signs == placements[i].signs
            and abs(p.turn_deg - placements[i].turn_deg) <= SAME_TURN_DEG
        ]
        if len(agreeing) > len(best):
            best = agreeing
    if len(best) < 2:
        return None
    on_line = points[best]
    span = (float(on_line[:, 2].min()), float(on_line[:, 2].max()))
    height = scan.geometry.size[2] * spacing[2]
    if len(best) < 3 and span[1] - span[0] < min(LEAST_LENGTH_MM, 0.5 * height):
        return None
    if span[1] - span[0] < LEAST_LENGTH_MM and span[1] - span[0] < 0.4 * height:
        return None
    tilt_x, x = np.polyfit(on_line[:, 2], on_line[:, 0], 1)
    tilt_y, y = np.polyfit(on_line[:, 2], on_line[:, 1], 1)
    turn = math.radians(float(np.median([placements[k].turn_deg for k in best])))
    return Pose(float(x), float(y), float(tilt_x), float(tilt_y), turn, placements[best[0]].signs), span


def refine(
    pose: Pose, phantom: PhantomDescription, rods: Sequence[int], span_mm: tuple[float, float], scan: CTScan
) -> Pose:
    """Move the pose until the cylinders of ``rods`` hold as even values as they can between the two heights."""
    spacing = scan.geometry.spacing_mm
    # Tilted rods end at different heights.
    spare = max(0.0, (span_mm[1] - span_mm[0]) - LEAST_LENGTH_MM) / 2 * (1.0 - MIDDLE_PART)
    span_mm = (span_mm[0] + spare, span_mm[1] - spare)
    steps = min(_MOST_STEPS, max(2, round((span_mm[1] - span_mm[0]) / spacing[2]) + 1))
    z_mm = np.linspace(span_mm[0], span_mm[1], steps)
    middle = float(z_mm.mean())
    angle = np.arange(_ANGLES) * 2 * np.pi / _ANGLES
    disc = np.array([(r * math.cos(a), r * math.sin(a)) for r in _RADII for a in angle])
    weights = np.repeat(_RADII, _ANGLES)
    weights /= weights.sum()
    chosen = [phantom.rods[k] for k in rods]
    # Whole HU in 16 bits: no copy of a large scan is needed beyond the part that the rods can reach.
    box, corner = _box(pose, chosen, z_mm, scan)
    values = ndimage.uniform_filter1d(scan.hu[box].astype(np.float32), max(1, round(SMOOTHING_MM / spacing[2])), axis=0)
    scale = np.asarray(spacing)
    centres = np.array([[rod.x_mm, rod.y_mm] for rod in chosen])
    radii = np.array([rod.diameter_mm / 2 for rod in chosen])

    def moved(change: NDArray[np.float64]) -> Pose:
        dx, dy, tx, ty, turn = change * (1.0, 1.0, 0.02, 0.02, 0.02)
        # About the middle of the rods, so that tilt and place do not depend on each other.
        return replace(
            pose,
            x_mm=pose.x_mm + dx - tx * middle,
            y_mm=pose.y_mm + dy - ty * middle,
            tilt_x=pose.tilt_x + tx,
            tilt_y=pose.tilt_y + ty,
            turn_rad=pose.turn_rad + turn,
        )

    def unevenness(change: NDArray[np.float64]) -> float:
        candidate = moved(change)
        axes = candidate.axes()
        starts = np.array([candidate.x_mm, candidate.y_mm, 0.0]) + centres @ axes[:2]
        line = starts[:, None, :] + (z_mm[:, None] - starts[:, None, 2:]) / axes[2, 2] * axes[2]
        points = line[:, :, None, :] + radii[:, None, None, None] * (disc @ axes[:2])
        index = (points / scale - corner).reshape(-1, 3).T[::-1]
        sampled = ndimage.map_coordinates(values, index, order=1, mode="nearest").reshape(points.shape[:3])
        rod_hu = sampled.mean(axis=1) @ weights
        return float((((sampled - rod_hu[:, None, None]) ** 2) @ weights).mean())

    start = np.vstack([np.zeros(5), 2.0 * np.eye(5)])
    result = optimize.minimize(
        unevenness,
        np.zeros(5),
        method="Nelder-Mead",
        options={"initial_simplex": start, "xatol": 0.03, "fatol": 0.05, "maxfev": 300},
    )
    return moved(result.x)


def _box(
    pose: Pose, rods: Sequence[Rod], z_mm: NDArray[np.float64], scan: CTScan
) -> tuple[tuple[slice, slice, slice], NDArray[np.float64]]:
    """Return the part of the scan around the rods, and its first index (x, y, z)."""
    spacing = np.asarray(scan.geometry.spacing_mm)
    points = np.concatenate([pose.rod_point(rod.x_mm, rod.y_mm, z_mm) for rod in rods])
    low = np.clip(np.floor((points.min(axis=0) - MARGIN_MM) / spacing), 0, scan.geometry.size).astype(int)
    high = np.clip(np.ceil((points.max(axis=0) + MARGIN_MM) / spacing) + 1, 0, scan.geometry.size).astype(int)
    box = (slice(low[2], high[2]), slice(low[1], high[1]), slice(low[0], high[0]))
    return box, low.astype(np.float64)
