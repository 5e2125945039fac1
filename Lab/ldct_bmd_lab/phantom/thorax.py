"""Rib cage, sternum and shoulders, in the torso's frame (mm; x left, y back, z up, z = 0 in T8)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .shapes import Coordinates, FloatArray, Strut, polyline
from .spine import VertebralModel

# Surface in which the ribs run: height, half-width, front and back (an average adult in inspiration).
CAGE = np.array(
    [
        (185.0, 34.0, -70.0, -36.0),
        (168.0, 48.0, -82.0, -26.0),
        (150.0, 63.0, -94.0, -10.0),
        (122.0, 90.0, -108.0, 12.0),
        (92.0, 109.0, -120.0, 30.0),
        (50.0, 124.0, -131.0, 47.0),
        (0.0, 133.0, -137.0, 57.0),
        (-50.0, 136.0, -137.0, 56.0),
        (-100.0, 134.0, -133.0, 50.0),
        (-150.0, 129.0, -126.0, 43.0),
        (-230.0, 126.0, -120.0, 36.0),
    ]
)
CAGE_EXPONENT = 2.25
# How far round a rib reaches (90: straight back, 0: to the side, -90: straight front) and how much it descends, in mm.
RIB_REACH_DEG = (-58, -62, -62, -62, -62, -60, -56, -50, -42, -32, 2, 32)
RIB_DROP_MM = (34, 52, 72, 88, 98, 106, 112, 116, 116, 110, 84, 52)
STERNUM_TOP, STERNUM_ANGLE, STERNUM_END = 108.0, 62.0, -42.0


def profile(table: NDArray[np.float64], z: FloatArray, column: int) -> FloatArray:
    """Interpolate a column of a table whose first column is the falling height."""
    return np.interp(z, table[::-1, 0], table[::-1, column]).astype(np.float32)


def cage_distance(p: Coordinates, offset_mm: float) -> FloatArray:
    """Return the distance to the rib surface moved outward by ``offset_mm``."""
    return oval_distance(CAGE, p, offset_mm, CAGE_EXPONENT)


def oval_distance(table: NDArray[np.float64], p: Coordinates, offset_mm: float, exponent: float) -> FloatArray:
    """Return the distance to stacked ovals (height, half-width, front, back)."""
    x, y, z = p
    a = profile(table, z, 1) + np.float32(offset_mm)
    front, back = profile(table, z, 2), profile(table, z, 3)
    b = (back - front) * np.float32(0.5) + np.float32(offset_mm)
    y = y - (front + back) * np.float32(0.5)
    level = (np.abs(x / a) ** exponent + np.abs(y / b) ** exponent) ** np.float32(1 / exponent) + np.float32(1e-3)
    return np.asarray((1 - 1 / level) * np.sqrt(x * x + y * y), dtype=np.float32)


def cage_point(angle_deg: float, z: float, side: int) -> NDArray[np.float64]:
    """Return the point of the rib surface at an angle (90: back, 0: side, -90: front)."""
    a, front, back = (float(profile(CAGE, np.array([z], np.float32), k)[0]) for k in (1, 2, 3))
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    power = 2 / CAGE_EXPONENT
    x = a * np.sign(c) * abs(c) ** power
    y = (front + back) / 2 + (back - front) / 2 * np.sign(s) * abs(s) ** power
    return np.array([side * x, y, z])


@dataclass(frozen=True)
class Rib:
    """Centre line (n, 3), and the bars of bone and cartilage along it."""

    line: NDArray[np.float64]
    bone: tuple[Strut, ...]
    cartilage: tuple[Strut, ...]


def build_rib(number: int, vertebra: VertebralModel, side: int) -> Rib:
    """Return rib ``number`` (1-12) from its vertebra's body to its front end."""
    size = vertebra.size
    # Ribs 2-9 sit across the disc above, the others on the body.
    head_w = 0.44 if 2 <= number <= 9 else 0.22
    head = (side * (0.86 * size.width / 2 + 2.2), 0.30 * size.depth, head_w * size.height)
    neck = (side * (0.5 * size.width + 9.0), size.depth / 2 + 5.5, (head_w - 0.05) * size.height)
    start = [vertebra.frame.to_torso(np.array(head)), vertebra.frame.to_torso(np.array(neck))]
    if number <= 10:
        joint = size.depth / 2 + 0.62 * size.canal[1]
        tubercle = (side * (size.transverse + 1.5), joint + 2.5, (head_w - 0.08) * size.height - 1.0)
        start.append(vertebra.frame.to_torso(np.array(tubercle)))
    reach, drop = RIB_REACH_DEG[number - 1], RIB_DROP_MM[number - 1]
    first = 64.0 if number in (1,) else 62.0
    angles = np.arange(first, reach, -14.0)
    z0 = start[-1][2]
    span = first + 62.0
    points = [cage_point(a, z0 - 3.0 - drop * ((first - a + 6.0) / span), side) for a in angles]
    # The first points would double back where the cage's back lies beside the tubercle.
    points = [q for q in points if abs(q[0]) > abs(start[-1][0]) + 9.0]
    end = cage_point(reach, z0 - 3.0 - drop * ((first - reach + 6.0) / span), side)
    if np.linalg.norm(points[-1] - end) < 8.0:
        points.pop()
    line = polyline(np.array([*start, *points, end]), 4.0)
    return Rib(line, _tube(line, number), tuple(_cartilage(number, line, side)))


def _tube(line: NDArray[np.float64], number: int) -> tuple[Strut, ...]:
    high = 4.2 if number in (1, 12) else 5.6 if number in (2, 11) else 6.4
    thin = 3.4 if number in (11, 12) else 3.7
    center = np.array([0.0, -40.0])
    middle = len(line) / 2
    struts = []
    for k, (a, b) in enumerate(pairwise(line)):
        outward = np.array([*((a + b)[:2] / 2 - center), 0.0])
        along = (b - a) / np.linalg.norm(b - a)
        up = np.cross(along, outward)
        if number == 1:
            # The first rib lies flat.
            up = np.array([*outward[:2], 0.0]) + 0.3 * up / np.linalg.norm(up) * np.linalg.norm(outward)
        near = max(0.0, 1 - k / 6.0)
        tip = 1.0 - 0.3 * max(0.0, (k - middle) / middle) * (number >= 11)
        radii = ((high * tip) * (1 - 0.12 * near), thin * tip * (1 + 0.35 * near))
        struts.append(_bar(a, b, radii, up))
    return tuple(struts)


def _cartilage(number: int, line: NDArray[np.float64], side: int) -> list[Strut]:
    if number > 10:
        return []
    end = line[-1]
    z = np.interp(number, [1, 2, 3, 4, 5, 6, 7, 10], [96, 62, 40, 18, -2, -20, -34, -52])
    front = float(profile(CAGE, np.array([z], np.float32), 2)[0]) + 2.0
    if number <= 7:
        target = np.array([side * (26.0 if number == 1 else 17.0), front, z])
    else:
        target = np.array(
            [side * (30.0 + 13.0 * (number - 7)), front + 3.0 * (number - 7) ** 1.6, z - 14.0 * (number - 7)]
        )
    middle = (end + target) / 2 + np.array([0.0, -6.0, -10.0 if number > 4 else -3.0])
    points = polyline(np.array([end, middle, target]), 8.0)
    return [_bar(a, b, (5.4, 4.2), np.array([0.0, 0.0, 1.0])) for a, b in pairwise(points)]


def _bar(
    a: NDArray[np.float64], b: NDArray[np.float64], radii: tuple[float, float], side: NDArray[np.float64]
) -> Strut:
    start, end, across = (tuple(float(c) for c in q) for q in (a, b, side))
    return Strut(start, end, radii, radii, across)  # type: ignore[arg-type]


def tube(points: NDArray[np.float64], radius_mm: float | tuple[float, float], step_mm: float = 7.0) -> list[Strut]:
    """Return bars along the spline through ``points``, with a round or (x, other) elliptic cross-section."""
    radii = (radius_mm, radius_mm) if isinstance(radius_mm, float | int) else radius_mm
    line = polyline(np.asarray(points, dtype=np.float64), step_mm)
    return [_bar(a, b, radii, np.array([1.0, 0.02, 0.01])) for a, b in pairwise(line)]


def sternum() -> list[Strut]:
    """Return the manubrium, the body and the xiphoid process."""
    front = [float(profile(CAGE, np.array([z], np.float32), 2)[0]) for z in (STERNUM_TOP, STERNUM_ANGLE, STERNUM_END)]
    y_top, y_angle, y_end = front[0] + 1.0, front[1] - 1.0, front[2] + 2.0
    return [
        Strut((0, y_top, STERNUM_TOP - 4), (0, y_angle, STERNUM_ANGLE + 4), (28.0, 6.0), (15.0, 6.0)),
        Strut((0, y_angle, STERNUM_ANGLE - 3), (0, y_end, STERNUM_END), (14.0, 5.2), (17.0, 5.0)),
        Strut((0, y_end, STERNUM_END - 8), (0, y_end + 4, STERNUM_END - 24), (7.0, 3.4), (4.0, 3.0)),
    ]


def shoulders() -> list[Strut]:
    """Return clavicles, scapulae and the upper ends of the humeri, with the arms raised."""
    one = [
        *tube(np.array([(20, -106, 108), (55, -112, 124), (100, -82, 146), (142, -48, 160)]), 6.0),
        # Shoulder blade: an upright triangular plate behind ribs 2-7, its spine, and the socket.
        *_blade(),
        *tube(np.array([(60, 32, 124), (98, 34, 140), (136, 8, 160), (144, -28, 166)]), (5.0, 6.5)),
        Strut((136, -8, 138), (150, -20, 142), (9.0, 14.0), (8.0, 17.0), (0.0, 1.0, 0.0)),
        Strut((174, -28, 150), (177, -30, 160), (22.0, 21.0), (21.0, 20.0)),
        Strut((177, -30, 158), (190, -34, 320), (15.0, 15.0), (11.0, 11.0)),
    ]
    return [*one, *(s.mirrored() for s in one)]


def _blade() -> list[Strut]:
    rows = []
    for f in np.linspace(0.0, 1.0, 10):
        # From the upper border to the lower tip; the plate narrows and stays outside the ribs.
        z = 142.0 - 105.0 * f
        row = []
        for angle in (66.0 - 14.0 * f, 39.0 + 9.0 * f, 12.0 + 32.0 * f):
            q = cage_point(angle, z, 1)
            away = np.array([q[0], q[1] + 40.0, 0.0])
            row.append(q + (20.0 - 3.0 * f) * away / np.linalg.norm(away))
        rows.append(row)
    grid = np.array(rows)
    upward = -np.gradient(grid, axis=0)
    return [
        _bar(grid[i, j], grid[i, j + 1], (8.0, 2.0), upward[i, j] + upward[i, j + 1])
        for i in range(len(grid))
        for j in range(2)
    ]
