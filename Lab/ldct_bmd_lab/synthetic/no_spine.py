"""Scans with no spine in them, on which nothing may be found: air, phantoms, a knee, a head, ..."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..scanner import ScanSettings, scan_volume
from ..torso.pose import smooth_field
from .held_out import Drawing, HeldOut, held_out_rng

GROUP = "no spine"
SHAPE, SPACING_ZYX_MM = (160, 160, 160), (1.5, 1.5, 1.5)
AIR_HU, SKIN_MM = -1000.0, 2.0

Field = NDArray[np.float32]
Axes = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
Picture = Callable[[np.random.Generator, Axes], Field]


def no_spine_cases(n: int, seed: int = 0, kinds: tuple[str, ...] | None = None) -> Iterator[Drawing]:
    """Yield ``n`` scans, the kinds of :data:`KINDS` in turn; a case depends on the seed and its number alone."""
    names = kinds or tuple(KINDS)
    for number in range(n):
        kind = names[number % len(names)]
        name = f"{kind} {number:03d}"
        yield Drawing(name, partial(_draw, name, kind, (seed, 1000 + list(KINDS).index(kind), number)))


def _draw(name: str, kind: str, key: tuple[int, ...]) -> HeldOut:
    rng, axes = held_out_rng(*key), _axes()
    hu = KINDS[kind](rng, axes)
    _add_table(rng, hu, axes)
    settings = ScanSettings(kernel_mm=rng.uniform(0.5, 1.2), noise_hu=rng.uniform(10, 50))
    scanned = scan_volume(rng, hu, SPACING_ZYX_MM, settings)
    labels = np.zeros(SHAPE, np.uint8)
    return HeldOut(name, GROUP, scanned, labels, SPACING_ZYX_MM, hu, variant=kind)


def _axes() -> Axes:
    """Return z, y and x in mm from the middle, each to be broadcast."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    centred = [(grid - (n - 1) / 2) * d for grid, n, d in zip((z, y, x), SHAPE, SPACING_ZYX_MM, strict=True)]
    return centred[0], centred[1], centred[2]


def _empty() -> Field:
    return np.full(SHAPE, AIR_HU, dtype=np.float32)


def _add_table(rng: np.random.Generator, hu: Field, axes: Axes) -> None:
    """Put a curved sheet behind whatever lies there, more often than not."""
    if rng.random() < 0.3:
        return
    _, y, x = axes
    sheet = (np.abs(y - 100 + x**2 / 900) < rng.uniform(1, 3)) & (hu < -900)
    hu[sheet] = rng.uniform(-600, 100)


def _texture(rng: np.random.Generator, knots_mm: float) -> Field:
    extent = tuple(n * d for n, d in zip(SHAPE, SPACING_ZYX_MM, strict=True))
    return np.asarray(smooth_field(rng, SHAPE, extent, knots_mm)[0])


def _put_tissue(rng: np.random.Generator, hu: Field, radius: NDArray[np.floating], size_mm: float) -> None:
    """Put muscle in clumps of fat, under fat and skin, where ``radius`` (mm from an axis) is below ``size_mm``."""
    fat_mm = rng.uniform(5, 20)
    radius = np.broadcast_to(radius, SHAPE)
    hu[radius < size_mm] = rng.uniform(0, 60)
    fat = (radius < size_mm - SKIN_MM) & ((radius > size_mm - fat_mm) | (_texture(rng, 25.0) > 1.3))
    hu[radius < size_mm - SKIN_MM] = rng.uniform(40, 65)
    hu[fat] = rng.uniform(-115, -85)


def _put_bone(
    rng: np.random.Generator, hu: Field, depth: NDArray[np.floating], cortex_mm: float, marrow_hu: float
) -> None:
    """Put bone with a cortex where ``depth``, mm below the surface, is positive."""
    depth = np.broadcast_to(depth, SHAPE)
    hu[depth > 0] = rng.uniform(700, 1300)
    marrow = depth > cortex_mm
    hu[marrow] = (marrow_hu + 30 * _texture(rng, 6.0))[marrow]


def _put_rod(
    rng: np.random.Generator,
    hu: Field,
    axes: Axes,
    at_yx: tuple[float, float],
    widths: tuple[float, float],
    span: tuple[float, float],
    cortex_mm: float,
) -> None:
    """Put a long bone along z, its radius going from one to the other of ``widths`` upwards over ``span`` (mm)."""
    z, y, x = axes
    radius = np.interp(z, span, widths)
    depth = np.where((z > span[0]) & (z < span[1]), radius - np.hypot(y - at_yx[0], x - at_yx[1]), -1.0)
    _put_bone(rng, hu, depth, cortex_mm, rng.uniform(-60, 180))


def _air(rng: np.random.Generator, axes: Axes) -> Field:
    return _empty() + np.float32(rng.uniform(0, 10))


def _water_phantom(rng: np.random.Generator, axes: Axes) -> Field:
    _, y, x = axes
    hu = _empty()
    radius = np.broadcast_to(np.hypot(y, x), SHAPE)
    size = rng.uniform(50, 105)
    hu[radius < size] = rng.uniform(80, 130)  # acrylic
    hu[radius < size - 5] = rng.uniform(-3, 3)
    return hu


def _rod_phantom(rng: np.random.Generator, axes: Axes) -> Field:
    """Rods as dense as trabecular bone in water, one behind the other along z with gaps."""
    z, y, x = axes
    hu = _water_phantom(rng, axes)
    pitch, length = rng.uniform(25, 45), rng.uniform(15, 25)
    for angle in np.linspace(0, 2 * np.pi, 5, endpoint=False) + rng.uniform(0, 1):
        rod = np.hypot(y - 35 * np.sin(angle), x - 35 * np.cos(angle)) < rng.uniform(8, 17)
        hu[np.broadcast_to(rod & ((z + 500) % pitch < length), SHAPE)] = rng.uniform(30, 350)
    return hu


def _knee(rng: np.random.Generator, axes: Axes) -> Field:
    z, y, x = axes
    hu = _empty()
    _put_tissue(rng, hu, np.hypot(y, x), rng.uniform(60, 85))
    cortex = rng.uniform(2, 5)
    _put_rod(rng, hu, axes, (0.0, 0.0), (24.0, 13.0), (25.0, 130.0), cortex)
    _put_rod(rng, hu, axes, (0.0, 0.0), (13.0, 30.0), (-130.0, -6.0), cortex)
    _put_rod(rng, hu, axes, (20.0, 32.0), (6.0, 9.0), (-130.0, -20.0), cortex)
    for side in (-1, 1):  # condyles
        depth = 24 - np.sqrt((z - 20) ** 2 + (y - 6) ** 2 + (x - side * 20) ** 2)
        _put_bone(rng, hu, depth, 1.5, rng.uniform(100, 300))
    _put_bone(rng, hu, 14 - np.sqrt((z - 35) ** 2 + ((y + 38) * 1.6) ** 2 + x**2), 1.5, rng.uniform(100, 300))
    return hu


def _thighs(rng: np.random.Generator, axes: Axes) -> Field:
    _, y, x = axes
    hu = _empty()
    apart = rng.uniform(55, 65)
    _put_tissue(rng, hu, np.hypot(y, np.abs(x) - apart), rng.uniform(45, 55))
    for side in (-apart, apart):
        _put_rod(rng, hu, axes, (0.0, side), (14.0, 16.0), (-130.0, 130.0), rng.uniform(4, 7))
    return hu


def _wrist(rng: np.random.Generator, axes: Axes) -> Field:
    z, y, x = axes
    hu = _empty()
    _put_tissue(rng, hu, np.hypot(1.4 * y, x), rng.uniform(30, 40))
    _put_rod(rng, hu, axes, (0.0, 12.0), (6.0, 13.0), (-130.0, -10.0), 2.0)
    _put_rod(rng, hu, axes, (0.0, -14.0), (6.0, 8.0), (-130.0, -10.0), 2.0)
    for row in range(2):  # the small bones, then the five long ones
        for column in range(4):
            depth = 7 - np.sqrt((z - 2 - 15 * row) ** 2 + y**2 + (x + 21 - 14 * column) ** 2)
            _put_bone(rng, hu, depth, 1.0, rng.uniform(150, 300))
    for column in range(5):
        _put_rod(rng, hu, axes, (0.0, -26.0 + 13 * column), (5.0, 4.0), (30.0, 110.0), 1.5)
    return hu


def _head(rng: np.random.Generator, axes: Axes) -> Field:
    """A skull with brain, sinuses, teeth and a skull base; the scan ends above the neck."""
    z, y, x = axes
    hu = _empty()
    size = rng.uniform(0.9, 1.05)
    radius = np.sqrt(((z + 10) / 95) ** 2 + (y / 92) ** 2 + (x / 74) ** 2) / size
    hu[radius < 1.09] = rng.uniform(-100, 40)
    thick = rng.uniform(0.05, 0.09)
    skull = (radius < 1) & (radius > 1 - thick)
    hu[skull] = rng.uniform(700, 1200)
    hu[(radius < 1 - thick / 3) & (radius > 1 - 2 * thick / 3)] = rng.uniform(300, 700)  # diploe
    brain = radius < 1 - thick
    hu[brain] = (35 + 4 * _texture(rng, 20.0))[brain]
    hu[brain & ((y / 30) ** 2 + ((np.abs(x) - 12) / 8) ** 2 + (z / 14) ** 2 < 1)] = rng.uniform(0, 12)  # ventricles
    base = brain & (np.abs(z + 45 - 0.25 * y) < rng.uniform(4, 8))
    hu[base] = (rng.uniform(250, 600) + 250 * _texture(rng, 8.0))[base]
    face = (radius < 1.05) & (z < -45 + 0.25 * y) & (y < -10)
    hu[face] = (100 + 450 * _texture(rng, 10.0))[face]
    hu[face & (np.abs(x) < 12)] = AIR_HU
    teeth = face & (np.abs(np.hypot(y + 40, x) - 32) < 5) & (z < -72)
    hu[teeth] = rng.uniform(1200, 2500)
    return hu


KINDS: dict[str, Picture] = {
    "air": _air,
    "water phantom": _water_phantom,
    "rod phantom": _rod_phantom,
    "knee": _knee,
    "thighs": _thighs,
    "wrist": _wrist,
    "head": _head,
}
