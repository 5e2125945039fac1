"""How a virtual patient is scanned."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..phantom import PhantomSpec
from .patients import VirtualPatient

BASE_NOISE_HU, BASE_KERNEL_MM, BASE_THICKNESS_MM = 30.0, 1.1, 1.0
DOSE_NOISE_HU, KERNELS_MM, THICKNESSES_MM = (20.0, 40.0), (0.9, 1.5), (1.0, 1.25, 2.0)
TURN_SD_DEG, MOST_TURN_DEG, SHIFT_SD_MM, MOST_SHIFT_MM = 2.0, 5.0, 4.0, 8.0


class Varied(str, Enum):
    """What differs between scans of one patient."""

    NOISE = "noise"
    POSITION = "position"
    KERNEL = "kernel"
    THICKNESS = "thickness"
    DOSE = "dose"


class Field(str, Enum):
    """What a scan shows: the chest as for screening, the trunk round the target vertebrae, or hardly more than them.

    The networks need a trunk; the spine alone is for exact masks.
    """

    CHEST = "chest"
    TRUNK = "trunk"
    SPINE = "spine"


@dataclass(frozen=True)
class Grid:
    """Pixels and levels of a field; ``behind_mm`` is how far its centre lies behind the trunk's."""

    matrix: tuple[int, int]
    pixel_mm: float
    top_level: str
    bottom_level: str
    behind_mm: float = 0.0


GRIDS = {
    Field.CHEST: Grid((512, 512), 0.78, "T1", "L2"),  # a field of view of 400 mm
    Field.TRUNK: Grid((300, 240), 1.25, "T11", "L3"),
    Field.SPINE: Grid((112, 112), 0.78, "T12", "L2", behind_mm=24.0),
}


@dataclass(frozen=True)
class Conditions:
    """One scan's settings; see PhantomSpec."""

    noise_hu: float = BASE_NOISE_HU
    kernel_fwhm_mm: float = BASE_KERNEL_MM
    thickness_mm: float = BASE_THICKNESS_MM
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    position_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    noise_seed: int = 0


def draw_conditions(seed: int, number: int, repeat: int, varied: Collection[Varied]) -> Conditions:
    """Return the settings of scan ``repeat`` of patient ``number``: those in ``varied`` drawn, the others usual."""
    rng = np.random.default_rng([seed, number, 1 + repeat])
    # All are drawn, so that one of them is the same whatever else varies.
    noise_seed = int(rng.integers(2**31))
    turn = np.clip(rng.normal(0.0, TURN_SD_DEG, 3), -MOST_TURN_DEG, MOST_TURN_DEG)
    shift = np.clip(rng.normal(0.0, SHIFT_SD_MM, 3), -MOST_SHIFT_MM, MOST_SHIFT_MM)
    kernel, thickness = float(rng.uniform(*KERNELS_MM)), float(rng.choice(THICKNESSES_MM))
    noise = float(rng.uniform(*DOSE_NOISE_HU))
    usual = Conditions()
    moved = Varied.POSITION in varied
    return Conditions(
        noise_hu=noise if Varied.DOSE in varied else usual.noise_hu,
        kernel_fwhm_mm=kernel if Varied.KERNEL in varied else usual.kernel_fwhm_mm,
        thickness_mm=thickness if Varied.THICKNESS in varied else usual.thickness_mm,
        rotation_deg=(float(turn[0]), float(turn[1]), float(turn[2])) if moved else usual.rotation_deg,
        position_mm=(float(shift[0]), float(shift[1]), float(shift[2])) if moved else usual.position_mm,
        noise_seed=noise_seed if Varied.NOISE in varied else usual.noise_seed,
    )


def phantom_spec(patient: VirtualPatient, conditions: Conditions, field: Field) -> PhantomSpec:
    """Return the phantom of a patient in one scan."""
    grid = GRIDS[field]
    x, y, z = conditions.position_mm
    return PhantomSpec(
        bmd_mg_cm3=patient.bmd_mg_cm3,
        default_bmd_mg_cm3=patient.bmd_mg_cm3["T12"],
        size_scale=patient.size_scale,
        cortex_mm=patient.cortex_mm,
        fat_mm=patient.fat_mm,
        kyphosis_scale=patient.kyphosis_scale,
        scoliosis_deg=patient.scoliosis_deg,
        rotation_deg=conditions.rotation_deg,
        position_mm=(x, y - grid.behind_mm, z),
        matrix=grid.matrix,
        # Slices lie as far apart as they are thick.
        spacing_mm=(grid.pixel_mm, grid.pixel_mm, conditions.thickness_mm),
        top_level=grid.top_level,
        bottom_level=grid.bottom_level,
        table=field is not Field.SPINE,
        kernel_fwhm_mm=conditions.kernel_fwhm_mm,
        noise_hu=conditions.noise_hu,
        seed=conditions.noise_seed,
        anatomy_seed=patient.anatomy_seed,
    )
