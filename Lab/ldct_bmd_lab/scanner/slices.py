"""Slices: what a scan averages along the spine, of thin planes or of a volume."""

from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from .kernel import HU_RANGE, frequencies, transfer
from .noise import Field, ramp_noise_spectra

# Noise of neighbouring slices is correlated where the slice profile is wider than the increment, and always a little
# by the interpolation of a helical scan.
HELICAL_CORRELATION = 0.25
COARSEST_PLANE_MM = 1.3  # that is painted


@dataclass(frozen=True)
class SliceSettings:
    """How slices are taken.

    Attributes:
        spacing_mm: (x, y, z) pitch; z is the slice increment.
        thickness_mm: width of the box-shaped slice sensitivity profile.
        kernel_fwhm_mm: in-plane blur.
        noise_hu: standard deviation of the noise; 0 for none.
        noise_peak_per_mm: spatial frequency at which the noise power peaks.
    """

    spacing_mm: tuple[float, float, float]
    thickness_mm: float
    kernel_fwhm_mm: float
    noise_hu: float
    noise_peak_per_mm: float


def fine_steps(settings: SliceSettings) -> int:
    """Return into how many thin planes a slice increment is divided before the slice profile is applied."""
    return max(1, int(np.ceil(settings.spacing_mm[2] / COARSEST_PLANE_MM)))


def slice_weights(settings: SliceSettings) -> NDArray[np.float64]:
    """Return the weights of thin planes about a slice's own (odd length, sum 1): a box of the slice thickness.

    A painted plane already averages over its own step, so the box is widened or narrowed against that.
    """
    step = settings.spacing_mm[2] / fine_steps(settings)
    thickness = settings.thickness_mm
    if thickness <= step * 1.001:
        return np.ones(1)
    half = int(np.ceil(thickness / step / 2))
    edges = np.arange(-half, half + 2) - 0.5
    inside = np.minimum(edges[1:] * step, thickness / 2) - np.maximum(edges[:-1] * step, -thickness / 2)
    weights = np.maximum(inside, 0.0)
    return np.asarray(weights / weights.sum())


def scan_slices(rng: np.random.Generator, hu: Field, settings: SliceSettings) -> NDArray[np.int16]:
    """Turn painted thin planes (z, y, x) into a scan's slices in whole HU.

    ``hu`` holds ``len(slice_weights)`` // 2 planes more on each side than the slices need.
    """
    weights = slice_weights(settings)
    steps = fine_steps(settings)
    count = (len(hu) - len(weights)) // steps + 1
    out = np.empty((count, *hu.shape[1:]), np.int16)
    frequency = frequencies(hu.shape[1:], settings.spacing_mm).astype(np.float32)
    kernel = transfer(frequency, settings.kernel_fwhm_mm)
    noise = (
        ramp_noise_spectra(
            rng, frequency, hu.shape[1:], settings.noise_peak_per_mm, settings.noise_hu, _noise_along_z(settings)
        )
        if settings.noise_hu > 0
        else repeat(None)
    )
    for k, of_slice in zip(range(count), noise, strict=False):
        window = hu[k * steps : k * steps + len(weights)]
        plane = window[0] if len(weights) == 1 else np.tensordot(weights.astype(np.float32), window, 1)
        spectrum = fft.rfft2(plane) * kernel
        if of_slice is not None:
            spectrum += of_slice
        image = fft.irfft2(spectrum, s=hu.shape[1:])
        out[k] = np.clip(np.rint(image), *HU_RANGE)
    return out


def _noise_along_z(settings: SliceSettings) -> Field:
    overlap = settings.thickness_mm / settings.spacing_mm[2]
    half = max(1, int(np.ceil((overlap - 1) / 2)))
    weights = np.ones(2 * half + 1)
    weights[[0, -1]] = HELICAL_CORRELATION if overlap <= 1 else max((overlap - (2 * half - 1)) / 2, HELICAL_CORRELATION)
    return (weights / np.linalg.norm(weights)).astype(np.float32)


def thick_slices(hu: Field, step: float, phase: float) -> Field:
    """Average over ``step`` voxels along z, keep a slice every ``step``, and interpolate back linearly."""
    half = int(np.ceil((step - 1) / 2))
    end = (step + 1) / 2 - half  # weight of the outermost voxels; symmetric, or the scan would shift against its labels
    weights = np.array([end, *[1.0] * (2 * half - 1), end]) if half else np.ones(1)
    blurred = ndimage.correlate1d(hu, weights / weights.sum(), axis=0, mode="nearest")
    positions = np.rint(np.arange(phase * step, len(hu) - 1, step)).astype(int)
    if len(positions) < 2:
        return blurred
    where = np.interp(np.arange(len(hu)), positions, np.arange(len(positions)))
    low = np.minimum(where.astype(int), len(positions) - 2)
    part = (where - low).astype(np.float32)[:, None, None]
    return blurred[positions[low]] * (1 - part) + blurred[positions[low + 1]] * part
