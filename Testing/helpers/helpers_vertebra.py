"""A vertebra of known shape: body and arch, as tools that label whole vertebrae draw it."""

import numpy as np
from scipy.spatial.transform import Rotation

from ldct_bmd.anatomy import VERSE_VALUE


def vertebra(spacing_zyx_mm=(1.0, 1.0, 1.0), turn_deg=(0.0, 0.0, 0.0), size_mm=(70.0, 90.0, 90.0)):
    """Whole vertebra and its body, (z, y, x): elliptic body, pedicles, sloping laminae, processes.

    ``turn_deg``: about x (tilt), y (scoliosis) and z (rotation).
    """
    shape = tuple(round(s / d) for s, d in zip(size_mm, spacing_zyx_mm, strict=True))
    axes = [(np.arange(n) - (n - 1) / 2) * d for n, d in zip(shape, spacing_zyx_mm, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)
    x, y, z = np.moveaxis(grid @ Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix(), -1, 0)
    y = y + 18.0  # the body lies in front of the middle
    body = ((x / 20) ** 2 + (y / 15) ** 2 < 1) & (np.abs(z) < 13) & (y < 14)
    behind = y - 23.0  # the canal's centre
    ring = (x / 15) ** 2 + (behind / 12) ** 2
    canal = (x / 11) ** 2 + (behind / 9) ** 2 < 1
    pedicles = (np.abs(np.abs(x) - 13) < 3.5) & (y > 0) & (behind < 2) & (np.abs(z - 5) < 6)
    laminae = (ring < 1) & (behind > 0) & (np.abs(z + 0.9 * behind - 2) < 7)
    spinous = (np.abs(x) < 3) & (behind > 8) & (behind < 32) & (np.abs(z + 8) < 7)
    transverse = (np.abs(behind - 2) < 4) & (np.abs(x) > 13) & (np.abs(x) < 36) & (np.abs(z - 3) < 4)
    arch = ((pedicles | laminae) & ~canal) | spinous | transverse
    return body | arch, body


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def column(spacing_zyx_mm=(1.0, 1.0, 1.0)):
    """T12, L1 and L2 stacked, from the top down in level, with z rising."""
    whole, body = vertebra(spacing_zyx_mm, size_mm=(40.0, 90.0, 90.0))
    levels = ("L2", "L1", "T12")
    return tuple(
        np.concatenate([part * np.uint8(VERSE_VALUE[level]) for level in levels]).astype(np.uint8)
        for part in (whole, body)
    )
