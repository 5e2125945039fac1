"""What the scanner does to the picture: slice thickness, kernel, noise, streaks, truncated field of view."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]


@dataclass(frozen=True)
class ScanSettings:
    """How a synthetic scan is taken.

    Attributes:
        kernel_mm: blur in the axial plane (standard deviation).
        sharpen: share of the lost edges that a sharp kernel adds again, with overshoot.
        noise_hu: standard deviation of the noise.
        grain_mm: its correlation.
        streaks_hu: standard deviation of the streaks from left to right; 0 for none.
        thickness_mm: of the slices.
        scale, offset_hu: a miscalibrated or beam-hardened scale.
        field_of_view: radius of what is reconstructed, as a share of the picture's width; None for all of it.
    """

    kernel_mm: float = 0.8
    sharpen: float = 0.0
    noise_hu: float = 20.0
    grain_mm: float = 0.7
    streaks_hu: float = 0.0
    thickness_mm: float = 1.25
    scale: float = 1.0
    offset_hu: float = 0.0
    field_of_view: float | None = None


def draw_settings(rng: np.random.Generator) -> ScanSettings:
    """Draw what low-dose scans are taken with, and worse."""
    scaled = rng.random() < 0.25
    return ScanSettings(
        kernel_mm=rng.uniform(0.4, 1.6),
        sharpen=rng.uniform(0.2, 1.2) if rng.random() < 0.25 else 0.0,
        noise_hu=rng.uniform(3, 25) if rng.random() < 0.6 else rng.uniform(25, 80),
        grain_mm=rng.uniform(0.3, 1.4),
        streaks_hu=rng.uniform(5, 45) if rng.random() < 0.3 else 0.0,
        thickness_mm=rng.uniform(1.0, 2.0) if rng.random() < 0.5 else rng.uniform(2.0, 5.5),
        scale=rng.uniform(0.93, 1.07) if scaled else 1.0,
        offset_hu=rng.normal(0, 6) if scaled else 0.0,
        field_of_view=rng.uniform(0.2, 0.6) if rng.random() < 0.25 else None,
    )


def acquire(
    rng: np.random.Generator,
    hu: Field,
    spacing_zyx_mm: tuple[float, float, float],
    settings: ScanSettings,
    metal: NDArray[np.bool_] | None = None,
) -> Field:
    """Return a scan of the noise-free ``hu`` (z, y, x), on the same grid.

    Args:
        metal: (z, y, x), what streaks start from.
    """
    dz, dy, dx = spacing_zyx_mm
    blur = (rng.uniform(0.3, 0.9) / dz * 0.6, settings.kernel_mm / dy, settings.kernel_mm / dx)
    out = ndimage.gaussian_filter(hu, blur)
    if settings.sharpen:
        out += settings.sharpen * (out - ndimage.gaussian_filter(out, (0, 1.2 / dy, 1.2 / dx)))
    out += _noise(rng, hu.shape, settings, spacing_zyx_mm)
    if settings.streaks_hu:
        out += _streaks(rng, hu.shape, settings.streaks_hu)
    if metal is not None:
        out += _metal_streaks(rng, metal)
    if settings.thickness_mm > dz * 1.3:
        out = thick_slices(out, settings.thickness_mm / dz, float(rng.uniform(0, 1)))
    out = out * settings.scale + settings.offset_hu
    if settings.field_of_view is not None:
        _truncate(rng, out, settings.field_of_view)
    return out.astype(np.float32)


def _noise(
    rng: np.random.Generator, shape: tuple[int, ...], settings: ScanSettings, spacing_zyx_mm: tuple[float, ...]
) -> Field:
    noise = rng.standard_normal(shape, dtype=np.float32)
    grain = [settings.grain_mm * f / d for f, d in zip((0.5, 1, 1), spacing_zyx_mm, strict=True)]
    noise = ndimage.gaussian_filter(noise, grain)
    return noise * (settings.noise_hu / max(float(noise.std()), 1e-6))


def _streaks(rng: np.random.Generator, shape: tuple[int, ...], sd_hu: float) -> Field:
    """Photon starvation between the shoulders: noise drawn out from left to right."""
    streaks = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), (0.5, 0.6, 8.0))
    along = np.interp(np.arange(shape[0]), np.linspace(0, shape[0], 5), rng.uniform(0, 1, 5)).astype(np.float32)
    return streaks * (sd_hu / float(streaks.std())) * along[:, None, None]


def _metal_streaks(rng: np.random.Generator, metal: NDArray[np.bool_]) -> Field:
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


def _truncate(rng: np.random.Generator, hu: Field, share: float) -> None:
    """Leave nothing outside a circle, as a small field of view does (in place)."""
    _, ny, nx = hu.shape
    y, x = np.ogrid[:ny, :nx]
    centre_y, centre_x = rng.normal(ny / 2, ny * 0.06), rng.normal(nx / 2, nx * 0.06)
    outside = (y - centre_y) ** 2 + (x - centre_x) ** 2 > (share * max(ny, nx)) ** 2
    hu[:, outside] = -1024
