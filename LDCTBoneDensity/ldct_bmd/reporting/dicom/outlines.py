"""Where the VOIs are, as coordinates in the structured report: a viewer without the segmentation draws these.

The template of a measurement group (TID 1411) takes either a segment or coordinates as its region. The region is the
segment; the outlines are further content, which the template allows, under a code that no reader takes for a region.
"""

from collections.abc import Sequence

import numpy as np
from highdicom import sr
from pydicom.dataset import Dataset

from ...voi import CylinderVOI
from . import codes
from .context import Context


def outlines(vois: Sequence[CylinderVOI], context: Context) -> list[sr.Scoord3DContentItem]:
    """Return the ellipses of the VOIs as SCOORD3D items in mm (LPS): in the middle, at the top and at the bottom.

    The middle of each VOI comes first: OHIF draws the first ellipse of a group alone.
    """
    return [
        sr.Scoord3DContentItem(
            name=codes.AREA_OUTLINE,
            graphic_type=sr.GraphicTypeValues3D.ELLIPSE,
            graphic_data=_ellipse(voi, along * voi.height_mm),
            frame_of_reference_uid=context.source.first.FrameOfReferenceUID,
            relationship_type=sr.RelationshipTypeValues.CONTAINS,
        )
        for along in (0.0, 0.5, -0.5)
        for voi in vois
    ]


def place_of_none(context: Context) -> sr.Scoord3DContentItem:
    """Return where a report without a VOI belongs, as a SCOORD3D point in mm (LPS): OHIF fails on one without a place.

    It is the middle of the lowest vertebra, or of the first image if there is no vertebra.
    """
    vertebrae = context.examination.vertebrae
    place = np.asarray(vertebrae[-1].centroid_lps_mm) if vertebrae else _middle(context.source.images[0])
    return sr.Scoord3DContentItem(
        name=codes.CENTER,
        graphic_type=sr.GraphicTypeValues3D.POINT,
        graphic_data=place.reshape(1, 3),
        frame_of_reference_uid=context.source.first.FrameOfReferenceUID,
        relationship_type=sr.RelationshipTypeValues.CONTAINS,
    )


def images_of(vois: Sequence[CylinderVOI], context: Context) -> list[Dataset]:
    """Return the source images whose planes cut a VOI; the first image if none does."""
    images = context.source.images
    cut = []
    for image in images:
        along = np.asarray(image.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
        normal = np.cross(along[0], along[1])
        height = float(np.asarray(image.ImagePositionPatient, dtype=np.float64) @ normal)
        if any(abs(float(np.dot(voi.center_lps_mm, normal)) - height) <= 0.5 * voi.height_mm for voi in vois):
            cut.append(image)
    return cut or [images[0]]


def _middle(image: Dataset) -> np.ndarray:
    """Return the middle of an image, in mm (LPS)."""
    along_row, along_column = np.asarray(image.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    row_mm, column_mm = (float(spacing) for spacing in image.PixelSpacing)
    across = 0.5 * (image.Columns - 1) * column_mm * along_row + 0.5 * (image.Rows - 1) * row_mm * along_column
    return np.asarray(image.ImagePositionPatient, dtype=np.float64) + across


def _ellipse(voi: CylinderVOI, along_mm: float) -> np.ndarray:
    """Return the ends (4, 3) of the longer and then of the shorter axis, in mm (LPS)."""
    axes, sizes = np.asarray(voi.axes_lps), voi.semi_axes_mm
    center = np.asarray(voi.center_lps_mm) + along_mm * axes[2]
    first, second = (1, 0) if voi.short_axis_is_longer else (0, 1)
    return np.asarray([center + sign * sizes[axis] * axes[axis] for axis in (first, second) for sign in (-1.0, 1.0)])
