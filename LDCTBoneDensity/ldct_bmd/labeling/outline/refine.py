"""Bringing the network's outlines to the half maximum."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...anatomy import VERSE_VALUE
from ...ground.threads import in_threads
from ...morphometry import body_axes_lps
from ...scan import CTScan, Geometry
from ...voi import Box
from ..column import find_bodies, moved
from ..tuned import THREE_SLICES, tuned
from .back import BACK_SEARCH, BackSearch, find_back
from .frame import Frame, Part, Sight
from .plates import PLATE_SEARCH, PlateSearch, find_plates
from .profiles import EDGE_LIMITS, EdgeLimits
from .raster import largest, part_inside
from .start import START_SHAPE, Start, StartShape, start_of
from .surfaces import Array, Surfaces
from .walls import WALL_SEARCH, WallSearch, find_walls, free_behind_the_canal

MARGIN_MM = 15.0  # about the bodies: as far as any line is looked along


@dataclass(frozen=True)
class OutlineTuning:
    """All that bringing outlines to the edges in the scan was tuned with."""

    reaches_mm: tuple[float, ...] = tuned(
        (4.0, 2.0),
        "how far each round looks from where it begins",
        unit="mm",
        source="the first finds the edges, the second starts near them",
        data=THREE_SLICES,
    )
    volumes: tuple[float, float] = tuned(
        (0.6, 1.8),
        "what becomes smaller or larger than that is something else, and stays as it is",
        unit="times the volume of the outline of the network",
        source="a refined body has 1.0 to 1.35 times the volume: the rims and corners of the network are cut",
        data=THREE_SLICES,
    )
    least_seen: float = tuned(
        0.3,
        "a body of which less is seen stays as it is",
        unit="of its edges",
        source="not recorded",
        data=THREE_SLICES,
    )
    start: StartShape = START_SHAPE
    edges: EdgeLimits = EDGE_LIMITS
    plates: PlateSearch = PLATE_SEARCH
    walls: WallSearch = WALL_SEARCH
    back: BackSearch = BACK_SEARCH


OUTLINE = OutlineTuning()


@dataclass(frozen=True)
class _Body:
    value: int
    box: Box
    frame: Frame
    start: Start


def refine_outlines(
    bodies: NDArray[np.uint8], scan: CTScan, whole: Collection[str], tuning: OutlineTuning = OUTLINE
) -> NDArray[np.uint8]:
    """Bring the outlines of the vertebral bodies to the half maximum of the edges in the scan; return ``bodies``.

    Endplates, front and sides, and the back wall are each the best smooth surface near the network's outline. Where the
    scan shows no edge the network's outline stays. Spurs, ribs, vessels and discs stay out; bodies never overlap.

    Args:
        bodies: (z, y, x) on the scan's grid, VerSe values; changed in place.
        whole: levels to refine: those that the scan's edge doesn't cut. Others stay as they are.
    """
    boxes = find_bodies(bodies)
    values = [VERSE_VALUE[level] for level in whole]
    there = [value for value in values if value in boxes]
    begun = in_threads(lambda value: _body(bodies, value, boxes[value], scan.geometry, tuning.start), there)
    found = [body for body in begun if body is not None]
    if not found:
        return bodies
    own = _joined([body.start.outline for body in found])
    surfaces = _joined([body.start.surfaces for body in found])
    sight = Sight(_around(scan, [body.box for body in found]), scan.geometry, [body.frame for body in found])
    for reach_mm in tuning.reaches_mm:
        bottom, top, plates_seen = find_plates(sight, surfaces, own, reach_mm, tuning.plates, tuning.edges)
        surfaces = replace(surfaces, bottom=bottom, top=top)
        radius, walls_seen = find_walls(sight, surfaces, own, reach_mm, tuning.walls, tuning.edges)
        back, back_seen = find_back(sight, surfaces, own, reach_mm, tuning.back, tuning.edges)
        surfaces = replace(surfaces, radius=radius, back=back)
    surfaces = replace(surfaces, radius=free_behind_the_canal(surfaces.radius, tuning.walls))
    seen = np.mean([plates_seen, walls_seen, back_seen], axis=0) > tuning.least_seen
    return _drawn(bodies, list(boxes.values()), found, seen, surfaces, scan.geometry, tuning.volumes)


def _body(bodies: NDArray[np.uint8], value: int, box: Box, geometry: Geometry, shape: StartShape) -> _Body | None:
    """Return where the search begins for a body; None where it is too small to tell."""
    mask = bodies[box] == value
    axes = body_axes_lps(mask, box, geometry)
    if axes is None:
        return None
    first = np.array([s.start for s in box])
    center = geometry.to_lps_mm((np.argwhere(mask).mean(axis=0) + first)[::-1])
    frame = Frame(center, axes)
    start = start_of(Part(np.pad(mask, 1).astype(np.float32), first[::-1] - 1), frame, geometry, shape)
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


class _Drawing(NamedTuple):
    """A body drawn again: which, where it was, where it is now, and how much of each voxel (z, y, x) is inside."""

    value: int
    old: Box
    new: Box
    part: Array


def _drawn(
    bodies: NDArray[np.uint8],
    boxes: Sequence[Box],
    found: list[_Body],
    seen: NDArray[np.bool_],
    surfaces: Surfaces,
    geometry: Geometry,
    volumes: tuple[float, float],
) -> NDArray[np.uint8]:
    """Return the bodies drawn again; those that aren't seen, or become far smaller or larger, stay as they are.

    Args:
        boxes: of all bodies.
    """

    def draw(number: int) -> _Drawing:
        body = found[number]
        box, part = part_inside(surfaces, number, body.frame, geometry)
        part[~largest(part > 0.5)] = 0.0
        return _Drawing(body.value, body.box, box, part)

    drawings = in_threads(draw, np.flatnonzero(seen).tolist())
    # A scan is many times as large as its spine: nothing is made that is as large.
    around = _around_all([*boxes, *(drawing.new for drawing in drawings)])
    back = [-s.start for s in around]
    near = bodies[around]
    inside = [d._replace(old=moved(d.old, back), new=moved(d.new, back)) for d in drawings]
    bodies[around] = _painted(near, inside, volumes)
    return bodies


def _around_all(boxes: Sequence[Box]) -> Box:
    z, y, x = (slice(min(box[a].start for box in boxes), max(box[a].stop for box in boxes)) for a in range(3))
    return z, y, x


def _painted(bodies: NDArray[np.uint8], drawings: list[_Drawing], volumes: tuple[float, float]) -> NDArray[np.uint8]:
    """Return bodies with those drawn again that are plausible."""
    while True:
        out = _painted_over(bodies, drawings)
        kept = [drawing for drawing in drawings if _is_plausible(bodies, out, drawing, volumes)]
        if len(kept) == len(drawings):
            return out
        drawings = kept


def _painted_over(bodies: NDArray[np.uint8], drawings: list[_Drawing]) -> NDArray[np.uint8]:
    """Return bodies with some drawn again; a voxel that two of them want goes to the one that has more of it."""
    out = bodies.copy()
    for value, old, _, _ in drawings:
        out[old][bodies[old] == value] = 0
    taken = (out > 0).astype(np.float32)
    for value, _, new, part in drawings:
        wins = (part > 0.5) & (part > taken[new])
        out[new][wins] = value
        taken[new][wins] = part[wins]
    for value, _, new, _ in drawings:
        near = out[new]
        mine = near == value
        near[mine & ~largest(mine)] = 0
    return out


def _is_plausible(
    before: NDArray[np.uint8], after: NDArray[np.uint8], drawing: _Drawing, volumes: tuple[float, float]
) -> bool:
    own = np.count_nonzero(before[drawing.old] == drawing.value)
    return bool(volumes[0] * own <= np.count_nonzero(after[drawing.new] == drawing.value) <= volumes[1] * own)
