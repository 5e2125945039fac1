"""Calibration by the patient's own tissues: by their attenuation alone, and pre-calibrated by a site's own scans.

The first derives again what Michalski 2020 does (Med Eng Phys, doi 10.1016/j.medengphy.2020.01.009; its full text could
not be read): tissues of known composition tell the energy that the beam acts at, and with it what a HU is of two
components, K2HPO4 and triglyceride. The second is the first way of
https://pmc.ncbi.nlm.nih.gov/articles/PMC9925590/table/Tab2/.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.calibration.nominal import WATER_DISPLACEMENT

from .materials import BASIS, ENERGY_KEV, attenuation, density_g_cm3, mass_attenuation, of_weights

Array = NDArray[np.float64]

TISSUES = ("air", "fat", "muscle", "blood", "cortical bone")
AIR, FAT, MUSCLE, BLOOD, BONE = range(5)
# NIST, composition of dry air near sea level (https://physics.nist.gov/PhysRefData/XrayMassCoef/tab2.html).
_AIR_WEIGHTS, _AIR_G_CM3 = {"C": 0.0124, "N": 75.5268, "O": 23.1781, "Ar": 1.2827}, 1.205e-3
_TRIGLYCERIDE = "C57H104O6"  # triolein, the most frequent of them in people
_OF_MATERIALS = ("adipose", "muscle", "blood", "cortical bone")
# A beam of 120 kVp acts like photons of 65 to 74 keV (the engine's calibration/nominal.py); wide about it.
_KEV: Array = np.arange(45.0, 100.5, 0.5)


@dataclass(frozen=True)
class Beam:
    """What one scan's tissues say of its beam.

    Attributes:
        kev: the energy at which attenuation goes most straight with HU.
        per_cm: (slope, intercept) of linear attenuation against HU at that energy, 1/cm.
        g_cm3: (slope, intercept) of density against HU.
    """

    kev: float
    per_cm: tuple[float, float]
    g_cm3: tuple[float, float]

    def in_fat_mg_cm3(self, hu: float) -> float:
        """Return the K2HPO4 that, with triglyceride, has the density and the attenuation that go with ``hu``."""
        k2hpo4, fat, _ = self._mass_attenuation()
        attenuated, density = self._at(hu)
        return 1e3 * (attenuated - density * fat) / (k2hpo4 - fat)

    def in_water_mg_cm3(self, hu: float) -> float:
        """Return the K2HPO4 that has the attenuation that goes with ``hu`` in water, as phantoms hold it."""
        k2hpo4, _, water = self._mass_attenuation()
        return 1e3 * (self._at(hu)[0] - water) / (k2hpo4 - WATER_DISPLACEMENT * water)

    def _at(self, hu: float) -> tuple[float, float]:
        (attenuated, density) = (slope * hu + intercept for slope, intercept in (self.per_cm, self.g_cm3))
        return attenuated, density

    def _mass_attenuation(self) -> tuple[float, float, float]:
        """Return that of K2HPO4, triglyceride and water at the energy, cm2/g."""
        place = int(np.argmin(np.abs(_KEV - self.kev)))
        k2hpo4, fat, water = (float(row[place]) for row in _components())
        return k2hpo4, fat, water


def beam(tissue_hu: Sequence[float], for_energy: Sequence[int], for_lines: Sequence[int]) -> Beam:
    """Return what one scan's own tissues say of its beam.

    Args:
        tissue_hu: of each of ``TISSUES``.
        for_energy, for_lines: which of them tell the energy, and which the lines at it, by place.
    """
    per_cm, densities = _references()
    hu = np.asarray(tissue_hu, np.float64)
    off = hu[list(for_energy)] - hu[list(for_energy)].mean()
    spread = per_cm[list(for_energy)] - per_cm[list(for_energy)].mean(axis=0)
    straight = (off @ spread) ** 2 / ((off @ off) * (spread**2).sum(axis=0))  # R2 at each energy
    best, taken = int(np.argmax(straight)), list(for_lines)
    at, of = (np.polyfit(hu[taken], y[taken], 1) for y in (per_cm[:, best], densities))
    return Beam(float(_KEV[best]), (float(at[0]), float(at[1])), (float(of[0]), float(of[1])))


@dataclass(frozen=True)
class PreCalibrated:
    """What a site's own tissues show on its scanner, by scans whose line is known.

    Attributes:
        tissues: which of ``TISSUES`` are taken, by place.
        bmd_mg_cm3: of each, by the site's line: the mean of the scans.
        weights: of each, one over the variance between the scans.
    """

    tissues: tuple[int, ...]
    bmd_mg_cm3: Array
    weights: Array

    def bmd_of(self, tissue_hu: Array, bone_hu: Array) -> Array:
        """Return the BMD of each scan by the line through its own tissues: least squares, weighed.

        Args:
            tissue_hu: (scans, ``TISSUES``).
            bone_hu: (scans,).
        """
        hu, share = tissue_hu[:, self.tissues], self.weights / self.weights.sum()
        middle, bmd = hu @ share, share @ self.bmd_mg_cm3
        off = hu - middle[:, None]
        slope = (off * (self.bmd_mg_cm3 - bmd)) @ share / (off**2 @ share)
        return np.asarray(bmd + slope * (bone_hu - middle))


def pre_calibrate(tissue_hu: Array, slope: float, intercept_mg_cm3: float, tissues: Sequence[int]) -> PreCalibrated:
    """Return what scans of ``tissue_hu`` (scans, ``TISSUES``), 3 or more, say of tissues by the site's line."""
    taken = tuple(tissues)
    bmd = slope * tissue_hu[:, taken] + intercept_mg_cm3
    return PreCalibrated(taken, bmd.mean(axis=0), 1.0 / bmd.var(axis=0, ddof=1))


@cache
def _references() -> tuple[Array, Array]:
    """Return linear attenuation (tissues, energies) and density of ``TISSUES``."""
    per_cm = [_AIR_G_CM3 * of_weights(_AIR_WEIGHTS), *(attenuation()[BASIS.index(name)] for name in _OF_MATERIALS)]
    densities = np.array([_AIR_G_CM3, *(density_g_cm3(name) for name in _OF_MATERIALS)])
    return np.stack([_at(row) for row in per_cm]), densities


@cache
def _components() -> tuple[Array, ...]:
    """Return the mass attenuation of K2HPO4, triglyceride and water."""
    return tuple(_at(mass_attenuation(formula)) for formula in ("K2HPO4", _TRIGLYCERIDE, "H2O"))


def _at(row: Array) -> Array:
    """Return a row of ``ENERGY_KEV`` at the energies that are tried: straight between them in log against log."""
    return np.exp(np.interp(np.log(_KEV), np.log(ENERGY_KEV), np.log(row)))
