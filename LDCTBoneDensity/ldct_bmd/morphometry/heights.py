"""Heights of a vertebral body, measured from its mask in the mid-sagittal plane."""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from ..scan import Geometry
from ..voi import Box
from .axes import body_axes_lps, points_lps_mm
from .edges import HU, OFFSETS_MM, Image, nearest_edge_mm

Point = tuple[float, float, float]

# A height is the mean from endplate to endplate over this band about the mid-sagittal plane and about its place.
_HALF_BAND_MM = 6.0
_INSET = 0.12  # of the depth, from either wall: inside the rims, where spurs and lips begin
_HALF_DEPTH = 0.04
_LATERAL, _DEEP = 9, 5  # lines per band
# Walls are taken between the rims, where no spur reaches: over the middle half of the height.
_BETWEEN_RIMS = 0.25
_BACK_QUANTILE = 0.75  # the vein's foramen is a bite in the middle of the back wall, not the wall
_LEAST_DEPTH_MM = 8.0
_STEP_MM = 0.25
_REACH_MM = 40.0

# Standard deviation of the heights of two patients' reference masks about those read off their surfaces.
MASK_UNCERTAINTY_MM = 0.5
# Each end is rounded to a whole slice. The same masks sliced every 2 to 5 mm scattered by 0.3 to 0.45 of the spacing.
SLICE_UNCERTAINTY = math.sqrt(2.0 / 12.0)
# An edge so far from the mask's endplate says how far the mask may be off; one further away is another structure's, and
# an endplate that the image does not show (bridged, or ossified) may be off by about two millimetres.
FARTHEST_EDGE_MM, UNSEEN_EDGE_MM = 3.0, 2.0


@dataclass(frozen=True)
class BodyHeights:
    """Heights of a vertebral body along its own axis, near its front wall, in its middle and near its back wall.

    Attributes:
        uncertainty_mm: standard uncertainty of a height, from the slice spacing and the mask.
        uncertainties_mm: of the three heights, front to back, from how far the image's edges lie from the mask's
            endplates too; None where they were measured without an image.
        lines_lps_mm: (top, bottom) of each height in the mid-sagittal plane, front to back; none in records of before.
    """

    anterior_mm: float
    middle_mm: float
    posterior_mm: float
    uncertainty_mm: float
    uncertainties_mm: tuple[float, float, float] | None = None
    lines_lps_mm: tuple[tuple[Point, Point], ...] = ()

    @property
    def each_mm(self) -> tuple[float, float, float]:
        """The heights, front to back."""
        return self.anterior_mm, self.middle_mm, self.posterior_mm

    @property
    def each_uncertainty_mm(self) -> tuple[float, float, float]:
        """The standard uncertainty of each height, front to back."""
        return self.uncertainties_mm or (self.uncertainty_mm,) * 3


def body_heights(body: NDArray[np.bool_], box: Box, geometry: Geometry, hu: HU | None = None) -> BodyHeights | None:
    """Measure a complete vertebral body.

    The body's axis bisects its endplates. Lips beside the mid-sagittal band and spurs beyond the walls count nowhere.

    Args:
        body: (z, y, x) inside ``box``.
        box: where ``body`` lies on the grid of ``geometry``.
        hu: (z, y, x), the whole scan, to see how sure the endplates are; None where there are masks alone.

    Returns:
        None where the mask is too small to tell.
    """
    axes = body_axes_lps(body, box, geometry)
    if axes is None:
        return None
    mask = _Mask(body, box, geometry, axes)
    walls = mask.walls()
    if walls is None:
        return None
    middle, front, depth = walls
    found = [mask.ends(middle, front + at * depth, _HALF_DEPTH * depth) for at in (_INSET, 0.5, 1.0 - _INSET)]
    if any(ends is None for ends in found):
        return None
    ends = [one for one in found if one is not None]
    anterior_mm, middle_mm, posterior_mm = (float((one.top - one.bottom).mean()) for one in ends)
    base = slice_uncertainty_mm(geometry.spacing_mm[2])
    uncertainties = None
    if hu is not None:
        image = Image(hu, box, geometry)
        at_front, at_middle, at_back = (math.hypot(base, *mask.off_edges_mm(one, image)) for one in ends)
        uncertainties = at_front, at_middle, at_back
    lines = tuple(mask.line(one, middle) for one in ends)
    return BodyHeights(anterior_mm, middle_mm, posterior_mm, base, uncertainties, lines)


def slice_uncertainty_mm(spacing_z_mm: float) -> float:
    """Return the standard uncertainty of a height that slices so far apart leave."""
    return math.hypot(SLICE_UNCERTAINTY * spacing_z_mm, MASK_UNCERTAINTY_MM)


@dataclass(frozen=True)
class _Ends:
    """Endplates on the lines of one band, each of shape (lines,): place on the left and back axes, top and bottom."""

    left: NDArray[np.float64]
    back: NDArray[np.float64]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]


class _Mask:
    """A mask sampled between its voxels, in mm along the body's own axes from its centroid."""

    def __init__(self, body: NDArray[np.bool_], box: Box, geometry: Geometry, axes: NDArray[np.float64]) -> None:
        self._inside = np.pad(body, 1).astype(np.float32)
        self._start_zyx = np.asarray([axis.start for axis in box]) - 1
        self._geometry, self._axes = geometry, axes
        self._center = points_lps_mm(body, box, geometry).mean(axis=0)

    def points(
        self, left: NDArray[np.float64], back: NDArray[np.float64], up: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return LPS points (..., 3)."""
        return np.asarray(self._center + np.stack(np.broadcast_arrays(left, back, up), axis=-1) @ self._axes)

    def at(self, left: NDArray[np.float64], back: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the part inside, 0 to 1."""
        index_zyx = self._geometry.to_index_xyz(self.points(left, back, up))[..., ::-1] - self._start_zyx
        sampled = scipy.ndimage.map_coordinates(self._inside, np.moveaxis(index_zyx, -1, 0), order=1, mode="constant")
        return np.asarray(sampled, dtype=np.float32)

    def walls(self) -> tuple[float, float, float] | None:
        """Return the mid-sagittal plane, the front wall and the depth; None where there is hardly a body."""
        line, zero = np.arange(-_REACH_MM, _REACH_MM, _STEP_MM), np.zeros(1)
        core = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])
        height = _run(self.at(core[:, None], zero, line).mean(axis=0), line)
        if height is None:
            return None
        middle_up, half = (height[0] + height[1]) / 2.0, (height[1] - height[0]) * _BETWEEN_RIMS
        levels = middle_up + np.linspace(-half, half, 7)
        across = _run(self.at(line[:, None, None], core[:, None], levels).mean(axis=(1, 2)), line)
        if across is None:
            return None
        middle = (across[0] + across[1]) / 2.0
        lateral = middle + np.linspace(-_HALF_BAND_MM, _HALF_BAND_MM, _LATERAL)
        inside = self.at(lateral[:, None, None], line[:, None], levels).mean(axis=0)
        runs = [run for run in (_run(inside[:, level], line) for level in range(len(levels))) if run is not None]
        if not runs:
            return None
        front = float(np.median([run[0] for run in runs]))
        depth = float(np.quantile([run[1] for run in runs], _BACK_QUANTILE)) - front
        return (middle, front, depth) if depth >= _LEAST_DEPTH_MM else None

    def ends(self, middle: float, back_mm: float, half_depth_mm: float) -> _Ends | None:
        """Return the endplates about one place of the depth."""
        left = middle + np.linspace(-_HALF_BAND_MM, _HALF_BAND_MM, _LATERAL)
        back = back_mm + np.linspace(-half_depth_mm, half_depth_mm, _DEEP)
        left, back = (axis.ravel() for axis in np.meshgrid(left, back))
        up = np.arange(-_REACH_MM, _REACH_MM, _STEP_MM)
        inside = self.at(left[:, None], back[:, None], up)
        held = (inside >= 0.5).any(axis=1)
        if not held.any():
            return None
        inside, left, back = inside[held], left[held], back[held]
        return _Ends(left, back, _last_crossing(inside, up), -_last_crossing(inside[:, ::-1], -up[::-1]))

    def off_edges_mm(self, ends: _Ends, image: Image) -> tuple[float, float]:
        """Return how far the image's edges lie from the upper and the lower endplate of one band."""
        profiles = [
            image.at(self.points(ends.left[:, None], ends.back[:, None], end[:, None] + sign * OFFSETS_MM)).mean(axis=0)
            for end, sign in ((ends.top, 1.0), (ends.bottom, -1.0))
        ]
        off = np.nan_to_num(np.abs(nearest_edge_mm(np.stack(profiles))), nan=np.inf)
        top, bottom = np.where(off <= FARTHEST_EDGE_MM, off, UNSEEN_EDGE_MM).tolist()
        return top, bottom

    def line(self, ends: _Ends, middle: float) -> tuple[Point, Point]:
        """Return the top and bottom of one height in the mid-sagittal plane."""
        place = np.array(middle), ends.back.mean()
        top, bottom = (self.points(*place, end.mean()).tolist() for end in (ends.top, ends.bottom))
        return tuple(top), tuple(bottom)


def _run(inside: NDArray[np.floating], line: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the ends of the longest stretch of a line that is inside."""
    padded = np.pad(inside >= 0.5, 1).astype(np.int8)
    starts, stops = np.flatnonzero(np.diff(padded) > 0), np.flatnonzero(np.diff(padded) < 0)
    if not len(starts):
        return None
    longest = int(np.argmax(stops - starts))
    return float(line[starts[longest]]), float(line[stops[longest] - 1])


def _last_crossing(inside: NDArray[np.floating], line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where each row of ``inside`` last falls through a half, between the samples at ``line``."""
    last = inside.shape[1] - 1 - (inside[:, ::-1] >= 0.5).argmax(axis=1)
    after = np.minimum(last + 1, inside.shape[1] - 1)
    rows = np.arange(len(inside))
    high, low = inside[rows, last], inside[rows, after]
    part = np.clip((high - 0.5) / np.maximum(high - low, 1e-6), 0.0, 1.0)
    return np.asarray(line[last] + part * (line[after] - line[last]))
