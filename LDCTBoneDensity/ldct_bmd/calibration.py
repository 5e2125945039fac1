"""HU to bone mineral density: linear calibrations, the nominal one, and calibration files."""

import json
import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from .errors import UsageError

MATERIALS: tuple[str, ...] = ("K2HPO4", "hydroxyapatite")
FILE_SCHEMA = "ldct-bmd-calibration/1"

# Wide physical bounds, to catch swapped or mistyped numbers: from 70 to 150 kVp the slope lies between 0.3 and 1.2.
_SLOPE_RANGE = (0.1, 5.0)
_LARGEST_INTERCEPT_MG_CM3 = 300.0
_KVP_RANGE = (40.0, 200.0)
_KVP_TOLERANCE = 0.5  # kVp is a setting in whole kilovolts; the tag is a decimal string

# Mindways QCT PRO User Guide v5.0: K2HPO4 in solution displaces water (per mg/cm3), and the HU of water less -1000.
WATER_DISPLACEMENT = 0.2174
WATER_OFFSET_HU = 999.6
# Mass attenuation coefficients at 70 keV (NIST SRD 126), in cm2/g; the tests derive them again from its tables.
K2HPO4_CM2_G = 0.3015
WATER_CM2_G = 0.1929


class KvpFit(str, Enum):
    """Whether a calibration belongs to the tube voltage of a scan."""

    FITS = "fits"
    UNKNOWN = "unknown"  # the scan or the calibration does not say
    MISMATCH = "mismatch"


@dataclass(frozen=True)
class Calibration:
    """BMD = slope x mean HU + intercept.

    Attributes:
        slope: mg/cm3 per HU, positive.
        intercept_mg_cm3: BMD at 0 HU.
        material: the equivalent material of the BMD, one of ``MATERIALS``.
        kvp: the tube voltage it was made at; None where that is not known.
        nominal: not made on the scanner that it is used for.
        source: where the numbers come from.

    Raises:
        UsageError: a value is not possible.
    """

    name: str
    slope: float
    intercept_mg_cm3: float
    material: str
    kvp: float | None
    nominal: bool
    source: str

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UsageError("The calibration has no name; give it one.")
        if not math.isfinite(self.slope) or not _SLOPE_RANGE[0] <= self.slope <= _SLOPE_RANGE[1]:
            raise UsageError(
                f"The calibration's slope is {self.slope:g} mg/cm3 per HU; it must be a number from "
                f"{_SLOPE_RANGE[0]:g} to {_SLOPE_RANGE[1]:g}."
            )
        if not math.isfinite(self.intercept_mg_cm3) or abs(self.intercept_mg_cm3) > _LARGEST_INTERCEPT_MG_CM3:
            raise UsageError(
                f"The calibration's intercept is {self.intercept_mg_cm3:g} mg/cm3; it must be a number from "
                f"{-_LARGEST_INTERCEPT_MG_CM3:g} to {_LARGEST_INTERCEPT_MG_CM3:g}."
            )
        if self.material not in MATERIALS:
            raise UsageError(
                f"The calibration's material is {self.material!r}; it must be one of {', '.join(MATERIALS)}."
            )
        if self.kvp is not None and not _KVP_RANGE[0] <= self.kvp <= _KVP_RANGE[1]:
            raise UsageError(
                f"The calibration's tube voltage is {self.kvp:g} kVp; it must be from "
                f"{_KVP_RANGE[0]:g} to {_KVP_RANGE[1]:g} kVp."
            )

    def bmd_mg_cm3(self, mean_hu: float) -> float:
        """Return the BMD in mg/cm3 of ``material``, unrounded."""
        return self.slope * mean_hu + self.intercept_mg_cm3

    def kvp_fit(self, scan_kvp: float | None) -> KvpFit:
        """Tell whether this calibration belongs to a scan at ``scan_kvp`` (None: the scan does not say)."""
        if scan_kvp is None or self.kvp is None:
            return KvpFit.UNKNOWN
        return KvpFit.FITS if abs(scan_kvp - self.kvp) <= _KVP_TOLERANCE else KvpFit.MISMATCH


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
)


def entered_calibration(slope: float, intercept: float, material: str, kvp: float) -> Calibration:
    """Return the calibration that a user typed in; UsageError if a value is not possible."""
    return Calibration(
        name="Entered",
        slope=float(slope),
        intercept_mg_cm3=float(intercept),
        material=_material(material),
        kvp=float(kvp),
        nominal=False,
        source="Entered by the user.",
    )


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file: a JSON object.

    Keys: ``name`` (text), ``slope`` (mg/cm3 per HU), ``intercept_mg_cm3``, ``material`` ("K2HPO4" or "hydroxyapatite")
    and ``kvp`` (number, or null where it is not known) must be there; ``source`` (text: phantom, date, citation),
    ``nominal`` (true or false) and ``schema`` ("ldct-bmd-calibration/1") may be.

    Raises:
        UsageError: the file can't be read, or is not such a file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The calibration file can't be read ({error.strerror}); check its path.") from error
    except UnicodeDecodeError as error:
        raise UsageError("The calibration file is not UTF-8 text; save it as JSON.") from error
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"The calibration file is not JSON (line {error.lineno}: {error.msg}); correct that line."
        ) from error
    if not isinstance(values, dict):
        raise UsageError("The calibration file must hold one JSON object with name, slope, intercept_mg_cm3 and so on.")
    _check_keys(values)
    kvp = None if values["kvp"] is None else _number(values, "kvp")
    source = _text(values, "source") if "source" in values else f"Calibration file {Path(path).name}."
    nominal = values.get("nominal", False)
    if not isinstance(nominal, bool):
        raise UsageError("The calibration file's nominal must be true or false.")
    return Calibration(
        name=_text(values, "name"),
        slope=_number(values, "slope"),
        intercept_mg_cm3=_number(values, "intercept_mg_cm3"),
        material=_material(_text(values, "material")),
        kvp=kvp,
        nominal=nominal,
        source=source,
    )


_REQUIRED_KEYS = ("name", "slope", "intercept_mg_cm3", "material", "kvp")
_OPTIONAL_KEYS = ("source", "nominal", "schema")


def _check_keys(values: dict[str, Any]) -> None:
    missing = [key for key in _REQUIRED_KEYS if key not in values]
    if missing:
        raise UsageError(f"The calibration file lacks {', '.join(missing)}; add it.")
    unknown = sorted(set(values) - set(_REQUIRED_KEYS) - set(_OPTIONAL_KEYS))
    if unknown:
        raise UsageError(
            f"The calibration file has an unknown key ({', '.join(unknown)}); "
            f"allowed are {', '.join(_REQUIRED_KEYS + _OPTIONAL_KEYS)}."
        )
    if values.get("schema", FILE_SCHEMA) != FILE_SCHEMA:
        raise UsageError(f"The calibration file's schema is {values['schema']!r}; this version reads {FILE_SCHEMA}.")


def _number(values: dict[str, Any], key: str) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"The calibration file's {key} must be a number.")
    return float(value)


def _text(values: dict[str, Any], key: str) -> str:
    value = values[key]
    if not isinstance(value, str):
        raise UsageError(f"The calibration file's {key} must be text.")
    return value


def _material(name: str) -> str:
    """Return the name in our spelling where it differs only in case; what is not known is left to the constructor."""
    return next((known for known in MATERIALS if known.lower() == name.strip().lower()), name)
