"""HU statistics of a VOI, on the original voxels."""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from .ground.errors import CannotMeasure
from .noise import noise_near
from .placement import placement_spread
from .scan import CTScan
from .voi import CylinderVOI, Weights, fraction_inside_grid, voi_weights

MIN_FRACTION_INSIDE = 0.99  # twice the error of the sampled volume
CORRELATION_END = 0.05  # an autocorrelation below this is taken as its end
MAX_CORRELATION_MM = 8.0  # the VOI is about 9 x 17 x 25 mm: it can't show longer correlations
TREND_PARAMETERS = 4
# The basivertebral vein's foramen is about 5 mm wide where it enters the body, and its branches fan out in front.
MIDLINE_HALF_WIDTH_MM = 3.0
FLANK_MM = (4.5, 9.0)
MIDLINE_ROW_MM = 1.5
DENSE_HU = 400.0  # above trabecular bone at any age: cement, metal, sclerosis, cortex
LIGHT_HU = -150.0  # below fat, with its noise: gas


@dataclass(frozen=True)
class HUValues:
    """What a VOI holds; every voxel counts by its part inside.

    Attributes:
        mean_hu: mean.
        sd_hu: standard deviation of the voxels about the mean: noise and bone texture together.
        volume_mm3: volume that was sampled.
    """

    mean_hu: float
    sd_hu: float
    volume_mm3: float


@dataclass(frozen=True)
class HUStatistics(HUValues):
    """What a VOI holds, and how sure its mean is.

    Attributes:
        standard_error_hu: standard error of the mean that image noise causes: how it would scatter if the same patient
            were scanned again. About right at low-dose noise, too high at low noise; see :func:`.noise.noise_near`.
            Without soft tissue near the VOI that of noise and bone texture together takes its place, higher still; see
            :func:`standard_error`.
        placement_hu: standard deviation of the mean over where the VOI may lie; see :mod:`.placement`.
    """

    standard_error_hu: float
    placement_hu: float


@dataclass(frozen=True)
class HUPattern:
    """How the voxels of a VOI are spread, to tell what is not trabecular bone. Voxels at least half inside count.

    Attributes:
        minimum_hu: lowest voxel.
        maximum_hu: highest voxel.
        fraction_dense: part of the voxels above 400 HU.
        fraction_light: part of the voxels below -150 HU.
    """

    minimum_hu: float
    maximum_hu: float
    fraction_dense: float
    fraction_light: float


@dataclass(frozen=True)
class MidlineContrast:
    """How the back of a VOI's midline, where the basivertebral vein runs, differs from its flanks.

    Attributes:
        difference_hu: midline less flanks; below 0 for a vein in denser bone, above it for one with contrast agent.
        standard_error_hu: what noise and texture make of it, since both can look like a vein; infinite where the VOI
            is too small to tell.
        effect_hu: about what the midline adds to the mean of the VOI.
    """

    difference_hu: float
    standard_error_hu: float
    effect_hu: float


def sample(scan: CTScan, voi: CylinderVOI) -> Weights:
    """Return the voxels of ``voi`` and the part of each inside; CannotMeasure if it leaves the scan."""
    box, weights = voi_weights(voi, scan.geometry)
    if fraction_inside_grid(voi, weights, scan.geometry) < MIN_FRACTION_INSIDE:
        raise CannotMeasure("measurement.voi_leaves_scan")
    return box, weights


def hu_values(scan: CTScan, voi: CylinderVOI, sampled: Weights | None = None) -> HUValues:
    """Return mean, standard deviation and volume of ``voi``; ``sampled`` is what :func:`sample` gives, where at hand.

    Raises:
        CannotMeasure: the VOI leaves the scan.
    """
    box, weights = sampled or sample(scan, voi)
    values = scan.hu[box].astype(np.float64)
    fractions = weights.astype(np.float64)
    total = fractions.sum()
    mean = float((fractions * values).sum() / total)
    variance = float((fractions * (values - mean) ** 2).sum() / total)
    return HUValues(mean, float(np.sqrt(variance)), float(total * scan.geometry.voxel_volume_mm3))


def hu_statistics(scan: CTScan, voi: CylinderVOI, sampled: Weights | None = None) -> HUStatistics:
    """Return the HU statistics of ``voi``; see :func:`hu_values`."""
    sampled = sampled or sample(scan, voi)
    held, noise = hu_values(scan, voi, sampled), noise_near(scan, voi)
    box, weights = sampled
    fractions = weights.astype(np.float64)
    if noise is not None:
        error = noise.standard_error(fractions)
    else:
        values = scan.hu[box].astype(np.float64)
        error = standard_error(fractions / fractions.sum(), values, fractions, scan.geometry.spacing_mm[::-1])
    placement = placement_spread(scan, voi, sampled, noise)
    return HUStatistics(held.mean_hu, held.sd_hu, held.volume_mm3, error, placement)


def hu_pattern(scan: CTScan, voi: CylinderVOI, sampled: Weights | None = None) -> HUPattern:
    """Return how the voxels of ``voi`` are spread; see :func:`hu_statistics`."""
    box, weights = sampled or sample(scan, voi)
    values = scan.hu[box][weights >= 0.5 * weights.max()]
    return HUPattern(
        minimum_hu=float(values.min()),
        maximum_hu=float(values.max()),
        fraction_dense=float((values > DENSE_HU).mean()),
        fraction_light=float((values < LIGHT_HU).mean()),
    )


def midline_contrast(scan: CTScan, voi: CylinderVOI, sampled: Weights | None = None) -> MidlineContrast:
    """Return how the back of the VOI's midline differs from its flanks; see :func:`hu_statistics`.

    Bone is about symmetric, and the basivertebral vein runs forwards in the midline at mid-height. Each row of the
    midline is compared with both flanks of the same row, so that gradients in any direction cancel.
    """
    box, weights = sampled or sample(scan, voi)
    z, y, x = (np.arange(s.start, s.stop) for s in box)
    index = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    across, back, _ = np.moveaxis(voi.to_local_mm(scan.geometry.to_lps_mm(index)), -1, 0)
    if voi.axes_lps[1][1] < 0:
        back = -back
    rows = np.where(back > 0, back // MIDLINE_ROW_MM, -1).astype(np.intp) + 1
    contrast = np.zeros(weights.shape)
    shared = np.zeros(rows.max() + 1)
    regions = (
        (1.0, np.abs(across) <= MIDLINE_HALF_WIDTH_MM),
        (-0.5, (across > FLANK_MM[0]) & (across <= FLANK_MM[1])),
        (-0.5, (across < -FLANK_MM[0]) & (across >= -FLANK_MM[1])),
    )
    held = np.stack([np.bincount(rows.ravel(), (weights * inside).ravel(), len(shared)) for _, inside in regions])
    shared[1:] = np.where((held[:, 1:] > 1.0).all(axis=0), held[0, 1:], 0.0)
    if not shared.any():
        return MidlineContrast(0.0, math.inf, 0.0)
    for (sign, inside), in_row in zip(regions, held, strict=True):
        per_voxel = np.divide(sign * shared, in_row, out=np.zeros_like(shared), where=shared > 0)
        contrast += weights * inside * per_voxel[rows]
    contrast /= shared.sum()
    values = scan.hu[box].astype(np.float64)
    fractions = weights.astype(np.float64)
    difference = float((contrast * values).sum())
    return MidlineContrast(
        difference_hu=difference,
        standard_error_hu=standard_error(contrast, values, fractions, scan.geometry.spacing_mm[::-1]),
        effect_hu=difference * float(shared.sum() / fractions.sum()),
    )


def standard_error(
    combination: NDArray[np.float64],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    spacing_zyx_mm: tuple[float, float, float],
) -> float:
    """Return the standard error of a linear combination (sum of c_i v_i) of the correlated values of a VOI.

    Its variance is the sum of c_i c_j C(i - j) over all pairs. The autocovariance C is estimated from the values
    themselves, less their linear trend (gradients of bone are not noise), up to where the autocorrelation first ends,
    in plane and along z separately: farther lags hold nothing but the estimate's own noise. The p = 4 parameters of the
    trend take about p times the variance of the mean from every C, which is given back.

    Args:
        combination: (z, y, x); ``weights / weights.sum()`` for the mean.
        values: (z, y, x).
        weights: (z, y, x), the part of each voxel inside the VOI, 0 to 1.
        spacing_zyx_mm: voxel pitch in the order of the array's axes.
    """
    residual = _without_trend(values, weights)
    farthest = [
        min(n - 1, math.ceil(MAX_CORRELATION_MM / d)) for n, d in zip(values.shape, spacing_zyx_mm, strict=True)
    ]
    shape = [scipy.fft.next_fast_len(n + far, real=True) for n, far in zip(values.shape, farthest, strict=True)]

    def autocorrelation(image: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of products at the lags 0, 1, ... along z, and 0, 1, ..., -1 along y and x."""
        full = scipy.fft.irfftn(np.abs(scipy.fft.rfftn(image, shape)) ** 2, shape)
        rows, columns = (np.r_[0 : far + 1, n - far : n] for far, n in zip(farthest[1:], shape[1:], strict=True))
        return np.asarray(full[: farthest[0] + 1][:, rows][:, :, columns])

    pairs = autocorrelation(weights)
    covariance = autocorrelation(weights * residual) / np.maximum(pairs, 1e-6 * pairs[0, 0, 0])
    if covariance[0, 0, 0] <= 0.0:
        return 0.0
    lag_y, lag_x = (np.r_[0 : far + 1, -far:0] * d for far, d in zip(farthest[1:], spacing_zyx_mm[1:], strict=True))
    lag_z = np.arange(farthest[0] + 1) * spacing_zyx_mm[0]
    in_plane = np.hypot(lag_y[:, None], lag_x[None, :])
    reach_in_plane = _reach(covariance[0], in_plane, min(spacing_zyx_mm[1:]))
    reach_z = _reach(covariance[:, 0, 0], lag_z, spacing_zyx_mm[0])
    correlated = ((in_plane <= reach_in_plane) & (lag_z <= reach_z)[:, None, None]).astype(np.float64)
    correlated[1:] *= 2.0  # lags down are those up
    variance = float((covariance * correlated * autocorrelation(combination)).sum())
    # A covariance that is cut off can cancel out in a contrast: no less than uncorrelated values give.
    variance = max(variance, float(covariance[0, 0, 0] * (combination**2).sum()))
    # With correlations as long as the VOI the correction would run away; what is held back makes the result too low.
    share = float((correlated * pairs).sum()) / float(weights.sum()) ** 2
    return float(np.sqrt(variance / (1.0 - min(0.75, TREND_PARAMETERS * share))))


def _without_trend(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``values`` less their weighted linear fit, all (z, y, x)."""
    axes = np.ogrid[tuple(slice(-(n - 1) / 2, (n - 1) / 2, n * 1j) for n in values.shape)]
    terms = [np.ones((1, 1, 1)), *axes]
    gram = [[(weights * one * other).sum() for other in terms] for one in terms]
    moments = [(weights * term * values).sum() for term in terms]
    # Least squares, not solve: a VOI may lie in a single slice.
    fit, *_ = np.linalg.lstsq(np.asarray(gram), np.asarray(moments), rcond=1e-12)
    return np.asarray(values - sum(c * term for c, term in zip(fit, terms, strict=True)))


def _reach(covariance: NDArray[np.float64], lag_mm: NDArray[np.float64], pitch_mm: float) -> float:
    """Return the farthest lag before the autocorrelation first falls to its end."""
    ring = np.rint(lag_mm / pitch_mm).astype(np.intp).ravel()
    held = np.bincount(ring)
    mean = np.bincount(ring, covariance.ravel()) / np.maximum(held, 1)
    ended = (mean <= CORRELATION_END * mean[0]) | (held == 0)
    last = int(np.argmax(ended)) - 1 if ended.any() else len(mean) - 1
    return (last + 0.5) * pitch_mm
