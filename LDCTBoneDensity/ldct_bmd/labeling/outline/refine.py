"""Bringing the network's outlines to the half maximum."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...anatomy import VERSE_VALUE
from ...morphometry import body_axes_lps
from ...scan import CTScan
from .frame import Frame, Part
from .raster import fill
from .search import Sight, back_wall, behind_the_canal, corners, plates, walls
from .start import Start, Surfaces, start_of

MARGIN_MM = 12.0  # about the bodies


def refine_outlines(bodies: NDArray[np.uint8], scan: CTScan, whole: Collection[str]) -> NDArray[np.uint8]:
    """Return ``bodies`` (z, y, x), VerSe values on the scan's grid, with the outlines of the ``whole`` ones refined."""
    geometry = scan.geometry
    boxes = ndimage.find_objects(bodies, max_label=max(VERSE_VALUE.values()))
    values, frames, starts = [], [], []
    for level in whole:
        value = VERSE_VALUE[level]
        box = boxes[value - 1]
        if box is None:
            continue
        mask = bodies[box] == value
        axes = body_axes_lps(mask, box, geometry)
        if axes is None:
            continue
        start_zyx = np.array([s.start for s in box])
        center = geometry.to_lps_mm((np.argwhere(mask).mean(axis=0) + start_zyx)[::-1])
        frame = Frame(center, axes)
        part = Part(np.pad(mask, 1).astype(np.float32), start_zyx[::-1] - 1)
        values.append(value)
        frames.append(frame)
        starts.append(start_of(part, frame, geometry))
    if not values:
        return bodies
    begin = _stack([s.surfaces for s in starts])
    own = _stack([s.outline for s in starts])
    sight = Sight(_around(scan, boxes), geometry, frames)
    for reach in (4.0, 2.0):
        bottom, top = plates(sight, begin, own, reach)
        begin = replace(begin, bottom=bottom, top=top)
        radius, through = walls(sight, begin, own, reach)
        back, pedicle = back_wall(sight, begin, own, reach + 2.0)
        radius = corners(radius, back, through)
        begin = replace(begin, radius=radius, back=back)
    begin = replace(begin, radius=behind_the_canal(begin.radius))
    return _drawn(bodies, values, frames, begin, geometry)


def _stack(surfaces: list[Surfaces]) -> Surfaces:
    return Surfaces(*(np.concatenate([getattr(s, k) for s in surfaces]) for k in ("bottom", "top", "radius", "back")))


def _around(scan: CTScan, boxes: list[tuple[slice, slice, slice] | None]) -> Part:
    """Return the scan about all bodies."""
    found = [b for b in boxes if b is not None]
    margin = np.ceil(MARGIN_MM / np.asarray(scan.geometry.spacing_mm[::-1])).astype(int)
    first = np.maximum(np.min([[s.start for s in b] for b in found], axis=0) - margin, 0)
    stop = np.minimum(np.max([[s.stop for s in b] for b in found], axis=0) + margin, scan.hu.shape)
    near = scan.hu[tuple(slice(a, b) for a, b in zip(first, stop, strict=True))]
    return Part(np.clip(near, -50, 2000).astype(np.float32), first[::-1])


def _drawn(bodies, values, frames, surfaces: Surfaces, geometry) -> NDArray[np.uint8]:
    out = bodies.copy()
    out[np.isin(out, values)] = 0
    for i, (value, frame) in enumerate(zip(values, frames, strict=True)):
        box, inside = fill(
            frame, surfaces.bottom[i], surfaces.top[i], surfaces.radius[i], surfaces.back[i], geometry
        )
        out[box][inside & (out[box] == 0)] = value
    return out
