"""The calibration that ships, derived from physics, and one that a user enters."""

from .linear import MATERIALS, Calibration
from .provenance import Method, Provenance

ENTERED_NAME = "Entered"
# Mindways QCT PRO User Guide v5.0: K2HPO4 in solution displaces water (per mg/cm3), and the HU of water less -1000.
WATER_DISPLACEMENT = 0.2174
WATER_OFFSET_HU = 999.6
# Mass attenuation coefficients at 70 keV (NIST SRD 126), in cm2/g; the tests derive them again from its tables.
K2HPO4_CM2_G = 0.3015
WATER_CM2_G = 0.1929


def slope_from_attenuation(k2hpo4_cm2_g: float, water_cm2_g: float) -> float:
    """Return the slope of a K2HPO4 calibration from mass attenuation coefficients at one photon energy.

    A mg/cm3 of K2HPO4 added to water adds sigma_ref = mu_K2HPO4 / mu_water HU (1 mg/cm3 of water is 1 HU); in solution
    it displaces water, so sigma_CT = sigma_ref - 0.2174 and the slope is 1 / sigma_CT (Mindways QCT PRO User Guide).
    """
    return 1.0 / (k2hpo4_cm2_g / water_cm2_g - WATER_DISPLACEMENT)


# Derived, not measured. A 120 kVp beam (SpekPy 2.5, 3-9 mm Al)
# behind 20 to 35 cm of water acts on K2HPO4 and water like photons of 65 to 74 keV; with 6 to 9 mm Al and 25 to 30 cm
# it is 69 to 72 keV. At 70 keV the slope is 0.743; over the whole range it is 0.67 to 0.79. Where water is 0 HU,
# beta_CT = -1000 + 999.6 = -0.4 HU, so the intercept is 0.4 x 0.743 = 0.3 mg/cm3.
_NOMINAL_SLOPE = slope_from_attenuation(K2HPO4_CM2_G, WATER_CM2_G)
NOMINAL = Calibration(
    name="Nominal 120 kVp",
    slope=round(_NOMINAL_SLOPE, 3),
    intercept_mg_cm3=round((1000.0 - WATER_OFFSET_HU) * _NOMINAL_SLOPE, 1),
    material="K2HPO4",
    kvp=120.0,
    nominal=True,
    source=(
        "Nominal: derived from physics, not measured on any scanner. Mass attenuation of K2HPO4 and water at 70 keV, "
        "the effective energy of a 120 kVp beam behind 25 to 30 cm of tissue (NIST SRD 126; SpekPy), with the Mindways "
        "equations. A real scanner's slope may differ by 10 %. Not for diagnosis."
    ),
    provenance=Provenance(Method.NOMINAL),
)
"""The calibration that ships: mg/cm3 of K2HPO4 at 120 kVp, from physics; it only indicates a category."""


def entered_calibration(slope: float, intercept: float, material: str, kvp: float) -> Calibration:
    """Return the calibration that a user typed in.

    Args:
        slope: mg/cm3 per HU.
        intercept: mg/cm3 at 0 HU.
        material: "K2HPO4" or "hydroxyapatite", in any case of letters.
        kvp: the tube voltage that it holds for, in kV.

    Raises:
        UsageError: a value is not possible.

    Examples:
        >>> site = entered_calibration(slope=0.8, intercept=-2.0, material="k2hpo4", kvp=120)
        >>> site.bmd_mg_cm3(150.0), site.material
        (118.0, 'K2HPO4')
    """
    return Calibration(
        name=ENTERED_NAME,
        slope=float(slope),
        intercept_mg_cm3=float(intercept),
        material=spelled(material),
        kvp=float(kvp),
        nominal=False,
        source="Entered by the user.",
        provenance=Provenance(Method.ENTERED),
    )


def spelled(material: str) -> str:
    """Return the name in our spelling where it differs only in case; what is not known is left to the constructor."""
    return next((known for known in MATERIALS if known.lower() == material.strip().lower()), material)
