"""Parallel projections of ellipses, water correction, and filtered backprojection where it is wanted.

Line integrals are exact, so that nothing but the beam and the reconstruction is in the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .beam import Scanner, Setting, detected
from .materials import BASIS, Mixture, attenuation

Array = NDArray[np.float64]

ANGLES = 120
PITCH_MM, REACH_MM = 1.5, 240.0
DETECTOR_MM: Array = np.arange(-REACH_MM, REACH_MM + PITCH_MM / 2, PITCH_MM)
_THICKEST_CM, _THICKNESSES = 70.0, 351


@dataclass(frozen=True)
class Ellipse:
    """An ellipse filled with a mixture; it takes the place of what was painted before it.

    Attributes:
        around: what it lies in.
    """

    center_mm: tuple[float, float]
    semi_axes_mm: tuple[float, float]
    filled: Mixture
    around: Mixture | None


def line_integrals(ellipses: Sequence[Ellipse], angles: int = ANGLES) -> Array:
    """Return the amounts of ``BASIS`` along each ray, (angles, detector, basis), in cm, or cm times mg/cm3.

    Args:
        angles: in half a turn. The usual number is enough near the middle; 60 mm away from it takes more.
    """
    out = np.zeros((angles, len(DETECTOR_MM), len(BASIS)))
    for one in ellipses:
        amounts = one.filled.vector() - (0.0 if one.around is None else one.around.vector())
        out += _chords_cm(one, angles)[..., None] * amounts
    return out


def scanned_hu(
    integrals: Array,
    settings: Sequence[Setting],
    scanner: Scanner,
    points_mm: Array,
    noise: tuple[np.random.Generator, float] | None = None,
) -> Array:
    """Return the HU of each setting at ``points_mm`` (n, 2) of a body's ``line_integrals``, (settings, n).

    Each detector element turns what it sees into the water that would show the same, as scanners are adjusted: water is
    0 HU whatever its size, and what is not water hardens the beam uncorrected.

    Args:
        noise: a generator, and how many photons reach an element without a body: less, the lower the tube current.
    """
    weights = np.stack([detected(setting, scanner, DETECTOR_MM) for setting in settings])
    out = np.empty((len(settings), len(points_mm)))
    for n, seen in enumerate(_transmitted(integrals, weights)):
        transmitted = seen
        if noise is not None:
            rng, photons = noise
            transmitted = np.maximum(rng.poisson(seen * photons), 1.0) / photons
        out[n] = 1000.0 * (_backprojected(_as_water(transmitted, weights[n]), points_mm) - 1.0)
    return out


def grid_in(center_mm: tuple[float, float], semi_axes_mm: tuple[float, float], pitch_mm: float = 1.0) -> Array:
    """Return the points of a grid inside an ellipse, (n, 2)."""
    reach = [np.arange(-half, half + pitch_mm / 2, pitch_mm) for half in semi_axes_mm]
    x, y = (axis.ravel() for axis in np.meshgrid(*reach))
    inside = (x / semi_axes_mm[0]) ** 2 + (y / semi_axes_mm[1]) ** 2 <= 1.0
    return np.stack([x[inside] + center_mm[0], y[inside] + center_mm[1]], axis=1)


def _angles(count: int) -> Array:
    return np.arange(count) * np.pi / count


def _chords_cm(one: Ellipse, angles: int) -> Array:
    """Return the length of each ray in an ellipse, (angles, detector)."""
    angle = _angles(angles)[:, None]
    (x, y), (a, b) = one.center_mm, one.semi_axes_mm
    off = DETECTOR_MM[None, :] - (x * np.cos(angle) + y * np.sin(angle))
    half2 = (a * np.cos(angle)) ** 2 + (b * np.sin(angle)) ** 2
    return np.asarray(0.2 * a * b * np.sqrt(np.maximum(half2 - off**2, 0.0)) / half2)


def _transmitted(integrals: Array, weights: Array) -> Array:
    """Return what is left of each ray, (settings, angles, detector); ``weights``: (settings, detector, energies)."""
    used = np.flatnonzero(np.abs(integrals).max(axis=(0, 1)) > 0.0)
    through, held = attenuation()[used], integrals[..., used]
    out = np.zeros((len(weights), *integrals.shape[:2]))
    for k in range(weights.shape[2]):
        left = np.exp(-(held @ through[:, k]))
        out += weights[:, None, :, k] * left
    return out


def _as_water(transmitted: Array, weights: Array) -> Array:
    """Return the thickness of water in cm that lets as much through, by each detector element's own spectrum."""
    thick_cm = np.linspace(0.0, _THICKEST_CM, _THICKNESSES)
    seen = -np.log(np.exp(-np.outer(thick_cm, attenuation()[0])) @ weights.T)  # (thickness, detector)
    lines = -np.log(transmitted)
    return np.stack([np.interp(lines[:, k], seen[:, k], thick_cm) for k in range(lines.shape[1])], axis=1)


def _backprojected(lines_cm: Array, points_mm: Array) -> Array:
    """Return the reconstruction at ``points_mm``: the ramp filter of Ramachandran and Lakshminarayanan, per cm."""
    count = lines_cm.shape[1]
    lag = np.arange(-count + 1, count)
    kernel = np.zeros(len(lag))
    odd = lag % 2 != 0
    kernel[odd] = -1.0 / (np.pi * lag[odd]) ** 2
    kernel[count - 1] = 0.25
    size = 1 << (len(lag) + count - 1).bit_length()
    spectrum = np.fft.rfft(lines_cm, size, axis=1) * np.fft.rfft(kernel, size)
    filtered = np.fft.irfft(spectrum, size, axis=1)[:, count - 1 : 2 * count - 1]
    out = np.zeros(len(points_mm))
    for angle, row in zip(_angles(len(filtered)), filtered, strict=True):
        out += np.interp(points_mm @ [np.cos(angle), np.sin(angle)], DETECTOR_MM, row)
    return out * np.pi / len(filtered) / (0.1 * PITCH_MM)
