"""Bringing the network's outlines to the half maximum."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...anatomy import VERSE_VALUE
from ...morphometry import body_axes_lps
from ...scan import CTScan, Geometry
from .back import find_back
from .frame import Frame, Part, Sight
from .plates import find_plates
from .raster import Box, largest, part_inside
from .start import Start, start_of
from .surfaces import Surfaces
from .walls import find_walls, free_behind_the_canal

MARGIN_MM = 15.0  # about the bodies: as far as any line is looked along
REACHES_MM = (4.0, 2.0)  # of the two rounds
# Refined bodies have 1.0 to 1.3 times the volume of the network's, whose rims and corners are cut. One far from that was
# not found.
VOLUMES = (0.6, 1.8)


@dataclass(frozen=True)
class _Body:
    value: int
    box: Box
    frame: Frame
    start: Start


def refine_outlines(bodies: NDArray[np.uint8], scan: CTScan, whole: Collection[str]) -> NDArray[np.uint8]:
    """Return the vertebral bodies with their outlines at the half maximum of the edges in the scan.

    Endplates, front and sides, and the back wall are each the best smooth surface near the network's outline. Where the
    scan shows no edge the network's outline stays. Spurs, ribs, vessels and discs stay out; bodies never overlap.

    Args:
        bodies: (z, y, x) on the scan's grid, VerSe values; not changed.
        whole: levels to refine: those that the scan's edge doesn't cut. Others stay as they are.
    """
    found = [body for level in whole if (body := _body(bodies, VERSE_VALUE[level], scan.geometry)) is not None]
    if not found:
        return bodies
    own = _joined([body.start.outline for body in found])
    surfaces = _joined([body.start.surfaces for body in found])
    sight = Sight(_around(scan, [body.box for body in found]), scan.geometry, [body.frame for body in found])
    for reach_mm in REACHES_MM:
        bottom, top = find_plates(sight, surfaces, own, reach_mm)
        surfaces = replace(surfaces, bottom=bottom, top=top)
        radius = find_walls(sight, surfaces, own, reach_mm)
        surfaces = replace(surfaces, radius=radius, back=find_back(sight, surfaces, own, reach_mm))
    return _drawn(bodies, found, replace(surfaces, radius=free_behind_the_canal(surfaces.radius)), scan.geometry)


def _body(bodies: NDArray[np.uint8], value: int, geometry: Geometry) -> _Body | None:
    """Return where the search begins for a body; None where it is missing or too small to tell."""
    box = ndimage.find_objects(bodies, max_label=value)[value - 1]
    if box is None:
        return None
    mask = bodies[box] == value
    axes = body_axes_lps(mask, box, geometry)
    if axes is None:
        return None
    first = np.array([s.start for s in box])
    center = geometry.to_lps_mm((np.argwhere(mask).mean(axis=0) + first)[::-1])
    frame = Frame(center, axes)
    start = start_of(Part(np.pad(mask, 1).astype(np.float32), first[::-1] - 1), frame, geometry)
    return None if start is None else _Body(value, box, frame, start)


def _joined(surfaces: list[Surfaces]) -> Surfaces:
    names = ("bottom", "top", "radius", "back")
    return Surfaces(*(np.concatenate([getattr(s, name) for s in surfaces]) for name in names))


def _around(scan: CTScan, boxes: list[Box]) -> Part:
    """Return the scan about all bodies."""
    margin = np.ceil(MARGIN_MM / np.asarray(scan.geometry.spacing_mm[::-1])).astype(int)
    first = np.maximum(np.min([[s.start for s in box] for box in boxes], axis=0) - margin, 0)
    stop = np.minimum(np.max([[s.stop for s in box] for box in boxes], axis=0) + margin, scan.hu.shape)
    near = scan.hu[tuple(slice(a, b) for a, b in zip(first, stop, strict=True))]
    return Part(np.clip(near, -50, 2000).astype(np.float32), first[::-1])


def _drawn(
    bodies: NDArray[np.uint8], found: list[_Body], surfaces: Surfaces, geometry: Geometry
) -> NDArray[np.uint8]:
    """Return the bodies drawn anew; a voxel that two of them want goes to the one that has more of it."""
    parts: list[tuple[int, Box, NDArray[np.float32]]] = []
    out = bodies.copy()
    for number, body in enumerate(found):
        box, part = part_inside(surfaces, number, body.frame, geometry)
        part[~largest(part > 0.5)] = 0.0
        own = bodies[body.box] == body.value
        if VOLUMES[0] * own.sum() <= (part > 0.5).sum() <= VOLUMES[1] * own.sum():
            parts.append((body.value, box, part))
            out[body.box][own] = 0
    taken = np.zeros(bodies.shape, dtype=np.float32)
    taken[out > 0] = 1.0
    for value, box, part in parts:
        wins = (part > 0.5) & (part > taken[box])
        out[box][wins] = value
        taken[box][wins] = part[wins]
    return out
