"""From a scan to the measured rods, with no click; or from points that a user set."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from ...ground.errors import CannotMeasure, UsageError
from ...ground.progress import Progress, silent
from ...scan import CTScan
from .cylinders import count_rods
from .description import LEAST_RODS, PhantomDescription
from .measure import PhantomMeasurement, RodAxis, concluded, measure_rod
from .pattern import PatternSearch
from .pose import Pose, refine, straight_pose
from .rod_fit import fit_rods
from .slabs import coarse_slabs

LARGEST_TILT_DEG = 25.0
STAGE = "phantom search"


def find_phantom(scan: CTScan, phantom: PhantomDescription, progress: Progress = silent) -> PhantomMeasurement:
    """Find the rods of ``phantom`` wherever they lie, tilted by up to 15 degrees about each axis, and measure them.

    Raises:
        CannotMeasure: there is no phantom, or another one, a rod is missing or out of view, the rods are in another
            order or do not lie on a line; each in its own words.
    """
    progress(STAGE, 0.0)
    coarse = coarse_slabs(scan, min(rod.diameter_mm for rod in phantom.rods) / 2)
    search = PatternSearch(phantom, coarse)
    placed = straight_pose(search.in_order(), scan)
    progress(STAGE, 0.3)
    everything = range(len(phantom.rods))
    if placed is None:
        _refuse(scan, phantom, search)
    pose = refine(placed[0], phantom, everything, placed[1], scan)
    progress(STAGE, 0.8)
    axes = _axes(pose, phantom, placed[1])
    if not any(_are_rods(scan, phantom, axes, (k,), on_a_line=False) for k in everything):
        _refuse(scan, phantom, search)  # even tissue, no rod at all
    measured = concluded(scan, phantom, axes, "search", between=False)
    progress(STAGE, 1.0)
    return measured


def measure_at_points(
    scan: CTScan, phantom: PhantomDescription, points_lps_mm: Mapping[str, Sequence[Sequence[float]]]
) -> PhantomMeasurement:
    """Measure the rods along the lines through points that a user set: two in each rod, near its ends.

    Raises:
        UsageError: the points are not two for each rod, or lie in no rod.
        CannotMeasure: the rods do not lie on a line.
    """
    names = [rod.name for rod in phantom.rods]
    unknown = sorted(set(points_lps_mm) - set(names))
    if unknown:
        raise UsageError("points.no_such_rod", rod=unknown[0], phantom=phantom.name, rods=names)
    axes = []
    for name in names:
        points = np.asarray(points_lps_mm.get(name, ()), np.float64)
        if points.shape != (2, 3) or not np.isfinite(points).all():
            raise UsageError("points.two_needed", rod=name)
        inside = scan.geometry.to_index_xyz(points) * scan.geometry.spacing_mm
        start, end = inside[np.argsort(inside[:, 2])]
        tilt = math.degrees(math.atan2(float(np.hypot(*(end - start)[:2])), float(end[2] - start[2])))
        if tilt > LARGEST_TILT_DEG:
            raise UsageError("points.off_axis", rod=name, degrees=tilt)
        axes.append(RodAxis(name, _triple(start), _triple(end)))
    return concluded(scan, phantom, axes, "points", between=True)


def _refuse(scan: CTScan, phantom: PhantomDescription, search: PatternSearch) -> NoReturn:
    for number, rod in enumerate(phantom.rods):
        placed = straight_pose(search.in_order(without=number), scan)
        if placed is None:
            continue
        others = [k for k in range(len(phantom.rods)) if k != number]
        pose = refine(placed[0], phantom, others, placed[1], scan)
        if not _are_rods(scan, phantom, _axes(pose, phantom, placed[1]), others, on_a_line=True):
            continue
        seen = _hu_at(scan, pose, rod.x_mm, rod.y_mm, placed[1])
        if seen is None:
            raise CannotMeasure("phantom.rod_out_of_view", rod=rod.name, phantom=phantom.name)
        raise CannotMeasure("phantom.rod_missing", rod=rod.name, phantom=phantom.name, hu=seen)
    everything = range(len(phantom.rods))
    placed = straight_pose(search.in_any_order(), scan)
    if placed is not None:
        pose = refine(placed[0], phantom, everything, placed[1], scan)
        if _are_rods(scan, phantom, _axes(pose, phantom, placed[1]), everything, on_a_line=False):
            raise CannotMeasure("phantom.other_order", phantom=phantom.name)
    rods = count_rods(scan)
    if rods:
        raise CannotMeasure("phantom.other_phantom", phantom=phantom.name, rods=rods)
    raise CannotMeasure("phantom.not_found", phantom=phantom.name)


def _are_rods(
    scan: CTScan, phantom: PhantomDescription, axes: Sequence[RodAxis], numbers: Sequence[int], on_a_line: bool
) -> bool:
    """Tell whether these places hold rods of the description's diameter and, if asked, HU that fit each other."""
    try:
        rods = [measure_rod(scan, axes[k], phantom.rods[k].diameter_mm, phantom, between=False) for k in numbers]
    except CannotMeasure:
        return False
    if not all(rod.has_wall for rod in rods):
        return False
    if not on_a_line or len(rods) < LEAST_RODS:
        return True
    fit = fit_rods(replace(phantom, rods=tuple(phantom.rods[k] for k in numbers)), [rod.mean_hu for rod in rods])
    return max(map(abs, fit.residuals_hu)) <= phantom.residual_limit_hu


def _axes(pose: Pose, phantom: PhantomDescription, span_mm: tuple[float, float]) -> list[RodAxis]:
    axes = []
    for rod in phantom.rods:
        start, end = pose.rod_point(rod.x_mm, rod.y_mm, np.asarray(span_mm))
        axes.append(RodAxis(rod.name, _triple(start), _triple(end)))
    return axes


def _hu_at(scan: CTScan, pose: Pose, x_mm: float, y_mm: float, span_mm: tuple[float, float]) -> float | None:
    """Return the median HU along a line where a rod should be; None where half of it is out of view."""
    z_mm = np.linspace(*span_mm, 20)
    index = np.rint(pose.rod_point(x_mm, y_mm, z_mm) / scan.geometry.spacing_mm).astype(int)
    within = ((index >= 0) & (index < scan.geometry.size)).all(axis=1)
    if within.mean() < 0.5:
        return None
    x, y, z = index[within].T
    return float(np.median(scan.hu[z, y, x]))


def _triple(point: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = point.tolist()
    return x, y, z
