"""Measuring the rods on the scan's own voxels, away from their ends and walls."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ground.errors import CannotMeasure
from ...scan import CTScan
from ...words import Phrase
from .description import PhantomDescription
from .rod_fit import RodFit, fit_rods
from .walls import LEAST_CONTRAST_HU, LEAST_SECTORS, wall

LEAST_SLICES, LEAST_LENGTH_MM = 3, 10.0
# A slice's mean that is farther from the rod's is outside the rod: noise, and the least step that counts.
_END_SD, _END_HU = 6.0, 12.0


@dataclass(frozen=True)
class RodAxis:
    """A rod's axis, in mm from the centre of the scan's first voxel along its axes (x, y, z)."""

    name: str
    start_mm: tuple[float, float, float]
    end_mm: tuple[float, float, float]

    def direction(self) -> NDArray[np.float64]:
        """Return the unit vector along the rod, towards rising z."""
        along = np.subtract(self.end_mm, self.start_mm)
        return np.asarray(along / np.linalg.norm(along) * (1.0 if along[2] >= 0 else -1.0))


@dataclass(frozen=True)
class RodMeasurement:
    """One rod.

    Attributes:
        mean_hu: over all its voxels within the margins.
        sd_hu: of these voxels.
        standard_error_hu: of the mean, from the scatter of the slices' means.
        contrast_hu: less what is around it, the median over its sectors.
        wall_sectors: eighths of its circumference in which it ends where it should.
        start_lps_mm, end_lps_mm: the measured piece of its axis.
        slices: slices of the scan that the piece lies in.
    """

    name: str
    mean_hu: float
    sd_hu: float
    standard_error_hu: float
    contrast_hu: float
    wall_sectors: int
    start_lps_mm: tuple[float, float, float]
    end_lps_mm: tuple[float, float, float]
    slices: int

    @property
    def stands_out(self) -> bool:
        """Whether it differs from its surroundings."""
        return abs(self.contrast_hu) >= LEAST_CONTRAST_HU

    @property
    def has_wall(self) -> bool:
        """Whether it is a rod, and in its place: its surroundings differ, all around."""
        return self.stands_out and self.wall_sectors >= LEAST_SECTORS


@dataclass(frozen=True)
class PhantomMeasurement:
    """The rods of a phantom in the order of its description, and the line that they give.

    Attributes:
        tilt_deg: of the rods from the scan's z axis.
        found_by: "search" or "points".
    """

    phantom: PhantomDescription
    rods: tuple[RodMeasurement, ...]
    fit: RodFit
    tilt_deg: float
    found_by: str


def measure_rod(
    scan: CTScan, axis: RodAxis, diameter_mm: float, phantom: PhantomDescription, between: bool
) -> RodMeasurement:
    """Measure one rod; ``between``: from start to end as given, else as far as it reaches up and down from there.

    Raises:
        CannotMeasure: too little of it is in view.
    """
    spacing = np.asarray(scan.geometry.spacing_mm)
    along = axis.direction()
    start = np.asarray(axis.start_mm)
    radius = diameter_mm / 2 - phantom.wall_margin_mm
    z_mm = np.arange(scan.geometry.size[2]) * spacing[2]
    centres = start[:2] + (z_mm[:, None] - start[2]) / along[2] * along[:2]
    discs = [_disc(scan, k, centre, along, radius) for k, centre in enumerate(centres)]
    means = np.array([np.nan if disc is None else disc.mean() for disc in discs])
    low, high = sorted((axis.start_mm[2], axis.end_mm[2]))
    given = np.flatnonzero((z_mm >= low - 1e-6) & (z_mm <= high + 1e-6) & np.isfinite(means))
    first, last = (given[0], given[-1]) if between and len(given) else _reach(means, given)
    if not between:
        margin = math.ceil(phantom.end_margin_mm * along[2] / spacing[2])
        # Where the scan ends within the rod there is no end to keep away from.
        first += margin if first > 0 and np.isfinite(means[first - 1]) else 0
        last -= margin if last + 1 < len(means) and np.isfinite(means[last + 1]) else 0
    count = int(np.isfinite(means[first : last + 1]).sum()) if last >= first else 0
    length_mm = count * spacing[2] / along[2]
    if count < LEAST_SLICES or length_mm < LEAST_LENGTH_MM:
        raise CannotMeasure(
            "phantom.rod_too_short",
            rod=axis.name,
            length_mm=length_mm,
            slices=count,
            least_mm=LEAST_LENGTH_MM,
            least_slices=LEAST_SLICES,
        )
    chosen = [disc for disc in discs[first : last + 1] if disc is not None]
    values = np.concatenate(chosen).astype(np.float64)
    per_slice = np.array([disc.mean() for disc in chosen], np.float64)
    begin, end = (scan.geometry.to_lps_mm(np.array([*centres[k], z_mm[k]]) / spacing).tolist() for k in (first, last))
    contrast, sectors = wall(scan, centres, along, diameter_mm / 2, range(int(first), int(last) + 1))
    return RodMeasurement(
        name=axis.name,
        mean_hu=float(values.mean()),
        sd_hu=float(values.std()),
        standard_error_hu=float(per_slice.std(ddof=1) / math.sqrt(len(per_slice))),
        contrast_hu=contrast,
        wall_sectors=sectors,
        start_lps_mm=(begin[0], begin[1], begin[2]),
        end_lps_mm=(end[0], end[1], end[2]),
        slices=count,
    )


def concluded(
    scan: CTScan,
    phantom: PhantomDescription,
    axes: Sequence[RodAxis],
    found_by: str,
    between: bool,
) -> PhantomMeasurement:
    """Measure all rods, fit the line, and refuse what lies off it.

    Raises:
        CannotMeasure: with the reason.
    """
    rods = tuple(
        measure_rod(scan, axis, rod.diameter_mm, phantom, between) for axis, rod in zip(axes, phantom.rods, strict=True)
    )
    # Points set by hand may lie off the axis by some of the wall margin.
    walls = [rod for rod in rods if not (rod.has_wall if found_by == "search" else rod.stands_out)]
    if walls:
        raise _no_rods(phantom, walls)
    fit = fit_rods(phantom, [rod.mean_hu for rod in rods])
    worst = int(np.argmax(np.abs(fit.residuals_hu)))
    if abs(fit.residuals_hu[worst]) > phantom.residual_limit_hu:
        raise _off_the_line(phantom, rods, fit, worst)
    along = np.mean([axis.direction() for axis in axes], axis=0)
    tilt = math.degrees(math.acos(min(1.0, float(along[2] / np.linalg.norm(along)))))
    return PhantomMeasurement(phantom, rods, fit, tilt, found_by)


def _no_rods(phantom: PhantomDescription, without: Sequence[RodMeasurement]) -> CannotMeasure:
    first = without[0]
    if len(without) == 1 and not first.stands_out:
        return CannotMeasure("phantom.rod_not_seen", rod=first.name, phantom=phantom.name, hu=first.mean_hu)
    return CannotMeasure("phantom.no_rods", phantom=phantom.name, rods=[rod.name for rod in without])


def _off_the_line(
    phantom: PhantomDescription, rods: Sequence[RodMeasurement], fit: RodFit, worst: int
) -> CannotMeasure:
    table = [
        Phrase("phantom.rod_off_line", {"rod": rod.name, "hu": rod.mean_hu, "off_hu": float(residual)})
        for rod, residual in zip(rods, fit.residuals_hu, strict=True)
    ]
    return CannotMeasure(
        "phantom.off_the_line",
        phantom=phantom.name,
        rod=rods[worst].name,
        off_hu=float(fit.residuals_hu[worst]),
        limit_hu=phantom.residual_limit_hu,
        rods=table,
    )


def _disc(
    scan: CTScan,
    k: int,
    centre_mm: NDArray[np.float64],
    along: NDArray[np.float64],
    radius_mm: float,
    hole_mm: float = 0,
) -> NDArray[np.float32] | None:
    """Return the voxels of slice ``k`` within a cylinder about the axis; None where it leaves the slice."""
    spacing_x, spacing_y, _ = scan.geometry.spacing_mm
    columns, rows, _ = scan.geometry.size
    # A tilted cylinder is cut to an ellipse.
    reach = radius_mm / along[2]
    x0, x1 = math.ceil((centre_mm[0] - reach) / spacing_x), math.floor((centre_mm[0] + reach) / spacing_x)
    y0, y1 = math.ceil((centre_mm[1] - reach) / spacing_y), math.floor((centre_mm[1] + reach) / spacing_y)
    if x0 < 0 or y0 < 0 or x1 >= columns or y1 >= rows:
        return None
    dx = (np.arange(x0, x1 + 1) * spacing_x - centre_mm[0])[None, :]
    dy = (np.arange(y0, y1 + 1) * spacing_y - centre_mm[1])[:, None]
    ahead = dx * along[0] + dy * along[1]
    distance2 = dx**2 + dy**2 - ahead**2
    inside = distance2 <= radius_mm**2
    return scan.hu[k, y0 : y1 + 1, x0 : x1 + 1][inside].astype(np.float32) if inside.any() else None


def _reach(means: NDArray[np.float64], known: NDArray[np.intp]) -> tuple[int, int]:
    """Return the first and last slice that hold the rod like the ``known`` ones do; (0, -1) where none does."""
    if len(known) == 0:
        return 0, -1
    middle = float(np.median(means[known]))
    # 1.4826 median absolute deviations are one standard deviation of normal noise.
    spread = 1.4826 * float(np.median(np.abs(means[known] - middle)))
    same = np.abs(means - middle) <= max(_END_SD * spread, _END_HU)
    at = int(known[np.argmin(np.abs(means[known] - middle) + 1e-3 * np.abs(known - known.mean()))])
    first = last = at
    while first > 0 and same[first - 1]:
        first -= 1
    while last + 1 < len(means) and same[last + 1]:
        last += 1
    return first, last
