"""What is seen of bodies and discs along the spine: its cross-section, bone and levels, sample by sample."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .curve import SpineCurve
from .tuned import CHEST_AND_ABDOMEN, DRAWN, UPPER_PETCT, tuned

STEP_MM: Final = 0.5  # between samples, along the spine

HUAt = Callable[[NDArray[np.float64]], NDArray[np.floating]]
LevelAt = Callable[[NDArray[np.intp]], NDArray[np.floating]]


@dataclass(frozen=True)
class ProfileShape:
    """How the profile is taken, so that it is high in bodies and low in discs."""

    sharpen: int = tuned(
        4,
        "power of the foreground probability",
        unit="exponent",
        source="what is half in doubt is a disc rather than a body",
        data=CHEST_AND_ABDOMEN,
    )
    smooth_mm: float = tuned(
        1.0,
        "standard deviation of the smoothing along the spine",
        unit="mm",
        source="less than half of the thinnest disc",
        data=DRAWN,
    )
    level_smooth_mm: float = tuned(
        3.0,
        "standard deviation of the smoothing of levels along the spine",
        unit="mm",
        source="the coarse network sees them at 5 mm",
        data=UPPER_PETCT,
    )
    # The middle of the spine, well inside endplates' rims and away from the canal.
    core_across_mm: tuple[float, ...] = tuned(
        (-8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0),
        "where HU are taken to the left of the curve",
        unit="mm",
        source="inside the rims of the smallest endplates",
        data=CHEST_AND_ABDOMEN,
    )
    core_back_mm: tuple[float, ...] = tuned(
        (-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0),
        "where HU are taken behind the curve",
        unit="mm",
        source="inside the rims of the smallest endplates, away from the canal",
        data=CHEST_AND_ABDOMEN,
    )
    core_hu: tuple[float, float] = tuned(
        (-100.0, 600.0),
        "lowest and highest value that counts",
        unit="HU",
        source="gas in a disc and metal say no more than dark and bright",
        data=CHEST_AND_ABDOMEN,
    )
    widest_disc_mm: float = tuned(
        12.0,
        "a dark band that is wider is the middle of a body",
        unit="mm",
        source="endplates of a disc are nearer to each other than those of a body",
        data=CHEST_AND_ABDOMEN,
    )
    hu_offset: float = tuned(
        200.0,
        "added to the endplates' HU that a disc's fall is compared with",
        unit="HU",
        source="so that a disc of 90 HU between endplates of 200 HU counts",
        data=CHEST_AND_ABDOMEN,
    )


PROFILE_SHAPE = ProfileShape()


class Profile(NamedTuple):
    """The cross-section of bone along the spine, sample by sample from the bottom.

    Attributes:
        low_mm: arc length at which the first sample begins.
        section_mm2: (n,)
    """

    low_mm: float
    section_mm2: NDArray[np.float64]

    def samples(self, s_mm: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return which sample each arc length (n,) lies in."""
        return np.floor((s_mm - self.low_mm) / STEP_MM).astype(int)


def profile_along(
    curve: SpineCurve,
    points_zyx_mm: NDArray[np.float64],
    weight: NDArray[np.float64],
    voxel_mm3: float,
    hu_at: HUAt | None = None,
    shape: ProfileShape = PROFILE_SHAPE,
) -> Profile:
    """Return the profile of foreground voxels (n, 3), with a dip at each disc that the HU show.

    Args:
        weight: (n,), how likely each voxel is bone.
    """
    s = curve.arc_length(points_zyx_mm)
    profile = Profile(s.min() - 2 * STEP_MM, np.empty(0))
    bins = profile.samples(s)
    section = np.bincount(bins, weight**shape.sharpen, minlength=bins.max() + 4) * voxel_mm3 / STEP_MM
    section = ndimage.gaussian_filter1d(section, shape.smooth_mm / STEP_MM)
    if hu_at is not None:
        section *= _bone_along(curve, profile.low_mm + (np.arange(len(section)) + 0.5) * STEP_MM, hu_at, shape)
    return profile._replace(section_mm2=section)


def levels_along(
    profile: Profile, s_mm: NDArray[np.float64], seen: NDArray[np.floating], shape: ProfileShape = PROFILE_SHAPE
) -> NDArray[np.float64] | None:
    """Return the expected number of the body, counted upwards, for each sample; None where nothing tells it.

    Args:
        s_mm: (m,), arc lengths of voxels.
        seen: (2, m), the number that each is taken for times how surely it is a body's, and how surely.
    """
    bins, length = profile.samples(s_mm), len(profile.section_mm2)
    smooth = shape.level_smooth_mm / STEP_MM
    moment, mass = (
        ndimage.gaussian_filter1d(np.bincount(bins, row, minlength=length)[:length], smooth, mode="constant")
        for row in seen
    )
    known = mass > 1e-3 * mass.max()
    if not known.any():
        return None
    where = np.flatnonzero(known)
    return np.interp(np.arange(length), where, moment[where] / mass[where])


def _bone_along(curve: SpineCurve, s_mm: NDArray[np.floating], hu_at: HUAt, shape: ProfileShape) -> NDArray[np.float64]:
    """Return for each arc length how far (0 to 1) the middle of the spine is bone there, not a disc.

    A disc is darker than the endplates on both sides of it, which are nearer to each other than those of a body.
    """
    line, across, back = curve.frame(s_mm)
    u, v = (grid.ravel()[None, :, None] for grid in np.meshgrid(shape.core_across_mm, shape.core_back_mm))
    points = line[:, None] + u * across[:, None] + v * back[:, None]
    hu = np.median(np.asarray(hu_at(points.reshape(-1, 3))).reshape(len(s_mm), -1), axis=1)
    hu = ndimage.gaussian_filter1d(np.clip(hu, *shape.core_hu), shape.smooth_mm / STEP_MM)
    filled = ndimage.grey_closing(hu, size=round(shape.widest_disc_mm / STEP_MM), mode="nearest")
    return np.asarray((1.0 - (filled - hu) / (filled + shape.hu_offset)) ** 3)
