"""The patient's size about a VOI, and what it adds to the standard error of a BMD.

The larger the patient, the harder the beam at the spine and the more scatter: bone shows less HU. By how much depends
on the scanner: vBMD fell with size on three of four (Bonaretti 2014, Phys Med Biol 59:7819,
https://pmc.ncbi.nlm.nih.gov/articles/PMC4442068). Nothing is corrected: the lab's simulation, which knows hard beams
and no scatter, makes 0.05 % of the HU per mm, 0.035 mg/cm3 at 75 mg/cm3, a third of what was measured on one scanner.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from ..scan import CTScan
from ..voi import CylinderVOI

# Fat of 0, 200, 320 and 420 cm2 around the European Spine Phantom took 5 to 9, 3 to 8 and 2 to 10 mg/cm3 off its three
# vertebrae (QCT, http://globethesis.com/?t=2544306932954129). With the phantom as an ellipse of 280 by 180 mm, assumed,
# and fat at -100 HU that is 0.05 to 0.12 mg/cm3 per mm of water-equivalent diameter, about the same at each density. On
# one of Bonaretti's four scanners there was no fall: from 0 to 0.12, all alike likely, has a root mean square of 0.07.
MOST_MG_CM3_PER_MM = 0.12
SIZE_MG_CM3_PER_MM = MOST_MG_CM3_PER_MM / math.sqrt(3.0)
REFERENCE_MM = 260.0  # calibration phantoms are water of 300 by 220 mm or the like
# Assumed: how adults scatter about the reference, where the field shows only a part of the patient.
UNKNOWN_MM = 30.0
# Table tops are thin and of foam; AAPM Report 220 shows a threshold of -383 HU to take them off.
BODY_HU = -383.0
PIXEL_MM = 2.0  # finer ones tell no more
MOST_CUT = 0.1  # of the body's outline at the edge of the field


@dataclass(frozen=True)
class BodySize:
    """How large the patient is in one slice.

    Attributes:
        water_equivalent_mm: diameter of the circle of water that absorbs as much (AAPM Report 220, 2014,
            https://aapm.org/pubs/reports/detail.asp?docid=146): the root of 4 / pi times the sum over the body of
            (HU / 1000 + 1) times a pixel's area.
        cut: whether the field cuts the body, so that the diameter is a lower limit.
    """

    water_equivalent_mm: float
    cut: bool


def body_size(scan: CTScan, voi: CylinderVOI) -> BodySize | None:
    """Return the patient's size in the slice through the middle of ``voi``; None if no body is seen there."""
    geometry = scan.geometry
    place = geometry.to_index_xyz(np.asarray(voi.center_lps_mm))
    z = int(np.clip(np.rint(place[2]), 0, len(scan.hu) - 1))
    steps = [max(1, round(PIXEL_MM / spacing)) for spacing in geometry.spacing_mm[:2]]
    plane = scan.hu[z, :: steps[1], :: steps[0]]
    labels, count = scipy.ndimage.label(plane > BODY_HU)
    if not count:
        return None
    body = labels == int(np.argmax(np.bincount(labels.ravel())[1:])) + 1
    body = ~_outside(~body)
    pixel_mm2 = steps[0] * geometry.spacing_mm[0] * steps[1] * geometry.spacing_mm[1]
    water_mm2 = float((plane[body] / 1000.0 + 1.0).sum(dtype=np.float64)) * pixel_mm2
    return BodySize(math.sqrt(4.0 / math.pi * max(water_mm2, 0.0)), _is_cut(body, plane))


def size_error_mg_cm3(size: BodySize) -> float:
    """Return what a patient's size adds to the standard error of a BMD."""
    if size.cut:
        return SIZE_MG_CM3_PER_MM * math.hypot(max(size.water_equivalent_mm - REFERENCE_MM, 0.0), UNKNOWN_MM)
    return SIZE_MG_CM3_PER_MM * abs(size.water_equivalent_mm - REFERENCE_MM)


def size_change_error_mg_cm3(now: BodySize, then: BodySize) -> float:
    """Return what a patient's size adds to the standard error of a change on one scanner: only what it changed by."""
    unknown_mm = UNKNOWN_MM if now.cut or then.cut else 0.0
    return SIZE_MG_CM3_PER_MM * math.hypot(now.water_equivalent_mm - then.water_equivalent_mm, unknown_mm)


def _outside(not_body: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what of the surroundings reaches the edge of the slice; the rest is air inside the body."""
    labels, _ = scipy.ndimage.label(not_body)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.asarray(np.isin(labels, np.unique(border[border > 0])))


def _is_cut(body: NDArray[np.bool_], plane: NDArray[np.generic]) -> bool:
    """Return whether the body's outline lies at the edge of the slice, or of the circle that was reconstructed."""
    rows, columns = body.shape
    y, x = (np.arange(n) - (n - 1) / 2.0 for n in (rows, columns))
    radius = min(rows, columns) / 2.0
    off = np.hypot(y[:, None], x[None, :])
    beyond = plane[off > radius + 1.0]
    is_circle = beyond.size > 0 and bool((beyond == beyond.flat[0]).all()) and float(beyond.flat[0]) < BODY_HU
    edge = np.zeros(body.shape, np.bool_)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    if is_circle:
        edge |= off > radius - 2.0
    rim = body & ~scipy.ndimage.binary_erosion(body, border_value=0)
    return bool(np.count_nonzero(rim & edge) > MOST_CUT * np.count_nonzero(rim))
