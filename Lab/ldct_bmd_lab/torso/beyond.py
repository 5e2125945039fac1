"""What lies beyond the atlas's ends: a head on the neck, thighs below the pelvis.

Crude shapes, there so that a network learns that no vertebra is to be found in them.
"""

import numpy as np
from numpy.typing import NDArray

from . import tissues as t
from .atlas import Atlas

NECK_MM = 50.0  # the neck goes on this far above the atlas
HEAD_RADII_MM = (95.0, 95.0, 75.0)  # (z, y, x)
SKULL, SCALP = (0.92, 1.0), 1.06  # in units of those radii
PELVIS_MM = 60.0  # the pelvis goes on this far below
THIGH_RADIUS_MM, FEMUR_RADIUS_MM, APART_MM = 75.0, 14.0, 90.0
FEMUR_CORTEX_MM = 5.0


def extend(
    atlas: Atlas,
    at: NDArray[np.float32],
    skeleton: NDArray[np.uint8],
    organs: NDArray[np.uint8],
    outside_mm: NDArray[np.float32],
) -> None:
    """Draw head and thighs over what was taken from the atlas (all (z, y, x), in place).

    Args:
        at: (3, z, y, x), where each voxel lies in the atlas.
    """
    top = len(atlas.skeleton) - 1
    if at[0].max() > top + NECK_MM and not atlas.open_above:
        _draw_head(atlas, top, at, skeleton, organs, outside_mm)
    if at[0].min() < -PELVIS_MM:
        _draw_thighs(atlas, at, skeleton, organs, outside_mm)


def _draw_head(atlas: Atlas, top: int, at, skeleton, organs, outside_mm) -> None:  # type: ignore[no-untyped-def]
    _, neck_y, neck_x = atlas.axis_zyx[-1]
    centre = (top + NECK_MM + 0.75 * HEAD_RADII_MM[0], neck_y - 35.0, neck_x)
    relative = [(at[axis] - centre[axis]) / HEAD_RADII_MM[axis] for axis in range(3)]
    radius = np.sqrt(sum(r**2 for r in relative))
    above = at[0] > top + NECK_MM
    head = (at[0] > top) & (radius < SCALP)
    skeleton[above] = 0
    organs[above] = t.AIR
    outside_mm[above] = np.clip((radius[above] - SCALP) * HEAD_RADII_MM[2], 1, 255)
    outside_mm[head] = 0
    organs[head] = t.MUSCLE
    bone = head & above & (radius < SKULL[1])
    skeleton[bone] = np.where(radius[bone] < SKULL[0], t.BRAIN, t.SKULL)
    face = bone & (relative[0] < 0.1) & (relative[1] < -0.1)
    skeleton[face] = t.FACE


def _draw_thighs(atlas: Atlas, at, skeleton, organs, outside_mm) -> None:  # type: ignore[no-untyped-def]
    _, hip_y, hip_x = atlas.axis_zyx[0]
    below = at[0] < -PELVIS_MM
    side = np.abs(at[2] - hip_x) - APART_MM
    radius = np.hypot(at[1] - hip_y, side)
    skeleton[below] = 0
    organs[below] = np.where(radius < THIGH_RADIUS_MM, t.THIGH, t.AIR)[below]
    outside_mm[below] = np.clip(radius[below] - THIGH_RADIUS_MM, 0, 255)
    skeleton[below & (radius < FEMUR_RADIUS_MM)] = t.FEMUR
