"""Annotated scans, brought to a network's grid and kept there for training."""

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from ldct_bmd.ground.atomic import write_folder, write_text
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.ground.scratch import temporary_folder
from ldct_bmd.labeling import label
from ldct_bmd.scan import CTScan, Geometry, read_scan
from ldct_bmd.segmentation.label_map import LabelMapSegmenter, Parts, Values, resampled
from ldct_bmd.segmentation.levels import RIB
from ldct_bmd.segmentation.mask_folder import join_masks
from ldct_bmd.segmentation.patches import FINE_MM, body_bounds
from ldct_bmd.segmentation.resample import along_z, grid, in_plane, planes_resized
from ldct_bmd.segmentation.segmenter import NetworkBodies, Segmenter

from ..evaluation.level_list import BODIES_FILE, read_levels
from ..evaluation.segmentation.references import COLUMNS as PAIR_COLUMNS
from ..evaluation.segmentation.references import ReferencePair, files_of, find_pairs
from ..ground.worded import worded
from .annotations import STRUCTURES, label_annotated, label_seen_ribs, label_spineless
from .listed import fill_in, named_by_list
from .reviews import find_reviews, is_review, reviewed_bodies
from .targets import NAMELESS_OFFSET, UNKNOWN

VERSION = 4  # of what is kept of a scan
SUBJECT = re.compile(r"(?:^|/)(sub-[A-Za-z0-9]+)")  # BIDS, as VerSe names its scans
MAX_UNUSABLE = 0.2  # of the pairs; above it the request is wrong rather than a pair
Spacing = tuple[float, float, float]
Skipped = Callable[[str], object]


def unheard(sentence: str) -> None:
    """Listen to nothing that is said of pairs."""


@dataclass(frozen=True)
class AnnotatedFolder:
    """Some annotated scans.

    Attributes:
        path: a table or a folder of pairs, as :func:`.find_pairs` reads them.
        values: whose label values they have.
        parts: whether bodies or whole vertebrae are labelled.
        scans: the folder of the scans, where ``path`` holds signed reviews of them; None: ``path`` holds both.
    """

    path: Path
    values: Values
    parts: Parts
    scans: Path | None = None


@dataclass(frozen=True)
class AnnotatedScan:
    """A scan with its labels on a network's grid, kept in ``folder``.

    Attributes:
        pair: the files that it was made from.
        source: the folder or table that they were named in.
        spacing_zyx_mm: voxel pitch, about the network's.
        spine_zyx: (n, 3) centres of the bodies in voxels, z rising; none in a scan without a spine.
        trunk_yx: middle of the trunk in voxels.
    """

    name: str
    pair: ReferencePair
    source: AnnotatedFolder
    folder: Path
    spacing_zyx_mm: Spacing
    spine_zyx: tuple[tuple[float, float, float], ...]
    trunk_yx: tuple[float, float]

    @property
    def patient(self) -> str:
        """Whose scan it is, if that is known; else BIDS's "sub-..." in its name or a folder's, or else its name."""
        if self.pair.patient is not None:
            return self.pair.patient
        subject = SUBJECT.search(self.name)
        return subject[1] if subject else self.name

    @property
    def hu(self) -> NDArray[np.int16]:
        """(z, y, x), read as far as it is looked at."""
        return np.load(self.folder / "hu.npy", mmap_mode="r")

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(z, y, x), values of :mod:`.targets`; read as far as it is looked at."""
        return np.load(self.folder / "labels.npy", mmap_mode="r")


def prepare_pairs(
    folders: Sequence[AnnotatedFolder],
    spacing_zyx_mm: Spacing,
    cache: Path,
    progress: Progress = silent,
    skipped: Skipped = unheard,
    outliner: Segmenter | None = None,
) -> list[AnnotatedScan]:
    """Return the scans of ``folders`` on a network's grid, from ``cache`` where they were prepared before.

    Args:
        outliner: outlines the bodies that a list of levels names and no reference shows; None: lists are not read,
            and scans that have nothing else are left out.
        skipped: told of each pair that can't be used, in a sentence.

    Raises:
        UsageError: a folder holds no pairs.
        CannotMeasure: no pair, or too few of them, can be used.
    """
    found = [(folder, pair) for folder in folders for pair in _pairs_of(folder, skipped)]
    if outliner is None:
        found = [(folder, pair) for folder, pair in found if pair.reference is not None or pair.levels is None]
        found = [(folder, replace(pair, levels=None)) for folder, pair in found]
    scans: list[AnnotatedScan] = []
    unusable: list[str] = []
    for number, (folder, pair) in enumerate(found):
        progress("Preparing scans", number / len(found))
        place = cache / _key(folder, pair, spacing_zyx_mm, outliner)
        if not place.is_dir():
            try:
                for lost in _prepare(folder, pair, spacing_zyx_mm, place, outliner):
                    skipped(f"In the pair {pair.name} a level is left out: {lost}")
            except (CannotMeasure, UsageError) as error:
                unusable.append(f"The pair {pair.name} cannot be trained on: {worded(error)}")
                skipped(unusable[-1])
                continue
        facts = json.loads((place / "scan.json").read_text(encoding="ascii"))
        scans.append(AnnotatedScan(f"{folder.path.name}/{pair.name}", pair, folder, place, **facts))
    if found:
        progress("Preparing scans", 1.0)
    if unusable and (not scans or (len(unusable) >= 2 and len(unusable) > MAX_UNUSABLE * len(found))):
        raise CannotMeasure.of_text(
            f"Of {len(found)} pairs {len(unusable)} cannot be trained on, so that --values, --parts or the folder may "
            f"be wrong; mend them or leave them out. The first: {unusable[0]}"
        )
    return scans


def hold_out(scans: Sequence[AnnotatedScan], share: float) -> tuple[list[AnnotatedScan], list[AnnotatedScan]]:
    """Divide ``scans`` into those to train on and those to validate on: ``share`` of the patients, by name alone."""
    drawn = sorted(scans, key=lambda scan: (_hash(scan.patient), _hash(scan.name)))
    patients = list(dict.fromkeys(scan.patient for scan in drawn))
    kept = set(patients[: min(round(share * len(patients)), max(len(patients) - 1, 0))])
    return [scan for scan in drawn if scan.patient not in kept], [scan for scan in drawn if scan.patient in kept]


def write_held_out(scans: Sequence[AnnotatedScan], table: Path) -> None:
    """Write ``scans`` as a table of pairs that the evaluation takes, in place of those that an earlier run wrote.

    Reviews are left out: their scan and reference are no two files.
    An evaluation is told one kind of labels; where ``scans`` have several, each kind gets a table, named by it.
    """
    places = {
        kind: table.with_stem("-".join((table.stem, *kind))) for kind in product(get_args(Values), get_args(Parts))
    }
    for old in (table, *places.values()):
        old.unlink(missing_ok=True)
    scans = [scan for scan in scans if scan.source.scans is None]
    kinds = sorted({(scan.source.values, scan.source.parts) for scan in scans})
    for kind in kinds:
        path = table if len(kinds) == 1 else places[kind]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(PAIR_COLUMNS)
        for name, scan in _named_apart([scan for scan in scans if (scan.source.values, scan.source.parts) == kind]):
            pair = scan.pair
            image, reference, levels = (
                path.absolute() if path else "" for path in (pair.image, pair.reference, pair.levels)
            )
            writer.writerow((image, reference, pair.group, name, levels, "yes" if pair.named else "no"))
        write_text(path, text.getvalue())


def _named_apart(scans: Sequence[AnnotatedScan]) -> list[tuple[str, AnnotatedScan]]:
    """Return ``scans`` with their names, numbered where folders of the same name hold the same one."""
    seen: Counter[str] = Counter()
    named = []
    for scan in scans:
        seen[scan.name] += 1
        named.append((scan.name if seen[scan.name] == 1 else f"{scan.name} ({seen[scan.name]})", scan))
    return named


def _pairs_of(folder: AnnotatedFolder, skipped: Skipped) -> list[ReferencePair]:
    return find_pairs(folder.path) if folder.scans is None else find_reviews(folder.path, folder.scans, skipped)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _key(folder: AnnotatedFolder, pair: ReferencePair, spacing_zyx_mm: Spacing, outliner: Segmenter | None) -> str:
    outlined = outliner.identity.sha256 if outliner is not None and pair.levels is not None else None
    text = json.dumps([VERSION, folder.values, folder.parts, spacing_zyx_mm, files_of(pair), pair.named, outlined])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _prepare(
    folder: AnnotatedFolder, pair: ReferencePair, spacing_zyx_mm: Spacing, place: Path, outliner: Segmenter | None
) -> tuple[str, ...]:
    """Write a scan and its labels on the network's grid to ``place``, whole or not at all.

    Returns the sentences about levels whose masks can't be used, which are not learnt from.
    """
    scan = read_scan(pair.image, pair.series)
    target, hu = _on_network_grid(scan, spacing_zyx_mm)
    annotated = _annotated(folder, pair, scan, outliner)
    if annotated is None:
        labels, spine = label_spineless(hu), np.zeros((0, 3))
    else:
        raw = np.asarray(resampled(sitk.GetArrayFromImage(annotated.stored), annotated.stored, target))
        near = _nearest(annotated.bodies, target.shape)
        labels = label_annotated(near, raw, hu, annotated.values, annotated.parts, target.spacing_mm[::-1])
        if not pair.named:
            labels[near > 0] += NAMELESS_OFFSET
        labels[_nearest(annotated.nameless, target.shape)] = UNKNOWN
        if annotated.seen is not None:
            label_seen_ribs(labels, _rib(annotated.seen, target))
        spine = _middles(annotated.bodies, target)
    bounds = body_bounds(hu)
    if bounds is None:
        raise CannotMeasure.of_text("it shows no body.")
    first_row, last_row, first_column, last_column = bounds
    facts = {
        "spacing_zyx_mm": target.spacing_mm[::-1],
        "spine_zyx": spine.tolist(),
        "trunk_yx": ((first_row + last_row) / 2, (first_column + last_column) / 2),
    }

    def fill(partial: Path) -> None:
        np.save(partial / "hu.npy", hu)
        np.save(partial / "labels.npy", labels)
        (partial / "scan.json").write_text(json.dumps(facts), encoding="ascii")

    place.parent.mkdir(parents=True, exist_ok=True)
    write_folder(place, fill)
    return () if annotated is None else annotated.lost


@dataclass(frozen=True)
class _Annotated:
    """What is known of a scan's bones.

    Attributes:
        bodies: (z, y, x) on the scan's grid, VerSe values.
        nameless: (z, y, x) bodies of which nobody said which they are.
        stored: the label map as it is, in ``values``.
        lost: sentences about levels whose masks can't be used.
        seen: what the networks saw that outlined bodies; None: none did.
    """

    bodies: NDArray[np.uint8]
    nameless: NDArray[np.bool_]
    stored: sitk.Image
    values: Values
    parts: Parts
    lost: tuple[str, ...] = ()
    seen: NetworkBodies | None = None


def _annotated(
    folder: AnnotatedFolder, pair: ReferencePair, scan: CTScan, outliner: Segmenter | None
) -> _Annotated | None:
    """Return what the reference and the list of levels say; None: no vertebra T1 to L5 is in view."""
    reference = None if pair.reference is None else _reference(folder, pair.reference, scan)
    if pair.levels is None or outliner is None:
        return reference
    levels = read_levels(pair.levels)
    outlined = outliner(scan)
    column = label(outlined, scan)
    bodies, nameless = named_by_list(column.bodies, scan.geometry, levels)
    if reference is not None:
        bodies, nameless = fill_in(reference.bodies, bodies, nameless)
    if not bodies.any():
        raise CannotMeasure.of_text("none of the bodies that were outlined lies at a level of its list.")
    lost = () if reference is None else reference.lost
    seen = outlined if isinstance(outlined, NetworkBodies) else None
    return _Annotated(bodies, nameless, _image(bodies, scan.geometry), "verse", "body", lost, seen)


def _rib(seen: NetworkBodies, target: Geometry) -> NDArray[np.float32]:
    """Return the probability of rib (z, y, x) on ``target``, 0 beyond what the network saw."""
    index = np.argwhere(np.ones(target.shape, dtype=bool))
    at = seen.level_geometry.to_index_xyz(target.to_lps_mm(index[:, ::-1].astype(np.float64)))[:, ::-1]
    rib = seen.level_probability[RIB].astype(np.float32)
    return ndimage.map_coordinates(rib, at.T, order=1, mode="constant").reshape(target.shape)


def _image(bodies: NDArray[np.uint8], geometry: Geometry) -> sitk.Image:
    image = sitk.GetImageFromArray(bodies.astype(np.uint16))
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetDirection([component for row in geometry.direction for component in row])
    return image


def _reference(folder: AnnotatedFolder, file: Path, scan: CTScan) -> _Annotated:
    if is_review(file):
        bodies = reviewed_bodies(file, scan)
        return _Annotated(bodies, np.zeros(bodies.shape, dtype=bool), _image(bodies, scan.geometry), "verse", "body")
    # What labels bodies alone, and in VerSe's values, is called so, whatever else the folder holds.
    values: Values = "verse" if file.name == BODIES_FILE else folder.values
    parts: Parts = "body" if file.name == BODIES_FILE else folder.parts
    with temporary_folder() as scratch:
        if file.is_dir():
            file = join_masks(file, values, scratch / "labels.nii.gz", STRUCTURES)
        lost: list[CannotMeasure] = []
        segmenter = LabelMapSegmenter(file, values, parts, lost.append)
        try:
            bodies = segmenter(scan).labels
        except CannotMeasure as error:
            if lost:
                raise lost[0] from error
            raise
        if len(lost) > len(np.unique(bodies)) - 1:
            raise lost[0]  # not a fault of single levels
        return _Annotated(
            bodies, np.zeros(bodies.shape, dtype=bool), segmenter.read(), values, parts, tuple(map(worded, lost))
        )


def _middles(bodies: NDArray[np.uint8], target: Geometry) -> NDArray[np.float64]:
    """Return the middles (n, 3) of ``bodies`` (z, y, x) in voxels of ``target``, z rising."""
    values = [int(value) for value in np.unique(bodies) if value]
    centres = np.array(ndimage.center_of_mass(bodies > 0, bodies, values))
    spine = (centres + 0.5) * np.divide(target.shape, bodies.shape) - 0.5
    return np.asarray(spine[np.argsort(spine[:, 0])])


def _on_network_grid(scan: CTScan, spacing_zyx_mm: Spacing) -> tuple[Geometry, NDArray[np.int16]]:
    """Resample the scan as the networks' own segmenter does."""
    fine = grid(scan.geometry, FINE_MM)
    target = grid(scan.geometry, spacing_zyx_mm[::-1])
    volume = along_z(in_plane(scan, fine), target.shape[0])
    if target.shape[1:] != fine.shape[1:]:
        volume = planes_resized(volume, target.shape[1:])
    return target, np.round(volume).clip(-1024, 32767).astype(np.int16)


def _nearest(values: NDArray[Any], shape: Sequence[int]) -> NDArray[Any]:
    """Resample (z, y, x) to ``shape`` over the same field."""
    z, y, x = (
        np.clip(np.rint((np.arange(m) + 0.5) * n / m - 0.5), 0, n - 1).astype(np.intp)
        for n, m in zip(values.shape, shape, strict=True)
    )
    return np.asarray(values[np.ix_(z, y, x)])
