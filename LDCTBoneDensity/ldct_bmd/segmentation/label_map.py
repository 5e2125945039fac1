"""A ready label map in place of a network: vertebrae from another tool, brought to the scan's grid."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy import LEVEL_OF_VERSE_VALUE, VERSE_VALUE, order
from ..ground.errors import CannotMeasure
from ..ground.files import read_regular, spelled
from ..ground.progress import Progress, silent
from ..scan import CTScan, Geometry
from ..scan.volume_files import check_volume_file
from ..words import Phrase
from .alignment import refuse_misplaced
from .body_split import holds_arch, split_bodies
from .label_values import (
    MEASURED_LEVELS,
    NAME_OF_VALUES,
    AnyValues,
    ListedLevel,
    Parts,
    Values,
    levels_of,
)
from .segment_names import named_levels
from .segmenter import ModelIdentity, NamedBodies, NetworkBodies

# VerSe ends at 28; some tools add discs and endplates from 101 on. TotalSegmentator's organs fill the gap.
NOT_VERSE = range(29, 100)
# SPINEPS without its labeling model numbers the vertebrae from the top of the image, and with it C1 is 1.
FIRST_INSTANCE = 1
SAME_GRID_MM = 0.01
MOST_SHOWN = 8  # values in a sentence
__all__ = ["LabelMapSegmenter", "Parts", "Values", "resampled"]


@dataclass(frozen=True)
class LabelMapSegmenter:
    """Gives the vertebral bodies of a label map file (NIfTI, NRRD, MHA) in any orientation.

    Attributes:
        path: the label map.
        values: whose label values it holds; they collide, so that they must be told. Where the file names its segments,
            as Slicer's do, their names count.
        parts: whether its labels are vertebral bodies or whole vertebrae, which are split from the arch first.
        dropped: told of each level whose mask can't be used, by the refusal; the others are used. None: such a level
            is an error.
        witness: the networks, which look at the scan too, so that its names may be doubted; None if they are not asked.
        listed: which value is which level, if ``values`` is "list".
    """

    path: Path
    values: AnyValues
    parts: Parts
    dropped: Callable[[CannotMeasure], object] | None = None
    witness: Callable[[CTScan], NetworkBodies] | None = None
    listed: tuple[ListedLevel, ...] = ()

    @cached_property
    def identity(self) -> ModelIdentity:
        """Name of the kind of label map and SHA-256 of the file."""
        try:
            sha256 = hashlib.sha256(read_regular(self.path)).hexdigest()
        except OSError as error:
            raise CannotMeasure("segmentation.file_not_read", file=self.path, reason=error.strerror) from error
        kind = NAME_OF_VALUES[self.values]
        part = {"body": "vertebral bodies", "whole": "whole vertebrae"}[self.parts]
        return ModelIdentity(f"ready label map ({kind} values, {part})", sha256)

    def __call__(self, scan: CTScan, progress: Progress = silent) -> NamedBodies:
        """Return the bodies on the grid of ``scan``; CannotMeasure if the label map does not fit."""
        progress("segment", 0.0)
        image = self.read()
        spacing_zyx_mm = image.GetSpacing()[::-1]
        bodies = self._verse_values(sitk.GetArrayViewFromImage(image))
        self._check_order(bodies)
        progress("segment", 0.2)
        if self.parts == "whole":
            bodies = split_bodies(
                bodies, spacing_zyx_mm, lambda stage, part: progress(stage, 0.2 + 0.7 * part), self.dropped
            )
        else:
            _refuse_arches(bodies, spacing_zyx_mm, self.dropped)
        progress("segment", 0.9)
        on_scan = resampled(bodies, image, scan.geometry)
        _refuse_elsewhere(on_scan, scan)
        seen = self._seen(scan)
        progress("segment", 1.0)
        return NamedBodies(on_scan, _cut(bodies), seen)

    def _seen(self, scan: CTScan) -> NetworkBodies | None:
        """Return what the witness sees; None if there is none, or it sees no spine."""
        try:
            return None if self.witness is None else self.witness(scan)
        except CannotMeasure:
            return None

    def read(self) -> sitk.Image:
        """Return the label map, its axes brought to those of LPS that they are closest to.

        Raises:
            CannotMeasure: the file is no label map of three dimensions, or can't be read.
        """
        try:
            check_volume_file(self.path)
            with spelled(self.path) as name:
                image = sitk.ReadImage(name)
        except (RuntimeError, OSError) as error:
            raise CannotMeasure("segmentation.not_a_volume_file", file=self.path) from error
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise CannotMeasure("segmentation.not_3d", file=self.path)
        image = sitk.DICOMOrient(image, "LPS")
        voxels = sitk.GetArrayViewFromImage(image)
        if not np.issubdtype(voxels.dtype, np.integer):
            whole = np.isfinite(voxels) & (voxels == np.rint(voxels))
            if not whole.all():
                raise CannotMeasure("segmentation.fractions", file=self.path)
        if voxels.min() < 0 or voxels.max() > np.iinfo(np.uint16).max:
            raise CannotMeasure("segmentation.no_labels", file=self.path)
        return sitk.Cast(image, sitk.sitkUInt16)

    def _verse_values(self, voxels: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """Return the vertebrae as VerSe values, all else 0."""
        # By slice: counting widens what it counts to 64 bits.
        present = np.flatnonzero(sum(np.bincount(plane.ravel(), minlength=1 << 16) for plane in voxels))
        named = named_levels(self.path)
        levels = named or levels_of(self.values, self.listed)
        if not named:
            self._refuse_other_values(voxels, present)
        if not any(value in levels for value in present):
            values = NAME_OF_VALUES[self.values]
            raise CannotMeasure("segmentation.no_vertebra_in_file", file=self.path, values=values, held=_held(present))
        table = np.zeros(int(present.max()) + 1, dtype=np.uint8)
        for value, level in levels.items():
            if value < table.size and level in MEASURED_LEVELS:
                table[value] = VERSE_VALUE[level]
        return table[voxels]

    def _refuse_other_values(self, voxels: NDArray[np.uint16], present: NDArray[np.intp]) -> None:
        """Refuse values that are not those that were named, where that shows."""
        if self.values in ("verse", "spineps") and any(value in NOT_VERSE for value in present):
            raise CannotMeasure("segmentation.not_verse", file=self.path)
        if self.values == "spineps" and FIRST_INSTANCE in present:
            raise CannotMeasure("segmentation.counted_from_the_top", file=self.path)
        if self.values == "totalsegmentator" and _is_version_1(voxels):
            raise CannotMeasure("segmentation.version_1", file=self.path)

    def _check_order(self, bodies: NDArray[np.uint8]) -> None:
        """Refuse levels that do not follow each other from head to foot: the values are another tool's."""
        height = {LEVEL_OF_VERSE_VALUE[value]: z for value, (z, _, _) in _centroids(bodies).items()}
        levels = sorted(height, key=order)
        for upper, lower in pairwise(levels):
            if height[upper] <= height[lower]:
                raise CannotMeasure("segmentation.out_of_order", file=self.path, upper=upper, lower=lower)


def _centroids(labels: NDArray[np.uint8] | NDArray[np.uint16]) -> dict[int, tuple[float, float, float]]:
    """Return the centroid (z, y, x) of every value but 0, in indices."""
    centroids = {}
    for value, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            z, y, x = ndimage.center_of_mass(labels[box] == value)
            centroids[value] = (box[0].start + z, box[1].start + y, box[2].start + x)
    return centroids


def _is_version_1(voxels: NDArray[np.uint16]) -> bool:
    """Whether 24 lies below 25: T11 below T10 in version 1; in version 2 a kidney's cyst and the sacrum."""
    centroids = _centroids(np.where((voxels == 24) | (voxels == 25), voxels, 0))
    return 24 in centroids and 25 in centroids and centroids[24][0] < centroids[25][0]


def _refuse_arches(
    bodies: NDArray[np.uint8],
    spacing_zyx_mm: tuple[float, float, float],
    dropped: Callable[[CannotMeasure], object] | None,
) -> None:
    """Refuse, or take out in place, what is no body alone."""
    for value, box in enumerate(ndimage.find_objects(bodies), start=1):
        if box is None or not holds_arch(bodies[box] == value, spacing_zyx_mm):
            continue
        refusal = CannotMeasure("segmentation.holds_arch", level=LEVEL_OF_VERSE_VALUE[value])
        if dropped is None:
            raise refusal
        dropped(refusal)
        bodies[bodies == value] = 0


def resampled(bodies: NDArray[np.uint8], image: sitk.Image, geometry: Geometry) -> NDArray[np.uint8]:
    """Return ``bodies``, which lie on the grid of ``image``, on ``geometry``, by nearest neighbour."""
    labels = sitk.GetImageFromArray(bodies)
    labels.CopyInformation(image)
    target = sitk.Image(geometry.size, sitk.sitkUInt8)
    target.SetSpacing(geometry.spacing_mm)
    target.SetOrigin(geometry.origin_lps_mm)
    target.SetDirection([component for row in geometry.direction for component in row])
    if _same_grid(labels, target):
        return bodies
    return np.asarray(sitk.GetArrayFromImage(sitk.Resample(labels, target, sitk.Transform(), sitk.sitkNearestNeighbor)))


def _same_grid(one: sitk.Image, other: sitk.Image) -> bool:
    if one.GetSize() != other.GetSize():
        return False
    last = [n - 1 for n in one.GetSize()]
    corners = ([0, 0, 0], [last[0], 0, 0], [0, last[1], 0], [0, 0, last[2]])
    gaps = [np.subtract(one.TransformIndexToPhysicalPoint(c), other.TransformIndexToPhysicalPoint(c)) for c in corners]
    return bool(np.abs(gaps).max() <= SAME_GRID_MM)


def _cut(bodies: NDArray[np.uint8]) -> frozenset[int]:
    """Return the values whose body reaches the edge of the file, which may end before the scan does."""
    cut = set()
    for value, box in enumerate(ndimage.find_objects(bodies), start=1):
        if box is None or not _reaches_edge(box, bodies.shape):
            continue
        parts, _ = ndimage.label(bodies[box] == value)
        body = ndimage.find_objects(parts)[int(np.argmax(np.bincount(parts.ravel())[1:]))]
        there = tuple(slice(o.start + s.start, o.start + s.stop) for o, s in zip(box, body, strict=True))
        if _reaches_edge(there, bodies.shape):
            cut.add(value)
    return frozenset(cut)


def _reaches_edge(box: tuple[slice, ...], shape: tuple[int, ...]) -> bool:
    return any(s.start == 0 or s.stop == n for s, n in zip(box, shape, strict=True))


def _refuse_elsewhere(bodies: NDArray[np.uint8], scan: CTScan) -> None:
    """Refuse bodies that do not lie in ``scan``, or not on its vertebrae."""
    if not bodies.any():
        raise CannotMeasure("segmentation.elsewhere")
    refuse_misplaced(bodies, scan)


def _held(values: NDArray[np.intp]) -> Phrase:
    shown = tuple(str(value) for value in values if value)[:MOST_SHOWN]
    if not shown:
        return Phrase("segmentation.no_values")
    more = np.count_nonzero(values) > len(shown)
    return Phrase("segmentation.values", {"values": (*shown, "...") if more else shown})
