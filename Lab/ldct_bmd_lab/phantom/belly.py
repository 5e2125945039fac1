"""Organs under the diaphragm."""

import numpy as np

from .canvas import Canvas
from .chest import FAT_HU, MUSCLE_HU, VISCERAL_FAT_HU, Column, domes, wall
from .shapes import Coordinates, FloatArray, Strut, Waves, ellipsoid, smooth_max, smooth_min
from .spec import PhantomSpec
from .thorax import cage_distance, tube

LIVER_HU, SPLEEN_HU, KIDNEY_HU, BOWEL_HU = 58.0, 50.0, 32.0, 30.0
LOW, HIGH = (-170.0, -180.0, -420.0), (170.0, 90.0, 10.0)


def belly_space(p: Coordinates, column: Column) -> FloatArray:
    """Return the distance to the space under the diaphragm and before the back's muscles."""
    _, y = column.relative(p)
    lower = np.clip((-90.0 - p[2]) / 60.0, 0.0, 1.0)
    chest = smooth_max(cage_distance(p, -8.5) - 3.0 * lower, wall(p, -11.0), 4.0)
    return smooth_max(np.maximum(chest, domes(p) + 3.5), y - np.float32(30.0), 10.0)


def paint_belly(canvas: Canvas, spec: PhantomSpec, rng: np.random.Generator, column: Column) -> None:
    """Paint fat, organs, bowel and the muscles beside the lumbar spine."""
    contrast = spec.contrast_hu

    def inside(p: Coordinates) -> FloatArray:
        return belly_space(p, column)

    def layers(p: Coordinates) -> tuple[FloatArray, FloatArray]:
        _, y = column.relative(p)
        muscle = np.maximum(smooth_max(cage_distance(p, -6.5), domes(p), 2.0), y - np.float32(32.0))
        return muscle, inside(p)

    canvas.paint_smooth(layers, LOW, HIGH, (MUSCLE_HU, VISCERAL_FAT_HU))
    _paint_bowel(canvas, rng, column)

    def stomach(p: Coordinates) -> FloatArray:
        fundus = ellipsoid(p, (52.0, -58.0, -92.0), (42.0, 44.0, 40.0))
        antrum = Strut((44, -84, -118), (-6, -92, -142), (22, 20), (15, 14), (0, 1, 0)).distance(p)
        return smooth_max(smooth_min(fundus, antrum, 22.0), inside(p) + 0.5, 3.0)

    def filled(p: Coordinates) -> tuple[FloatArray, ...]:
        wall_mm = stomach(p)
        return wall_mm, wall_mm + 3.5, np.maximum(wall_mm + 3.5, p[1] + np.float32(62.0))

    canvas.paint_smooth(filled, (-60, -150, -190), (130, 30, -30), (40.0 + 0.4 * contrast, 12.0, -990.0))

    def liver(p: Coordinates) -> FloatArray:
        right = ellipsoid(p, (-72.0, -44.0, -118.0), (72.0, 92.0, 92.0))
        left = ellipsoid(p, (-2.0, -98.0, -96.0), (62.0, 36.0, 40.0))
        hollow = ellipsoid(p, (10.0, -30.0, -150.0), (62.0, 58.0, 66.0))
        body = smooth_max(smooth_min(right, left, 22.0), -hollow, 14.0)
        return smooth_max(body, inside(p) - 0.5, 2.0)

    canvas.paint_smooth(liver, (-150, -150, -220), (75, 60, -15), LIVER_HU + 0.35 * contrast)
    canvas.paint_struts(_liver_vessels(rng), 40.0 + 0.7 * contrast)
    canvas.paint_smooth(
        lambda p: ellipsoid(p, (-58.0, -96.0, -162.0), (15.0, 24.0, 24.0)), (-90, -140, -200), (-30, -60, -120), 10.0
    )

    def spleen(p: Coordinates) -> FloatArray:
        return smooth_max(ellipsoid(p, (104.0, 8.0, -104.0), (32.0, 40.0, 48.0)), inside(p), 2.0)

    canvas.paint_smooth(spleen, (60, -60, -160), (150, 70, -40), SPLEEN_HU + 0.45 * contrast)
    for side, center in ((1, (60.0, 6.0, -152.0)), (-1, (-60.0, 6.0, -166.0))):
        _paint_kidney(canvas, column, side, center, contrast)
    canvas.paint_struts(
        tube(np.array([(-34, -62, -164), (-10, -66, -150), (30, -58, -140), (72, -34, -126)]), (11.0, 9.0)),
        38.0 + 0.4 * contrast,
    )
    _paint_back(canvas, column)


def _paint_kidney(
    canvas: Canvas, column: Column, side: int, center: tuple[float, float, float], contrast: float
) -> None:
    x0, y0, _ = column.at(center[2])
    c = (center[0] + x0, y0 + center[1] - 4.0, center[2])

    def kidney(p: Coordinates) -> FloatArray:
        lean = np.float32(0.22 * side) * (p[2] - np.float32(c[2]))
        q = (p[0] + lean, p[1], p[2])
        sinus = ellipsoid(q, (c[0] - side * 20.0, c[1] - 6.0, c[2]), (15.0, 9.0, 20.0))
        return smooth_max(ellipsoid(q, c, (26.0, 24.0, 54.0)), -sinus, 4.0)

    canvas.paint_smooth(
        kidney, (c[0] - 48, c[1] - 30, c[2] - 60), (c[0] + 48, c[1] + 30, c[2] + 60), KIDNEY_HU + 0.75 * contrast
    )
    # Adrenal above it, and its vein and artery.
    canvas.paint_struts(
        [Strut((c[0] - side * 22, c[1] - 10, c[2] + 58), (c[0] - side * 10, c[1] + 2, c[2] + 50), (2.5, 7), (2.5, 5))],
        30.0,
    )
    hilum = np.array([(c[0] - side * 16, c[1] - 8, c[2] + 4), (x0 + side * 12, y0 - 24, c[2] + 10)])
    canvas.paint_struts(tube(hilum, 4.0), 40.0 + contrast)


def _paint_back(canvas: Canvas, column: Column) -> None:
    """Paint psoas, the square lumbar muscles and the diaphragm's crura over the fat."""

    def psoas(p: Coordinates) -> FloatArray:
        x, y = column.relative(p)
        flat = np.zeros_like(p[2])
        grow = np.clip((np.float32(-118.0) - p[2]) / np.float32(110.0), 0.05, 1.0)
        muscle = ellipsoid((np.abs(x), y, flat), (29.0, 10.0, 0.0), (15.0, 20.0, 60.0))
        return muscle + np.float32(11.0) * (1 - grow)

    def square(p: Coordinates) -> FloatArray:
        x, y = column.relative(p)
        return ellipsoid((np.abs(x), y, p[2]), (62.0, 30.0, -220.0), (24.0, 8.0, 72.0))

    canvas.paint_smooth(psoas, (-90, -90, -420), (90, 90, -112), MUSCLE_HU)
    canvas.paint_smooth(square, (-110, -90, -420), (110, 90, -140), MUSCLE_HU)
    for side in (-1, 1):
        line = column.line((-70.0, -100.0, -140.0, -190.0), side * 17.0, 3.0)
        canvas.paint_struts(tube(line, (3.0, 9.0)), MUSCLE_HU)
    canvas.paint_struts(tube(column.line((-60.0, 0.0, 60.0), -6.0, 5.0), 2.6), 40.0)


def _liver_vessels(rng: np.random.Generator) -> list[Strut]:
    struts = []
    for _ in range(10):
        start = np.array([-38.0, -56.0, -100.0]) + rng.normal(0, 10, 3)
        way = rng.normal(0, 1, 3) + np.array([-1.0, 0.0, 0.0])
        end = start + way / np.linalg.norm(way) * rng.uniform(30, 52)
        bend = (start + end) / 2 + rng.normal(0, 5, 3)
        struts += tube(np.array([start, bend, end]), float(rng.uniform(2.0, 4.0)))
    return struts


def _paint_bowel(canvas: Canvas, rng: np.random.Generator, column: Column) -> None:
    """Paint coiled loops below the stomach and the colon's flexures, some of them with gas."""
    for _ in range(34):
        start = np.array([rng.uniform(-86, 86), rng.uniform(-104, -34), rng.uniform(-330, -172)])
        coil = np.cumsum(np.vstack([start, rng.normal(0, 26, (4, 3))]), axis=0)
        coil[:, 0] = np.clip(coil[:, 0], -86, 86)
        coil[:, 1] = np.clip(coil[:, 1], -104, -36)
        coil[:, 2] = np.clip(coil[:, 2], -400, -160)
        radius = float(rng.uniform(8, 13))
        canvas.paint_struts(tube(coil, radius), BOWEL_HU)
        if rng.random() < 0.35:
            canvas.paint_struts(tube(coil[:3], radius * 0.6), -850.0)
    colon = [
        [(104, -34, -92), (104, -22, -130), (102, -14, -220), (98, -8, -330)],
        [(-94, -40, -200), (-98, -26, -250), (-98, -16, -340)],
        [(-84, -66, -198), (-40, -102, -184), (30, -104, -164), (86, -72, -112)],
    ]
    for points in colon:
        line = np.array(points, dtype=float)
        canvas.paint_struts(tube(line, 19.0), BOWEL_HU + 5)
        gas = line + np.array([0.0, -5.0, 0.0])
        canvas.paint_struts(tube(gas, (13.0, 9.0)), -900.0)
    for _ in range(26):
        at = np.array([rng.uniform(-90, 95), rng.uniform(-120, -40), rng.uniform(-300, -165)])
        canvas.paint_struts(tube(at + np.cumsum(rng.normal(0, 12, (3, 3)), axis=0), 2.0), 40.0)


def add_texture(canvas: Canvas, rng: np.random.Generator) -> None:
    """Make soft tissue slightly uneven, as it is."""
    coarse, fine = Waves.draw(rng, (40.0, 90.0), 8), Waves.draw(rng, (14.0, 30.0), 12)
    canvas.add_smooth(lambda p: 3.5 * coarse(p) + 4.0 * fine(p), FAT_HU - 30, 1000.0)
