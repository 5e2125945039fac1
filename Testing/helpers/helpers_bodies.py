"""Vertebral bodies with true surfaces known in mm, as a scanner of a given blur would show them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ldct_bmd.scan import Acquisition, CTScan, Geometry, Patient, Source

AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
MARROW_HU, CORTEX_HU, SOFT_HU, CANAL_HU = 150.0, 700.0, 50.0, 20.0
CORTEX_MM, BLUR_MM = 0.8, 0.6
HALF_WIDTH, FRONT, BACK = 18.4, 16.4, 13.4
X0_MM, Y0_MM = -28, -28
LOWEST_MM = 10.6  # where the lowest disc begins


@dataclass(frozen=True)
class Shape:
    """A column of bodies along z, all alike.

    Attributes:
        concave_mm: how far the back wall's middle is in front of its sides.
        spur_mm: how far a spur at the upper front rim of the middle body goes beyond its wall.
        fused: whether bone fills the disc above the middle body.
        pedicles: whether pedicles leave the bodies' upper halves.
        vein_mm: how deep the basivertebral vein opens the back walls, at half their height.
    """

    height_mm: float = 22.0
    disc_mm: float = 6.0
    count: int = 3
    tilt: float = 0.0
    concave_mm: float = 2.5
    spur_mm: float = 0.0
    fused: bool = False
    pedicles: bool = False
    vein_mm: float = 0.0


def grid(thickness_mm: float, shape: Shape) -> Geometry:
    length_mm = shape.count * shape.height_mm + (shape.count + 1) * shape.disc_mm + 20.0
    return Geometry((57, 66, round(length_mm / thickness_mm)), (1.0, 1.0, thickness_mm), (X0_MM, Y0_MM, 0.0), AXES)


def truth(shape: Shape, geometry: Geometry, number: int) -> NDArray[np.float64]:
    """Return how deep (mm, negative outside) each voxel's centre lies in body ``number``, from the lowest."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    u, v, w = np.moveaxis(geometry.to_lps_mm(np.stack([x, y, z], axis=-1).astype(float)), -1, 0)
    middle = LOWEST_MM + shape.disc_mm + shape.height_mm / 2 + number * (shape.height_mm + shape.disc_mm)
    w = w - middle - shape.tilt * v
    radius = np.hypot(u / HALF_WIDTH, v / FRONT)
    wall = (1.0 - radius) * np.minimum(HALF_WIDTH, FRONT)
    behind = BACK - shape.concave_mm * np.exp(-((u / 7.0) ** 2)) - v
    side = HALF_WIDTH - np.abs(u)
    walls = np.where(v < 0, wall, np.minimum(side, behind))
    return np.minimum(walls, shape.height_mm / 2 - np.abs(w))


@cache
def scan_of(shape: Shape, thickness_mm: float = 1.0, noise_hu: float = 0.0) -> tuple[CTScan, NDArray[np.uint8]]:
    """Return the scan, and the true bodies: 20, 19, 18 from the lowest (L1, T12, T11)."""
    fine = 0.5  # of a voxel along each axis: the partial volume of thin cortex
    geometry = grid(thickness_mm, shape)
    finer = Geometry(
        tuple(round(n / fine) for n in geometry.size),  # type: ignore[arg-type]
        tuple(d * fine for d in geometry.spacing_mm),  # type: ignore[arg-type]
        tuple(o - d * fine / 2 for o, d in zip(geometry.origin_lps_mm, geometry.spacing_mm, strict=True)),  # type: ignore[arg-type]
        AXES,
    )
    hu = np.full(finer.shape, SOFT_HU)
    z, y, x = np.meshgrid(*(np.arange(n) for n in finer.shape), indexing="ij")
    u, v, w = np.moveaxis(finer.to_lps_mm(np.stack([x, y, z], axis=-1).astype(float)), -1, 0)
    depths = [truth(shape, finer, number) for number in range(shape.count)]
    hu[(np.abs(u) < 9.0) & (v > 6.0) & (v < 28.0)] = CANAL_HU
    middle_top = LOWEST_MM + 2 * (shape.height_mm + shape.disc_mm)
    if shape.pedicles:
        for number in range(shape.count):
            bottom = LOWEST_MM + shape.disc_mm + number * (shape.height_mm + shape.disc_mm)
            upper = (w > bottom + 0.5 * shape.height_mm) & (w < bottom + 0.9 * shape.height_mm)
            hu[upper & (np.abs(u) > 9.0) & (np.abs(u) < 16.0) & (v > 5.0) & (v < 32.0)] = 350.0
    if shape.spur_mm:
        spur = (np.abs(u) < 6.0) & (v < 0) & (v > -FRONT - shape.spur_mm) & (np.abs(w - middle_top + 2.0) < 2.0)
        hu[spur] = 400.0
    if shape.fused:
        disc = (w > middle_top - 1.0) & (w < middle_top + shape.disc_mm + 1.0)
        hu[disc & (depths[1] + shape.disc_mm + 1.0 > 0) & (np.hypot(u / HALF_WIDTH, v / FRONT) < 1)] = MARROW_HU
    for number, depth in enumerate(depths):
        shell = depth < CORTEX_MM
        if shape.fused and number > 0:  # no plates there
            edge = middle_top + (0.0 if number == 1 else shape.disc_mm)
            shell = shell & (np.abs(w - edge) > 1.5)
        hu[depth > 0] = MARROW_HU
        hu[(depth > 0) & shell] = CORTEX_HU
    for number in range(shape.count if shape.vein_mm else 0):
        middle = LOWEST_MM + shape.disc_mm + shape.height_mm / 2 + number * (shape.height_mm + shape.disc_mm)
        vein = (np.hypot(u, w - middle) < 3.0) & (v > BACK - shape.concave_mm - shape.vein_mm)
        hu[vein & (depths[number] > 0)] = SOFT_HU
    hu = ndimage.gaussian_filter(hu, [BLUR_MM / d for d in finer.spacing_mm[::-1]])
    hu = hu.reshape(geometry.shape[0], 2, geometry.shape[1], 2, geometry.shape[2], 2).mean(axis=(1, 3, 5))
    hu += np.random.default_rng(0).normal(0.0, noise_hu, hu.shape) if noise_hu else 0.0
    bodies = np.zeros(geometry.shape, dtype=np.uint8)
    for number in range(shape.count):
        bodies[truth(shape, geometry, number) > 0] = 20 - number
    bodies.setflags(write=False)  # shared between tests
    scan = CTScan(np.rint(hu).astype(np.int16), geometry, Acquisition(), Patient(), Source("file"))
    return scan, bodies


def as_networks_see(bodies: NDArray[np.uint8], geometry: Geometry, shift_mm: float = 0.7) -> NDArray[np.uint8]:
    """Return the bodies with round rims, a straight back wall that lies too far in front, and shifted along z."""
    seen = np.zeros_like(bodies)
    for value in np.unique(bodies[bodies > 0]):
        soft = ndimage.gaussian_filter((bodies == value).astype(float), [2.0 / d for d in geometry.spacing_mm[::-1]])
        soft = ndimage.shift(soft, [shift_mm / geometry.spacing_mm[2], 0, 0], order=1)
        seen[soft > 0.55] = value
    y = geometry.origin_lps_mm[1] + np.arange(geometry.size[1]) * geometry.spacing_mm[1]
    seen[:, y > BACK - 3.0] = 0
    return seen
