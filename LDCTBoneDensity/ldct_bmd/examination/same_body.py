"""Whether a mask is the body that a record was measured on."""

import numpy as np

from ..labeling.column import make_vertebra
from ..scan import Geometry
from .digests import mask_sha256
from .measured_voi import BodyMask
from .record import VertebraRecord

# Far below what one voxel more or less makes, far above what rounding does.
SAME_PLACE_MM, SAME_VOLUME_ML = 1e-5, 1e-6


def is_measured_body(body: BodyMask, recorded: VertebraRecord, geometry: Geometry) -> bool:
    """Tell whether ``body`` is the one of the record: voxel by voxel, or by place and size if that is of before."""
    if not body.inside.any():
        return False
    if recorded.mask_sha256 is not None:
        return mask_sha256(body) == recorded.mask_sha256
    found = make_vertebra(recorded.level, body.inside, body.box, geometry, recorded.confidence)
    shift_mm = float(np.abs(np.subtract(found.centroid_lps_mm, recorded.centroid_lps_mm)).max())
    return shift_mm <= SAME_PLACE_MM and abs(found.volume_ml - recorded.volume_ml) <= SAME_VOLUME_ML
