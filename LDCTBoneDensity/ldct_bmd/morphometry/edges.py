"""Where the image shows the edge of bone, along lines through a surface."""

import numpy as np
import scipy
from numpy.typing import NDArray

from ..scan import Geometry
from ..voi import Box

HU = NDArray[np.floating] | NDArray[np.integer]
SEARCH_MM = 6.0  # beyond this lies the next endplate, or the other side of a thin disc
STEP_MM = 0.5
OFFSETS_MM = np.arange(-SEARCH_MM, SEARCH_MM + STEP_MM / 2, STEP_MM)  # outward
# Osteoporotic marrow with its endplate, in thick slices, is hardly more above a disc; profiles are means of many lines.
SMALLEST_DROP_HU = 30.0
SMALLEST_PART = 0.15  # of the largest fall on the line: less is texture
HU_RANGE = (-150.0, 800.0)  # lung and metal weigh no more than fat and cortex
_BLUR_MM = 0.8
_MARGIN_MM = 14.0


class Image:
    """The HU around a body, to be sampled between voxels.

    Args:
        hu: (z, y, x), the whole scan.
        box: the body's, on the grid of ``geometry``.
    """

    def __init__(self, hu: HU, box: Box, geometry: Geometry) -> None:
        """Cut the body's surroundings out of the scan."""
        margins = [int(np.ceil(_MARGIN_MM / spacing)) for spacing in geometry.spacing_mm[::-1]]
        starts = [max(axis.start - margin, 0) for axis, margin in zip(box, margins, strict=True)]
        stops = [min(axis.stop + margin, n) for axis, margin, n in zip(box, margins, geometry.shape, strict=True)]
        around = tuple(slice(start, stop) for start, stop in zip(starts, stops, strict=True))
        self._hu = np.clip(hu[around].astype(np.float32), *HU_RANGE)
        self._start_zyx = np.asarray(starts)
        self._geometry = geometry

    def blurred(self, sigma_mm: float) -> "Image":
        """Return the image blurred, so that noise makes fewer edges."""
        other = object.__new__(Image)
        sigma = [sigma_mm / spacing for spacing in self._geometry.spacing_mm[::-1]]
        other._hu = scipy.ndimage.gaussian_filter(self._hu, sigma)
        other._start_zyx, other._geometry = self._start_zyx, self._geometry
        return other

    def at(self, points_lps_mm: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the HU at points (..., 3)."""
        index_zyx = self._geometry.to_index_xyz(points_lps_mm)[..., ::-1] - self._start_zyx
        sampled = scipy.ndimage.map_coordinates(self._hu, np.moveaxis(index_zyx, -1, 0), order=1, mode="nearest")
        return np.asarray(sampled, dtype=np.float32)


def nearest_edge_mm(profiles: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how far outside the middle of each line the nearest edge of bone lies, NaN where none is in sight.

    An edge is a fall of HU outwards; its place is where it is steepest.

    Args:
        profiles: (n, offsets), HU at ``OFFSETS_MM`` along each line.
    """
    smooth = scipy.ndimage.gaussian_filter1d(np.asarray(profiles, dtype=np.float64), _BLUR_MM / STEP_MM, axis=1)
    falls = np.maximum(smooth[:, :-1] - smooth[:, 1:], 0.0)
    whole = _whole_fall(falls)
    padded = np.pad(falls, ((0, 0), (1, 1)))
    steepest = (falls > 0) & (falls >= padded[:, :-2]) & (falls > padded[:, 2:])
    enough = np.maximum(SMALLEST_DROP_HU, SMALLEST_PART * whole.max(axis=1, keepdims=True))
    places = OFFSETS_MM[:-1] + STEP_MM / 2
    distance = np.where(steepest & (whole >= enough), np.abs(places), np.inf)
    nearest = distance.argmin(axis=1)
    found = np.isfinite(distance[np.arange(len(distance)), nearest])
    return np.where(found, places[nearest], np.nan)


def _whole_fall(falls: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each step of each line, how far HU fall in the unbroken fall that the step belongs to."""
    whole = falls.copy()
    for step in range(1, falls.shape[1]):
        whole[:, step] += np.where(falls[:, step] > 0, whole[:, step - 1], 0.0)
    for step in range(falls.shape[1] - 2, -1, -1):
        goes_on = (falls[:, step] > 0) & (falls[:, step + 1] > 0)
        whole[:, step] = np.where(goes_on, whole[:, step + 1], whole[:, step])
    return whole
