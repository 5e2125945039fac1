"""HU to bone mineral density: linear calibrations, where they come from, and which one applies to a scan."""

from .budget import BMDError, Part
from .files import load_calibration
from .linear import MATERIALS, Calibration, KvpFit
from .nominal import (
    K2HPO4_CM2_G,
    NOMINAL,
    WATER_CM2_G,
    WATER_OFFSET_HU,
    entered_calibration,
    slope_from_attenuation,
)
from .provenance import FitQuality, Method, Provenance, Scanner, kernel_class

__all__ = [
    "K2HPO4_CM2_G",
    "MATERIALS",
    "NOMINAL",
    "WATER_CM2_G",
    "WATER_OFFSET_HU",
    "BMDError",
    "Calibration",
    "FitQuality",
    "KvpFit",
    "Method",
    "Part",
    "Provenance",
    "Scanner",
    "entered_calibration",
    "kernel_class",
    "load_calibration",
    "slope_from_attenuation",
]
