"""The aorta, from slab to slab along the spine: where it runs, and the HU of its blood."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from ..scan import CTScan

SLAB_MM = 12.0
SMOOTHING_MM = 4.0
RADIUS_MM = 6.0  # the descending aorta is 20 to 25 mm wide
# Where it runs, from the centre of the vertebral body: in front and to the left, or just in front.
LEFT_MM, FRONT_MM = (-25.0, 45.0), (5.0, 60.0)
# Beyond half the width and depth of the largest vertebral body, with osteophytes, and the disc's radius.
_BODY_LEFT_MM, _BODY_FRONT_MM = 34.0, 27.0
_BEYOND_MM = 24.0  # slabs above the highest and below the lowest centre of the spine
_LARGEST_STEP_MM = 8.0  # from slab to slab: an aorta that leans by 34 degrees
_LARGEST_SD_HU = 12.0  # of the smoothed slab within the disc; bone has edges
_BONE_LIKE_HU = 600.0
_PITCH_MM = 2.0

Image = NDArray[np.float64]


@dataclass(frozen=True)
class VesselDisc:
    """An even disc of blood in one slab; ``center_lps_mm``: of the slab too."""

    center_lps_mm: tuple[float, float, float]
    radius_mm: float
    mean_hu: float


@dataclass(frozen=True)
class _Slab:
    """One slab: mean HU over the disc about each place of the grid, 0 where the disc is not even or can't be there."""

    z: float
    disc_hu: Image


def follow_vessel(scan: CTScan, spine_lps_mm: Sequence[tuple[float, float, float]]) -> tuple[VesselDisc, ...]:
    """Return the discs of the brightest tube that runs along the spine, top to bottom.

    In a scan without contrast agent muscle and blood are alike: then the discs lie in one or the other.

    Args:
        spine_lps_mm: centres of vertebral bodies.
    """
    if not spine_lps_mm:
        return ()
    spine = scan.geometry.to_index_xyz(np.asarray(sorted(spine_lps_mm, key=lambda center: center[2])))
    spacing = np.asarray(scan.geometry.spacing_mm)
    step = [max(round(_PITCH_MM / d), 1) for d in spacing[:2]]
    reach = np.add([LEFT_MM, (-FRONT_MM[1], -FRONT_MM[0])], (-RADIUS_MM, RADIUS_MM))
    low = np.floor(spine[:, :2].min(axis=0) + reach[:, 0] / spacing[:2]).astype(int).clip(0)
    high = np.ceil(spine[:, :2].max(axis=0) + reach[:, 1] / spacing[:2]).astype(int) + 1
    columns, rows = (np.arange(low[k], min(high[k], scan.geometry.size[k]), step[k]) for k in (0, 1))
    if len(columns) < 2 or len(rows) < 2:
        return ()
    slabs = [_slab(scan, z, spine, rows, columns) for z in _heights(scan, spine)]
    path = _brightest_path(
        [slab.disc_hu for slab in slabs], [s * d for s, d in zip(step[::-1], spacing[1::-1], strict=True)]
    )
    discs = []
    for slab, (row, column) in zip(slabs, path, strict=True):
        if slab.disc_hu[row, column] > 0.0:
            x, y, z = scan.geometry.to_lps_mm(np.array([columns[column], rows[row], slab.z])).tolist()
            discs.append(VesselDisc((x, y, z), RADIUS_MM, float(slab.disc_hu[row, column])))
    return tuple(reversed(discs))


def slab_mean(scan: CTScan, z: float, rows: slice, columns: slice) -> NDArray[np.float32] | None:
    """Return the mean over a slab about index ``z``, (y, x) of the box; None if it is outside the scan."""
    half = max(SLAB_MM / 2 / scan.geometry.spacing_mm[2], 0.5)
    first, last = max(math.ceil(z - half), 0), min(math.floor(z + half) + 1, len(scan.hu))
    if last <= first:
        return None
    return np.asarray(scan.hu[first:last, rows, columns].astype(np.float32).mean(axis=0))


def smoothing_window(scan: CTScan) -> list[int]:
    """Return the window (rows, columns) that a slab is averaged over."""
    spacing_x, spacing_y, _ = scan.geometry.spacing_mm
    return [max(round(SMOOTHING_MM / d), 1) for d in (spacing_y, spacing_x)]


def _heights(scan: CTScan, spine: Image) -> Image:
    """Return the middles of the slabs, bottom to top, as indices along z."""
    pitch = scan.geometry.spacing_mm[2]
    step = SLAB_MM / pitch
    low = max(spine[0, 2] - _BEYOND_MM / pitch, 0.0)
    high = min(spine[-1, 2] + _BEYOND_MM / pitch, len(scan.hu) - 1.0)
    middle = (low + high) / 2.0
    count = math.floor((high - low) / 2.0 / step)
    return np.asarray(middle + step * np.arange(-count, count + 1))


def _slab(scan: CTScan, z: float, spine: Image, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> _Slab:
    box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    mean = slab_mean(scan, z, *box)
    if mean is None:
        return _Slab(z, np.zeros((len(rows), len(columns))))
    smooth = scipy.ndimage.uniform_filter(mean, smoothing_window(scan))
    part = smooth[np.ix_(rows - rows[0], columns - columns[0])].astype(np.float64)
    spacing_x, spacing_y, _ = scan.geometry.spacing_mm
    pitch = [float(rows[1] - rows[0]) * spacing_y, float(columns[1] - columns[0]) * spacing_x]
    x, y = (float(np.interp(z, spine[:, 2], spine[:, axis])) for axis in (0, 1))
    front, left = (y - rows) * spacing_y, (columns - x) * spacing_x
    hu = _discs(part, pitch)
    within = ((front >= FRONT_MM[0]) & (front <= FRONT_MM[1]))[:, None] & ((left >= LEFT_MM[0]) & (left <= LEFT_MM[1]))[
        None, :
    ]
    within &= (front[:, None] / _BODY_FRONT_MM) ** 2 + (left[None, :] / _BODY_LEFT_MM) ** 2 > 1.0
    return _Slab(z, np.where(within, hu, 0.0))


def _discs(part: Image, pitch_mm: Sequence[float]) -> Image:
    """Return the mean over the disc about each place, 0 where it is not even."""
    reach = [math.ceil(RADIUS_MM / d) for d in pitch_mm]
    dy, dx = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    disc = ((dy * pitch_mm[0]) ** 2 + (dx * pitch_mm[1]) ** 2 <= RADIUS_MM**2).astype(np.float64)
    disc /= disc.sum()
    mean = scipy.ndimage.convolve(part, disc, mode="nearest")
    variance = np.maximum(scipy.ndimage.convolve(part**2, disc, mode="nearest") - mean**2, 0.0)
    even = (np.sqrt(variance) <= _LARGEST_SD_HU) & (mean > 0.0) & (mean < _BONE_LIKE_HU)
    return np.where(even, mean, 0.0)


def _brightest_path(slabs: Sequence[Image], pitch_mm: Sequence[float]) -> list[tuple[int, int]]:
    """Return the place in each slab of the path of the largest sum whose steps are short enough."""
    reach = [math.floor(_LARGEST_STEP_MM / d) for d in pitch_mm]
    dy, dx = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    near = (dy * pitch_mm[0]) ** 2 + (dx * pitch_mm[1]) ** 2 <= _LARGEST_STEP_MM**2
    sums: list[Image] = []
    for slab in slabs:
        before = scipy.ndimage.maximum_filter(sums[-1], footprint=near, mode="constant", cval=0.0) if sums else 0.0
        sums.append(slab + before)
    row, column = np.unravel_index(int(np.argmax(sums[-1])), sums[-1].shape)
    path = [(int(row), int(column))]
    offsets = np.argwhere(near) - reach
    for total in reversed(sums[:-1]):
        places = offsets + path[-1]
        places = places[((places >= 0) & (places < total.shape)).all(axis=1)]
        best = places[int(np.argmax(total[places[:, 0], places[:, 1]]))]
        path.append((int(best[0]), int(best[1])))
    return path[::-1]
