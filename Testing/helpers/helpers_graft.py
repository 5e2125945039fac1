"""A small torso of vertebrae with closed rings, and other patients' vertebrae to graft into it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ldct_bmd_lab.torso import Atlas
from ldct_bmd_lab.torso import tissues as t

ATLAS_LEVELS = (21, 20, 19, 18, 17, 16)  # L2 up to T9
PITCH, HEIGHT = 32, 24


def draw_vertebra(
    labels: NDArray[np.uint8], value: int, centre: Sequence[float], height: float, size: float = 1.0, tilt: float = 0.0
) -> None:
    """Draw a body with a ring of pedicles and laminae and a spinous process behind it.

    Args:
        size: of the vertebra in the axial plane; 1: a body of 38 x 28 mm.
        tilt: rise of its endplates per mm to the back.
    """
    z, y, x = np.ogrid[: labels.shape[0], : labels.shape[1], : labels.shape[2]]
    up, back, side = (z - centre[0] - tilt * (y - centre[1])), (y - centre[1]) / size, np.abs(x - centre[2]) / size
    tall, middle = np.abs(up) <= height / 2, np.abs(up) <= height / 3
    ring = middle & (np.hypot((back - 22) / 1.1, side) <= 14) & (np.hypot((back - 22) / 1.1, side) > 8.5)
    spine = (np.abs(up + 4) <= height / 4) & (side <= 3) & (back > 33) & (back < 46)
    wings = (np.abs(up) <= 4) & (side > 10) & (side < 27) & (np.abs(back - 24) < 4)
    body = tall & ((side / 19) ** 2 + (back / 14) ** 2 <= 1)
    labels[(ring | spine | wings) & ~body & (labels == 0)] = value + t.ARCH_OFFSET
    labels[body] = value


def ring_atlas() -> Atlas:
    """T9 to L2 upright, with discs, a pair of ribs each, a lung and an aorta."""
    shape = (PITCH * len(ATLAS_LEVELS) + 12, 150, 150)
    skeleton, organs = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    inside = np.broadcast_to(((y - 75) / 62) ** 2 + ((x - 75) / 68) ** 2 < 1, shape)
    organs[inside] = t.INNER
    organs[inside & (y > 20) & (y < 70) & (np.abs(x - 75) > 25)] = t.LUNG
    organs[inside & (np.hypot(y - 58, x - 80) < 9)] = t.AORTA
    centres = [(6 + PITCH * (i + 0.5), 82.0, 75.0) for i in range(len(ATLAS_LEVELS))]
    for level, centre in zip(ATLAS_LEVELS, centres, strict=True):
        draw_vertebra(skeleton, level, centre, HEIGHT)
    for level, (low, middle_y, middle_x) in zip(ATLAS_LEVELS[1:], centres, strict=False):
        gap = (np.abs(z - low - PITCH / 2) < (PITCH - HEIGHT) / 2 + 1) & (
            ((x - middle_x) / 19) ** 2 + ((y - middle_y) / 14) ** 2 <= 1
        )
        skeleton[gap & (skeleton == 0)] = t.DISCS[level - 8]
    for level, (low, middle_y, middle_x) in zip(ATLAS_LEVELS, centres, strict=True):
        for first, side in ((60, -1), (72, 1)):
            rib = (np.abs(z - low) <= 3) & (np.abs(y - middle_y - 24) <= 3)
            rib = rib & (side * (x - middle_x) > 27) & (side * (x - middle_x) < 50)
            if level <= 19:
                skeleton[rib & (skeleton == 0)] = first + level - 8
    outside = np.where(inside, 0, 20).astype(np.uint8)
    return Atlas(skeleton, organs, outside, np.asarray(centres), np.asarray(ATLAS_LEVELS))


def patient(levels: Sequence[int], pitch: float = 36.0, size: float = 1.1, lean: float = 0.25) -> NDArray[np.uint8]:
    """Bodies and arches of ``levels``, top first: larger than the atlas's, and leaning to the front as they go up."""
    labels = np.zeros((int(pitch * len(levels)) + 40, 130, 110), np.uint8)
    for i, level in enumerate(reversed(levels)):
        height = pitch * (i + 0.5) + 20
        draw_vertebra(labels, level, (height, 60 - lean * (height - 20), 55), pitch * HEIGHT / PITCH, size, tilt=0.2)
    return labels
