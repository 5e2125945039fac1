"""Whether a scan and bodies are those that a record was measured on, so that no picture or object shows others."""

from ..densitometry import hu_statistics
from ..examination import Examination, voxels_sha256
from ..ground.errors import CannotMeasure, UsageError
from ..labeling import VertebralColumn
from ..scan import CTScan
from ..voi import CylinderVOI
from .bodies import other_body

# Far above what another machine rounds, far below what one voxel of another value makes.
SAME_HU = 1e-4


def refuse_other_pixels(examination: Examination, scan: CTScan, column: VertebralColumn) -> None:
    """Raise UsageError unless ``scan`` has the voxels and ``column`` the bodies that were measured.

    The VOIs are measured again in any case: a record of an earlier version holds no digests.
    """
    if examination.voxels_sha256 is not None and voxels_sha256(scan.hu) != examination.voxels_sha256:
        raise UsageError("bodies.other_voxels")
    for measurement in examination.measurements:
        for said in (measurement, measurement.automatic):
            found = None if said is None else _mean_hu(scan, said.voi)
            if said is not None and (found is None or abs(found - said.mean_hu) > SAME_HU):
                raise UsageError("bodies.other_hu", level=measurement.level, said=said.mean_hu)
    other = other_body(column.bodies, examination, scan)
    if other is not None:
        raise UsageError("bodies.not_measured_on", level=other)


def _mean_hu(scan: CTScan, voi: CylinderVOI) -> float | None:
    try:
        return hu_statistics(scan, voi).mean_hu
    except CannotMeasure:
        return None
