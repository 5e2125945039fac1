"""What the scanner does to the picture: slice thickness, kernel, noise, streaks, truncated field of view."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]


def acquire(rng: np.random.Generator, hu: Field, spacing_zyx_mm: tuple[float, float, float]) -> Field:
    """Return a scan of the noise-free ``hu`` (z, y, x), on the same grid."""
    dz, dy, dx = spacing_zyx_mm
    kernel_mm = rng.uniform(0.4, 1.6)
    out = ndimage.gaussian_filter(hu, (rng.uniform(0.3, 0.9) / dz * 0.6, kernel_mm / dy, kernel_mm / dx))
    noise_hu = rng.uniform(3, 25) if rng.random() < 0.6 else rng.uniform(25, 80)
    out += _noise(rng, hu.shape, noise_hu, spacing_zyx_mm)
    if rng.random() < 0.3:
        out += _streaks(rng, hu.shape)
    thickness = rng.uniform(1.0, 2.0) if rng.random() < 0.55 else rng.uniform(2.0, 5.0)
    if thickness > dz * 1.3:
        out = thick_slices(out, thickness / dz, float(rng.uniform(0, 1)))
    if rng.random() < 0.25:  # a miscalibrated or beam-hardened scale
        out = out * rng.uniform(0.93, 1.07) + rng.normal(0, 6)
    if rng.random() < 0.2:
        out = _truncate(rng, out)
    return out.astype(np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], sd_hu: float, spacing_zyx_mm: tuple[float, ...]) -> Field:
    """Correlated noise; stronger towards the middle, where more tissue is crossed."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    grain_mm = rng.uniform(0.3, 1.4)
    noise = ndimage.gaussian_filter(noise, [grain_mm * f / d for f, d in zip((0.5, 1, 1), spacing_zyx_mm, strict=True)])
    return noise * (sd_hu / max(float(noise.std()), 1e-6))


def _streaks(rng: np.random.Generator, shape: tuple[int, ...]) -> Field:
    """Photon starvation between the shoulders: noise drawn out from left to right."""
    streaks = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), (0.5, 0.6, 8.0))
    along = np.interp(np.arange(shape[0]), np.linspace(0, shape[0], 5), rng.uniform(0, 1, 5)).astype(np.float32)
    return streaks * (rng.uniform(5, 45) / float(streaks.std())) * along[:, None, None]


def thick_slices(hu: Field, step: float, phase: float) -> Field:
    """Average over ``step`` voxels along z, keep a slice every ``step``, and interpolate back linearly."""
    width = max(1, round(step))
    blurred = ndimage.uniform_filter1d(hu, width, axis=0, mode="nearest")
    positions = np.arange(phase * step, len(hu) - 1, step)
    if len(positions) < 2:
        return blurred
    kept = blurred[np.rint(positions).astype(int)]
    where = np.clip((np.arange(len(hu)) - positions[0]) / step, 0, len(positions) - 1)
    low = np.minimum(where.astype(int), len(positions) - 2)
    part = (where - low).astype(np.float32)[:, None, None]
    return kept[low] * (1 - part) + kept[low + 1] * part


def _truncate(rng: np.random.Generator, hu: Field) -> Field:
    """A small field of view: nothing outside a circle."""
    _, ny, nx = hu.shape
    y, x = np.ogrid[:ny, :nx]
    radius = rng.uniform(0.42, 0.6) * max(ny, nx)
    centre_y, centre_x = rng.normal(ny / 2, ny * 0.06), rng.normal(nx / 2, nx * 0.06)
    outside = (y - centre_y) ** 2 + (x - centre_x) ** 2 > radius**2
    hu[:, outside] = -1024
    return hu
