"""Bodies that the reconstructed field cuts: beyond the circle nothing was measured, though the matrix goes on."""

from dataclasses import replace
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from ..scan import CTScan
from ..segmentation import NetworkBodies
from .column import VertebralColumn

# What is filled in is one value, air or less. Air has noise: no nine neighbouring pixels of it are equal, unless the
# scale ends there, and then skin, muscle or lung lies between it and a body.
FILLED_BELOW_HU = -1000.0
REACH_MM = 2.0  # about the outline
LEAST_CONTACT_MM2 = 100.0  # of some 3500 mm2 of a body's wall
LEAST_CONTACT = 0.03  # the same, as a share: of what a cut left only a piece, a smaller wall is seen
LEAST_SLICES = 0.5  # of those that show bodies


def cut_by_field(column: VertebralColumn, scan: CTScan) -> VertebralColumn:
    """Return the column with the bodies incomplete that the edge of the field cuts."""
    if scan.hu.min() > FILLED_BELOW_HU:
        return column
    cut = tuple(v.level for v in column.vertebrae if v.complete and _is_cut(column, scan, v.level))
    if not cut:
        return column
    vertebrae = tuple(replace(v, complete=v.complete and v.level not in cut) for v in column.vertebrae)
    return replace(column, vertebrae=vertebrae, cut_by_field=cut)


def reaches_field(segmentation: NetworkBodies, scan: CTScan) -> bool:
    """Return whether what the networks take for bodies lies at the edge of the field all along."""
    if scan.hu.min() > FILLED_BELOW_HU:
        return False
    filled = _filled(scan.hu)
    voxels = np.argwhere(segmentation.class_probability[0] < 0.5)
    place = scan.geometry.to_index_xyz(segmentation.geometry.to_lps_mm(voxels[:, ::-1].astype(np.float64)))
    last = np.asarray(scan.geometry.size) - 1
    at_edge = np.zeros(len(voxels), dtype=bool)
    for step in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)):
        beside = place + 2.0 * REACH_MM * np.asarray(step) / np.asarray(scan.geometry.spacing_mm)
        x, y, z = np.clip(np.rint(beside), 0, last).astype(int).T
        at_edge |= filled[z, y, x]
    shown, cut = np.unique(voxels[:, 0]), np.unique(voxels[at_edge, 0])
    return len(cut) > LEAST_SLICES * len(shown)


def _is_cut(column: VertebralColumn, scan: CTScan, level: str) -> bool:
    """Return whether more of the wall of a body lies at what was filled in than a rim that touches it makes."""
    (z, y, x), body = column.mask(level)
    spacing_x, spacing_y, spacing_z = scan.geometry.spacing_mm
    reach = max(1, round(REACH_MM / min(spacing_x, spacing_y)))
    margin = reach + 1
    rows = slice(max(0, y.start - margin), y.stop + margin)
    columns = slice(max(0, x.start - margin), x.stop + margin)
    filled = _filled(scan.hu[z, rows, columns])
    if not filled.any():
        return False
    place = np.zeros(filled.shape, dtype=bool)
    place[:, y.start - rows.start :, x.start - columns.start :][:, : body.shape[1], : body.shape[2]] = body
    about = scipy.ndimage.binary_dilation(place, np.ones((1, 3, 3), bool), iterations=reach)
    voxel_mm2 = np.sqrt(spacing_x * spacing_y) * spacing_z
    inside = scipy.ndimage.binary_erosion(body, np.ones((1, 3, 3), bool))
    wall_mm2 = np.count_nonzero(body & ~inside) * voxel_mm2
    contact_mm2 = np.count_nonzero(about & filled) / reach * voxel_mm2
    return bool(contact_mm2 > min(LEAST_CONTACT_MM2, LEAST_CONTACT * wall_mm2))


def _filled(hu: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the pixels (z, y, x) of patches of 3 x 3 in a slice that hold one value, air or less."""
    if hu.min() > FILLED_BELOW_HU:  # as about most bodies
        return np.zeros(hu.shape, np.bool_)
    about = (1, 3, 3)
    middle = (hu <= FILLED_BELOW_HU) & (
        scipy.ndimage.maximum_filter(hu, about) == scipy.ndimage.minimum_filter(hu, about)
    )
    return np.asarray(scipy.ndimage.binary_dilation(middle, np.ones(about, bool)))
