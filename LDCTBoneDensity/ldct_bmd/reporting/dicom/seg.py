"""Vertebral bodies, and VOIs, as DICOM segmentations on the source series' own grid: binary, or as a label map."""

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from ... import __version__
from ...anatomy import COLOR_RGB
from ...corrections import Correction
from ...ground.errors import CannotMeasure
from ...labeling import VertebralColumn
from ...scan import CTScan
from ...scan.frame import axes_between
from ...voi import voi_weights
from . import codes
from .context import Context

INSIDE = 0.5  # a voxel belongs to the binary VOI where more than half of it lies inside


def make_bodies(context: Context, scan: CTScan, column: VertebralColumn) -> Dataset:
    """Return the vertebral bodies as a segmentation, numbered from the top; frames without a voxel are left out."""
    levels = [vertebra.level for vertebra in column.vertebrae]
    return _made(context, "seg", scan, _body_labels(scan, column), _descriptions(context, levels, is_body=True))


def make_vois(context: Context, scan: CTScan) -> Dataset | None:
    """Return the VOIs as a segmentation, numbered in the order of the measurements; None if nothing was measured.

    They overlap the bodies, and are a segmentation of their own: OHIF loses segments of one whose segments overlap.
    """
    levels = [measurement.level for measurement in context.examination.measurements]
    if not levels:
        return None
    return _made(context, "vois", scan, _voi_labels(context, scan), _descriptions(context, levels, is_body=False))


def _made(
    context: Context,
    kind: str,
    scan: CTScan,
    labels: NDArray[np.uint8],
    descriptions: Sequence[hd.seg.SegmentDescription],
) -> Dataset:
    """Return a segmentation of ``labels`` (z, y, x), whose values are segment numbers."""
    _check_positions(context.source.images, scan)
    stored = axes_between(scan.stored_geometry, scan.geometry).inverse().view(labels)
    slices = np.flatnonzero(stored.any(axis=(1, 2)))
    types = hd.seg.SegmentationTypeValues
    dataset = hd.seg.Segmentation(
        source_images=[context.source.images[int(k)] for k in slices],
        pixel_array=stored[slices],
        segmentation_type=types.LABELMAP if context.labelmap else types.BINARY,
        segment_descriptions=descriptions,
        content_label=codes.SEGMENTATION_LABEL[kind],
        content_description=codes.SEGMENTATION_CONTENT[kind],
        omit_empty_frames=True,
        **context.equipment(kind),
    )
    dimensions = context.uid(kind, "dimensions")
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    context.stamp(dataset)
    return dataset


def _body_labels(scan: CTScan, column: VertebralColumn) -> NDArray[np.uint8]:
    """Return the bodies (z, y, x) as 1, 2, ... in the order of the column."""
    labels = np.zeros(scan.geometry.shape, dtype=np.uint8)
    for place, vertebra in enumerate(column.vertebrae, start=1):
        box, inside = column.mask(vertebra.level)
        labels[box][inside] = place
    return labels


def _voi_labels(context: Context, scan: CTScan) -> NDArray[np.uint8]:
    """Return the VOIs (z, y, x) as 1, 2, ... in the order of the measurements."""
    labels = np.zeros(scan.geometry.shape, dtype=np.uint8)
    for place, measurement in enumerate(context.examination.measurements, start=1):
        box, weights = voi_weights(measurement.voi, scan.geometry)
        labels[box][weights > INSIDE] = place
    return labels


def _check_positions(images: Sequence[Dataset], scan: CTScan) -> None:
    """Refuse images that are not the planes of the scan's stored grid, in its order."""
    stored = scan.stored_geometry
    expected = stored.to_lps_mm(np.array([[0.0, 0.0, float(k)] for k in range(stored.size[2])]))
    found = np.array([[float(value) for value in image.ImagePositionPatient] for image in images])
    half_a_voxel = 0.5 * min(stored.spacing_mm)
    if found.shape != expected.shape or np.linalg.norm(found - expected, axis=1).max() > half_a_voxel:
        raise CannotMeasure("dicom.images_elsewhere")


def _descriptions(context: Context, levels: Sequence[str], is_body: bool) -> list[hd.seg.SegmentDescription]:
    examination = context.examination
    edited = {entry.level for entry in examination.history if entry.what == Correction.BODY_EDITED.value}
    algorithm = hd.AlgorithmIdentificationSequence(
        name=examination.software.model_name[:64] or "unnamed",
        family=codes.ARTIFICIAL_INTELLIGENCE,
        version=(examination.software.model_sha256 or examination.software.version)[:64],
    )
    placement = hd.AlgorithmIdentificationSequence(
        name=codes.PLACEMENT, family=codes.ELLIPTIC_CYLINDER, version=__version__
    )
    made = []
    for segment, level in enumerate(levels, start=1):
        by_reader = level in edited if is_body else examination.quality.voi(level).placed_by is not None
        how = "SEMIAUTOMATIC" if is_body and by_reader else "MANUAL" if by_reader else "AUTOMATIC"
        label = level if is_body else f"{level} VOI"
        made.append(
            hd.seg.SegmentDescription(
                segment_number=segment,
                segment_label=label,
                segmented_property_category=_category(is_body),
                segmented_property_type=codes.VERTEBRAL_BODY if is_body else codes.TRABECULAR_VOI,
                algorithm_type=how,
                algorithm_identification=None if how == "MANUAL" else algorithm if is_body else placement,
                tracking_uid=context.tracking_uid(level, "body" if is_body else "voi"),
                tracking_id=label,
                anatomic_regions=[codes.vertebra(level)],
                display_color=hd.color.CIELabColor.from_rgb(*COLOR_RGB[level]),
            )
        )
    return made


def _category(is_body: bool) -> Code:
    return codes.ANATOMICAL_STRUCTURE if is_body else codes.SPATIAL_CONCEPT
