"""Vertebral bodies and VOIs as a binary DICOM segmentation on the source series' own grid."""

from collections.abc import Sequence
from copy import deepcopy

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


def segment_numbers(context: Context, column: VertebralColumn) -> dict[tuple[str, str], int]:
    """Return the segment number of each ("body", level) and, after them, of each ("voi", level)."""
    bodies = [("body", vertebra.level) for vertebra in column.vertebrae]
    vois = [("voi", measurement.level) for measurement in context.examination.measurements]
    return {segment: place for place, segment in enumerate([*bodies, *vois], start=1)}


def make_segmentation(context: Context, scan: CTScan, column: VertebralColumn) -> Dataset:
    """Return the segmentation; frames without a voxel are left out."""
    to_stored = axes_between(scan.stored_geometry, scan.geometry).inverse()
    _check_positions(context.source.images, scan)
    number = segment_numbers(context, column)
    count = len(column.vertebrae)
    bodies = np.zeros(scan.geometry.shape, dtype=np.uint8)
    for vertebra in column.vertebrae:
        box, inside = column.mask(vertebra.level)
        bodies[box][inside] = number["body", vertebra.level]
    descriptions = _descriptions(context, number)
    dataset = _encode(context, to_stored.view(bodies), descriptions[:count])
    if len(descriptions) > count:
        # highdicom takes one label for each voxel, and a VOI overlaps its body: the VOIs are encoded apart and joined.
        apart = _encode(context, to_stored.view(_voi_labels(context, scan)), _renumbered(descriptions[count:]))
        join(dataset, apart, descriptions)
    dimensions = context.uid("seg", "dimensions")
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    context.stamp(dataset)
    return dataset


def _encode(context: Context, labels: NDArray[np.uint8], descriptions: Sequence[hd.seg.SegmentDescription]) -> Dataset:
    """Return a segmentation of ``labels`` (slice, row, column), whose values are segment numbers."""
    slices = np.flatnonzero(labels.any(axis=(1, 2)))
    images = [context.source.images[int(k)] for k in slices]
    return hd.seg.Segmentation(
        source_images=images,
        pixel_array=labels[slices],
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        content_label="VERTEBRAE",
        content_description=codes.SEGMENTATION_CONTENT,
        omit_empty_frames=True,
        **context.equipment("seg"),
    )


def _renumbered(descriptions: Sequence[hd.seg.SegmentDescription]) -> list[hd.seg.SegmentDescription]:
    copies = deepcopy(list(descriptions))
    for place, description in enumerate(copies, start=1):
        description.SegmentNumber = place
    return copies


def join(first: Dataset, second: Dataset, descriptions: Sequence[hd.seg.SegmentDescription]) -> None:
    """Append the frames of ``second`` to ``first``; its segments follow those of ``first``.

    Both are on one grid, and ``descriptions`` are those of all segments.
    """
    shift = len(first.SegmentSequence)
    groups = _frame_groups(first)
    for group in _frame_groups(second):
        group.SegmentIdentificationSequence[0].ReferencedSegmentNumber += shift
        groups.append(group)
    # Dimension index values count the distinct values of each dimension, here segment and position, over all frames.
    positions = [tuple(map(float, g.PlanePositionSequence[0].ImagePositionPatient)) for g in groups]
    along = np.asarray(first.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient)
    normal = np.cross(along[:3].astype(float), along[3:].astype(float))
    ordered = sorted(set(positions), key=lambda position: float(np.dot(position, normal)))
    for group, position in zip(groups, positions, strict=True):
        segment = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        group.FrameContentSequence[0].DimensionIndexValues = [segment, ordered.index(position) + 1]
    pixels = first.Rows * first.Columns
    packed = _joined(first, int(first.NumberOfFrames) * pixels, second, int(second.NumberOfFrames) * pixels)
    first.PixelData = packed + b"\0" * (len(packed) % 2)
    first.NumberOfFrames = len(groups)
    first.PerFrameFunctionalGroupsSequence = groups
    first.SegmentSequence = list(descriptions)
    first.SegmentsOverlap = "YES"
    _add_references(first, second)


def _frame_groups(dataset: Dataset) -> list[Dataset]:
    """Return the functional groups of each frame, its segment too, which is shared where there is one alone."""
    groups = list(dataset.PerFrameFunctionalGroupsSequence)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    if "SegmentIdentificationSequence" in shared:
        for group in groups:
            group.SegmentIdentificationSequence = deepcopy(shared.SegmentIdentificationSequence)
        del shared.SegmentIdentificationSequence
    return groups


def _joined(first: Dataset, count: int, second: Dataset, further: int) -> bytes:
    """Return ``count`` bits of one and ``further`` bits of the other, packed; whole bytes need no unpacking."""
    if count % 8 == 0:
        return bytes(first.PixelData[: count // 8]) + bytes(second.PixelData[: -(-further // 8)])
    bits = [
        np.unpackbits(np.frombuffer(one.PixelData, dtype=np.uint8), count=n, bitorder="little")
        for one, n in ((first, count), (second, further))
    ]
    return np.packbits(np.concatenate(bits), bitorder="little").tobytes()


def _add_references(first: Dataset, second: Dataset) -> None:
    """Refer to the images that only ``second`` rests on."""
    instances = first.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    known = {item.ReferencedSOPInstanceUID for item in instances}
    for item in second.ReferencedSeriesSequence[0].ReferencedInstanceSequence:
        if item.ReferencedSOPInstanceUID not in known:
            instances.append(item)


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


def _descriptions(context: Context, number: dict[tuple[str, str], int]) -> list[hd.seg.SegmentDescription]:
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
    for (kind, level), segment in number.items():
        is_body = kind == "body"
        by_reader = level in edited if is_body else examination.quality.voi(level).placed_by is not None
        how = "SEMIAUTOMATIC" if is_body and by_reader else "MANUAL" if by_reader else "AUTOMATIC"
        made.append(
            hd.seg.SegmentDescription(
                segment_number=segment,
                segment_label=level if is_body else f"{level} VOI",
                segmented_property_category=_category(is_body),
                segmented_property_type=codes.VERTEBRAL_BODY if is_body else codes.TRABECULAR_VOI,
                algorithm_type=how,
                algorithm_identification=None if how == "MANUAL" else algorithm if is_body else placement,
                tracking_uid=context.tracking_uid(level, kind),
                tracking_id=level if is_body else f"{level} VOI",
                anatomic_regions=[codes.vertebra(level)],
                display_color=hd.color.CIELabColor.from_rgb(*(COLOR_RGB[level] if is_body else (255, 255, 255))),
            )
        )
    return made


def _category(is_body: bool) -> Code:
    return codes.ANATOMICAL_STRUCTURE if is_body else codes.SPATIAL_CONCEPT
