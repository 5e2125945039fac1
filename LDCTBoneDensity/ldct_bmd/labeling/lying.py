"""Whether the patient lies on the side, or the scan is turned so: the trunk is then beside the spine, not before it."""

import numpy as np

from ..scan import CTScan
from .column import VertebralColumn

TISSUE_ABOVE_HU = -300.0
# In fourteen real scans, whole or cut to 320 mm about the spine, the middle of the tissue is at most 11 mm aside.
LEAST_ASIDE_MM = 15.0
LEAST_RATIO = 2.0  # to how far it is before or behind the spine


def lies_on_side(column: VertebralColumn, scan: CTScan) -> bool:
    """Return whether most bodies have the middle of the trunk beside them."""
    spacing_x, spacing_y, _ = scan.geometry.spacing_mm
    found = []
    for vertebra in column.vertebrae:
        x, y, z = scan.geometry.to_index_xyz(np.asarray(vertebra.centroid_lps_mm))
        rows, columns = np.nonzero(scan.hu[int(np.clip(np.rint(z), 0, len(scan.hu) - 1))] > TISSUE_ABOVE_HU)
        if len(rows):
            found.append(((columns.mean() - x) * spacing_x, (rows.mean() - y) * spacing_y))
    if not found:
        return False
    aside_mm, behind_mm = np.abs(np.median(found, axis=0))
    return bool(aside_mm > max(LEAST_ASIDE_MM, LEAST_RATIO * behind_mm))
