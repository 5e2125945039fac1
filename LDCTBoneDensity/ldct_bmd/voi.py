"""The cylinder VOI of Pan et al. 2020: placement in a vertebral body and sampling with partial volume.

Indices of points are in (x, y, z) order, arrays in (z, y, x); see :class:`~.scan.Geometry`.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from .ground.errors import CannotMeasure
from .scan import Geometry

Box = tuple[slice, slice, slice]
Weights = tuple[Box, NDArray[np.float32]]  # of voi_weights

# Pan et al. 2020, "BMD measurement": area and short arm of the ellipse, height of the cylinder.
ELLIPSE_AREA_FRACTION = 0.30
SHORT_SEMI_AXIS_FRACTION = 0.20
HEIGHT_MM = 9.0
# Keeps the VOI off the cortex: 0.45 to 1.02 mm thick (Pan et al. 2020, ref. 22), widened by the blur of the scanner.
CORTEX_MARGIN_MM = 2.0
SUBSAMPLE_PITCH_MM = 0.15


class CannotPlaceVOI(CannotMeasure):
    """A vertebral body that the paper's VOI can't be placed in."""


@dataclass(frozen=True)
class CylinderVOI:
    """An elliptic cylinder.

    Attributes:
        center_lps_mm: centre of the cylinder.
        semi_axes_mm: (long, short) semi-axes of the ellipse; osteophytes can make the second the longer one.
        axes_lps: orthonormal vectors, rows: long axis, short axis, cylinder axis.
        height_mm: length along the cylinder axis.

    Raises:
        ValueError: sizes that are not positive, axes that are not orthonormal, or anything that is not finite.
    """

    center_lps_mm: tuple[float, float, float]
    semi_axes_mm: tuple[float, float]
    axes_lps: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
    height_mm: float

    def __post_init__(self) -> None:
        """Refuse what is not an elliptic cylinder."""
        sizes = np.asarray([*self.semi_axes_mm, self.height_mm])
        if not np.isfinite([*self.center_lps_mm, *sizes]).all() or (sizes <= 0).any():
            raise ValueError(f"not a cylinder: centre {self.center_lps_mm}, sizes {tuple(sizes)} mm")
        axes = np.asarray(self.axes_lps)
        if not np.allclose(axes @ axes.T, np.eye(3), atol=1e-3):
            raise ValueError(f"axes are not orthonormal: {self.axes_lps}")

    @property
    def volume_mm3(self) -> float:
        """Volume of the cylinder."""
        long_mm, short_mm = self.semi_axes_mm
        return float(np.pi * long_mm * short_mm * self.height_mm)

    @property
    def short_axis_is_longer(self) -> bool:
        """Whether the antero-posterior axis is the longer one, which the paper does not mean (osteophytes)."""
        return self.semi_axes_mm[1] > self.semi_axes_mm[0]

    def to_local_mm(self, points_lps_mm: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map ``points_lps_mm`` (..., 3) to mm along the long, the short and the cylinder axis from the centre."""
        offset = np.asarray(points_lps_mm, dtype=np.float64) - np.asarray(self.center_lps_mm)
        return np.asarray(offset @ np.asarray(self.axes_lps).T)


def place_voi(body: NDArray[np.bool_], box: Box, geometry: Geometry) -> CylinderVOI:
    """Return the paper's VOI in a vertebral body.

    Area A, width W (longest left-right run) and centre are those of the body's region in the slice at the midpoint of
    its extent along z. Where that falls between two slices the means of the two are taken, so that a flipped scan
    gives the same VOI.

    Args:
        body: (z, y, x), the vertebral body inside ``box``.
        box: where ``body`` lies on the grid.
        geometry: the scan's grid; its axes become the VOI's.

    Raises:
        CannotPlaceVOI: no body, no region at its middle, or less than 9 mm high.
    """
    slices = np.flatnonzero(body.any(axis=(1, 2)))
    if not slices.size:
        raise CannotPlaceVOI("voi.empty_body")
    height_mm = (slices[-1] - slices[0] + 1) * geometry.spacing_mm[2]
    if height_mm < HEIGHT_MM * (1 - 1e-6):
        raise CannotPlaceVOI("voi.flat_body", height_mm=float(height_mm), least_mm=HEIGHT_MM)
    middle_twice = int(slices[0] + slices[-1])
    regions = [_measure_region(body[z], geometry) for z in {middle_twice // 2, (middle_twice + 1) // 2}]
    area_mm2, width_mm, x, y = np.mean(regions, axis=0)
    short_mm = SHORT_SEMI_AXIS_FRACTION * width_mm
    long_mm = ELLIPSE_AREA_FRACTION * area_mm2 / (np.pi * short_mm)
    index_xyz = np.asarray([box[2].start + x, box[1].start + y, box[0].start + middle_twice / 2])
    long_axis, short_axis, cylinder_axis = np.asarray(geometry.direction, dtype=np.float64).T.tolist()
    center_x, center_y, center_z = geometry.to_lps_mm(index_xyz).tolist()
    return CylinderVOI(
        center_lps_mm=(center_x, center_y, center_z),
        semi_axes_mm=(float(long_mm), float(short_mm)),
        axes_lps=(tuple(long_axis), tuple(short_axis), tuple(cylinder_axis)),
        height_mm=HEIGHT_MM,
    )


def _measure_region(region: NDArray[np.bool_], geometry: Geometry) -> tuple[float, float, float, float]:
    """Return area (mm2), longest left-right run (mm) and centroid (x, y, in indices) of a region (y, x)."""
    if not region.any():
        raise CannotPlaceVOI("voi.gap_in_body")
    spacing_x, spacing_y, _ = geometry.spacing_mm
    steps = np.diff(np.pad(region.astype(np.int8), ((0, 0), (1, 1))), axis=1).ravel()
    runs = np.flatnonzero(steps == -1) - np.flatnonzero(steps == 1)
    y, x = np.nonzero(region)
    return float(region.sum() * spacing_x * spacing_y), float(runs.max() * spacing_x), float(x.mean()), float(y.mean())


def voi_weights(voi: CylinderVOI, geometry: Geometry) -> Weights:
    """Return the part of each voxel that lies inside the VOI.

    Returns:
        The box on the grid that holds the VOI, cropped to the grid (empty if they don't meet), and the fractions
        (z, y, x) in it, 0 to 1. Their sum gives the VOI's volume within 0.5 %.
    """
    start, weights = _unbounded_weights(voi, geometry)
    size = np.asarray(geometry.shape)
    low = np.clip(start, 0, size)
    high = np.clip(start + weights.shape, low, size)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    inside = tuple(slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))
    return (box[0], box[1], box[2]), weights[inside].astype(np.float32)


def fraction_inside_grid(voi: CylinderVOI, weights: NDArray[np.float32], geometry: Geometry) -> float:
    """Return the part of the VOI's volume that its weights on ``geometry`` hold, 0 to 1, within 0.5 %."""
    held_mm3 = float(weights.sum(dtype=np.float64)) * geometry.voxel_volume_mm3
    return min(1.0, held_mm3 / voi.volume_mm3)


def _unbounded_weights(voi: CylinderVOI, geometry: Geometry) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return where the VOI's voxels start, (z, y, x), also outside the grid, and their fractions (z, y, x).

    Lines along the grid's axis that is closest to the cylinder's are cut with the cylinder: exact along them, so that
    its flat ends are, and subsampled across.
    """
    long_mm, short_mm = voi.semi_axes_mm
    spacing = np.asarray(geometry.spacing_mm)
    axes = np.asarray(voi.axes_lps) @ np.asarray(geometry.direction)  # rows: the VOI's axes, columns: the grid's
    center = geometry.to_index_xyz(np.asarray(voi.center_lps_mm))
    reach = np.hypot(long_mm * axes[0], short_mm * axes[1]) + voi.height_mm / 2 * np.abs(axes[2])
    first = np.floor(center - reach / spacing + 0.5).astype(np.intp)
    count = np.ceil(center + reach / spacing - 0.5).astype(np.intp) - first + 1
    along = int(np.argmax(np.abs(axes[2])))
    column, row = (axis for axis in range(3) if axis != along)
    per_voxel = np.clip(np.ceil(spacing / SUBSAMPLE_PITCH_MM), 2, 24).astype(int)

    def offsets_mm(axis: int) -> NDArray[np.float64]:
        index = (np.arange(count[axis] * per_voxel[axis]) + 0.5) / per_voxel[axis] - 0.5
        return np.asarray((first[axis] - center[axis] + index) * spacing[axis])

    # In units of the semi-axes, a point of the line through (column, row) is start + t * step.
    scaled = axes / np.asarray([[long_mm], [short_mm], [voi.height_mm / 2]])
    start = (
        scaled[:, column, None, None] * offsets_mm(column)[None, None, :]
        + scaled[:, row, None, None] * offsets_mm(row)[None, :, None]
    )
    step = scaled[:, along]
    low, high = _ellipse_interval(start[:2], step[:2])
    middle, half = -start[2] / step[2], 1.0 / abs(step[2])
    low, high = np.maximum(low, middle - half), np.minimum(high, middle + half)
    edges = (first[along] - center[along] + np.arange(count[along] + 1) - 0.5) * spacing[along]
    weights = np.empty((count[along], count[row], count[column]))
    for i in range(count[along]):
        length = np.minimum(high, edges[i + 1]) - np.maximum(low, edges[i])
        blocks = np.maximum(length, 0.0).reshape(count[row], per_voxel[row], count[column], per_voxel[column])
        weights[i] = blocks.mean(axis=(1, 3)) / spacing[along]
    return first[::-1], weights.transpose([(along, row, column).index(axis) for axis in (2, 1, 0)])


def _ellipse_interval(
    start: NDArray[np.float64], step: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return from where to where ``start + t * step`` lies in the unit disc; high < low where it never does.

    Args:
        start: (2, y, x).
        step: (2,); null where the line runs along the cylinder.
    """
    a = float(step @ step)
    c = (start**2).sum(axis=0) - 1.0
    if a < 1e-18:
        far = np.where(c <= 0.0, 1e9, -1e9)
        return -far, far
    b = step[0] * start[0] + step[1] * start[1]
    inside = b * b - a * c
    root = np.sqrt(np.maximum(inside, 0.0))
    return np.where(inside > 0.0, (-b - root) / a, 1e9), np.where(inside > 0.0, (-b + root) / a, -1e9)


def eroded(body: NDArray[np.bool_], geometry: Geometry) -> NDArray[np.bool_]:
    """Return the body (z, y, x) less its outer 2 mm."""
    # From the voxel's centre to the surface of the nearest voxel outside, whose centre lies half a pitch farther.
    sampling = np.asarray(geometry.spacing_mm[::-1])
    padded = np.pad(body, 1)
    nearest = scipy.ndimage.distance_transform_edt(
        padded, sampling=sampling, return_distances=False, return_indices=True
    )
    own = np.ogrid[tuple(slice(n) for n in padded.shape)]
    gaps = [np.maximum(np.abs(n - i) - 0.5, 0.0) * d for n, i, d in zip(nearest, own, sampling, strict=True)]
    return np.asarray((np.sqrt(sum(gap**2 for gap in gaps)) >= CORTEX_MARGIN_MM)[1:-1, 1:-1, 1:-1])


def fraction_outside(
    voi: CylinderVOI, region: NDArray[np.bool_], box: Box, geometry: Geometry, sampled: Weights | None = None
) -> float:
    """Return the part of the VOI, 0 to 1, that is outside ``region`` (z, y, x, in ``box``), a body :func:`eroded`.

    ``sampled`` is what :func:`voi_weights` gives, where it is at hand.
    """
    voi_box, weights = sampled or voi_weights(voi, geometry)
    low = [max(a.start, b.start) for a, b in zip(box, voi_box, strict=True)]
    high = [max(s, min(a.stop, b.stop)) for s, a, b in zip(low, box, voi_box, strict=True)]
    in_body = tuple(slice(a - s.start, b - s.start) for a, b, s in zip(low, high, box, strict=True))
    in_voi = tuple(slice(a - s.start, b - s.start) for a, b, s in zip(low, high, voi_box, strict=True))
    held = float(weights[in_voi][region[in_body]].sum(dtype=np.float64)) * geometry.voxel_volume_mm3
    return float(np.clip(1.0 - held / voi.volume_mm3, 0.0, 1.0))
