"""The scanner: what it makes of a noise-free picture, for phantoms, torsos and calibration phantoms alike.

Every scan is blurred in its plane, averaged over the thickness of its slices and given correlated noise. Phantoms are
painted in thin planes and become slices (:func:`scan_slices`); torsos keep their grid and get the artefacts that a
network must bear (:func:`scan_volume`).
"""

from .kernel import HU_RANGE, SIGMA_OF_FWHM
from .noise import ramp_noise
from .slices import SliceSettings, fine_steps, scan_slices, slice_weights
from .volume import ScanSettings, draw_settings, scan_volume

__all__ = [
    "HU_RANGE",
    "SIGMA_OF_FWHM",
    "ScanSettings",
    "SliceSettings",
    "draw_settings",
    "fine_steps",
    "ramp_noise",
    "scan_slices",
    "scan_volume",
    "slice_weights",
]
