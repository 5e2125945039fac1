"""The spine: sizes, curvature and the vertebral bodies with their trabecular core."""

from dataclasses import dataclass, replace

import numpy as np

from .shapes import Coordinates, FloatArray, Frame, Waves, rotation, smooth_max
from .spec import PhantomSpec


@dataclass(frozen=True)
class LevelSize:
    """Sizes of one vertebra in mm and its sagittal tilt in degrees (positive: leaning forward).

    Widths, depths, pedicles and canals are close to the means of Panjabi et al. (Spine 16:888, 1991, and 17:299, 1992),
    rounded and evened out along the column; heights are a little above theirs, for living adults.
    """

    level: str
    width: float  # of the endplates, left to right
    depth: float  # of the endplates, front to back
    height: float  # posterior
    disc: float  # height of the disc below
    tilt_deg: float
    pedicle: tuple[float, float]  # width, height
    canal: tuple[float, float]  # width, depth
    transverse: float  # half-span of the transverse processes
    spinous: float  # length behind the canal
    spinous_down_deg: float
    taper: float  # how much narrower the body's front is than its back
    drop_top: float = 0.4  # how much lower the upper endplate is in front
    drop_bottom: float = 0.4


SIZES: tuple[LevelSize, ...] = (
    LevelSize("C6", 24.0, 16.5, 13.0, 4.5, 15.0, (6.0, 7.0), (24.0, 15.0), 29.0, 18.0, 18.0, 0.02),
    LevelSize("C7", 26.0, 17.0, 14.0, 4.2, 20.0, (6.8, 7.5), (24.0, 15.0), 35.0, 30.0, 20.0, 0.04),
    LevelSize("T1", 28.0, 17.0, 17.0, 3.6, 23.5, (8.0, 9.5), (21.5, 15.8), 37.0, 30.0, 26.0, 0.08),
    LevelSize("T2", 27.5, 18.0, 18.0, 3.2, 23.5, (7.5, 11.0), (19.5, 15.6), 34.5, 30.0, 36.0, 0.13),
    LevelSize("T3", 26.5, 20.0, 18.5, 3.0, 21.5, (6.5, 11.8), (18.0, 15.6), 32.0, 30.0, 42.0, 0.17),
    LevelSize("T4", 26.0, 22.0, 19.0, 3.0, 18.5, (5.4, 12.0), (17.2, 15.7), 30.5, 31.0, 48.0, 0.20),
    LevelSize("T5", 26.5, 23.5, 19.5, 3.0, 14.5, (5.3, 12.0), (17.0, 15.7), 30.5, 33.0, 54.0, 0.20),
    LevelSize("T6", 27.5, 25.0, 20.0, 3.2, 10.5, (5.4, 12.0), (17.0, 15.7), 30.5, 34.0, 57.0, 0.19),
    LevelSize("T7", 28.5, 26.5, 20.5, 3.5, 6.5, (5.8, 12.0), (17.2, 15.7), 30.5, 34.0, 57.0, 0.17),
    LevelSize("T8", 30.0, 28.0, 21.0, 3.8, 2.5, (6.2, 12.3), (17.5, 15.8), 30.5, 33.0, 54.0, 0.15),
    LevelSize("T9", 32.0, 29.0, 21.5, 4.0, -1.5, (6.7, 13.5), (17.8, 15.8), 30.0, 31.0, 46.0, 0.12),
    LevelSize("T10", 34.0, 30.0, 22.5, 4.5, -5.0, (7.4, 14.5), (18.2, 15.8), 29.0, 29.0, 36.0, 0.09),
    LevelSize("T11", 37.0, 30.8, 23.5, 5.2, -8.0, (8.0, 16.5), (19.4, 16.2), 26.0, 26.0, 24.0, 0.07),
    LevelSize("T12", 40.0, 31.4, 25.0, 6.2, -10.0, (8.2, 16.3), (22.0, 17.4), 23.5, 27.0, 14.0, 0.05),
    LevelSize("L1", 43.0, 31.3, 26.5, 7.2, -9.5, (8.5, 15.5), (23.5, 18.3), 34.0, 29.0, 8.0, 0.04, 0.1, 0.1),
    LevelSize("L2", 44.5, 33.0, 27.5, 8.2, -6.5, (8.9, 15.0), (23.9, 18.0), 39.0, 31.0, 6.0, 0.03, 0.0, -0.2),
    LevelSize("L3", 46.0, 34.0, 28.0, 9.0, -1.5, (10.0, 14.5), (24.4, 17.6), 43.0, 32.0, 5.0, 0.02, -0.2, -0.4),
    LevelSize("L4", 48.0, 34.6, 28.0, 10.0, 5.0, (12.5, 14.5), (25.0, 18.0), 41.0, 30.0, 5.0, 0.02, -0.4, -0.8),
)
CORTEX_HU = 1150.0
SECTION_EXPONENT = 2.35
WAIST = (0.085, 0.05)  # how much narrower and flatter the middle is than the endplates
CORNER_RADIUS_MM = 1.6
MEAN_BEHIND_MM = -17.9  # mean y of the bodies' centres


@dataclass(frozen=True)
class VertebralModel:
    """One vertebra: local axes u to the left, v to the back, w up, origin in the middle of the body."""

    size: LevelSize
    frame: Frame
    cortex_mm: float
    texture: Waves
    hu_base: float = 0.0
    hu_gain: float = 0.0

    @property
    def level(self) -> str:
        """Name of the level."""
        return self.size.level

    @property
    def canal_center_v(self) -> float:
        """Distance of the spinal canal's axis behind the body's centre."""
        return self.size.depth / 2 + self.size.canal[1] / 2 - 1.2

    def _section(self, p: Coordinates) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return distance to the side wall, the section's radial coordinate, and (u, v, w) scaled to the body."""
        u, v, w = p
        size = self.size
        high = np.clip(w * np.float32(2 / size.height), -1.1, 1.1)
        bulge = 1 - high * high
        a = np.float32(size.width / 2) * (1 - np.float32(WAIST[0]) * bulge)
        b = np.float32(size.depth / 2) * (1 - np.float32(WAIST[1]) * bulge)
        # The back wall is almost straight: the waist takes its depth from the front.
        v = v - np.float32(0.8 * WAIST[1] * size.depth / 2) * bulge
        y = v / b
        taper = np.float32(size.taper)
        x = u / (a * (1 + taper * np.clip(y, -1.3, 1.3)) / (1 + np.float32(0.15) * taper))
        rho = np.sqrt(u * u + v * v) + np.float32(1e-3)
        level = (np.abs(x) ** SECTION_EXPONENT + np.abs(y) ** SECTION_EXPONENT) ** (1 / SECTION_EXPONENT)
        # A shallow dent where the canal lies makes the kidney shape.
        level = level / (1 - np.float32(0.13) * np.exp((v / rho - 1) * 9)) + np.float32(1e-4)
        return (1 - 1 / level) * rho, level, x, y, high

    def body(self, p: Coordinates) -> tuple[FloatArray, FloatArray]:
        """Return the distances to the body's outer surface and to its trabecular core."""
        side, level, x, y, high = self._section(p)
        size = self.size
        front = np.clip((1 - y) * np.float32(0.5), 0.0, 1.0)
        hollow = np.float32(1.0 if size.level.startswith(("T", "C")) else 1.5) * np.maximum(1 - level * level, 0.0)
        top = p[2] - (np.float32(size.height / 2) - np.float32(size.drop_top) * front - hollow)
        bottom = -p[2] - (np.float32(size.height / 2) - np.float32(size.drop_bottom) * front - hollow * 1.2)
        cap = np.maximum(top, bottom)
        shell = np.float32(self.cortex_mm) * (np.float32(1.0) + np.float32(0.4) * (1 - high * high))
        shell = shell * (1 - self._vein(x, y, p[2]))
        outer = smooth_max(side, cap, CORNER_RADIUS_MM)
        core = smooth_max(side + shell, cap + np.float32(1.1 * self.cortex_mm), CORNER_RADIUS_MM)
        return outer, core

    def _vein(self, x: FloatArray, y: FloatArray, w: FloatArray) -> FloatArray:
        """Return 0 to 1: the V-shaped channel of the basivertebral vein, open to the back wall."""
        depth = np.clip((y - np.float32(0.05)) / np.float32(0.95), 0.0, 1.2)
        thick = w / np.float32(2.0)
        spread = x / (np.float32(0.05) + np.float32(0.2) * depth)
        return np.minimum(depth * np.float32(1.3), 1.0) * np.exp(-(thick * thick) - spread * spread)

    def relative_density(self, p: Coordinates) -> FloatArray:
        """Return the core's density against its own average, before scaling to the wanted BMD.

        Denser under the endplates and towards the back and the wall, as micro-CT studies find, with a smooth texture.
        """
        _, level, x, y, high = self._section(p)
        edge = np.minimum(level, 1.0)
        pattern = 0.92 + 0.10 * high**2 + 0.26 * high**4 + 0.17 * y + 0.06 * edge**4 + 0.05 * self.texture(p)
        return np.asarray(pattern * (1 - 0.85 * self._vein(x, y, p[2])), dtype=np.float32)

    def trabecular_hu(self, p: Coordinates) -> FloatArray:
        """Return the HU of the core, linear in its density."""
        return np.float32(self.hu_base) + np.float32(self.hu_gain) * self.relative_density(p)


def build_spine(spec: PhantomSpec) -> tuple[VertebralModel, ...]:
    """Return the vertebrae C6 to L4 in the torso's frame (z = 0: centre of T8), without their HU scaling."""
    sizes = [_fractured(size, spec) for size in SIZES]
    levels = [size.level for size in sizes]
    apex = levels.index(spec.scoliosis_apex)
    wedge = 0.0
    if spec.fracture_level:
        size = sizes[levels.index(spec.fracture_level)]
        wedge = float(np.degrees(np.arctan2(size.drop_top, size.depth)))
    axes = []
    for k, size in enumerate(sizes):
        # The column bends at a fracture; the discs take up a part of the wedge.
        bent = 0.25 * wedge * np.sign(levels.index(spec.fracture_level) - k) if spec.fracture_level else 0.0
        tilt = spec.kyphosis_scale * size.tilt_deg + bent
        lateral = 0.5 * spec.scoliosis_deg * np.sin(np.pi * (apex - k) / 8) * np.exp(-(((k - apex) / 6.0) ** 2))
        twist = -0.25 * spec.scoliosis_deg * np.exp(-(((k - apex) / 3.0) ** 2))
        axes.append((rotation(tilt, 0, 0) @ rotation(0, -lateral, 0) @ rotation(0, 0, twist)).T)
    centers = [np.zeros(3)]
    for k in range(1, len(sizes)):
        up, down = sizes[k - 1], sizes[k]
        between = axes[k - 1][2] + axes[k][2]
        step = axes[k - 1][2] * up.height / 2 + axes[k][2] * _upper_half(down) + between / 2 * up.disc
        centers.append(centers[-1] - step)
    origin = centers[levels.index("T8")]
    # The body's outline stays where it is, so a bent column is centred in it as a whole.
    drift = np.mean(centers, axis=0) - [0.0, MEAN_BEHIND_MM, 0.0]
    rng = np.random.default_rng([spec.anatomy_seed, 1])
    return tuple(
        VertebralModel(
            size,
            Frame(center - [drift[0], drift[1], origin[2]], basis),
            spec.cortex_mm,
            Waves.draw(rng, (5.0, 14.0), 12),
        )
        for size, center, basis in zip(sizes, centers, axes, strict=True)
    )


def _upper_half(size: LevelSize) -> float:
    return size.height / 2 - max(size.drop_top - 1.0, 0.0) / 2


def _fractured(size: LevelSize, spec: PhantomSpec) -> LevelSize:
    if size.level != spec.fracture_level:
        return size
    lost = (1 - spec.fracture_ratio) * size.height
    return replace(size, drop_top=lost - size.drop_bottom)
