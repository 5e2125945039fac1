"""Noise, and what goes wrong between the shoulders, at metal and at the edge of the field of view."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from .kernel import frequencies

Field = NDArray[np.float32]


def ramp_amplitude(frequency_per_mm: NDArray[Any], peak_per_mm: float) -> NDArray[Any]:
    """Return the amplitude of noise by frequency: the ramp of filtered backprojection under a Gaussian apodisation.

    Power f exp(-f^2 / (2 peak^2)) has its maximum at the peak; the floor keeps some slow mottle.
    """
    f = frequency_per_mm
    return np.asarray(np.sqrt((f + 0.03 * peak_per_mm) * np.exp(-((f / peak_per_mm) ** 2) / 2)))


def ramp_noise(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    spacing_xy_mm: tuple[float, ...],
    peak_per_mm: float,
    sd_hu: float,
) -> Field:
    """Return noise (z, y, x) of this standard deviation, independent from slice to slice."""
    amplitude = ramp_amplitude(frequencies(shape[1:], spacing_xy_mm), peak_per_mm)
    white = rng.standard_normal(shape, dtype=np.float32)
    noise = fft.irfft2(fft.rfft2(white) * amplitude.astype(np.float32), s=shape[1:])
    return np.asarray(noise * np.float32(sd_hu / noise.std()), np.float32)


def ramp_noise_spectra(
    rng: np.random.Generator,
    frequency_per_mm: Field,
    shape: tuple[int, ...],
    peak_per_mm: float,
    sd_hu: float,
    along_z: Field,
) -> Iterator[NDArray[np.complex64]]:
    """Yield the spectrum of one slice's noise after the other, of this standard deviation.

    Args:
        frequency_per_mm: of a slice's real Fourier transform.
        shape: (rows, columns) of a slice.
        along_z: (2 n + 1,), by how much each slice has a part in a slice's noise; of norm 1.
    """
    amplitude = ramp_amplitude(frequency_per_mm, peak_per_mm)
    amplitude[0, 0] = 0.0
    # rfft2 keeps half the plane: the columns that have a mirror image count twice.
    twice = np.full(frequency_per_mm.shape[1], 2.0)
    twice[0] = 1.0
    if shape[1] % 2 == 0:
        twice[-1] = 1.0
    power = float((amplitude.astype(np.float64) ** 2 * twice).sum()) / (shape[0] * shape[1])
    amplitude *= np.float32(sd_hu / np.sqrt(power))
    white = [fft.rfft2(rng.standard_normal(shape, dtype=np.float32)) for _ in range(len(along_z) - 1)]
    while True:
        white.append(fft.rfft2(rng.standard_normal(shape, dtype=np.float32)))
        mixed = along_z[0] * white[0]
        for weight, spectrum in zip(along_z[1:], white[1:], strict=True):
            mixed = mixed + weight * spectrum
        white.pop(0)
        yield mixed * amplitude


def grain(
    rng: np.random.Generator, shape: tuple[int, ...], spacing_zyx_mm: tuple[float, ...], grain_mm: float, sd_hu: float
) -> Field:
    """Return noise (z, y, x) of this standard deviation, correlated over ``grain_mm`` in the plane, half along z."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    sigma = [grain_mm * f / d for f, d in zip((0.5, 1, 1), spacing_zyx_mm, strict=True)]
    noise = ndimage.gaussian_filter(noise, sigma)
    return noise * (sd_hu / max(float(noise.std()), 1e-6))


def streaks(rng: np.random.Generator, shape: tuple[int, ...], sd_hu: float) -> Field:
    """Photon starvation between the shoulders: noise drawn out from left to right."""
    drawn = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), (0.5, 0.6, 8.0))
    along = np.interp(np.arange(shape[0]), np.linspace(0, shape[0], 5), rng.uniform(0, 1, 5)).astype(np.float32)
    return drawn * (sd_hu / float(drawn.std())) * along[:, None, None]


def metal_streaks(rng: np.random.Generator, metal: NDArray[np.bool_]) -> Field:
    """Dark and bright rays in the slices that hold metal, through its middle."""
    out = np.zeros(metal.shape, dtype=np.float32)
    y, x = np.mgrid[: metal.shape[1], : metal.shape[2]].astype(np.float32)
    angles = rng.uniform(0, np.pi, 8)
    heights = rng.normal(0, rng.uniform(30, 250), 8)
    for z in np.flatnonzero(metal.any(axis=(1, 2))):
        middle_y, middle_x = ndimage.center_of_mass(metal[z])
        for angle, height in zip(angles, heights, strict=True):
            off = (y - middle_y) * np.cos(angle) - (x - middle_x) * np.sin(angle)
            out[z] += np.float32(height) * np.exp(-((off / 2.0) ** 2))
    return out


def truncate(rng: np.random.Generator, hu: Field, share: float) -> None:
    """Leave nothing outside a circle, as a small field of view does (in place)."""
    _, ny, nx = hu.shape
    y, x = np.ogrid[:ny, :nx]
    centre_y, centre_x = rng.normal(ny / 2, ny * 0.06), rng.normal(nx / 2, nx * 0.06)
    outside = (y - centre_y) ** 2 + (x - centre_x) ** 2 > (share * max(ny, nx)) ** 2
    hu[:, outside] = -1024
