"""Measuring one VOI: the one place where that is done, for the pipeline and for a reader's corrections."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..calibration import Calibration
from ..calibration.size import body_size
from ..densitometry import hu_pattern, hu_statistics, midline_contrast, sample
from ..quality import VOIFacts
from ..scan import CTScan, Geometry
from ..voi import Box, CylinderVOI, eroded, fraction_outside
from .record import Measurement


@dataclass(frozen=True)
class BodyMask:
    """One vertebral body: (z, y, x) inside ``box`` on the scan's grid."""

    box: Box
    inside: NDArray[np.bool_]
    _eroded: dict[tuple[float, ...], NDArray[np.bool_]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def eroded(self, geometry: Geometry) -> NDArray[np.bool_]:
        """Return the body less its outer 2 mm, found once: a reader waits for it while dragging a VOI."""
        spacing = tuple(geometry.spacing_mm)
        if spacing not in self._eroded:
            self._eroded[spacing] = eroded(self.inside, geometry)
        return self._eroded[spacing]


def measure_voi(
    scan: CTScan,
    level: str,
    voi: CylinderVOI,
    calibration: Calibration,
    body: BodyMask | None = None,
    placed_by: str | None = None,
) -> tuple[Measurement, VOIFacts]:
    """Measure ``voi`` on the original voxels.

    Args:
        body: the vertebral body, to tell how much of the VOI leaves it; None where there is no mask.
        placed_by: the reader who placed the VOI; None where the paper's method did.

    Raises:
        CannotMeasure: the VOI leaves the scan.
    """
    sampled = sample(scan, voi)
    statistics = hu_statistics(scan, voi, sampled)
    outside = None
    if body is not None:
        outside = fraction_outside(voi, body.eroded(scan.geometry), body.box, scan.geometry, sampled)
    midline = midline_contrast(scan, voi, sampled)
    measurement = Measurement(
        level=level,
        mean_hu=statistics.mean_hu,
        sd_hu=statistics.sd_hu,
        volume_mm3=statistics.volume_mm3,
        bmd_mg_cm3=calibration.bmd_mg_cm3(statistics.mean_hu),
        voi=voi,
    )
    facts = VOIFacts(
        level=level,
        standard_error_hu=statistics.standard_error_hu,
        pattern=hu_pattern(scan, voi, sampled),
        midline=midline if math.isfinite(midline.standard_error_hu) else None,
        fraction_outside_trabecular=outside,
        placed_by=placed_by,
        placement_hu=statistics.placement_hu,
        size=body_size(scan, voi),
    )
    return measurement, facts
