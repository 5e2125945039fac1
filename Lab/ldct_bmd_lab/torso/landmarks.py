"""Points that are the same place in any two vertebrae: where one spine is laid onto another."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from . import tissues as t

Points = NDArray[np.float64]

BODY_POINTS = 12  # the first so many landmarks lie on the body, the others on the arch
# How far the map may pass a landmark by (the ridge of the spline): processes vary more than bodies do.
SOFTNESS = np.array([0.5] * BODY_POINTS + [4.0] * 4)


@dataclass(frozen=True)
class Vertebra:
    """One vertebra's landmarks.

    Attributes:
        centre: (z, y, x) of the body.
        points: (16, 3): endplate corners (front, back, right, left; upper then lower of each), walls (front, back,
            right, left), the arch's centre, transverse processes (right, left), spinous process. NaN where not seen.
    """

    centre: Points
    points: Points

    def endplate(self, upper: bool) -> Points:
        """Return the middle (z, y, x) of the upper or the lower endplate."""
        return np.asarray(self.points[0 if upper else 1 : 8 : 2].mean(axis=0))


def find_landmarks(skeleton: NDArray[np.uint8], levels: tuple[int, ...]) -> dict[int, Vertebra]:
    """Return the landmarks of ``levels``, neighbours in any order, in a ``skeleton`` (z, y, x) at 1 mm."""
    boxes = ndimage.find_objects(skeleton)

    def points(value: int) -> Points:
        box = boxes[value - 1] if value <= len(boxes) else None
        if box is None:
            return np.empty((0, 3))
        return np.argwhere(skeleton[box] == value) + [float(s.start) for s in box]

    body_points = {level: points(level) for level in levels}
    centres = {level: body.mean(axis=0) for level, body in body_points.items()}
    return {
        level: _vertebra(body_points[level], points(level + t.ARCH_OFFSET), _course(centres, level))
        for level in sorted(levels)
    }


def _course(centres: Mapping[int, Points], level: int) -> Points:
    """Return the unit vector (z, y, x) up the spine at ``level``; along z for a lone vertebra."""
    above, below = centres.get(level - 1, centres[level]), centres.get(level + 1, centres[level])
    course = np.asarray(above - below)
    return course / np.linalg.norm(course) if course.any() else np.array([1.0, 0.0, 0.0])


def _vertebra(body: Points, arch: Points, up: Points) -> Vertebra:
    centre = body.mean(axis=0)
    back = (arch.mean(axis=0) - centre) if len(arch) else np.array([0.0, 1.0, 0.0])
    back -= up * (back @ up)
    back /= np.linalg.norm(back)
    left = np.cross(back, up)
    axes = np.stack([up, back, left if left[2] > 0 else -left])
    local = (body - centre) @ axes.T
    spread = local.std(axis=0)
    found = [
        _corner(local, spread, axis, sign, upper) for axis in (1, 2) for sign in (-1, 1) for upper in (True, False)
    ]
    found += [_wall(local, spread, axis, sign) for axis in (1, 2) for sign in (-1, 1)]
    found += _processes((arch - centre) @ axes.T) if len(arch) else [np.full(3, np.nan)] * 4
    return Vertebra(centre, np.asarray(found) @ axes + centre)


def _corner(local: Points, spread: Points, axis: int, sign: int, upper: bool) -> Points:
    """Return where an endplate lies over a point one standard deviation from the middle."""
    place = np.zeros(3)
    place[axis] = sign * spread[axis]
    near = (np.abs(local[:, 1:] - place[1:]) < 0.5 * spread[1:]).all(axis=1)
    place[0] = np.percentile(local[near, 0], 97 if upper else 3) if near.any() else np.nan
    return place


def _wall(local: Points, spread: Points, axis: int, sign: int) -> Points:
    """Return where the wall of a body lies at half height."""
    across = 3 - axis
    near = (np.abs(local[:, 0]) < 0.6 * spread[0]) & (np.abs(local[:, across]) < 0.6 * spread[across])
    place = np.zeros(3)
    place[axis] = np.percentile(local[near, axis], 98 if sign > 0 else 2) if near.any() else np.nan
    return place


def _processes(local: Points) -> list[Points]:
    """Return the arch's centre and its ends to the right, to the left and to the back."""
    ends = [local.mean(axis=0)]
    for axis, sign in ((2, -1), (2, 1), (1, 1)):
        along = sign * local[:, axis]
        ends.append(local[along >= np.percentile(along, 96)].mean(axis=0))
    return ends


def similarity(source: Points, target: Points) -> tuple[float, Rotation]:
    """Return scale and rotation of the best similarity from ``source`` (n, 3) to ``target`` (n, 3); NaN is left out.

    Umeyama, IEEE Trans. Pattern Anal. Mach. Intell. 1991; 13: 376-380.
    """
    seen = ~np.isnan(source + target).any(axis=1)
    a = source[seen] - source[seen].mean(axis=0)
    b = target[seen] - target[seen].mean(axis=0)
    rotation, _ = Rotation.align_vectors(b, a)
    return float(np.sqrt((b**2).sum() / (a**2).sum())), rotation
