"""From the tissues of a synthetic scan to the networks' classes."""

import numpy as np
from numpy.typing import NDArray

from ..segmentation.levels import CHANNELS
from .synthetic import tissues as t


def region_table() -> NDArray[np.int64]:
    """Return the fine network's class of each of the 256 tissue labels."""
    table = np.zeros(256, dtype=np.int64)
    table[8:14], table[14:20], table[20:25] = 1, 2, 3
    return table


def level_table() -> NDArray[np.int64]:
    """Return the coarse network's channel of each of the 256 tissue labels."""
    table = np.zeros(256, dtype=np.int64)
    table[list(t.CERVICAL)] = CHANNELS.index("cervical")
    table[8:25] = np.arange(CHANNELS.index("T1"), CHANNELS.index("L5") + 1)
    table[t.SACRUM] = CHANNELS.index("sacrum")
    table[list(t.RIBS)] = CHANNELS.index("rib")
    return table
