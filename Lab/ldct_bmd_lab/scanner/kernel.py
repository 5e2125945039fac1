"""Blur in the plane, and the spatial frequencies that it and the noise are described in."""

import numpy as np
from numpy.typing import NDArray

SIGMA_OF_FWHM = 1 / 2.3548  # of a Gaussian
HU_RANGE = (-1024, 3071)  # what 12 bits hold


def frequencies(shape: tuple[int, ...], spacing_xy_mm: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the spatial frequencies (rows, columns // 2 + 1) of a slice's real Fourier transform, per mm."""
    rows, columns = shape
    fy = np.fft.fftfreq(rows, spacing_xy_mm[1])[:, None]
    fx = np.fft.rfftfreq(columns, spacing_xy_mm[0])[None, :]
    return np.hypot(fx, fy)


def transfer(frequency_per_mm: NDArray[np.float32], fwhm_mm: float) -> NDArray[np.float32]:
    """Return what a Gaussian kernel leaves of each frequency."""
    sigma = fwhm_mm * SIGMA_OF_FWHM
    return np.exp(-2 * (np.pi * sigma * frequency_per_mm) ** 2).astype(np.float32)
