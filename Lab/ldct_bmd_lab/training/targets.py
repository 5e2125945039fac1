"""From the labels of a scan to the networks' classes.

Synthetic and annotated scans share one set of labels: those of :mod:`.synthetic.tissues`, and some that only annotated
scans have.
"""

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.segmentation.levels import FIRST_BODY, LAST_BODY, RIB, SACRUM

from ..torso import tissues as t

IGNORE = 255  # the class that no loss and no Dice counts

# Labels of annotated scans alone.
T13, L6 = 28, t.L6  # VerSe's values
NAMELESS_OFFSET = 200  # a body b of doubtful name is b + 200: its region is learnt, its level is not
OTHER_BONE = 254  # no vertebral body from T1 down; which bone it is, nobody said
UNKNOWN = t.UNKNOWN


def region_table() -> NDArray[np.int64]:
    """Return the fine network's class of each of the 256 labels."""
    table = np.zeros(256, dtype=np.int64)
    table[8:14], table[14:20], table[20:25] = 1, 2, 3
    table[T13], table[L6] = 2, 3
    table[NAMELESS_OFFSET : NAMELESS_OFFSET + T13 + 1] = table[: T13 + 1]
    table[UNKNOWN] = IGNORE
    return table


def level_table() -> NDArray[np.int64]:
    """Return the coarse network's channel of each of the 256 labels."""
    table = np.zeros(256, dtype=np.int64)
    table[list(t.CERVICAL)] = FIRST_BODY
    table[8:25] = np.arange(FIRST_BODY + 1, LAST_BODY + 1)
    table[t.SACRUM] = SACRUM
    table[list(t.RIBS)] = RIB
    # It has no channel for these levels.
    table[[T13, L6, OTHER_BONE, UNKNOWN]] = IGNORE
    table[NAMELESS_OFFSET : NAMELESS_OFFSET + T13 + 1] = IGNORE
    return table


TABLES = {"regions": region_table(), "levels": level_table()}
