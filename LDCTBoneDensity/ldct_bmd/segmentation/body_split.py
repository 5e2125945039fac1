"""Separating the vertebral body from the arch in masks of whole vertebrae.

The spinal canal, an axial hole between body and arch, shows where the body ends: its anterior border is the posterior
wall of the body. A plane is fitted to that wall, so that tilted and rotated vertebrae get a tilted and rotated cut, and
what lies in front of it is opened to shed pedicle stumps, costal facets and transverse processes.

Arrays are indexed (z, y, x): z to the head, y to the back, x to the left.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy import LEVEL_OF_VERSE_VALUE, order
from ..ground.errors import CannotMeasure
from ..ground.progress import Progress, silent

Spacing = tuple[float, float, float]

# Adult canal: 10 to 25 mm antero-posteriorly, 15 to 30 mm across; it narrows where slices are joined to close the ring.
CANAL_AREA_MM2 = (40.0, 900.0)
SLAB_HALF_THICKNESSES_MM = (6.0, 4.0, 9.0, 2.0)  # the middle one first: see find_canal
MIN_CANAL_HEIGHT_MM = 2.0
MIN_CLEARANCE_MM = 6.0  # a canal is open upwards and downwards; a dent in an endplate is not
MAX_CENTRE_SPREAD_MM = 12.0
MAX_CANAL_GAP_MM = 40.0  # how far a neighbour's canal is trusted: about one vertebra with its disc
WALL_REACH_MM = 20.0  # from the canal's centre forwards
WALL_HALF_WIDTH_MM = 5.0
WALL_MARGIN_MM = 1.0  # the wall is concave: its rims lie behind its middle
MIN_WALL_DEPTH_MM = 4.0
MAX_TILT = 1.0  # 45 degrees, the most that the engine's frame leaves
OPENING_RADIUS_MM = 4.0
REGAIN_MM = 2.0  # what opening takes off a right-angled edge: (sqrt(2) - 1) of its radius, rounded up
MIN_BODY_VOLUME_ML = 1.0
LEAST_ARCH = 0.12  # of a whole vertebra lies behind the middle of its canal: a third; of a body with a notch, a crumb
FINE_SPACING_MM = 0.75


class CannotSplit(CannotMeasure):
    """A mask in which body and arch cannot be told apart."""


def find_canal(vertebra: NDArray[np.bool_], spacing_zyx_mm: Spacing) -> NDArray[np.float64] | None:
    """Return the canal's centres (n, 3) in (z, y, x) indices, at most one per slice; None where no ring closes.

    Laminae slope down and vertebrae tilt, so that a single slice may show no closed ring: slices are joined to slabs.
    Thick slabs close more rings and fill the dents of the endplates, thin ones leave more of a tilted canal open.
    """
    dz, dy, dx = spacing_zyx_mm
    low, high = CANAL_AREA_MM2
    clearance = round(MIN_CLEARANCE_MM / dz)
    for half_mm in SLAB_HALF_THICKNESSES_MM:
        half = max(1, round(half_mm / dz))
        slab = ndimage.maximum_filter1d(vertebra, 2 * half + 1, axis=0, mode="constant")
        centres = []
        for z in np.flatnonzero(slab.any(axis=(1, 2))):
            holes, count = ndimage.label(ndimage.binary_fill_holes(slab[z]) & ~slab[z])
            if not count:
                continue
            areas = np.bincount(holes.ravel())[1:] * dy * dx
            largest = int(np.argmax(areas))
            y, x = ndimage.center_of_mass(holes == largest + 1)
            column = vertebra[max(0, z - clearance) : z + clearance + 1, round(y), round(x)]
            if low <= areas[largest] <= high and not column.any():
                centres.append((float(z), y, x))
        if len(centres) * dz >= MIN_CANAL_HEIGHT_MM:
            found = np.asarray(centres)
            # A gap between two laminae seen askew, or a cleft in the body, lies away from the others.
            away_mm = np.abs(found[:, 1:] - np.median(found[:, 1:], axis=0)) * (dy, dx)
            return np.asarray(found[(away_mm <= MAX_CENTRE_SPREAD_MM).all(axis=1)])
    return None


def split_body(
    vertebra: NDArray[np.bool_],
    spacing_zyx_mm: Spacing,
    level: str = "the vertebra",
    canal: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]:
    """Return the vertebral body (z, y, x) of a whole vertebra (z, y, x).

    Args:
        vertebra: body and arch of one vertebra.
        spacing_zyx_mm: voxel pitch in the order of the array's axes.
        level: name for the message.
        canal: centres of the canal, (n, 3) in (z, y, x) indices, if they are known; else they are looked for.

    Raises:
        CannotSplit: no canal is seen (the mask may be a body only), or nothing like a body lies in front of it.
    """
    solid = np.asarray(ndimage.binary_fill_holes(vertebra))
    centres = find_canal(solid, spacing_zyx_mm) if canal is None else canal
    if centres is None or not len(centres):
        raise CannotSplit("segmentation.no_canal", level=level)
    front = _in_front_of_wall(solid, spacing_zyx_mm, centres)
    body = None if front is None else _without_processes(solid & front, spacing_zyx_mm)
    if body is None or body.sum() * np.prod(spacing_zyx_mm) < 1000.0 * MIN_BODY_VOLUME_ML:
        raise CannotSplit("segmentation.no_body_before_canal", level=level)
    return body & vertebra


def holds_arch(mask: NDArray[np.bool_], spacing_zyx_mm: Spacing) -> bool:
    """Return whether a mask (z, y, x) surrounds the spinal canal, with an arch behind it.

    A body with a notch in its back wall, where the basivertebral vein leaves it, has next to nothing behind the notch.
    """
    solid = np.asarray(ndimage.binary_fill_holes(np.pad(mask, 1)))
    canal = find_canal(solid, spacing_zyx_mm)
    if canal is None or not len(canal):
        return False
    behind = np.argwhere(solid)[:, 1] > canal[:, 1].mean()
    return bool(behind.mean() > LEAST_ARCH)


def split_bodies(
    labels: NDArray[np.uint8],
    spacing_zyx_mm: Spacing,
    progress: Progress = silent,
    dropped: Callable[[CannotMeasure], object] | None = None,
) -> NDArray[np.uint8]:
    """Return the vertebral bodies of a map of whole vertebrae; both (z, y, x) with VerSe values, 0 background.

    Where a vertebra shows no closed ring (thick slices, or cut by the scan's edge), its canal is taken from its
    neighbours'. A vertebra at the top or bottom edge of which only the arch is in view is left out.

    Args:
        dropped: told of each level whose body cannot be told from its arch, by the refusal; the level is left out.
            None: it is an error.

    Raises:
        CannotSplit: such a level, where nobody is told.
    """
    boxes = {
        LEVEL_OF_VERSE_VALUE[value]: box
        for value, box in enumerate(ndimage.find_objects(labels), start=1)
        if box is not None and value in LEVEL_OF_VERSE_VALUE
    }
    value_of = {level: value for value, level in LEVEL_OF_VERSE_VALUE.items()}
    crops: dict[str, _Crop] = {}
    canals: dict[str, NDArray[np.float64]] = {}
    for level in sorted(boxes, key=order):
        crops[level] = _Crop(labels, value_of[level], boxes[level], spacing_zyx_mm)
        centres = find_canal(crops[level].solid, spacing_zyx_mm)
        if centres is not None:
            canals[level] = centres + crops[level].offset
    bodies = np.zeros_like(labels)
    for done, (level, crop) in enumerate(crops.items()):
        progress("segment", done / len(crops))
        known = canals.get(level)
        centres = _from_neighbours(canals, crop, spacing_zyx_mm) if known is None else known
        try:
            body = split_body(crop.solid, spacing_zyx_mm, level, None if centres is None else centres - crop.offset)
        except CannotSplit as error:
            if crop.cut_by_edge and centres is not None and known is None:
                continue
            if dropped is None:
                raise
            dropped(error)
            continue
        crop.write(body, bodies, value_of[level])
    return bodies


class _Crop:
    """One vertebra cut out of a label map, continued past the edge of the map where that cuts it."""

    def __init__(
        self, labels: NDArray[np.uint8], value: int, box: tuple[slice, slice, slice], spacing_zyx_mm: Spacing
    ) -> None:
        self.box = box
        beyond = int(np.ceil((OPENING_RADIUS_MM + MIN_CLEARANCE_MM) / spacing_zyx_mm[0]))
        self.pad = (beyond if box[0].start == 0 else 0, beyond if box[0].stop == labels.shape[0] else 0)
        self.vertebra = np.asarray(labels[box] == value)
        padded = np.pad(self.vertebra, (self.pad, (1, 1), (1, 1)))
        if self.pad[0]:
            padded[: self.pad[0]] = padded[self.pad[0]]
        if self.pad[1]:
            padded[-self.pad[1] :] = padded[-self.pad[1] - 1]
        self.solid = np.asarray(ndimage.binary_fill_holes(padded))
        self.offset = np.array([box[0].start - self.pad[0], box[1].start - 1, box[2].start - 1], dtype=np.float64)

    @property
    def cut_by_edge(self) -> bool:
        return self.pad != (0, 0)

    def write(self, body: NDArray[np.bool_], target: NDArray[np.uint8], value: int) -> None:
        inner = body[self.pad[0] : body.shape[0] - self.pad[1], 1:-1, 1:-1]
        target[self.box][inner & self.vertebra] = value


def _from_neighbours(
    canals: Mapping[str, NDArray[np.float64]], crop: _Crop, spacing_zyx_mm: Spacing
) -> NDArray[np.float64] | None:
    """Return the canal's centres in the slices of ``crop`` from those of the other levels; None if they are too far."""
    if not canals:
        return None
    known = np.concatenate(list(canals.values()))
    levels_z = np.unique(known[:, 0])
    centres = np.stack([known[known[:, 0] == z].mean(axis=0) for z in levels_z])
    z = np.arange(crop.solid.shape[0]) + crop.offset[0]
    near = MAX_CANAL_GAP_MM / spacing_zyx_mm[0]
    z = z[np.abs(z[:, None] - levels_z[None]).min(axis=1) <= near]
    if not z.size:
        return None
    path = [z]
    for axis in (1, 2):
        line = np.interp(z, levels_z, centres[:, axis])
        for end, outside in ((centres[0], z < levels_z[0]), (centres[-1], z > levels_z[-1])):
            local = centres[np.abs(centres[:, 0] - end[0]) <= near]
            slope = np.polyfit(local[:, 0], local[:, axis], 1)[0] if len(local) > 2 else 0.0
            line[outside] = end[axis] + slope * (z[outside] - end[0])
        path.append(line)
    return np.stack(path, axis=1)


def _in_front_of_wall(
    solid: NDArray[np.bool_], spacing_zyx_mm: Spacing, canal: NDArray[np.float64]
) -> NDArray[np.bool_] | None:
    """Return the half space (z, y, x) in front of the posterior wall; None if no wall is found."""
    points = _wall_points(solid, spacing_zyx_mm, canal)
    if len(points) < 3:
        return None
    z, y, x = points.T * np.asarray(spacing_zyx_mm)[:, None]
    centre_z, centre_x = z.mean(), x.mean()
    design = np.stack([np.ones_like(z), z - centre_z, x - centre_x], axis=1)
    weights = np.ones_like(y)
    for _ in range(10):  # Cauchy weights of 1 mm: the foramen of the basivertebral vein and pedicles are outliers
        # A weak pull towards an upright wall, for masks that show only a slice or two of it.
        gram = design.T @ (design * weights[:, None]) + np.diag([0.0, 2.0, 2.0])
        offset, tilt, turn = np.linalg.solve(gram, design.T @ (weights * y))
        weights = 1.0 / (1.0 + (y - design @ (offset, tilt, turn)) ** 2)
    tilt, turn = np.clip((tilt, turn), -MAX_TILT, MAX_TILT)
    grid_z, grid_y, grid_x = (np.arange(n) * d for n, d in zip(solid.shape, spacing_zyx_mm, strict=True))
    wall_y = offset + tilt * (grid_z - centre_z)[:, None] + turn * (grid_x - centre_x)[None, :]
    return np.asarray(grid_y[None, :, None] <= (wall_y + WALL_MARGIN_MM)[:, None, :])


def _wall_points(solid: NDArray[np.bool_], spacing_zyx_mm: Spacing, canal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (n, 3) in (z, y, x) indices on the posterior wall, seen from the canal.

    From the slices where the canal is known the search goes up and down, each slice starting where the last one ended.
    """
    dz, dy, dx = spacing_zyx_mm
    half_width = max(1, round(WALL_HALF_WIDTH_MM / dx))
    reach, depth = round(WALL_REACH_MM / dy), max(1, round(MIN_WALL_DEPTH_MM / dy))

    def look_forwards(z: int, start_y: float, middle_x: float) -> NDArray[np.float64]:
        rows = []
        y = int(np.clip(round(start_y), 0, solid.shape[1] - 1))
        for x in range(max(0, round(middle_x) - half_width), min(solid.shape[2], round(middle_x) + half_width + 1)):
            ahead = solid[z, max(0, y - reach) : y + 1, x][::-1]
            if ahead[0] or not ahead.any():
                continue
            wall = y - int(np.argmax(ahead))
            if solid[z, max(0, wall - depth) : wall + 1, x].all():
                rows.append((z, wall, x))
        return np.asarray(rows, dtype=np.float64).reshape(-1, 3)

    points = {round(z): look_forwards(round(z), y, x) for z, y, x in canal if 0 <= round(z) < solid.shape[0]}
    points = {z: found for z, found in points.items() if len(found)}
    if not points:
        return np.empty((0, 3))
    for step, first in ((1, max(points)), (-1, min(points))):
        z, wall_y, wall_x = first, *np.median(points[first][:, 1:], axis=0)
        while 0 <= z + step < solid.shape[0]:
            z += step
            found = look_forwards(z, wall_y + 5.0 / dy, wall_x)
            found = found[np.abs(found[:, 1] - wall_y) * dy <= 1.5 + MAX_TILT * dz]
            if len(found) < half_width:
                break
            points[z] = found
            wall_y = float(np.median(found[:, 1]))
    return np.concatenate([points[z] for z in sorted(points)])


def _without_processes(front: NDArray[np.bool_], spacing_zyx_mm: Spacing) -> NDArray[np.bool_] | None:
    """Open ``front`` (z, y, x), keep the largest part and give it back its edges; None if nothing is left."""
    stride = tuple(int(2 * FINE_SPACING_MM / d) if d < FINE_SPACING_MM else 1 for d in spacing_zyx_mm)
    coarse = np.pad(front[:: stride[0], :: stride[1], :: stride[2]], 1)
    sampling = tuple(s * d for s, d in zip(stride, spacing_zyx_mm, strict=True))
    eroded = ndimage.distance_transform_edt(coarse, sampling=sampling) > OPENING_RADIUS_MM
    parts, count = ndimage.label(eroded)
    if not count:
        return None
    core = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    distance = ndimage.distance_transform_edt(~core, sampling=sampling)[1:-1, 1:-1, 1:-1]
    if stride != (1, 1, 1):
        index = np.meshgrid(*(np.arange(n) / s for n, s in zip(front.shape, stride, strict=True)), indexing="ij")
        distance = ndimage.map_coordinates(distance, index, order=1, mode="nearest")
    return np.asarray(front & (distance <= OPENING_RADIUS_MM + REGAIN_MM))
