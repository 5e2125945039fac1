"""A prepared atlas of blocks: five bodies with arches, discs, ribs and lungs, big enough to draw scans from."""

import numpy as np

from ldct_bmd_lab.torso import Atlas
from ldct_bmd_lab.torso import tissues as t

LOWEST, HIGHEST = 21, 17  # L2 ... T10


def block_atlas() -> Atlas:
    shape = (190, 120, 120)
    skeleton = np.zeros(shape, np.uint8)
    organs = np.zeros(shape, np.uint8)
    organs[:, 15:105, 15:105] = t.INNER
    organs[:, 25:60, 20:50] = t.LUNG
    levels, centres = [], []
    for i, body in enumerate(range(LOWEST, HIGHEST - 1, -1)):
        low = 10 + 35 * i
        skeleton[low : low + 28, 60:85, 42:78] = body
        skeleton[low : low + 28, 95:102, 50:70] = body + t.ARCH_OFFSET
        skeleton[low + 28 : low + 35, 60:85, 42:78] = t.DISCS[0]
        skeleton[low + 10 : low + 18, 75:82, 78:104] = t.RIBS[9]
        levels.append(body)
        centres.append((low + 13.5, 72.0, 59.5))
    inside = np.zeros(shape, bool)
    inside[:, 15:105, 15:105] = True
    outside = np.where(inside, 0, 20).astype(np.uint8)
    return Atlas(skeleton, organs, outside, np.asarray(centres), np.asarray(levels))
