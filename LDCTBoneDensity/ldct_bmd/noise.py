"""Image noise near a VOI, taken from soft tissue, where there is no bone texture to be mistaken for it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from .scan import CTScan
from .voi import CylinderVOI

# Muscle, aorta, liver, kidneys. Farther out less X-ray is absorbed, so that noise is lower than in the spine.
REACH_MM = 60.0
HALF_SLAB_MM, HALF_SLAB_SLICES = 8.0, 2.5  # whichever is more
SOFT_TISSUE_HU = (0.0, 100.0)  # after smoothing: muscle, organs, blood without contrast agent; neither fat nor bone
SMOOTHING_MM = 4.0
EDGE_MM = 3.0
# The VOI times this holds the vertebral body, whose trabecular bone may have the HU of soft tissue.
BODY_PER_VOI = 2.0
LARGEST_CHANGE = 2.5  # along z, in standard deviations; more is an edge of an organ, not noise
LEAST_TISSUE_MM2 = 500.0
TEXTURE_STEP_MM = 2.0  # from front to back, across the streaks that the shoulders and the pelvis draw
# Noise is correlated over the resolution, 1 to 3 mm in plane with shallow negative lobes around, and over about the
# slice thickness along z. What does not fade beyond these lags is anatomy or shading, and is taken off.
CORRELATION_MM = 8.0
BACKGROUND_MM = (8.0, 12.0)
CORRELATION_Z_MM = 5.0
INDEPENDENT, UNCORRELATED = 0.5, 0.05  # correlation of slices that may be subtracted; one that is taken as none
# A reader waits for it while dragging a VOI; neighbours are correlated anyway, so that more would tell little more.
MOST_DIFFERENCES, MOST_TEXTURE_VOXELS = 6, 4000
_TINY_HU2 = 1e-6


@dataclass(frozen=True)
class Noise:
    """Autocovariance of the noise: C(z, y, x) = along_z(z) in_plane(y, x).

    Attributes:
        in_plane_hu2: (y, x), at the lags 0, 1, ..., -1 along both; its first element is the variance.
        along_z: correlation between slices, at the lags 0, 1, ...; 1 at lag 0.
    """

    in_plane_hu2: NDArray[np.float64]
    along_z: NDArray[np.float64]

    @property
    def sd_hu(self) -> float:
        """Standard deviation of one voxel's noise."""
        return math.sqrt(max(float(self.in_plane_hu2[0, 0]), 0.0))

    def standard_error(self, weights: NDArray[np.floating]) -> float:
        """Return the standard error in HU of the mean weighted by ``weights`` (z, y, x), of any sum.

        It is the root of sum w_i w_j C(i - j) / (sum w)^2 over all pairs of voxels.
        """
        return math.sqrt(max(self.covariances(weights, ((0, 0, 0),))[0], 0.0))

    def covariances(self, weights: NDArray[np.floating], moved: Sequence[tuple[int, int, int]]) -> list[float]:
        """Return the covariance in HU2 of a weighted mean with the one of the same weights moved by whole voxels.

        Args:
            weights: (z, y, x), of any sum.
            moved: by how many voxels along (z, y, x), for each covariance.
        """
        shares = weights / weights.sum(dtype=np.float64)
        count = len(shares)
        lags_y, lags_x = (_lags(n) for n in self.in_plane_hu2.shape)
        far = [lags.max() + max(abs(one[axis]) for one in moved) for axis, lags in ((1, lags_y), (2, lags_x))]
        shape = _padded(shares.shape[1:], far)
        spectra = scipy.fft.rfft2(shares, shape)
        between = np.zeros(count + max(abs(one[0]) for one in moved))
        known = min(len(self.along_z), len(between))
        between[:known] = self.along_z[:known]
        apart = np.subtract.outer(np.arange(count), np.arange(count))
        pairs = {}
        for step in {one[0] for one in moved}:
            mixed = np.tensordot(between[np.abs(apart + step)], spectra, 1)
            pairs[step] = scipy.fft.irfft2((mixed * spectra.conj()).sum(axis=0), shape)
        return [float((pairs[z][np.ix_(lags_y + y, lags_x + x)] * self.in_plane_hu2).sum()) for z, y, x in moved]


def noise_near(scan: CTScan, voi: CylinderVOI) -> Noise | None:
    """Return the noise of the soft tissue around ``voi``; None if there is less than 5 cm2 of it within 60 mm.

    Some anatomy stays in it. At low-dose noise that does not count; at low noise it does, and the estimate is an upper
    bound: without any noise it still makes a standard error of about 2 HU in the mean of a VOI.

    Slices are subtracted from each other, which cancels what runs along z, and places that change along z by more than
    noise are left out. The correlation between slices comes from the fine texture in plane, where noise outweighs
    anatomy. Noise is assumed stationary: that of the VOI is that of the tissue around it.
    """
    slab, tissue = _soft_tissue(scan, voi)
    spacing_x, spacing_y, spacing_z = scan.geometry.spacing_mm
    if len(slab) < 2 or tissue.sum() * spacing_x * spacing_y < LEAST_TISSUE_MM2:
        return None
    along_z = _correlation_along_z(slab, tissue, max(1, round(TEXTURE_STEP_MM / spacing_y)), spacing_z)
    if along_z is None:
        return None
    step = int(np.argmax(along_z <= INDEPENDENT))
    lower = np.unique(np.linspace(0, len(slab) - step - 1, MOST_DIFFERENCES).astype(int))
    differences = (slab[lower + step] - slab[lower]) * tissue
    differences -= tissue * (differences.sum(axis=(1, 2), keepdims=True) / tissue.sum())
    in_plane = _autocovariance(differences, tissue, spacing_y, spacing_x) / (2.0 * (1.0 - along_z[step]))
    return Noise(in_plane, along_z[: int(np.argmax(np.append(along_z, 0.0) <= UNCORRELATED))])


def _soft_tissue(scan: CTScan, voi: CylinderVOI) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the slices about the VOI, (z, y, x), and where all of them show the inside of soft tissue, (y, x)."""
    geometry = scan.geometry
    center = geometry.to_index_xyz(np.asarray(voi.center_lps_mm))
    reach = np.asarray([REACH_MM, REACH_MM, max(HALF_SLAB_MM, HALF_SLAB_SLICES * geometry.spacing_mm[2])])
    low = np.maximum(np.ceil(center - reach / geometry.spacing_mm), 0).astype(int)
    high = np.minimum(np.floor(center + reach / geometry.spacing_mm) + 1, geometry.size).astype(int)
    slab = scan.hu[low[2] : high[2], low[1] : high[1], low[0] : high[0]].astype(np.float32)
    if 0 in slab.shape:
        return slab, np.zeros(slab.shape[1:], np.bool_)

    pitch = np.asarray([geometry.spacing_mm[1], geometry.spacing_mm[0]])
    window = np.maximum(np.rint(SMOOTHING_MM / pitch).astype(int), 1).tolist()
    margin = (2 * np.rint(EDGE_MM / pitch).astype(int) + 1).tolist()
    smooth = scipy.ndimage.uniform_filter(slab.mean(axis=0), window)
    soft = (smooth >= SOFT_TISSUE_HU[0]) & (smooth <= SOFT_TISSUE_HU[1])
    tissue = scipy.ndimage.minimum_filter(soft, margin)
    y, x = (np.arange(low[i], high[i]) - center[i] for i in (1, 0))
    # In the scan's axes, not the VOI's: no VOI is turned so far that it matters.
    offset_y, offset_x = (
        d * p / (BODY_PER_VOI * s) for d, p, s in zip((y, x), pitch, voi.semi_axes_mm[::-1], strict=True)
    )
    tissue &= offset_y[:, None] ** 2 + offset_x[None, :] ** 2 > 1.0
    half = len(slab) // 2
    if half and tissue.any():
        change = scipy.ndimage.uniform_filter(slab[-half:].mean(axis=0) - slab[:half].mean(axis=0), window)
        change -= np.median(change[tissue])
        # 1.4826 median absolute deviations are one standard deviation of normal noise.
        tissue &= np.abs(change) <= LARGEST_CHANGE * 1.4826 * np.median(np.abs(change[tissue])) + 1e-3
    return slab, tissue


def _correlation_along_z(
    slab: NDArray[np.float32], tissue: NDArray[np.bool_], step: int, spacing_z_mm: float
) -> NDArray[np.float64] | None:
    """Return the noise's correlation between slices at the lags 0, 1, ...; None where no two are independent."""
    y, x = np.nonzero(tissue[step:] & tissue[:-step])
    if not y.size:
        return None
    every = math.ceil(y.size / MOST_TEXTURE_VOXELS)
    y, x = y[::every], x[::every]
    texture = slab[:, y + step, x] - slab[:, y, x]
    texture -= texture.mean(axis=1, keepdims=True)
    products = (texture @ texture.T).astype(np.float64)
    at_lag = np.asarray([np.diagonal(products, lag).mean() for lag in range(len(slab))])
    far = np.arange(len(slab)) * spacing_z_mm > CORRELATION_Z_MM
    background = max(float(at_lag[far].mean()), 0.0) if far.any() else 0.0
    at_lag -= background
    if at_lag[0] <= _TINY_HU2 * y.size + 1e-4 * background:
        return np.eye(1, len(slab))[0]
    correlation = at_lag / at_lag[0]
    return correlation if (correlation <= INDEPENDENT).any() else None


def _autocovariance(
    images: NDArray[np.float32], mask: NDArray[np.bool_], spacing_y_mm: float, spacing_x_mm: float
) -> NDArray[np.float64]:
    """Return the mean autocovariance of ``images`` (z, y, x), null outside ``mask`` (y, x), less its far background."""
    far = [math.ceil(BACKGROUND_MM[1] / d) for d in (spacing_y_mm, spacing_x_mm)]
    shape = _padded(mask.shape, far)

    def autocorrelation(planes: NDArray[np.float32]) -> NDArray[np.float64]:
        spectra = scipy.fft.rfft2(planes, shape)
        power = (spectra.real**2 + spectra.imag**2).mean(axis=0)
        return np.asarray(scipy.fft.irfft2(power, shape)[np.ix_(*(_lags(2 * f + 1) for f in far))], np.float64)

    pairs = autocorrelation(mask[None].astype(np.float32))
    covariance = autocorrelation(images) / np.maximum(pairs, 1.0)
    lag_y, lag_x = (_lags(2 * f + 1) * d for f, d in zip(far, (spacing_y_mm, spacing_x_mm), strict=True))
    lag = np.hypot(lag_y[:, None], lag_x[None, :])
    background = (lag >= BACKGROUND_MM[0]) & (lag <= BACKGROUND_MM[1])
    covariance -= np.average(covariance[background], weights=np.maximum(pairs[background], 1.0))
    return np.where(lag <= CORRELATION_MM, covariance, 0.0)


def _lags(count: int) -> NDArray[np.intp]:
    """Return the lags 0, 1, ..., -1 that an odd number of elements stands for, in the order of a Fourier transform."""
    return np.r_[0 : count // 2 + 1, -(count // 2) : 0]


def _padded(shape: tuple[int, ...], far: tuple[int, ...] | list[int]) -> list[int]:
    return [scipy.fft.next_fast_len(int(n + f), real=True) for n, f in zip(shape, far, strict=True)]
