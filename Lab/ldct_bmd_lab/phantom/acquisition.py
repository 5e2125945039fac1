"""How the scanner sees the body: blur, slice profile and correlated noise."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from .spec import PhantomSpec

FWHM_TO_SIGMA = 1 / 2.3548
# Noise of neighbouring slices is correlated where the slice profile is wider than the increment, and always a little
# by the interpolation of a helical scan.
HELICAL_CORRELATION = 0.25
HU_RANGE = (-1024, 3071)


def fine_steps(spec: PhantomSpec) -> int:
    """Return into how many thin planes a slice increment is divided before the slice profile is applied."""
    return max(1, int(np.ceil(spec.spacing_mm[2] / 1.3)))


def slice_weights(spec: PhantomSpec) -> NDArray[np.float64]:
    """Return the weights of thin planes about a slice's own (odd length, sum 1): a box of the slice thickness.

    A painted plane already averages over its own step, so the box is widened or narrowed against that.
    """
    step = spec.spacing_mm[2] / fine_steps(spec)
    thickness = spec.slice_thickness_mm or spec.spacing_mm[2]
    if thickness <= step * 1.001:
        return np.ones(1)
    half = int(np.ceil(thickness / step / 2))
    edges = np.arange(-half, half + 2) - 0.5
    inside = np.minimum(edges[1:] * step, thickness / 2) - np.maximum(edges[:-1] * step, -thickness / 2)
    weights = np.maximum(inside, 0.0)
    return np.asarray(weights / weights.sum())


def acquire(hu: NDArray[np.float32], spec: PhantomSpec) -> NDArray[np.int16]:
    """Turn painted thin planes (z, y, x) into a scan's slices in whole HU.

    ``hu`` holds ``len(slice_weights)`` // 2 planes more on each side than the slices need.
    """
    weights = slice_weights(spec)
    steps = fine_steps(spec)
    count = (len(hu) - len(weights)) // steps + 1
    out = np.empty((count, *hu.shape[1:]), np.int16)
    transfer = _transfer(spec, hu.shape[1:])
    noise = _noise_spectra(spec, hu.shape[1:], count) if spec.noise_hu > 0 else None
    for k in range(count):
        window = hu[k * steps : k * steps + len(weights)]
        plane = window[0] if len(weights) == 1 else np.tensordot(weights.astype(np.float32), window, 1)
        spectrum = fft.rfft2(plane) * transfer
        if noise is not None:
            spectrum += next(noise)
        image = fft.irfft2(spectrum, s=hu.shape[1:])
        out[k] = np.clip(np.rint(image), *HU_RANGE)
    return out


def _frequencies(spec: PhantomSpec, shape: tuple[int, ...]) -> NDArray[np.float32]:
    fy = np.fft.fftfreq(shape[0], spec.spacing_mm[1])[:, None]
    fx = np.fft.rfftfreq(shape[1], spec.spacing_mm[0])[None, :]
    return np.hypot(fx, fy).astype(np.float32)


def _transfer(spec: PhantomSpec, shape: tuple[int, ...]) -> NDArray[np.float32]:
    sigma = spec.kernel_fwhm_mm * FWHM_TO_SIGMA
    return np.exp(-2 * (np.pi * sigma * _frequencies(spec, shape)) ** 2).astype(np.float32)


def _noise_spectra(spec: PhantomSpec, shape: tuple[int, ...], count: int) -> Iterator[NDArray[np.complex64]]:
    """Yield the spectrum of each slice's noise: the ramp of filtered backprojection under a Gaussian apodisation."""
    f = _frequencies(spec, shape)
    # Power f exp(-f^2 / (2 peak^2)) has its maximum at the peak; the floor keeps some slow mottle.
    amplitude = np.sqrt((f + 0.03 * spec.noise_peak_per_mm) * np.exp(-((f / spec.noise_peak_per_mm) ** 2) / 2))
    amplitude[0, 0] = 0.0
    # rfft2 keeps half the plane: the columns that have a mirror image count twice.
    twice = np.full(f.shape[1], 2.0)
    twice[0] = 1.0
    if shape[1] % 2 == 0:
        twice[-1] = 1.0
    power = float((amplitude.astype(np.float64) ** 2 * twice).sum()) / (shape[0] * shape[1])
    amplitude *= np.float32(spec.noise_hu / np.sqrt(power))
    along_z = _z_weights(spec)
    rng = np.random.default_rng([spec.seed, 2])
    white = [fft.rfft2(rng.standard_normal(shape, dtype=np.float32)) for _ in range(len(along_z) - 1)]
    for _ in range(count):
        white.append(fft.rfft2(rng.standard_normal(shape, dtype=np.float32)))
        mixed = along_z[0] * white[0]
        for weight, spectrum in zip(along_z[1:], white[1:], strict=True):
            mixed = mixed + weight * spectrum
        white.pop(0)
        yield mixed * amplitude


def _z_weights(spec: PhantomSpec) -> NDArray[np.float32]:
    overlap = (spec.slice_thickness_mm or spec.spacing_mm[2]) / spec.spacing_mm[2]
    half = max(1, int(np.ceil((overlap - 1) / 2)))
    weights = np.ones(2 * half + 1)
    weights[[0, -1]] = HELICAL_CORRELATION if overlap <= 1 else max((overlap - (2 * half - 1)) / 2, HELICAL_CORRELATION)
    return (weights / np.linalg.norm(weights)).astype(np.float32)
