"""Annotated scans as a source of training examples."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ldct_bmd.segmentation.normalize import LOW_HU

from ..scanner import draw_settings, scan_volume
from ..torso import SampleSpec
from .annotated import AnnotatedScan
from .configuration import Augmentation
from .targets import UNKNOWN

# Of a window that slides over the scan. Pan et al. 2020: over 7,000 patches of 160 scans, so 44 of each, the last of
# which lies some 290 mm below the first in a chest.
WINDOW_STEP_MM = 6.5


@dataclass(frozen=True)
class AnnotatedSource:
    """Cuts pieces out of annotated scans.

    Attributes:
        spec: their shape and spacing, and how far off the spine their centre lies.
    """

    scans: tuple[AnnotatedScan, ...]
    spec: SampleSpec
    augmentation: Augmentation

    def draw(self, rng: np.random.Generator, slices: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Cut a piece of ``slices`` out of one scan, turned and scaled; beyond the scan nothing is labelled."""
        scan = self.scans[int(rng.integers(len(self.scans)))]
        hu, labels = scan.hu, scan.labels
        shape = (slices, *self.spec.shape[1:])
        centre = self._centre(rng, scan, slices)
        matrix = self._matrix(rng) * np.array(self.spec.spacing_zyx_mm) / np.array(scan.spacing_zyx_mm)[:, None]
        offset = centre - matrix @ ((np.array(shape) - 1) / 2)
        piece = ndimage.affine_transform(hu, matrix, offset, shape, output=np.float32, order=1, mode="nearest")
        classes = ndimage.affine_transform(labels, matrix, offset, shape, order=0, mode="constant", cval=UNKNOWN)
        varied = self._varied(rng, piece)
        if self.augmentation.beyond == "air":
            # In use the padding is added last, so that it has neither noise nor the scan's miscalibration.
            inside = ndimage.affine_transform(
                np.ones(hu.shape, np.uint8), matrix, offset, shape, order=0, mode="constant"
            )
            varied[inside == 0] = LOW_HU
        return varied, classes

    def _centre(self, rng: np.random.Generator, scan: AnnotatedScan, slices: int) -> NDArray[np.float64]:
        """Draw where the middle of the piece lies, in voxels (z, y, x)."""
        depth, spacing = len(scan.hu), np.array(scan.spacing_zyx_mm)
        reach, *spread = np.array(self.spec.offset_mm) / spacing
        half = min(slices * self.spec.spacing_zyx_mm[0] / spacing[0], depth) / 2
        spine = np.array(scan.spine_zyx) if scan.spine_zyx else np.array([[0, *scan.trunk_yx], [depth, *scan.trunk_yx]])
        low, high = np.clip((spine[0, 0] - reach, spine[-1, 0] + reach), half - 0.5, depth - half - 0.5)
        if self.augmentation.about == "window":
            z = rng.choice(np.arange(low, high + 0.5, WINDOW_STEP_MM / spacing[0]))
        else:
            z = np.clip(rng.uniform(spine[0, 0] - reach, spine[-1, 0] + reach), half - 0.5, depth - half - 0.5)
        y, x = (np.interp(z, spine[:, 0], spine[:, axis]) for axis in (1, 2))
        if self.augmentation.about in ("trunk", "window"):
            y, x = scan.trunk_yx
        elif scan.spine_zyx:
            y -= self.spec.forward_mm / spacing[1]
        return np.array([z, y + rng.normal(0, spread[0]), x + rng.normal(0, spread[1])])

    def _matrix(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw how (z, y, x) in mm of the piece becomes that of the scan."""
        augmentation = self.augmentation
        turned = Rotation.from_euler("xyz", rng.normal(0, augmentation.rotation), degrees=True).as_matrix()
        matrix = turned[::-1, ::-1] / rng.uniform(*augmentation.scale)
        if augmentation.mirror and rng.random() < 0.5:
            matrix[:, 2] *= -1
        return np.asarray(matrix)

    def _varied(self, rng: np.random.Generator, hu: NDArray[np.float32]) -> NDArray[np.float32]:
        augmentation = self.augmentation
        if augmentation.hu_scale or augmentation.hu_shift:
            hu = hu * (1 + rng.normal(0, augmentation.hu_scale)) + rng.normal(0, augmentation.hu_shift)
        if rng.random() < augmentation.rescan:
            settings = draw_settings(rng)
            settings = replace(settings, noise_hu=settings.noise_hu * self.spec.noise_left)
            hu = scan_volume(rng, hu, self.spec.spacing_zyx_mm, settings)
        return hu.astype(np.float32)
