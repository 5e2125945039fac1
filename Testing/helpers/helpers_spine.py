"""A scan with air around it, its label map and a segmenter that gives it: the pipeline and the command line on it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from helpers_record import LEVELS, body_mask, column_scan
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.scan import CTScan, Geometry
from ldct_bmd.segmentation import ModelIdentity, NamedBodies

AIR_MARGIN = 12  # voxels of 1 mm at each side
AIR_HU = -1000.0
# An orientation of the stored file in which every axis differs from the engine's.
STORED = "SAR"
READY = ModelIdentity("ready", "cd" * 32)


@dataclass(frozen=True)
class ReadySegmenter:
    """Gives the bodies that it was made with."""

    labels: NDArray[np.uint8]
    identity: ModelIdentity = READY

    def __call__(self, scan: CTScan, progress: Progress = silent) -> NamedBodies:
        progress("segment", 0.5)
        return NamedBodies(self.labels)


def spine_scan() -> CTScan:
    """T11 to L3 in soft tissue, with air around them, in whole HU."""
    scan = column_scan()
    margins = ((0, 0), (AIR_MARGIN, AIR_MARGIN), (AIR_MARGIN, AIR_MARGIN))
    hu = np.rint(np.pad(scan.hu, margins, constant_values=AIR_HU)).astype(np.int16)
    geometry = _widened(scan.geometry)
    return replace(scan, hu=hu, geometry=geometry, stored=geometry)


def spine_bodies(levels: tuple[str, ...] = LEVELS) -> NDArray[np.uint8]:
    """The bodies of :func:`spine_scan`, VerSe values."""
    labels = np.zeros(spine_scan().geometry.shape, dtype=np.uint8)
    for level in levels:
        body = body_mask(level)
        z, y, x = body.box
        inner = (z, slice(y.start + AIR_MARGIN, y.stop + AIR_MARGIN), slice(x.start + AIR_MARGIN, x.stop + AIR_MARGIN))
        labels[inner][body.inside] = VERSE_VALUE[level]
    return labels


def write_volume(array: NDArray[np.generic], path: Path) -> Path:
    """Write an array on the grid of :func:`spine_scan`, stored in the orientation ``STORED``."""
    geometry = spine_scan().geometry
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps_mm)
    sitk.WriteImage(sitk.DICOMOrient(image, STORED), str(path), useCompression=True)
    return path


def _widened(geometry: Geometry) -> Geometry:
    x, y, z = geometry.size
    return replace(
        geometry,
        size=(x + 2 * AIR_MARGIN, y + 2 * AIR_MARGIN, z),
        origin_lps_mm=tuple(
            float(c) for c in geometry.to_lps_mm(np.array([-AIR_MARGIN, -AIR_MARGIN, 0], dtype=np.float64))
        ),
    )
