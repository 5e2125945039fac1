"""The vertebral bodies read back from the file next to a record."""

import hashlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..anatomy import VERSE_VALUE
from ..examination import BodyMask, Examination, is_measured_body
from ..ground.errors import UsageError
from ..ground.files import read_regular, spelled
from ..labeling import Vertebra, VertebralColumn, find_bodies
from ..scan import CTScan, is_same_scan
from ..scan.frame import axes_between, make_geometry
from .files import BODIES_FILE


def read_bodies(folder: Path, examination: Examination, scan: CTScan) -> VertebralColumn:
    """Return the bodies of ``examination`` on the grid of ``scan``.

    Raises:
        UsageError: the scan is not the one of the record, or the file is missing or not the one that the record names.
    """
    if not is_same_scan(scan.description, examination.scan):
        raise UsageError("bodies.other_scan")
    path = folder / BODIES_FILE
    expected = next((file.sha256 for file in examination.files if file.name == BODIES_FILE), None)
    # The masks' own digests say more than the file's, which another version may have packed in another way.
    by_digest = all(vertebra.mask_sha256 is not None for vertebra in examination.vertebrae)
    if not path.is_file() or (expected is None and not by_digest):
        raise UsageError("bodies.not_there", file=BODIES_FILE)
    if not by_digest and hashlib.sha256(read_regular(path)).hexdigest() != expected:
        raise UsageError("bodies.changed", file=BODIES_FILE)
    try:
        with spelled(path) as name:
            image = sitk.ReadImage(name)
    except RuntimeError as error:
        raise UsageError("bodies.changed", file=BODIES_FILE) from error
    stored = make_geometry(
        image.GetSize(), image.GetSpacing(), image.GetOrigin(), np.reshape(image.GetDirection(), (3, 3))
    )
    try:
        bodies = axes_between(stored, scan.geometry).view(sitk.GetArrayFromImage(image))
    except ValueError as error:
        raise UsageError("bodies.other_grid", file=BODIES_FILE) from error
    present = {int(value) for value in np.unique(bodies)} - {0}
    if present != {VERSE_VALUE[vertebra.level] for vertebra in examination.vertebrae}:
        raise UsageError("bodies.other_vertebrae", file=BODIES_FILE)
    other = other_body(bodies, examination, scan)
    if other is not None:
        raise UsageError("bodies.other_body", file=BODIES_FILE, level=other)
    return column_of(examination, np.ascontiguousarray(bodies, dtype=np.uint8))


def column_of(examination: Examination, bodies: NDArray[np.uint8]) -> VertebralColumn:
    """Return the column that a record describes, with its bodies (z, y, x)."""
    return VertebralColumn(
        vertebrae=tuple(
            Vertebra(v.level, v.centroid_lps_mm, v.volume_ml, v.confidence, v.complete) for v in examination.vertebrae
        ),
        bodies=bodies,
        names_certain=examination.quality.names_certain,
        remark=examination.quality.names_remark,
        uncertain=examination.quality.uncertain_levels,
    )


def other_body(bodies: NDArray[np.integer], examination: Examination, scan: CTScan) -> str | None:
    """Return the first level whose body is missing or not the one that was measured.

    ``bodies`` are (z, y, x) on the scan's grid, VerSe values.
    """
    boxes = find_bodies(bodies)
    for recorded in examination.vertebrae:
        value = VERSE_VALUE[recorded.level]
        box = boxes.get(value)
        if box is None or not is_measured_body(BodyMask(box, bodies[box] == value), recorded, scan.geometry):
            return recorded.level
    return None
