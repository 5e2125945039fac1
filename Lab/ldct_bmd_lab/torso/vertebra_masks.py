"""Masks of whole vertebrae from files, brought to the frame of the atlas for grafting."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ldct_bmd.anatomy import LEVEL_OF_VERSE_VALUE
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.segmentation.body_split import split_bodies

from . import tissues as t

VOXEL_MM = 1.0
SMOOTHING_MM = 0.8  # takes the steps off thick slices
MARGIN_MM = 4.0


def part(vertebrae: NDArray[np.uint8], spacing_zyx_mm: tuple[float, float, float]) -> NDArray[np.uint8]:
    """Return whole ``vertebrae`` (z, y, x) in VerSe values as bodies and arches in the values of :mod:`.tissues`.

    Raises:
        CannotSplit: the body of a vertebra can't be told from its arch.
    """
    bodies = split_bodies(vertebrae, spacing_zyx_mm)
    return np.where((bodies == 0) & (vertebrae > 0), vertebrae + t.ARCH_OFFSET, bodies).astype(np.uint8)


def load_vertebrae(path: Path) -> NDArray[np.uint8]:
    """Return the vertebrae of a label map in VerSe values, (z, y, x) at 1 mm; z up, y to the back, x to the left.

    Only whole ones, from C7 down to L5, are kept: what the file's edge cuts can't be grafted. They are parted into
    bodies and arches on the file's own grid, under the values of :mod:`.tissues`.

    Raises:
        UsageError: the file can't be read, or holds no whole vertebra.
        CannotSplit: the body of a vertebra can't be told from its arch.
    """
    try:
        image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    except RuntimeError as error:
        raise UsageError.of_text(f"The masks {path} can't be read: give a label map in VerSe values.") from error
    image = sitk.Cast(image, sitk.sitkUInt8)
    boxes = sitk.LabelShapeStatisticsImageFilter()
    boxes.Execute(image)
    values = [v for v in boxes.GetLabels() if v in LEVEL_OF_VERSE_VALUE and v in t.BODIES and _whole(boxes, v, image)]
    if not values:
        raise UsageError.of_text(f"The masks {path} hold no whole vertebra from C7 to L5.")
    voxels = sitk.GetArrayFromImage(image)
    voxels[~t.member(tuple(values))[voxels]] = 0
    parted = sitk.GetImageFromArray(part(voxels, image.GetSpacing()[::-1]))
    parted.CopyInformation(image)
    grid = _upright_grid(image)
    labels = np.zeros(grid.GetSize()[::-1], np.uint8)
    strongest = np.full(labels.shape, 0.5, np.float32)
    for value in values:
        _add(parted, boxes.GetBoundingBox(value), (value, value + t.ARCH_OFFSET), grid, labels, strongest)
    return labels


def on_upright_grid(image: sitk.Image, least: Mapping[int, float]) -> NDArray[np.uint8]:
    """Return a label map smoothed on 1-mm voxels (z, y, x) along the patient's axes.

    Args:
        least: the values to keep, each with the share of a voxel from which on it is that value's.
    """
    boxes = sitk.LabelShapeStatisticsImageFilter()
    boxes.Execute(image)
    grid = _upright_grid(image)
    labels = np.zeros(grid.GetSize()[::-1], np.uint8)
    strongest = np.zeros(labels.shape, np.float32)
    for value, share in least.items():
        _add(image, boxes.GetBoundingBox(value), (value,), grid, labels, strongest, share)
    return labels


def _whole(boxes: sitk.LabelShapeStatisticsImageFilter, value: int, image: sitk.Image) -> bool:
    start, size = np.array_split(boxes.GetBoundingBox(value), 2)
    return bool((start > 0).all() and (start + size < image.GetSize()).all())


def _upright_grid(image: sitk.Image) -> sitk.Image:
    """Return an empty image of 1-mm voxels along the patient's axes that holds ``image``."""
    corners = _corners(image)
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    grid = sitk.Image([int(n) for n in np.ceil((high - low) / VOXEL_MM) + 1], sitk.sitkUInt8)
    grid.SetOrigin(low.tolist())
    grid.SetSpacing((VOXEL_MM,) * 3)
    return grid


def _add(
    parted: sitk.Image,
    box: tuple[int, ...],
    values: tuple[int, ...],
    grid: sitk.Image,
    labels: NDArray[np.uint8],
    strongest: NDArray[np.float32],
    least: float = 0.5,
) -> None:
    """Write a structure's parts into ``labels``, smoothed, where it has ``least`` of a voxel and more than any before.

    Args:
        values: of its parts; each voxel gets that of which it holds most.
        strongest: the share (z, y, x) that what is written has; in place.
    """
    margin = np.ceil(MARGIN_MM / np.asarray(parted.GetSpacing())).astype(int)
    start = np.maximum(np.asarray(box[:3]) - margin, 0)
    stop = np.minimum(np.asarray(box[:3]) + box[3:] + margin, parted.GetSize())
    crop = sitk.RegionOfInterest(parted, (stop - start).tolist(), start.tolist())
    ends = [grid.TransformPhysicalPointToContinuousIndex(corner) for corner in _corners(crop)]
    first = np.maximum(np.floor(np.min(ends, axis=0)), 0).astype(int)
    last = np.minimum(np.ceil(np.max(ends, axis=0)) + 1, grid.GetSize()).astype(int)
    there = sitk.RegionOfInterest(grid, (last - first).tolist(), first.tolist())
    shares = np.stack([_share(crop == value, there) for value in values])
    region = tuple(slice(int(a), int(b)) for a, b in zip(first[::-1], last[::-1], strict=True))
    total = shares.sum(axis=0)
    stronger = (total > strongest[region]) & (total > least)
    labels[region][stronger] = np.asarray(values, np.uint8)[shares.argmax(axis=0)][stronger]
    strongest[region][stronger] = total[stronger]


def _share(mask: sitk.Image, grid: sitk.Image) -> NDArray[np.float32]:
    smooth = sitk.SmoothingRecursiveGaussian(sitk.Cast(mask, sitk.sitkFloat32), SMOOTHING_MM)
    return np.asarray(sitk.GetArrayFromImage(sitk.Resample(smooth, grid, sitk.Transform(), sitk.sitkLinear, 0.0)))


def _corners(image: sitk.Image) -> list[tuple[float, ...]]:
    """Return the eight corners in patient space, mm."""
    last = np.subtract(image.GetSize(), 1)
    return [
        image.TransformContinuousIndexToPhysicalPoint([float(n) for n in last * pick]) for pick in np.ndindex(2, 2, 2)
    ]
