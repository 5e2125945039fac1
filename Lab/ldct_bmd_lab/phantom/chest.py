"""Soft tissue of the trunk's wall and the chest, painted before the skeleton."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas
from .shapes import Coordinates, FloatArray, Strut, Waves, coverage, ellipsoid, smooth_max, smooth_min
from .spec import PhantomSpec
from .spine import VertebralModel
from .thorax import cage_distance, oval_distance, tube

SKIN_HU, FAT_HU, MUSCLE_HU, LUNG_HU, AIR_HU, VISCERAL_FAT_HU = 10.0, -102.0, 55.0, -860.0, -995.0, -98.0
BLOOD_HU, HEART_HU, DISC_HU, CORD_HU, SAC_HU = 42.0, 44.0, 85.0, 38.0, 22.0
REACH, SKIN_MM = 420.0, 1.8
# Muscular wall under the fat: height, half-width, front, back.
TRUNK = np.array(
    [
        (210.0, 54.0, -108.0, 2.0),
        (185.0, 62.0, -106.0, 14.0),
        (165.0, 92.0, -108.0, 34.0),
        (140.0, 124.0, -118.0, 50.0),
        (110.0, 136.0, -128.0, 58.0),
        (70.0, 140.0, -138.0, 63.0),
        (0.0, 142.0, -144.0, 66.0),
        (-60.0, 144.0, -144.0, 65.0),
        (-120.0, 141.0, -139.0, 60.0),
        (-180.0, 136.0, -133.0, 54.0),
        (-260.0, 134.0, -129.0, 50.0),
    ]
)
TRUNK_EXPONENT = 2.5
# Centres and semi-axes of the left and right ventricle and of the left and right atrium.
CHAMBERS = (
    ((44.0, -84.0, -36.0), (28.0, 18.0, 22.0)),
    ((4.0, -104.0, -34.0), (26.0, 13.0, 26.0)),
    ((4.0, -46.0, 0.0), (32.0, 17.0, 22.0)),
    ((-32.0, -72.0, -6.0), (17.0, 22.0, 24.0)),
)


class Column:
    """Centre line of the spine, for what lies beside it."""

    def __init__(self, spine: tuple[VertebralModel, ...]) -> None:
        centers = np.array([v.frame.origin for v in spine])[::-1]
        self._z, self._x, self._y = centers[:, 2], centers[:, 0], centers[:, 1]
        self._half = np.array([v.size.depth / 2 for v in spine])[::-1]

    def at(self, z: float) -> tuple[float, float, float]:
        """Return x, y and half the depth of the bodies at a height."""
        values = [float(np.interp(z, self._z, c)) for c in (self._x, self._y, self._half)]
        return values[0], values[1], values[2]

    def relative(self, p: Coordinates) -> tuple[FloatArray, FloatArray]:
        """Return coordinates to the left of and behind the centre line."""
        x = p[0] - np.interp(p[2], self._z, self._x).astype(np.float32)
        y = p[1] - np.interp(p[2], self._z, self._y).astype(np.float32)
        return x, y

    def line(self, heights: tuple[float, ...], left: float, front: float) -> NDArray[np.float64]:
        """Return points beside the column: ``front`` mm before the bodies' front wall."""
        found = [(*self.at(z), z) for z in heights]
        return np.array([(x + left, y - half - front, z) for x, y, half, z in found])


def wall(p: Coordinates, offset_mm: float) -> FloatArray:
    """Return the distance to the muscular wall (trunk, neck and shoulders) moved outward by ``offset_mm``."""
    trunk = oval_distance(TRUNK, p, offset_mm, TRUNK_EXPONENT)
    mirrored = (np.abs(p[0]), p[1], p[2])
    grow = offset_mm
    shoulder = ellipsoid(mirrored, (128.0, -14.0, 128.0), (62.0 + grow, 62.0 + grow, 52.0 + grow))
    arm = Strut((150, -28, 138), (188, -34, 330), (46 + grow, 44 + grow), (38 + grow, 38 + grow)).distance(mirrored)
    latissimus = ellipsoid(mirrored, (134.0, 8.0, 70.0), (24.0 + grow, 46.0 + grow, 78.0 + grow))
    total = smooth_min(smooth_min(trunk, shoulder, 26.0), smooth_min(arm, latissimus, 20.0), 26.0)
    # A groove along the spine between the back muscles.
    return total + np.float32(5.0) * np.exp(-((p[0] / 14.0) ** 2)) * (p[1] > 0)


def cavity(p: Coordinates, column: Column) -> FloatArray:
    """Return the distance to the inside of the rib cage, before the back muscles beside the spine."""
    top = np.asarray(p[2] - 158.0 + 0.004 * (np.abs(p[0]) - 40.0) ** 2, dtype=np.float32)
    x, y = column.relative(p)
    # From the ribs' necks to their angles the chest's back wall slants away from the spine.
    back = np.asarray((y - 4.0 - 0.66 * np.abs(x)) * 0.83, dtype=np.float32)
    return smooth_max(smooth_max(cage_distance(p, -6.5), top, 12.0), back, 10.0)


def domes(p: Coordinates) -> FloatArray:
    """Return the distance to the space under the diaphragm."""
    right = ellipsoid(p, (-62.0, -48.0, -128.0), (74.0, 92.0, 104.0))
    left = ellipsoid(p, (60.0, -50.0, -140.0), (70.0, 88.0, 100.0))
    both = smooth_min(smooth_min(right, left, 24.0), ellipsoid(p, (0.0, -70.0, -150.0), (90.0, 66.0, 92.0)), 24.0)
    bottom = p[2] + np.float32(140.0) - np.float32(0.0035) * (p[1] - 40.0) ** 2
    return smooth_min(both, bottom, 10.0)


def mediastinum(p: Coordinates, column: Column) -> FloatArray:
    """Return the distance to what lies between the lungs, the spine with it."""
    x, y = column.relative(p)
    flat = np.zeros_like(p[2])
    spine = ellipsoid((x, y - 2.0, flat), (0.0, 0.0, 0.0), (21.0, 24.0, 40.0))
    # Wide round the great vessels, narrow behind the breastbone.
    half: FloatArray = 6.0 + 0.21 * np.clip(p[2] + 20.0, 0, 120) * np.exp(-(((p[1] + 60.0) / 30.0) ** 2))
    middle = smooth_max(np.asarray(np.abs(p[0] - 2.0) - half, dtype=np.float32), p[1], 6.0)
    great = ellipsoid(p, (4.0, -62.0, 62.0), (40.0, 44.0, 52.0))
    return smooth_min(smooth_min(spine, middle, 10.0), smooth_min(great, _heart(p, 5.0), 10.0), 12.0)


def _heart(p: Coordinates, grow: float) -> FloatArray:
    ventricles = ellipsoid(
        _turn(p, (28.0, -88.0, -32.0), -38.0), (0.0, 0.0, 0.0), (60.0 + grow, 39.0 + grow, 38.0 + grow)
    )
    atria = ellipsoid(p, (-6.0, -62.0, -4.0), (44.0 + grow, 34.0 + grow, 34.0 + grow))
    return smooth_min(ventricles, atria, 18.0)


def _turn(p: Coordinates, center: tuple[float, float, float], degrees: float) -> Coordinates:
    c, s = np.float32(np.cos(np.radians(degrees))), np.float32(np.sin(np.radians(degrees)))
    x, y = p[0] - np.float32(center[0]), p[1] - np.float32(center[1])
    return c * x + s * y, -s * x + c * y, p[2] - np.float32(center[2]) + np.float32(0.25) * x


def lung(p: Coordinates, column: Column) -> FloatArray:
    """Return the distance to both lungs."""
    return smooth_max(smooth_max(cavity(p, column), -mediastinum(p, column), 3.0), -domes(p) + 3.0, 3.0)


def paint_wall(canvas: Canvas, spec: PhantomSpec, rng: np.random.Generator, column: Column) -> None:
    """Paint skin, fat and the muscles of the wall."""
    low, high = (-REACH, -260.0, -REACH), (REACH, 200.0, REACH)
    padding = Waves.draw(rng, (90.0, 220.0), 6)

    def layers(p: Coordinates) -> tuple[FloatArray, ...]:
        # More fat at the flanks than over the breastbone and the spine, and nowhere quite even.
        x, y = column.relative(p)
        # A bent column takes the back with it.
        behind = ellipsoid((x, y, np.zeros_like(p[2])), (0.0, 22.0, 0.0), (44.0, 40.0, 60.0))
        muscle = smooth_min(wall(p, 0.0), behind, 14.0)
        flank = np.clip(np.abs(p[0]) / 150.0, 0.0, 1.2) * np.clip(0.4 - p[2] / 300.0, 0.0, 1.0)
        fat = muscle - np.float32(spec.fat_mm) * np.clip(0.85 + 0.5 * flank + 0.12 * padding(p), 0.3, 2.0)
        return fat - SKIN_MM, fat, muscle

    canvas.paint_smooth(layers, low, high, (SKIN_HU, FAT_HU, MUSCLE_HU))
    septa = Waves.draw(rng, (26.0, 70.0), 16)

    def fields(p: Coordinates) -> tuple[FloatArray, FloatArray]:
        outside = np.maximum(wall(p, -2.0), -cage_distance(p, 7.0))
        return outside, septa((p[0], p[1], p[2] * np.float32(0.45)))

    # Fat between muscles: thin sheets where a smooth random field changes its sign.
    canvas.paint_smooth(
        fields, low, high, -80.0, combine=lambda d, n: np.maximum(d, np.abs(n) * np.float32(9.0) - 0.7), opacity=0.8
    )

    def erector(p: Coordinates) -> tuple[FloatArray, FloatArray]:
        x, y = column.relative(p)
        flat = np.zeros_like(p[2])
        muscle = ellipsoid((np.abs(x), y, flat), (28.0, 42.0, 0.0), (23.0, 15.0, 40.0))
        return muscle - np.float32(0.7), muscle + np.float32(0.7)

    # The spine's erectors in their sheath of fat.
    canvas.paint_smooth(erector, (-90, -90, -REACH), (90, 110, REACH), (-70.0, MUSCLE_HU + 3))


def paint_chest(canvas: Canvas, spec: PhantomSpec, rng: np.random.Generator, column: Column) -> None:
    """Paint the lungs with their vessels, the mediastinum, the heart and the great vessels."""
    low, high = (-170.0, -180.0, -190.0), (170.0, 90.0, 190.0)
    blood = BLOOD_HU + spec.contrast_hu

    def lungs(p: Coordinates) -> tuple[FloatArray, ...]:
        between, space, under = mediastinum(p, column), cavity(p, column), domes(p)
        air = smooth_max(smooth_max(space, -between, 3.0), -under + 3.0, 3.0)
        # Blood sinks: a lung is denser at the back.
        return smooth_max(np.maximum(space, -under), between, 3.0), air, np.maximum(air + 3.0, -p[1] - 5.0)

    canvas.paint_smooth(lungs, low, high, (-88.0, LUNG_HU, LUNG_HU + 40))
    canvas.paint_struts(_lung_vessels(rng, column), 40.0 + spec.contrast_hu)
    canvas.paint_smooth(lambda p: _heart(p, 0.0), (-70, -150, -90), (100, -20, 50), HEART_HU + 0.45 * spec.contrast_hu)
    for center, radii in CHAMBERS:
        box = canvas.box_around(np.subtract(center, radii) - 1, np.add(center, radii) + 1)
        if box is not None:
            canvas.blend(box, coverage(ellipsoid(canvas.coordinates(box), center, radii), canvas.edge_mm), blood)
    trachea = [(0, -58, 190), (0, -58, 150), (1, -48, 100), (2, -40, 66)]
    branches = [[(2, -40, 68), (-22, -38, 48), (-40, -38, 34)], [(2, -40, 68), (28, -34, 46), (46, -32, 36)]]
    for points, radius in ((trachea, 9.0), (branches[0], 7.0), (branches[1], 6.4)):
        line = np.array(points, dtype=float)
        canvas.paint_struts(tube(line, radius + 1.4), 30.0)
    for points, radius in ((trachea, 9.0), (branches[0], 7.0), (branches[1], 6.4)):
        canvas.paint_struts(tube(np.array(points, dtype=float), radius), AIR_HU)
    gullet = column.line((190.0, 140.0, 90.0, 40.0, -20.0, -70.0), 5.0, 8.0)
    canvas.paint_struts(tube(gullet, (9.0, 5.5)), 36.0)
    canvas.paint_struts([Strut((5, -40, 118), (5, -38, 112), (3, 2), (3, 2))], -700.0)


def great_vessels(column: Column) -> list[Strut]:
    """Return the bars of the aorta and the other great vessels of chest and belly."""
    descending = column.line((66.0, 40.0, 0.0, -40.0), 22.0, -2.0)
    lower = column.line((-75.0, -110.0, -150.0, -200.0, -260.0), 7.0, 14.0)
    arch = np.array([(2, -82, 4), (-14, -88, 34), (-14, -86, 62), (0, -66, 86), (16, -44, 84)])
    struts = tube(np.vstack([arch, descending, lower]), 12.0)
    struts += tube(np.array([(16, -96, -4), (20, -88, 26), (18, -62, 44), (-4, -52, 42), (-36, -46, 34)]), 11.5)
    struts += tube(np.array([(18, -62, 44), (34, -48, 46), (48, -38, 40)]), 11.0)
    struts += tube(np.array([(-34, -76, 0), (-32, -72, 40), (-30, -72, 84), (-24, -84, 112)]), 9.0)
    struts += tube(np.array([(-24, -84, 110), (30, -92, 116), (62, -84, 140)]), 6.5)
    struts += tube(np.array([(-24, -84, 110), (-58, -82, 140)]), 6.5)
    for points in ([(-6, -76, 84), (-16, -70, 120), (-20, -66, 190)], [(6, -64, 90), (10, -62, 120), (22, -64, 190)]):
        struts += tube(np.array(points), 4.6)
    cava = np.vstack([[(-30, -66, -14), (-28, -56, -50)], column.line((-110.0, -150.0, -200.0, -260.0), -18.0, 14.0)])
    struts += tube(cava, (12.0, 10.0))
    return struts


def _lung_vessels(rng: np.random.Generator, column: Column) -> list[Strut]:
    """Grow both vascular trees from the hila; a branch that would leave the lung ends."""
    struts = []
    for side in (-1, 1):
        tips = np.tile([side * 40.0, -42.0, 34.0], (9, 1)) + rng.normal(0, 9, (9, 3)) * [0.4, 1.0, 1.6]
        ways = rng.standard_normal((9, 3)) * [0.7, 1.2, 1.5] + [side * 0.8, 0, -0.4]
        radius = 5.0
        for generation in range(9):
            # Of several ways to go on, the first that stays inside is taken.
            ends, inside = tips, np.zeros(len(tips), bool)
            for spread in (0.0, 0.5, 1.0):
                way = ways + rng.normal(0, 1, ways.shape) * spread
                way /= np.linalg.norm(way, axis=1, keepdims=True)
                p = (tips + way * rng.uniform(8, 17, (len(tips), 1))).astype(np.float32)
                good = (lung((p[:, 0], p[:, 1], p[:, 2]), column) < -2.0) | (generation == 0)
                take = good & ~inside
                ends = np.where(take[:, None], p, ends)
                ways = np.where(take[:, None], way, ways)
                inside |= good
            struts += [
                Strut(tuple(a), tuple(b), (radius, radius), (radius * 0.85, radius * 0.85), (0.3, 0.5, 1.0))
                for a, b in zip(tips[inside], ends[inside], strict=True)
            ]
            split = 2 if generation < 6 else 1
            tips, ways = np.repeat(ends[inside], split, axis=0), np.repeat(ways[inside], split, axis=0)
            ways = ways + rng.normal(0, 0.55, ways.shape)
            radius *= 0.8
    return struts


def paint_discs(canvas: Canvas, spine: tuple[VertebralModel, ...]) -> None:
    """Paint the spinal canal with sac and cord, and the discs; the vertebrae come on top."""
    canal = np.array([v.frame.to_torso(np.array([0.0, v.canal_center_v, 0.0])) for v in spine])
    canvas.paint_struts(tube(canal, (9.5, 8.2), 5.0), -55.0)
    canvas.paint_struts(tube(canal, (7.2, 6.0), 5.0), SAC_HU)
    above = canal[: [v.level for v in spine].index("L1") + 1]
    canvas.paint_struts(tube(above, (4.6, 3.4), 5.0), CORD_HU)
    for upper, lower in pairwise(spine):
        a = upper.frame.to_torso(np.array([0.0, 0.0, -upper.size.height / 2 + 3.0]))
        b = lower.frame.to_torso(np.array([0.0, 0.0, lower.size.height / 2 - lower.size.drop_top - 3.0]))
        frame = upper.frame
        start, end = frame.to_local(a), frame.to_local(b)
        middle, size = (start + end) / 2, upper.size
        thick = float(np.linalg.norm(a - b)) / 2
        reach = np.array([size.width, size.depth, thick + 3.0])
        box = canvas.box_around(middle - reach, middle + reach, frame)
        if box is None:
            continue
        u, v, w = canvas.coordinates(box, frame)
        level = (np.abs(u / (size.width / 2 + 0.4)) ** 2.4 + np.abs(v / (size.depth / 2 + 0.4)) ** 2.4) ** (1 / 2.4)
        side = (level - 1) * np.float32(size.depth / 2)
        distance = smooth_max(side, np.abs(w - np.float32(middle[2])) - np.float32(thick), 3.0)
        # The fibrous ring is denser than the nucleus.
        ring = DISC_HU - 8.0 + 22.0 * np.clip(level, 0.0, 1.0) ** 4
        weight = np.clip(0.5 - distance / canvas.edge_mm, 0.0, 1.0).astype(np.float32)
        canvas.blend(box, weight, np.asarray(ring, dtype=np.float32))
