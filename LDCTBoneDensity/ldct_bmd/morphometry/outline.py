"""How much a mask looks like the outline of a vertebral body, and agrees with the image."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from ..scan import Geometry
from ..voi import Box
from .edges import HU, OFFSETS_MM, Image, nearest_edge_mm

FAR_MM = 2.5
FAR_SLICES = 0.75  # and of the slice spacing: nearer than that no edge is known
_NORMAL_BLUR_MM = 1.5
_IMAGE_BLUR_MM = 1.0
_MOST_POINTS = 1500


@dataclass(frozen=True)
class Outline:
    """What can be told of a mask without knowing the truth.

    Attributes:
        hole_fraction: part of the body's volume that is missing inside it, bites and tunnels too.
        far_fraction: part of the surface with no edge of bone in the image within 2.5 mm, or three quarters of a slice.
    """

    hole_fraction: float
    far_fraction: float


def check_outline(body: NDArray[np.bool_], box: Box, geometry: Geometry, hu: HU) -> Outline:
    """Return how the mask of a vertebral body looks.

    Args:
        body: (z, y, x) inside ``box``, not empty.
        box: where ``body`` lies on the grid of ``geometry``.
        hu: (z, y, x), the whole scan.
    """
    return Outline(_hole_fraction(body), _far_fraction(body, box, geometry, hu))


def _hole_fraction(body: NDArray[np.bool_]) -> float:
    """Return the part that fills when holes are closed slice by slice, in any of the three directions.

    A tunnel is a hole in the slices across it. Slices along it see none.
    """
    filled = body.copy()
    for axis in range(3):
        for number in range(body.shape[axis]):
            place = (slice(None),) * axis + (number,)
            filled[place] |= scipy.ndimage.binary_fill_holes(body[place])
    return float(1.0 - body.sum() / filled.sum())


def _far_fraction(body: NDArray[np.bool_], box: Box, geometry: Geometry, hu: HU) -> float:
    spacing_zyx = np.asarray(geometry.spacing_mm[::-1])
    padded = np.pad(body, 3)
    surface = np.argwhere(padded & ~scipy.ndimage.binary_erosion(padded))
    surface = surface[:: max(1, len(surface) // _MOST_POINTS)]
    blurred = scipy.ndimage.gaussian_filter(padded.astype(np.float32), _NORMAL_BLUR_MM / spacing_zyx)
    slopes = [gradient[tuple(surface.T)] for gradient in np.gradient(blurred, *spacing_zyx)]
    outward = -np.stack(slopes[::-1], axis=-1) @ np.asarray(geometry.direction).T
    length = np.linalg.norm(outward, axis=1, keepdims=True)
    seen = length[:, 0] > 1e-6
    outward = outward[seen] / length[seen]
    start = np.asarray([axis.start for axis in box]) - 3
    points = geometry.to_lps_mm((surface[seen] + start)[:, ::-1].astype(np.float64))
    image = Image(hu, box, geometry).blurred(_IMAGE_BLUR_MM)
    profiles = image.at(points[:, None] + OFFSETS_MM[:, None] * outward[:, None])
    off_mm = np.nan_to_num(np.abs(nearest_edge_mm(profiles)), nan=np.inf)
    return float((off_mm > max(FAR_MM, FAR_SLICES * geometry.spacing_mm[2])).mean())
