"""A column as the two networks would see it."""

import numpy as np

from helpers_column import SPACING_ZYX_MM, column
from ldct_bmd.labeling import VertebralColumn
from ldct_bmd.labeling.ribs import RIB_SIGNS
from ldct_bmd.labeling.usual import HEIGHTS_MM, THORACIC
from ldct_bmd.scan import Acquisition, CTScan, Geometry, Patient, Source
from ldct_bmd.segmentation import NetworkBodies
from ldct_bmd.segmentation.levels import CHANNELS
from ldct_bmd.segmentation.resample import grid

LEVELS = ("T11", "T12", "L1", "L2", "L3")
HEIGHTS = (24.0, 25.0, 26.0, 27.0, 28.0)


def scan_grid(slices: int, thickness_mm: float = 1.0) -> Geometry:
    """80 x 120 mm at 0.8 mm, and ``slices`` mm of height."""
    return Geometry(
        (100, 150, round(slices / thickness_mm)),
        (0.8, 0.8, thickness_mm),
        (10.0, -20.0, 300.0),
        ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    )


def empty_scan(geometry: Geometry) -> CTScan:
    return CTScan(np.zeros(geometry.shape, np.int16), geometry, Acquisition(), Patient(), Source("file"))


def seen_by_networks(
    levels: tuple[str, ...] = LEVELS,
    votes: tuple[str, ...] | None = None,
    ribs: tuple[str, ...] | None = None,
    thickness_mm: float = 1.0,
    heights_mm: tuple[float, ...] = HEIGHTS,
    **shape: object,
) -> tuple[CTScan, NetworkBodies, np.ndarray]:
    """A column as the networks would give it.

    Args:
        votes: what the coarse network says of each body; None: the truth.
        ribs: which of ``levels`` bear the ribs that it sees; None: the thoracic ones.
    """
    foreground, numbers = column(heights_mm, **shape)  # type: ignore[arg-type]
    scan = empty_scan(scan_grid(foreground.shape[0], thickness_mm))
    fine = grid(scan.geometry, (2.0, 2.0, 1.0))
    assert fine.shape == foreground.shape
    classes = np.zeros((4, *foreground.shape), dtype=np.float16)
    classes[0], classes[3] = 1 - foreground, foreground

    x0, y0, z0 = fine.origin_lps_mm
    coarse = Geometry((45, 30, len(foreground) // 4), (4.0, 4.0, 4.0), (x0 - 50.0, y0, z0), fine.direction)
    z, y, x = np.indices(coarse.shape)
    at = np.rint(fine.to_index_xyz(coarse.to_lps_mm(np.stack([x, y, z], axis=-1)))).astype(int)[..., ::-1]
    inside = ((at >= 0) & (at < foreground.shape)).all(axis=-1)
    owner = np.where(inside, numbers[tuple(np.moveaxis(np.clip(at, 0, np.array(foreground.shape) - 1), -1, 0))], 0)
    vote = np.zeros((len(CHANNELS), *coarse.shape), dtype=np.float16)
    vote[0] = 1
    if ribs is None:
        ribs = tuple(level for level in levels if level in THORACIC)
    for number, (level, name) in enumerate(zip(levels, votes or levels, strict=True), start=1):
        vote[CHANNELS.index(name), owner == number] = 1
        if level in ribs:
            voxels = np.argwhere(numbers == number) * SPACING_ZYX_MM
            middle_z, middle_y, middle_x = voxels.mean(axis=0)
            beside = np.abs(np.abs(x * 4.0 - 50.0 - middle_x) - 46.0) <= 22.0
            height = np.abs(z * 4.0 - middle_z - RIB_SIGNS.offset_of(level)) <= 5.0
            vote[CHANNELS.index("rib"), beside & height & (y * 4.0 > middle_y)] = 1
    vote[0, vote[1:].sum(axis=0) > 0] = 0
    return scan, NetworkBodies(fine, classes, coarse, vote), numbers


def usual_heights(levels: tuple[str, ...]) -> tuple[float, ...]:
    """Height of each body without its disc, in mm."""
    return tuple(HEIGHTS_MM.get(level, HEIGHTS_MM["L5"]) - 5.0 for level in levels)


def levels_of(found: VertebralColumn) -> tuple[str, ...]:
    return tuple(v.level for v in found.vertebrae)
