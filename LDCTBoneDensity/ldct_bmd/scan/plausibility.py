"""Whether a volume can be Hounsfield units of a human trunk that hold a vertebra; each refusal says what is wrong.

The scan of a phantom, which may lie in air alone, is held to all of it but the shares of tissues.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure
from .ct_scan import Geometry
from .value_range import check_wrapped

Sample = NDArray[np.float32]  # in order

# A vertebra with its arch is some 40 to 50 mm wide, 70 mm long and 20 to 30 mm high.
MIN_EXTENT_MM = (40.0, 40.0, 20.0)
MAX_SPACING_MM = 6.0  # the VOI is 9 mm high
MIN_SPACING_MM = 0.05
PADDING_BELOW_HU = -1100.0  # what scanners fill in around the reconstructed circle: one value, at most two
MAX_BELOW_AIR_FRACTION = 0.05  # other values as low: noise of air and ringing of a resampled padding reach 1 or 2 %
# Even a field of view inside the body holds gas of lung or bowel: 6 % of a column of 56 x 78 mm at the thoracic spine
# of a chest CT, 0.02 % of a 110 mm cube about L3. Noise and streaks in fat reach below -500 HU in far fewer voxels.
GAS_BELOW_HU = -500.0
MIN_GAS_FRACTION = 1e-4
MIN_NEGATIVE_FRACTION = 1e-3
SOFT_TISSUE_HU = (-200.0, 200.0)
MIN_SOFT_TISSUE_FRACTION = 0.03
# Of fat, soft tissue and spongy bone together, muscle, blood and organs are 35 % or more in scans of chest, abdomen and
# trunk and in crops of them about the spine; HU that are 150 too low or 300 too high leave 13 % or less.
TISSUE_HU, LEAN_HU = (-250.0, 400.0), (0.0, 120.0)
MIN_LEAN_FRACTION = 0.15
# The darkest hundredth of what is darker than fat is air at about -1000, with much of it in view (outside the body, or
# whole lungs); dense lung alone, about the spine, leaves it at -800.
DARK_BELOW_HU = -300.0
AIR_SHARES_HU = ((0.3, -850.0), (0.02, -700.0))  # least fraction of dark voxels, highest HU of its darkest hundredth


def check_size(geometry: Geometry) -> None:
    """Refuse grids with impossible voxels and volumes too small to hold a vertebra."""
    spacing = geometry.spacing_mm
    if not all(np.isfinite(spacing)) or min(spacing) <= 0:
        raise CannotMeasure("scan.voxels_not_positive", size=_mm(spacing))
    if min(geometry.size) < 2:
        raise CannotMeasure("scan.one_image")
    if min(spacing) < MIN_SPACING_MM:
        raise CannotMeasure("scan.voxels_too_small", size=_mm(spacing))
    if max(spacing) > MAX_SPACING_MM:
        raise CannotMeasure("scan.voxels_too_coarse", size=_mm(spacing))
    extent = tuple(n * s for n, s in zip(geometry.size, spacing, strict=True))
    if any(length < least for length, least in zip(extent, MIN_EXTENT_MM, strict=True)):
        raise CannotMeasure("scan.too_small", extent=_mm(extent))


def check_values(hu: NDArray[Any], of_patient: bool = True) -> None:
    """Refuse values that can't be Hounsfield units; ``hu`` is (z, y, x). Shares are taken from every third voxel.

    Unless ``of_patient``, neither soft tissue nor muscle need be there.
    """
    if hu.dtype.kind == "f":
        bad = sum(int(np.count_nonzero(~np.isfinite(plane))) for plane in hu)
        if bad:
            raise CannotMeasure("scan.not_numbers", voxels=bad)
    check_wrapped(hu)
    sample = _in_order(hu[::3, ::3, ::3])
    padding = _count(sample, "<", PADDING_BELOW_HU)
    below_air = _more_than_two_values(sample[:padding]) / sample.size
    sample = sample[padding:]
    if sample.size == 0:
        raise CannotMeasure("scan.all_padding", hu=PADDING_BELOW_HU)
    _check_range(sample)
    _check_shares(sample, below_air, of_patient)


def _in_order(values: NDArray[Any]) -> Sample:
    """Return values in rising order: a share of them is then a place."""
    if values.dtype != np.int16:
        return np.sort(values, axis=None).astype(np.float32)
    # Counting takes a tenth of the time of sorting.
    counts = np.bincount(np.ascontiguousarray(values).view(np.uint16).ravel(), minlength=1 << 16)
    return np.repeat(np.arange(-(1 << 15), 1 << 15, dtype=np.float32), np.roll(counts, 1 << 15))


def _check_range(sample: Sample) -> None:
    low, high = (_quantile(sample, part) for part in (0.001, 0.999))
    if high - low < 1.0:
        raise CannotMeasure("scan.one_value", hu=low)
    margin = 0.1 * (high - low)
    bright = sample.size - _count(sample, "<=", high - margin)
    dark = _count(sample, "<", low + margin)
    if bright > max(dark, 0.05 * sample.size):
        raise CannotMeasure("scan.inverted")
    if _count(sample, "<", 0.0) < MIN_NEGATIVE_FRACTION * sample.size:
        raise CannotMeasure("scan.no_offset", low=low, high=high)


def _check_shares(sample: Sample, below_air: float, of_patient: bool) -> None:
    """Refuse a scan without the tissues that every trunk has, or with them at other values."""
    if of_patient and not _share(sample, SOFT_TISSUE_HU) >= MIN_SOFT_TISSUE_FRACTION:
        raise CannotMeasure("scan.no_soft_tissue")
    if below_air > MAX_BELOW_AIR_FRACTION:
        raise CannotMeasure("scan.below_air", share=below_air)
    if _count(sample, "<", GAS_BELOW_HU) < MIN_GAS_FRACTION * sample.size:
        raise CannotMeasure("scan.no_air")
    _check_air(sample)
    if of_patient and _share(sample, LEAN_HU) < MIN_LEAN_FRACTION * _share(sample, TISSUE_HU):
        raise CannotMeasure("scan.muscle_elsewhere")


def _more_than_two_values(values: Sample) -> int:
    """Count the values that are not one of the two most frequent ones."""
    counts = np.sort(np.unique(values, return_counts=True)[1])
    return int(counts[:-2].sum())


def _check_air(sample: Sample) -> None:
    dark = sample[: _count(sample, "<", DARK_BELOW_HU)]
    for least, highest in AIR_SHARES_HU:
        if dark.size >= least * sample.size:
            darkest = _quantile(dark, 0.01)
            if darkest > highest:
                raise CannotMeasure("scan.air_elsewhere", hu=darkest)
            return


def _count(sample: Sample, sign: Literal["<", "<="], hu: float) -> int:
    """Return how many values are below a limit, or below and at it."""
    return int(np.searchsorted(sample, np.float32(hu), side="left" if sign == "<" else "right"))


def _quantile(sample: Sample, part: float) -> float:
    place = part * (sample.size - 1)
    low, high = sample[int(place)], sample[min(int(place) + 1, sample.size - 1)]
    return float(low + (high - low) * (place - int(place)))


def _share(sample: Sample, limits: tuple[float, float]) -> float:
    return (_count(sample, "<=", limits[1]) - _count(sample, "<", limits[0])) / sample.size


def _mm(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:.4g}" for value in values) + " mm"
