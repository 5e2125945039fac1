"""Scans of a torso on its own grid: kernel, noise, streaks, slice thickness, truncated field of view."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .noise import Field, grain, metal_streaks, streaks, truncate
from .slices import thick_slices


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


def scan_volume(
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
    out += grain(rng, hu.shape, spacing_zyx_mm, settings.grain_mm, settings.noise_hu)
    if settings.streaks_hu:
        out += streaks(rng, hu.shape, settings.streaks_hu)
    if metal is not None:
        out += metal_streaks(rng, metal)
    if settings.thickness_mm > dz * 1.3:
        out = thick_slices(out, settings.thickness_mm / dz, float(rng.uniform(0, 1)))
    out = out * settings.scale + settings.offset_hu
    if settings.field_of_view is not None:
        truncate(rng, out, settings.field_of_view)
    return out.astype(np.float32)
