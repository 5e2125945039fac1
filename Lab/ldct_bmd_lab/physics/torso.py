"""A slice through the trunk at a lumbar vertebra, and through a calibration phantom, as ellipses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .materials import Mixture, mixture, solution, trabecular
from .projection import Ellipse, grid_in

# The paper's VOI at a body of 1100 mm2 and 42 mm: 12.5 and 8.4 mm.
VOI_SEMI_AXES_MM = (12.5, 8.4)
_BODY_SEMI_AXES_MM = (23.0, 16.0)
_BODY_CENTER_MM = (0.0, 32.0)  # y rises to the back
RODS_MG_CM3 = (0.0, 50.0, 100.0, 200.0)
VESSEL_RADIUS_MM = 9.0
_ROD_RADIUS_MM, _RODS_AT_MM = 10.0, 45.0


@dataclass(frozen=True)
class TrunkSlice:
    """What differs between patients.

    Attributes:
        bone: share of bone tissue in the trabecular bone.
        marrow_fat: share of yellow marrow in the marrow.
        size_scale: 1 is a trunk of 280 by 200 mm under its fat.
        fat_mm: fat under the skin.
        inner_fat: share of fat in the belly.
        cortex_mm: thickness of the vertebral body's cortex.
        iodine_mg_cm3: in the blood.
        bone_iodine, muscle_iodine: what a volume of trabecular bone, or of muscle and belly, holds of it, as a share
            of what the same volume of blood does.
    """

    bone: float = 0.1
    marrow_fat: float = 0.5
    size_scale: float = 1.0
    fat_mm: float = 14.0
    inner_fat: float = 0.3
    cortex_mm: float = 0.7
    iodine_mg_cm3: float = 0.0
    bone_iodine: float = 0.0
    muscle_iodine: float = 0.0


def trunk(one: TrunkSlice) -> list[Ellipse]:
    """Return the slice's ellipses."""
    a, b = 140.0 * one.size_scale, 100.0 * one.size_scale
    in_muscle, in_bone = (("iodine", share * one.iodine_mg_cm3) for share in (one.muscle_iodine, one.bone_iodine))
    fat, muscle = mixture(adipose=1.0), Mixture((("muscle", 1.0), in_muscle))
    belly = Mixture((("adipose", one.inner_fat), ("muscle", 1.0 - one.inner_fat), in_muscle))
    cortex = mixture(cortical_bone=1.0)
    spongiosa = Mixture((*trabecular(one.bone, one.marrow_fat).parts, in_bone))
    arch = mixture(cortical_bone=0.45, yellow_marrow=0.55)
    blood = Mixture((("blood", 1.0), ("iodine", one.iodine_mg_cm3)))
    width, depth = _BODY_SEMI_AXES_MM
    x, y = _BODY_CENTER_MM
    out = [
        Ellipse((0.0, 0.0), (a + one.fat_mm, b + one.fat_mm), fat, None),
        Ellipse((0.0, 0.0), (a, b), muscle, fat),
        Ellipse((0.0, -0.35 * b), (0.86 * a, 0.52 * b), belly, muscle),
        Ellipse((x, y), (width + one.cortex_mm, depth + one.cortex_mm), cortex, muscle),
        Ellipse((x, y), (width, depth), spongiosa, cortex),
        Ellipse(vessel_mm(one), (VESSEL_RADIUS_MM, VESSEL_RADIUS_MM), blood, muscle),
    ]
    # Pedicles and laminae, the spinous process, transverse processes, and four ribs.
    for side in (-1.0, 1.0):
        out.append(Ellipse((x + side * 15.0, y + 26.0), (4.5, 9.0), arch, muscle))
        out.append(Ellipse((x + side * 34.0, y + 27.0), (12.0, 3.5), arch, muscle))
        out.append(Ellipse((side * 0.80 * a, 0.45 * b), (3.0, 9.0), arch, muscle))
        out.append(Ellipse((side * 0.93 * a, 0.0), (3.0, 9.0), arch, muscle))
    out.append(Ellipse((x, y + 42.0), (3.5, 10.0), arch, muscle))
    return out


def voi_points() -> NDArray[np.float64]:
    """Return the points of the VOI in a trunk's vertebral body, (n, 2)."""
    return grid_in(_BODY_CENTER_MM, VOI_SEMI_AXES_MM)


def vessel_points(one: TrunkSlice) -> NDArray[np.float64]:
    """Return points inside a trunk's aorta, (n, 2)."""
    inside = 0.66 * VESSEL_RADIUS_MM
    return grid_in(vessel_mm(one), (inside, inside))


def vessel_mm(one: TrunkSlice) -> tuple[float, float]:
    """Return the middle of a trunk's aorta."""
    return -18.0, -8.0 + 10.0 * one.size_scale


def phantom(salt: str) -> tuple[list[Ellipse], list[NDArray[np.float64]]]:
    """Return a water body with rods of a salt, and the points inside each rod."""
    water = mixture(water=1.0)
    turns = np.linspace(0.0, 2.0 * np.pi, len(RODS_MG_CM3), endpoint=False)
    centers = [(float(_RODS_AT_MM * np.cos(t)), float(_RODS_AT_MM * np.sin(t))) for t in turns]
    rods = [
        Ellipse(center, (_ROD_RADIUS_MM, _ROD_RADIUS_MM), solution(salt, density), water)
        for center, density in zip(centers, RODS_MG_CM3, strict=True)
    ]
    inside = 0.7 * _ROD_RADIUS_MM
    return [Ellipse((0.0, 0.0), (150.0, 110.0), water, None), *rods], [grid_in(c, (inside, inside)) for c in centers]
