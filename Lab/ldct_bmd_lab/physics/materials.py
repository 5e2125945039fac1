"""What is in the beam's way: elemental compositions, and linear attenuation at the energies of the simulation."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float64]

STEP_KEV = 3.0
ENERGY_KEV: Spectrum = np.arange(19.5, 151.0, STEP_KEV)

# ICRU Report 44 (1989), mass fractions in percent and g/cm3. Adipose tissue, blood, cortical bone and muscle as NIST
# restates them (https://physics.nist.gov/PhysRefData/XrayMassCoef/tab2.html); at 60, 80 and 100 keV they make NIST's
# attenuation to four digits. Red and yellow marrow are the report's too (White, Woodard and Hammond, Br J Radiol
# 1987;60:907), which could not be read: compared with public sources for Geant4 that restate them.
_TISSUES: dict[str, tuple[float, dict[str, float]]] = {
    "muscle": (1.05, {"H": 10.2, "C": 14.3, "N": 3.4, "O": 71.0, "Na": 0.1, "P": 0.2, "S": 0.3, "Cl": 0.1, "K": 0.4}),
    "adipose": (0.95, {"H": 11.4, "C": 59.8, "N": 0.7, "O": 27.8, "Na": 0.1, "S": 0.1, "Cl": 0.1}),
    "blood": (
        1.06,
        {"H": 10.2, "C": 11.0, "N": 3.3, "O": 74.5, "Na": 0.1, "P": 0.1, "S": 0.2, "Cl": 0.3, "K": 0.2, "Fe": 0.1},
    ),
    "red marrow": (
        1.03,
        {"H": 10.5, "C": 41.4, "N": 3.4, "O": 43.9, "P": 0.1, "S": 0.2, "Cl": 0.2, "K": 0.2, "Fe": 0.1},
    ),
    "yellow marrow": (0.98, {"H": 11.5, "C": 64.4, "N": 0.7, "O": 23.1, "Na": 0.1, "S": 0.1, "Cl": 0.1}),
    "cortical bone": (
        1.92,
        {"H": 3.4, "C": 15.5, "N": 4.2, "O": 43.5, "Na": 0.1, "Mg": 0.2, "P": 10.3, "S": 0.3, "Ca": 22.5},
    ),
}
# A mg of a salt takes the room of so many mg of water. K2HPO4: Mindways QCT PRO User Guide v5.0, as in the engine's
# calibration/nominal.py. Hydroxyapatite: 1 / 3.16, its density in g/cm3 (https://rockidentifier.com/wiki/
# Hydroxylapatite.html).
_SALTS = {"K2HPO4": ("K2HPO4", 0.2174), "hydroxyapatite": ("Ca10P6O26H2", 1.0 / 3.16), "iodine": ("I", 1.0 / 4.93)}
BASIS = ("water", *_TISSUES, *_SALTS)


@dataclass(frozen=True)
class Mixture:
    """Volume fractions of tissues, or mg/cm3 of a salt over the water whose room it takes, by name of ``BASIS``."""

    parts: tuple[tuple[str, float], ...]

    def vector(self) -> NDArray[np.float64]:
        """Return the amounts (len(BASIS),)."""
        out = np.zeros(len(BASIS))
        for name, amount in self.parts:
            out[BASIS.index(name)] += amount
        return out


def mixture(**parts: float) -> Mixture:
    """Return a mixture; underscores in names stand for spaces."""
    return Mixture(tuple((name.replace("_", " "), amount) for name, amount in parts.items()))


def solution(salt: str, mg_cm3: float) -> Mixture:
    """Return so much of a salt in water."""
    return Mixture((("water", 1.0), (salt, mg_cm3)))


def trabecular(bone: float, fat: float) -> Mixture:
    """Return a share ``bone`` of bone tissue in marrow, of which a share ``fat`` is yellow."""
    return mixture(cortical_bone=bone, yellow_marrow=(1.0 - bone) * fat, red_marrow=(1.0 - bone) * (1.0 - fat))


@cache
def attenuation() -> NDArray[np.float64]:
    """Return linear attenuation (len(BASIS), len(ENERGY_KEV)): per cm of a tissue, or per cm and mg/cm3 of a salt."""
    rows = [mass_attenuation("H2O")]
    rows += [density * of_weights(weights) for density, weights in _TISSUES.values()]
    rows += [1e-3 * (mass_attenuation(formula) - room * rows[0]) for formula, room in _SALTS.values()]
    return np.stack(rows)


def density_g_cm3(tissue: str) -> float:
    """Return the density of a tissue of ``BASIS``."""
    return _TISSUES[tissue][0]


def mass_attenuation(formula: str) -> Spectrum:
    """Return the mass attenuation of a compound in cm2/g, at ``ENERGY_KEV``."""
    import xraydb

    weights = {element: count * xraydb.atomic_mass(element) for element, count in xraydb.chemparse(formula).items()}
    return of_weights(weights)


def of_weights(weights: dict[str, float]) -> Spectrum:
    """Return the mass attenuation of so many parts by weight of elements in cm2/g, at ``ENERGY_KEV``."""
    import xraydb

    total = sum(weights.values())
    parts = [share / total * xraydb.mu_elam(element, ENERGY_KEV * 1e3) for element, share in weights.items()]
    return np.asarray(np.sum(parts, axis=0), np.float64)
