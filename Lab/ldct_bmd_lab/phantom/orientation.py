"""How an array of the engine's frame lies in a file: axes permuted and flipped, no voxel changed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.scan import Geometry

_AXIS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}


def stored_geometry(geometry: Geometry, orientation: str) -> Geometry:
    """Return the grid of an array stored with its (i, j, k) axes rising towards ``orientation`` ("RAS", ...)."""
    axes = [_AXIS[letter] for letter in orientation]
    corner = [geometry.size[a] - 1 if sign < 0 else 0 for a, sign in sorted(axes)]
    direction = np.asarray(geometry.direction)
    columns = np.stack([sign * direction[:, a] for a, sign in axes], axis=1)
    origin = geometry.to_lps_mm(np.array(corner, dtype=np.float64))
    rows = tuple((float(r[0]), float(r[1]), float(r[2])) for r in columns)
    (i, _), (j, _), (k, _) = axes
    return Geometry(
        size=(geometry.size[i], geometry.size[j], geometry.size[k]),
        spacing_mm=(geometry.spacing_mm[i], geometry.spacing_mm[j], geometry.spacing_mm[k]),
        origin_lps_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=(rows[0], rows[1], rows[2]),
    )


def stored_array(array: NDArray[Any], orientation: str) -> NDArray[Any]:
    """Return a (z, y, x) array of the engine's frame as a (k, j, i) array of the stored one."""
    axes = [_AXIS[letter] for letter in orientation]
    out = array.transpose(2, 1, 0).transpose([a for a, _ in axes])
    out = out[tuple(slice(None, None, sign) for _, sign in axes)]
    return np.ascontiguousarray(out.transpose(2, 1, 0))
