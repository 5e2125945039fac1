"""What ages in a spine: bone that grows beside the bodies and bridges them, and what eats into them.

Only new bone changes labels. It is no body further than 3 mm from one; closer, readers differ and nothing is taught.
Nodes of Schmorl and the foramen of the basivertebral vein stay body: outlines pass over them.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import tissues as t
from .atlas import Atlas
from .variants import slab

BRIDGED, SPURRED, NODES, VEINS = 0.2, 0.35, 0.3, 0.6  # chance of each in a scan that has any of it
FRONT_MM = 3.0  # new bone grows this far in front of the bodies' middles and further
DOUBTFUL_MM = 3.0
BRIDGE_MM, SPUR_MM = (2.0, 7.0), (2.0, 8.0)  # how thick it is
SPUR_BESIDE_DISC_MM = 5.0
NEW_BONE_HU, HOLE_HU, RIM_HU = (250.0, 800.0), (0.0, 90.0), (150.0, 450.0)
HALF_HEIGHT, HALF_DEPTH_MM = 0.42, 16.0  # of the distance of two bodies; of a body from front to back

Array = NDArray[np.float32]


def degenerate(
    rng: np.random.Generator, hu: Array, labels: NDArray[np.uint8], at: Array, atlas: Atlas, spacing: tuple[float, ...]
) -> None:
    """Draw some of it; ``hu`` and ``labels`` (z, y, x) in place.

    Args:
        at: (3, z, y, x), where each voxel lies in the atlas, in mm.
        spacing: voxel pitch (z, y, x), mm.
    """
    low, high = float(at[0].min()), float(at[0].max())
    centres = atlas.axis_zyx[(atlas.axis_zyx[:, 0] > low) & (atlas.axis_zyx[:, 0] < high)]
    if len(centres) < 3:
        return
    if rng.random() < VEINS:
        width = rng.uniform(1.5, 3.5)
        for centre in centres[rng.random(len(centres)) < rng.uniform(0.3, 1.0)]:
            _open_foramen(rng, hu, labels, at, centre, width)
    if rng.random() < NODES:
        for k in rng.integers(0, len(centres) - 1, size=rng.integers(1, 5)):
            _sink_node(rng, hu, labels, at, centres[k : k + 2])
    if rng.random() < BRIDGED:
        first = int(rng.integers(0, len(centres) - 2))
        _grow(rng, hu, labels, at, centres[first : first + int(rng.integers(3, 8))], spacing, bridge=True)
    elif rng.random() < SPURRED:
        for k in rng.integers(0, len(centres) - 1, size=rng.integers(1, 4)):
            _grow(rng, hu, labels, at, centres[k : k + 2], spacing, bridge=False)


def _open_foramen(
    rng: np.random.Generator, hu: Array, labels: NDArray[np.uint8], at: Array, centre: NDArray[np.float64], width: float
) -> None:
    """Draw a vein's channel from the back wall into a body."""
    box = slab(at[0], float(centre[0]), 6.0)
    z, y, x = (at[axis][box] - np.float32(centre[axis]) for axis in range(3))
    channel = (np.abs(z) < 0.8 * width) & (np.abs(x) < width * (1 + np.clip(y, 0, None) / HALF_DEPTH_MM))
    channel &= (y > rng.uniform(2.0, HALF_DEPTH_MM - 2.0)) & t.member(t.BODIES)[labels[box]]
    hu[box][channel] = rng.uniform(*HOLE_HU)


def _sink_node(
    rng: np.random.Generator, hu: Array, labels: NDArray[np.uint8], at: Array, pair: NDArray[np.float64]
) -> None:
    """Let a disc between two bodies sink into one of them, with a dense rim."""
    lower, upper = pair
    into = rng.random() < 0.5
    share = HALF_HEIGHT if into else 1 - HALF_HEIGHT
    node = lower + share * (upper - lower) + np.array([0.0, rng.normal(0, 4.0), rng.normal(0, 5.0)])
    radius = rng.uniform(2.5, 6.0)
    box = slab(at[0], float(node[0]), 10.0)
    away = np.linalg.norm(at[(slice(None), *box)] - node.astype(np.float32)[:, None, None, None], axis=0)
    body = t.member(t.BODIES)[labels[box]]
    hu[box][body & (away < radius + 1.5)] += rng.uniform(*RIM_HU)
    hu[box][body & (away < radius)] = rng.uniform(*HOLE_HU)


def _grow(
    rng: np.random.Generator,
    hu: Array,
    labels: NDArray[np.uint8],
    at: Array,
    centres: NDArray[np.float64],
    spacing: tuple[float, ...],
    *,
    bridge: bool,
) -> None:
    """Grow bone in front of the bodies at ``centres``: from the first to the last, or in beaks beside each disc."""
    low, high = float(centres[0, 0]), float(centres[-1, 0])
    box = slab(at[0], (low + high) / 2, (high - low) / 2)
    if box[0].start == box[0].stop:
        return
    z, y, x = (at[axis][box] for axis in range(3))
    middle_y, middle_x = (np.interp(z, centres[:, 0], centres[:, axis]).astype(np.float32) for axis in (1, 2))
    part = labels[box]
    body = t.member((*t.BODIES, t.L6))[part]
    rows = np.flatnonzero(body.any(axis=(0, 2)))
    if not len(rows):
        return
    from_body = np.full(part.shape, np.inf, np.float32)
    reach = slice(max(0, rows[0] - 15), rows[-1] + 16)
    column = body | t.member(t.DISCS)[part]
    from_body[:, reach] = ndimage.distance_transform_edt(~column[:, reach], sampling=spacing)
    thickness = np.full(part.shape, rng.uniform(*(BRIDGE_MM if bridge else SPUR_MM)), np.float32)
    if not bridge:
        near = np.zeros(part.shape, np.float32)
        for lower, upper in pairwise(centres[:, 0]):
            for edge in (0.38, 0.62):  # the rims of the two bodies that face each other
                near = np.maximum(near, np.exp(-(((z - lower - edge * (upper - lower)) / SPUR_BESIDE_DISC_MM) ** 2)))
        thickness *= near
    else:
        thickness *= np.float32(0.6) + np.float32(0.5) * np.sin(z / np.float32(rng.uniform(6, 12)))
    sided = rng.choice([-1.0, 0.0, 1.0])  # it may grow on one side alone: on the right, away from the aorta, most often
    grown = (y < middle_y - FRONT_MM) & (from_body > 0) & (from_body < thickness) & (sided * (x - middle_x) > -6.0)
    grown &= ~t.member((*t.BODIES, t.L6, *t.ARCHES, *t.RIBS, t.CANAL, t.SACRUM, t.UNKNOWN))[part]
    hu[box][grown] = rng.uniform(*NEW_BONE_HU)
    to_body = ndimage.distance_transform_edt(~body[:, reach], sampling=spacing)
    doubtful = np.zeros(part.shape, bool)
    doubtful[:, reach] = to_body < DOUBTFUL_MM
    part[grown] = t.INNER
    part[grown & doubtful] = t.UNKNOWN
