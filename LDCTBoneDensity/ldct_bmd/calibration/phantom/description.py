"""A calibration phantom as data: rods, where they lie, and what is certified of them."""

import math
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Any

from ...ground.errors import UsageError
from ...ground.plain import PlainError, from_plain, read_json
from ...words import Phrase
from ..linear import MATERIALS

PHANTOM_SCHEMA = "ldct-bmd-phantom/1"
EXAMPLES = ("k2hpo4-pad-example", "hydroxyapatite-example")
LEAST_RODS = 3
DEFAULT_RESIDUAL_LIMIT_HU = 10.0  # at a slope of 0.75 7.5 mg/cm3 in one rod: more is another phantom or an artefact
_WHAT = Phrase("file.phantom")


class Equations(str, Enum):
    """How the HU of the rods depend on what is certified."""

    MINDWAYS = "mindways"  # mineral in water: HU = water + sigma_ref x mineral + beta_ref
    LINE = "line"  # solid mineral: HU = a x mineral + b


@dataclass(frozen=True)
class Rod:
    """One rod, seen from its end.

    Attributes:
        x_mm, y_mm: its axis in the plane across the rods, from any origin; y towards the table.
        mineral_mg_cm3: certified equivalent density of the mineral.
        water_mg_cm3: certified equivalent density of water; None for a solid phantom.
    """

    name: str
    x_mm: float
    y_mm: float
    diameter_mm: float
    mineral_mg_cm3: float
    water_mg_cm3: float | None = None


@dataclass(frozen=True)
class PhantomDescription:
    """A phantom with parallel rods.

    Attributes:
        rod_length_mm: of the rods.
        end_margin_mm: how far from the ends of the rods to measure.
        wall_margin_mm: how far from their walls.
        residual_limit_hu: the most that a rod may lie off the fitted line.
        example: whether its densities are not the certificate of any one phantom.
        calibrated_until: the last day that the certificate holds for, YYYY-MM-DD; None where it names none.

    Raises:
        UsageError: it can't be used for a calibration.
    """

    name: str
    material: str
    equations: Equations
    rods: tuple[Rod, ...]
    rod_length_mm: float
    source: str
    example: bool = False
    end_margin_mm: float = 10.0
    wall_margin_mm: float = 3.0
    residual_limit_hu: float = DEFAULT_RESIDUAL_LIMIT_HU
    calibrated_until: str | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UsageError("phantom_file.no_name")
        if self.material not in MATERIALS:
            raise UsageError("phantom_file.material", material=self.material, materials=MATERIALS)
        if len(self.rods) < LEAST_RODS:
            raise UsageError("phantom_file.too_few_rods", rods=len(self.rods), least=LEAST_RODS)
        names = [rod.name for rod in self.rods]
        if len(set(names)) < len(names) or not all(name.strip() for name in names):
            raise UsageError("phantom_file.rod_names")
        for rod in self.rods:
            self._check_rod(rod)
        self._check_rods_together()
        self._check_lengths()

    def _check_rods_together(self) -> None:
        if len({rod.mineral_mg_cm3 for rod in self.rods}) < 2:
            raise UsageError("phantom_file.same_mineral")
        for one in self.rods:
            for other in self.rods:
                apart = math.hypot(one.x_mm - other.x_mm, one.y_mm - other.y_mm)
                if one is not other and apart < (one.diameter_mm + other.diameter_mm) / 2:
                    raise UsageError("phantom_file.rods_overlap", one=one.name, other=other.name)

    def _check_lengths(self) -> None:
        limits = (self.rod_length_mm, self.residual_limit_hu)
        margins = (self.end_margin_mm, self.wall_margin_mm)
        if min(limits) <= 0.0 or min(margins) < 0.0 or not all(map(math.isfinite, (*limits, *margins))):
            raise UsageError("phantom_file.not_positive")
        if self.rod_length_mm <= 2.0 * self.end_margin_mm:
            raise UsageError("phantom_file.rods_too_short")

    def _check_rod(self, rod: Rod) -> None:
        numbers = (rod.x_mm, rod.y_mm, rod.diameter_mm, rod.mineral_mg_cm3, rod.water_mg_cm3 or 0.0)
        if not all(map(math.isfinite, numbers)):
            raise UsageError("phantom_file.rod_no_number", rod=rod.name)
        if rod.diameter_mm <= 2.0 * self.wall_margin_mm + 2.0:
            raise UsageError("phantom_file.rod_too_thin", rod=rod.name)
        if (rod.water_mg_cm3 is None) == (self.equations is Equations.MINDWAYS):
            if rod.water_mg_cm3 is None:
                raise UsageError("phantom_file.rod_without_water", rod=rod.name, equations=self.equations.value)
            raise UsageError("phantom_file.rod_with_water", rod=rod.name, equations=self.equations.value)


def load_phantom(name_or_path: str) -> PhantomDescription:
    """Read a phantom file, or an example of the package by its name; UsageError if it can't be used."""
    if name_or_path in EXAMPLES:
        with resources.as_file(resources.files(__package__) / f"{name_or_path}.json") as path:
            return _description(read_json(path, _WHAT))
    path = Path(name_or_path)
    if not path.exists():
        raise UsageError("phantom_file.not_there", file=path, examples=EXAMPLES)
    return _description(read_json(path, _WHAT))


def _description(values: Any) -> PhantomDescription:
    if not isinstance(values, dict) or values.pop("schema", None) != PHANTOM_SCHEMA:
        raise UsageError("phantom_file.schema", schema=PHANTOM_SCHEMA)
    try:
        return from_plain(PhantomDescription, values, _WHAT)
    except PlainError as error:
        raise UsageError("file.wrong", problem=error.phrase) from error
