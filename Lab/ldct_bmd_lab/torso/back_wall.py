"""The concave back wall of thoracic bodies: beside the canal they reach further back than in its middle.

Where whole vertebrae are cut into body and arch, the cut is a plane through the wall's middle. Reference bodies of six
real scans (chests and abdomens of training) lie this far behind it beside the canal, by the median over 24 bodies of
T5-T12; lumbar ones do not.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import tissues as t

CORNER_MM = {**dict.fromkeys(range(8, 16), 3.0), **dict.fromkeys(range(16, 20), 1.8)}  # T1 to T8, T9 to T12
MIDDLE_MM = 3.0  # half the width in which the wall's middle is looked for
RAMP_MM = (3.0, 8.0)  # beside the middle: where the corners begin, and from where on they are full
MARGIN_MM = 5


def regain_corners(skeleton: NDArray[np.uint8]) -> None:
    """Give thoracic bodies their corners beside the canal, which their arches hold; in place, (z, y, x) at 1 mm."""
    boxes = ndimage.find_objects(skeleton, max_label=max(CORNER_MM))
    for level, depth_mm in CORNER_MM.items():
        box = boxes[level - 1]
        if box is None:
            continue
        part = skeleton[box[0], box[1].start : box[1].stop + MARGIN_MM, box[2]]
        body = part == level
        if not body.any():
            continue
        middle_x = np.argwhere(body)[:, 2].mean()
        aside = np.abs(np.arange(part.shape[2]) - middle_x)
        depth = depth_mm * np.clip((aside - RAMP_MM[0]) / (RAMP_MM[1] - RAMP_MM[0]), 0.0, 1.0)
        y = np.arange(part.shape[1])
        for z in np.flatnonzero(body.any(axis=(1, 2))):
            columns = np.flatnonzero(body[z].any(axis=0))
            back = np.where(body[z], y[:, None], -1).max(axis=0)
            near = columns[aside[columns] <= MIDDLE_MM]
            if not len(near):
                continue
            # No further to the side than the body: what lies there is the joint of a rib.
            within = (np.arange(part.shape[2]) > columns[0]) & (np.arange(part.shape[2]) < columns[-1])
            reach = np.where(within, np.median(back[near]) + depth, -1.0)
            corner = (part[z] == level + t.ARCH_OFFSET) & (y[:, None] <= reach) & (y[:, None] > back)
            part[z][corner & (back >= 0)] = level
