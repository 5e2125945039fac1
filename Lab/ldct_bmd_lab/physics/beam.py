"""The beam of a scanner: tube, filters, bow-tie and detector."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .materials import ENERGY_KEV, STEP_KEV, Spectrum, mass_attenuation

ANODE_DEG = 8.0
_DENSITY = {"Al": 2.699, "Cu": 8.96, "Sn": 7.31, "Gd2O2S": 7.34}  # g/cm3
_EDGE_MM = 200.0


@dataclass(frozen=True)
class Scanner:
    """What one scanner's beam is like, whatever the tube voltage.

    Attributes:
        aluminium_mm: total filtration at the centre of the fan.
        bow_tie_mm: aluminium more at 200 mm from the centre.
        scintillator_mm: of gadolinium oxysulfide.
        tin_mm: its tin filter, where that is moved in.
    """

    aluminium_mm: float = 8.0
    bow_tie_mm: float = 15.0
    scintillator_mm: float = 1.4
    tin_mm: float = 0.6


@dataclass(frozen=True, order=True)
class Setting:
    """A tube voltage, with or without the tin filter."""

    kvp: int
    tin: bool = False

    @property
    def name(self) -> str:
        """As scanners call it, "Sn100" or "120"."""
        return f"{'Sn' if self.tin else ''}{self.kvp}"


def detected(setting: Setting, scanner: Scanner, off_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the detector would signal without a body, (len(off_mm), energies), each row of sum 1.

    Args:
        off_mm: distance of each ray from the centre of the fan.
    """
    aluminium_cm = 0.1 * (scanner.aluminium_mm + scanner.bow_tie_mm * (off_mm / _EDGE_MM) ** 2)
    through = _mu("Al")[None, :] * aluminium_cm[:, None]
    if setting.tin:
        through = through + _mu("Sn") * 0.1 * scanner.tin_mm
    absorbed = 1.0 - np.exp(-_mu("Gd2O2S") * 0.1 * scanner.scintillator_mm)
    signal = tube(setting.kvp) * ENERGY_KEV * absorbed * np.exp(-through)
    return np.asarray(signal / signal.sum(axis=1, keepdims=True), np.float64)


@cache
def tube(kvp: int) -> Spectrum:
    """Return the photons of an unfiltered tungsten anode by energy (SpekPy), of sum 1."""
    import spekpy

    energies, photons = spekpy.Spek(kvp=float(kvp), th=ANODE_DEG, dk=1.0).get_spectrum(edges=False)
    edges = np.append(ENERGY_KEV - STEP_KEV / 2.0, ENERGY_KEV[-1] + STEP_KEV / 2.0)
    held, _ = np.histogram(energies, edges, weights=photons)
    return np.asarray(held / held.sum(), np.float64)


@cache
def _mu(formula: str) -> Spectrum:
    return mass_attenuation(formula) * _DENSITY[formula]
