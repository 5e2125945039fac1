"""The patient's own air, fat, muscle and blood as a warning light on the HU scale. Never a calibration.

Tissues differ between people by more than scanners do, so that one scan can't show an offset of 10 HU with certainty:
the central 95 % of abdominal fat alone spans 34 HU. Internal calibration in the literature predicts BMD with a
root-mean-square error of 7.8 % (Kaesmacher 2017, J Comput Assist Tomogr 41:217, 46 patients without contrast agent).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import scipy
from numpy.typing import NDArray

from ..scan import CTScan
from ..voi import CylinderVOI
from ..words import Phrase
from .vessel import VesselDisc, follow_vessel, slab_mean, smoothing_window

AIR_HU = (-1024.0, -960.0)  # scatter raises air next to the body a little; 12-bit data end at -1024
# 95 % reference interval of abdominal fat from 4000 samples (Pop 2023, Diagnostics 13:1913).
FAT_HU = (-123.0, -89.0)
# Framingham Heart Study, T10 and L3 (Invest Radiol 2023;59:259): means of women from 23 HU (SD 6, 75 years and over) to
# 43 HU (SD 6, under 45 years), men a few HU more. Two SD beyond, and 5 HU for muscle that is chosen differently.
MUSCLE_HU = (6.0, 65.0)
# Air in the ACR's phantom (CT accreditation program, clinical image and phantom criteria): what a scanner may show.
ACCREDITED_AIR_HU = (-1005.0, -970.0)
# Ranges as means with two SD on either side; three standard errors of their weighted mean are 16 to 23 HU, and one
# patient in 370 is beyond by chance.
FEWEST_TISSUES, OFFSET_STANDARD_ERRORS = 2, 3.0
# Unenhanced aorta: quartiles of 29 and 45 HU in 325 patients (Research Square rs-1420003), so a mean of 37 and an SD of
# about 12 HU: this is three and a half SD above the mean. Contrast agent makes 100 to 400 HU.
ENHANCED_BLOOD_HU = 80.0

_AIR_RANGE, _FAT_RANGE, _MUSCLE_RANGE = (-1100.0, -900.0), (-160.0, -50.0), (-29.0, 150.0)
_LEAST_MM2 = 400.0
_AIR_MARGIN_MM = 10.0
_MUSCLE_SIDE_MM, _MUSCLE_BACK_MM = (20.0, 65.0), (-5.0, 65.0)


@dataclass(frozen=True)
class TissueHU:
    """HU of the patient's own tissues near one VOI, and of the aorta; None where there is too little of it.

    Attributes:
        vessel_hu: of the aorta, the median of ``vessel``; in records of before the brightest even disc near the VOI.
        vessel: discs in the aorta, top to bottom; none in records of before.
    """

    air_hu: float | None
    fat_hu: float | None
    muscle_hu: float | None
    vessel_hu: float | None
    vessel: tuple[VesselDisc, ...] = ()


def tissue_hu(scan: CTScan, voi: CylinderVOI, spine_lps_mm: Sequence[tuple[float, float, float]] = ()) -> TissueHU:
    """Measure the tissues in a slab about the centre of ``voi``, and the aorta.

    Args:
        spine_lps_mm: centres of vertebral bodies along which the aorta is followed; none: that of the VOI.
    """
    vessel = follow_vessel(scan, spine_lps_mm or (voi.center_lps_mm,))
    vessel_hu = median(disc.mean_hu for disc in vessel) if vessel else None
    spacing_x, spacing_y, _ = scan.geometry.spacing_mm
    x, y, z = scan.geometry.to_index_xyz(np.asarray(voi.center_lps_mm)).tolist()
    slab = slab_mean(scan, z, slice(None), slice(None))
    if slab is None:
        return TissueHU(None, None, None, vessel_hu, vessel)
    window = smoothing_window(scan)
    smooth = scipy.ndimage.uniform_filter(slab, window)
    left = (np.arange(slab.shape[1]) - x) * spacing_x
    back = (np.arange(slab.shape[0]) - y) * spacing_y
    pixel_mm2 = spacing_x * spacing_y
    beside = (np.abs(left) > _MUSCLE_SIDE_MM[0]) & (np.abs(left) < _MUSCLE_SIDE_MM[1])
    behind = (back > _MUSCLE_BACK_MM[0]) & (back < _MUSCLE_BACK_MM[1])
    return TissueHU(
        air_hu=_air(smooth, pixel_mm2, min(spacing_x, spacing_y)),
        fat_hu=_inner_median(smooth, _FAT_RANGE, np.ones(slab.shape, np.bool_), window, pixel_mm2),
        muscle_hu=_inner_median(smooth, _MUSCLE_RANGE, behind[:, None] & beside[None, :], window, pixel_mm2),
        vessel_hu=vessel_hu,
        vessel=vessel,
    )


def blood_is_enhanced(tissue: TissueHU) -> bool:
    """Tell whether a vessel has more HU than blood without contrast agent."""
    return tissue.vessel_hu is not None and tissue.vessel_hu > ENHANCED_BLOOD_HU


def unlikely_tissues(tissue: TissueHU) -> list[Phrase]:
    """Return which tissues lie outside their published range."""
    return [
        _told(name, value, between)
        for name, value, between in _ranges(tissue, AIR_HU)
        if value is not None and not between[0] <= value <= between[1]
    ]


def seen_tissues(tissue: TissueHU) -> list[Phrase]:
    """Return what :func:`scale_offset_hu` rests on."""
    ranges = _ranges(tissue, ACCREDITED_AIR_HU)
    return [_told(name, value, between) for name, value, between in ranges if value is not None]


def _ranges(tissue: TissueHU, air_hu: tuple[float, float]) -> tuple[tuple[str, float | None, tuple[float, float]], ...]:
    return ("air", tissue.air_hu, air_hu), ("fat", tissue.fat_hu, FAT_HU), ("muscle", tissue.muscle_hu, MUSCLE_HU)


def _told(name: str, hu: float, between: tuple[float, float]) -> Phrase:
    return Phrase(f"tissue.{name}", {"hu": hu, "low": between[0], "high": between[1]})


def scale_offset_hu(tissue: TissueHU, is_enhanced: bool) -> float | None:
    """Return by how much all tissues together say that the HU scale is shifted; None if they do not say so.

    Args:
        is_enhanced: whether a contrast agent was given, which muscle takes up.
    """
    off = [
        (value - (low + high) / 2, ((high - low) / 4) ** -2)
        for name, value, (low, high) in _ranges(tissue, ACCREDITED_AIR_HU)
        if value is not None and not (is_enhanced and name == "muscle")
    ]
    if len(off) < FEWEST_TISSUES or len({difference > 0 for difference, _ in off}) > 1:
        return None
    weights = sum(weight for _, weight in off)
    offset = sum(difference * weight for difference, weight in off) / weights
    return offset if abs(offset) > OFFSET_STANDARD_ERRORS / math.sqrt(weights) else None


def _air(smooth: NDArray[np.float32], pixel_mm2: float, pixel_mm: float) -> float | None:
    """Return the median of the air that reaches the border of the slice, away from the body and the table."""
    air = (smooth > _AIR_RANGE[0]) & (smooth < _AIR_RANGE[1])
    labels, _ = scipy.ndimage.label(air)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    outside = np.isin(labels, border[border > 0])
    outside = scipy.ndimage.binary_erosion(outside, iterations=max(round(_AIR_MARGIN_MM / pixel_mm), 1))
    values = smooth[outside]
    # Outside the round field of view scanners fill in one value, which is not a measurement.
    values = values[values != np.float32(smooth.min())] if values.size and np.ptp(values) > 0 else values
    return float(np.median(values)) if values.size * pixel_mm2 >= _LEAST_MM2 else None


def _inner_median(
    smooth: NDArray[np.float32],
    between: tuple[float, float],
    where: NDArray[np.bool_],
    window: list[int],
    pixel_mm2: float,
) -> float | None:
    """Return the median of the inside of regions of one tissue."""
    tissue = (smooth > between[0]) & (smooth < between[1])
    inside = scipy.ndimage.minimum_filter(tissue, [n + 1 for n in window]) & where
    return float(np.median(smooth[inside])) if inside.sum() * pixel_mm2 >= _LEAST_MM2 else None
