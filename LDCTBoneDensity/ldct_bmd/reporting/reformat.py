"""Sections through the spine for pictures: coronal and sagittal ones that follow the column, axial ones at a VOI.

All lengths are millimetres along the scan's own axes (x to the patient's left, y to the back, z to the head), counted
from the centre of the first voxel, so that an oblique scan is shown as it was reconstructed, unsheared.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..labeling import VertebralColumn
from ..scan import CTScan, Geometry
from ..voi import CylinderVOI

SLAB_HALF_WIDTH_MM = 1.5  # averaged across a section: low-dose noise would hide the bone's outline


@dataclass(frozen=True)
class Section:
    """One section.

    Attributes:
        hu: (rows, columns); row 0 is the lowest (coronal, sagittal) or the frontmost (axial).
        labels: the vertebral bodies in the section, VerSe values.
        extent_mm: left, right, bottom, top edge, as matplotlib's ``imshow(origin="lower")`` takes it.
    """

    hu: NDArray[np.float32]
    labels: NDArray[np.uint8]
    extent_mm: tuple[float, float, float, float]


def grid_mm(points_lps_mm: NDArray[np.floating], geometry: Geometry) -> NDArray[np.float64]:
    """Map LPS points (..., 3) to millimetres along the scan's axes."""
    return geometry.to_index_xyz(points_lps_mm) * np.asarray(geometry.spacing_mm)


def coronal(scan: CTScan, column: VertebralColumn, before_mm: float = 84.0, after_mm: float = 50.0) -> Section:
    """Cut from side to side through the middle of every body."""
    return _along_the_spine(scan, column, across=0, before_mm=before_mm, after_mm=after_mm)


def sagittal(scan: CTScan, column: VertebralColumn, before_mm: float = 60.0, after_mm: float = 75.0) -> Section:
    """Cut from front to back through the middle of every body."""
    return _along_the_spine(scan, column, across=1, before_mm=before_mm, after_mm=after_mm)


def axial(scan: CTScan, column: VertebralColumn, voi: CylinderVOI, half_width_mm: float = 38.0) -> Section:
    """Cut through the middle of a VOI, at the scan's own slice."""
    return _through(scan, column, voi, 2, half_width_mm)


def sagittal_at(scan: CTScan, column: VertebralColumn, voi: CylinderVOI, half_width_mm: float = 38.0) -> Section:
    """Cut from front to back through the middle of a VOI, along the scan's own columns."""
    return _through(scan, column, voi, 0, half_width_mm)


def _through(scan: CTScan, column: VertebralColumn, voi: CylinderVOI, across: int, half_width_mm: float) -> Section:
    """Cut across index axis ``across`` (0: x, 2: z) through the middle of a VOI; the other axes run on in the plane."""
    geometry = scan.geometry
    center = grid_mm(np.asarray(voi.center_lps_mm), geometry)
    planes = [
        _window(c - half_width_mm, c + half_width_mm, d, n)
        for c, d, n in zip(center, geometry.spacing_mm, geometry.size, strict=True)
    ]
    first, second = (axis for axis in range(3) if axis != across)
    at: list[slice | int] = list(planes)
    at[across] = int(np.clip(round(center[across] / geometry.spacing_mm[across]), 0, geometry.size[across] - 1))
    place = tuple(at[::-1])  # (z, y, x)
    extent = _extent(planes[first], geometry.spacing_mm[first], planes[second], geometry.spacing_mm[second])
    return Section(hu=scan.hu[place].astype(np.float32), labels=column.bodies[place], extent_mm=extent)


def _along_the_spine(
    scan: CTScan, column: VertebralColumn, across: int, before_mm: float, after_mm: float, ends_mm: float = 25.0
) -> Section:
    """Cut along index axis ``across`` (0: x, 1: y), at each height through the line that joins the bodies' centres."""
    spacing, size = scan.geometry.spacing_mm, scan.geometry.size
    centers = grid_mm(np.array([v.centroid_lps_mm for v in column.vertebrae]), scan.geometry)
    centers = centers[np.argsort(centers[:, 2])]
    rows = _window(centers[0, 2] - ends_mm, centers[-1, 2] + ends_mm, spacing[2], size[2])
    columns = _window(
        centers[:, across].min() - before_mm, centers[:, across].max() + after_mm, spacing[across], size[across]
    )
    through = 1 - across
    line_mm = np.interp(np.arange(rows.start, rows.stop) * spacing[2], centers[:, 2], centers[:, through])
    depth = np.clip(np.rint(line_mm / spacing[through]).astype(np.intp), 0, size[through] - 1)
    z = np.arange(rows.start, rows.stop)[:, np.newaxis]
    across_index = np.arange(columns.start, columns.stop)[np.newaxis]

    def section_of(volume: NDArray[np.generic], offset: int) -> NDArray[np.generic]:
        at = np.clip(depth + offset, 0, size[through] - 1)[:, np.newaxis]
        return volume[z, at, across_index] if across == 0 else volume[z, across_index, at]

    reach = int(SLAB_HALF_WIDTH_MM / spacing[through])
    offsets = range(-reach, reach + 1)
    hu = sum(section_of(scan.hu, offset).astype(np.float32) for offset in offsets) / np.float32(len(offsets))
    return Section(
        hu=np.asarray(hu, dtype=np.float32),
        labels=section_of(column.bodies, 0).astype(np.uint8),
        extent_mm=_extent(columns, spacing[across], rows, spacing[2]),
    )


def _window(low_mm: float, high_mm: float, spacing_mm: float, size: int) -> slice:
    start = int(np.clip(np.floor(low_mm / spacing_mm), 0, size - 1))
    stop = int(np.clip(np.ceil(high_mm / spacing_mm) + 1, start + 1, size))
    return slice(start, stop)


def _extent(columns: slice, dx: float, rows: slice, dy: float) -> tuple[float, float, float, float]:
    return (columns.start - 0.5) * dx, (columns.stop - 0.5) * dx, (rows.start - 0.5) * dy, (rows.stop - 0.5) * dy
