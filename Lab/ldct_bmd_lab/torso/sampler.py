"""One synthetic scan with its labels."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ldct_bmd.segmentation.normalize import LOW_HU

from ..scanner import draw_settings, scan_volume
from . import tissues as t
from .appearance import paint
from .atlas import Atlas
from .beyond import extend
from .degeneration import degenerate
from .lumbar_count import rename, vary_lumbar_count
from .pose import PoseSpec, place
from .shapes import draw_shapes
from .unknown import hide_unknown, highest_centre
from .variants import add_hardware, vary_last_ribs


@dataclass(frozen=True)
class SampleSpec:
    """What to draw.

    Attributes:
        shape: voxels (z, y, x).
        spacing_zyx_mm: voxel pitch.
        levels: atlas values of the lowest and highest body that the centre may lie at, each as often as any other.
        offset_mm: the centre's distance from there: along z at most this, y and x standard deviations.
        forward_mm: the centre lies this far in front of the spine.
        spineless: chance of a scan far above or below the spine.
        shapes: chance of a scan of no anatomy at all (:mod:`.shapes`).
        hardware: chance of cement or screws.
        degeneration: chance of spurs and bridges, nodes of Schmorl, open foramina of veins.
        lumbar_count: chances of a spine of six and of four lumbar vertebrae.
        oversampling: the scan is drawn this many times finer along each axis, then averaged: a large voxel shows the
            mean of what lies in it, and little noise. The label is the commonest.
        beyond: what a scan shows above an anatomy of which no more is known: its edge again, or air, as the network
            meets it in use.
    """

    shape: tuple[int, int, int]
    spacing_zyx_mm: tuple[float, float, float]
    levels: tuple[int, int] = (24, 8)
    offset_mm: tuple[float, float, float] = (12.0, 15.0, 15.0)
    forward_mm: float = 0.0
    spineless: float = 0.0
    shapes: float = 0.0
    hardware: float = 0.05
    degeneration: float = 0.3
    lumbar_count: tuple[float, float] = (0.04, 0.03)
    oversampling: int = 1
    beyond: Literal["edge", "air"] = "edge"
    pose: PoseSpec = field(default_factory=PoseSpec)

    @property
    def noise_left(self) -> float:
        """The share of a scanner's noise that is left in voxels so averaged."""
        return float(self.oversampling**-1.5)


@dataclass(frozen=True)
class Anatomy:
    """A patient, before the scan.

    Attributes:
        labels: (z, y, x) uint8, values of :mod:`.tissues`; bodies by level, ribs, sacrum, ...
        hu: (z, y, x) float32, without blur and noise.
        metal: (z, y, x), None if there is none.
        ended: (z,), the slices above the end of what is known.
    """

    labels: NDArray[np.uint8]
    hu: NDArray[np.float32]
    metal: NDArray[np.bool_] | None
    ended: NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """A synthetic scan.

    Attributes:
        hu: (z, y, x) float32.
        labels: (z, y, x) uint8, values of :mod:`.tissues`; bodies by level, ribs, sacrum, ...; UNKNOWN where the
            anatomy is not known.
    """

    hu: NDArray[np.float32]
    labels: NDArray[np.uint8]


def sample(rng: np.random.Generator, atlas: Atlas, spec: SampleSpec) -> Sample:
    """Draw one synthetic scan; the same ``rng`` state gives the same scan."""
    times = spec.oversampling
    nz, ny, nx = (n * times for n in spec.shape)
    dz, dy, dx = (d / times for d in spec.spacing_zyx_mm)
    finer = replace(spec, shape=(nz, ny, nx), spacing_zyx_mm=(dz, dy, dx))
    anatomy = draw_anatomy(rng, atlas, finer)
    hu = scan_volume(rng, anatomy.hu, finer.spacing_zyx_mm, draw_settings(rng), anatomy.metal)
    if spec.beyond == "air":
        hu[anatomy.ended] = LOW_HU  # added last in use: it has no noise
    if times == 1:
        return Sample(hu, anatomy.labels)
    return Sample(_blocks(hu, times).mean(axis=-1), _commonest(_blocks(anatomy.labels, times)))


def _blocks(values: NDArray[Any], times: int) -> NDArray[Any]:
    """Return what each voxel of a coarser grid holds: (z, y, x, times ** 3)."""
    nz, ny, nx = (n // times for n in values.shape)
    split = values.reshape(nz, times, ny, times, nx, times).transpose(0, 2, 4, 1, 3, 5)
    return split.reshape(nz, ny, nx, times**3)


def _commonest(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the label (z, y, x) that most of each block (z, y, x, n) bears."""
    count = np.stack([(labels == labels[..., k, None]).sum(axis=-1, dtype=np.uint8) for k in range(labels.shape[-1])])
    return np.take_along_axis(labels, count.argmax(axis=0)[..., None], axis=-1)[..., 0]


def draw_anatomy(rng: np.random.Generator, atlas: Atlas, spec: SampleSpec) -> Anatomy:
    """Draw one patient; the same ``rng`` state gives the same one."""
    if spec.shapes and rng.random() < spec.shapes:
        hu = draw_shapes(rng, spec.shape, spec.spacing_zyx_mm)
        return Anatomy(np.zeros(spec.shape, np.uint8), hu, None, np.zeros(spec.shape[0], dtype=bool))
    centre = _centre(rng, atlas, spec)
    at_skeleton, at_organs = place(rng, atlas, spec.pose, centre, spec.shape, spec.spacing_zyx_mm)
    lumbar = vary_lumbar_count(rng, atlas, at_skeleton, spec.lumbar_count)
    skeleton = _take(atlas.skeleton, at_skeleton, fill=t.AIR)
    if lumbar is not None:
        rename(skeleton, *lumbar)
    vary_last_ribs(rng, skeleton, at_skeleton, atlas)
    organs = _take(atlas.organs, at_organs, fill=t.AIR)
    outside_mm = _take(atlas.outside_mm, at_skeleton).astype(np.float32)
    extend(atlas, at_skeleton, skeleton, organs, outside_mm)
    inside = outside_mm <= 0
    # Organs slide within the trunk: what leaves it is left out, what they leave behind is filled.
    organs[~inside & (organs != t.AIR) & (organs != t.MUSCLE)] = t.AIR
    organs[inside & (organs == t.AIR)] = t.INNER
    labels = np.where(skeleton > 0, skeleton, organs).astype(np.uint8)
    if rng.random() < 0.5:  # the margin that voxelised surfaces lose or gain
        labels = _swap_margin(rng, labels)
    hu = paint(rng, labels, outside_mm, spec.spacing_zyx_mm)
    if spec.degeneration and rng.random() < spec.degeneration:
        degenerate(rng, hu, labels, at_skeleton, atlas, spec.spacing_zyx_mm)
    metal = add_hardware(rng, hu, labels, at_skeleton, atlas) if rng.random() < spec.hardware else None
    return Anatomy(labels, hu, metal, hide_unknown(atlas, at_skeleton, labels))


def _centre(rng: np.random.Generator, atlas: Atlas, spec: SampleSpec) -> NDArray[np.float64]:
    """Draw the atlas position (z, y, x) of the scan's centre, in mm."""
    axis = atlas.axis_zyx
    reach = spec.shape[0] * spec.spacing_zyx_mm[0] / 2
    places = np.arange(len(axis))
    low, high = (float(np.interp(-level, -atlas.axis_levels, places)) for level in spec.levels)
    limit = highest_centre(rng, atlas, reach)
    high = min(high, float(np.interp(limit, axis[:, 0], places)))
    # As often at one body as at any other: by millimetres the small upper ones would be seen least.
    z = float(np.interp(rng.uniform(min(low, high), high), places, axis[:, 0]))
    z = min(z + rng.uniform(-spec.offset_mm[0], spec.offset_mm[0]), limit)
    if rng.random() < spec.spineless:
        above = rng.random() < 0.5 and not atlas.open_above
        z = len(atlas.skeleton) + rng.uniform(0.6, 1.2) * reach if above else -rng.uniform(0.9, 1.5) * reach
    centre = np.array([z, np.interp(z, axis[:, 0], axis[:, 1]) - spec.forward_mm, np.interp(z, axis[:, 0], axis[:, 2])])
    centre[1:] += rng.normal(0, spec.offset_mm[1:])
    return centre


def _take(values: NDArray[np.uint8], index: NDArray[np.float32], fill: int | None = None) -> NDArray[np.uint8]:
    """Look ``values`` up at the nearest of the continuous indices (3, ...); beyond its ends along z it goes on."""
    nearest = np.rint(index).astype(np.int32)
    inside = np.ones(index.shape[1:], dtype=bool)
    for axis, size in enumerate(values.shape):
        if fill is not None and axis > 0:
            inside &= (nearest[axis] >= 0) & (nearest[axis] < size)
        np.clip(nearest[axis], 0, size - 1, out=nearest[axis])
    taken = values[nearest[0], nearest[1], nearest[2]]
    return np.where(inside, taken, np.asarray(fill, values.dtype)) if fill is not None else taken


def _swap_margin(rng: np.random.Generator, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Let ribs lose a voxel of margin here and there, so that their thickness varies."""
    ribs = t.member(t.RIBS)[labels]
    thin = ribs & ~ndimage.binary_erosion(ribs) & (rng.random(labels.shape, dtype=np.float32) < rng.uniform(0, 0.6))
    return np.where(thin, t.INNER, labels).astype(np.uint8)
