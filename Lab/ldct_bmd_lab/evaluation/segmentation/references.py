"""Scans and references in files: a table of pairs, or a folder in the layout of VerSe or TotalSegmentator."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.ground.scratch import temporary_folder
from ldct_bmd.scan import Geometry, read_scan
from ldct_bmd.scan.image_files import FILE_ENDINGS
from ldct_bmd.segmentation.label_map import LabelMapSegmenter, Parts, Values
from ldct_bmd.segmentation.mask_folder import join_masks

from ...ground.worded import worded
from ..level_list import BODIES_FILE, LEVELS_FILE
from .case import Case
from .summary import ALL

COLUMNS = ("image", "reference", "group", "name", "levels", "names")
IMAGES, LABELS = "images", "labels"
VERSE_REFERENCE, VERSE_IMAGE = "_seg-vert_msk.nii.gz", "_ct.nii.gz"
TOTAL_IMAGE, TOTAL_FOLDER = "ct.nii.gz", "segmentations"


@dataclass(frozen=True)
class ReferencePair:
    """Where a case lies.

    Attributes:
        image: whatever :func:`.read_scan` reads.
        reference: a label map; a folder of one mask per vertebra; None with no ``levels``: no vertebra T1 to L5 is in
            view.
        levels: a list of the heights of the levels in view; None: there is none.
        named: False: the levels' names are doubtful, and not to be learnt.
        series: which one of ``image``, where that is a folder of DICOM files.
        patient: whose scan it is; None: not known, its name may tell.
    """

    name: str
    group: str
    image: Path
    reference: Path | None
    levels: Path | None = None
    named: bool = True
    series: str | None = None
    patient: str | None = None


def find_pairs(path: Path) -> list[ReferencePair]:
    """Return the pairs that ``path`` names, each once; UsageError says what is wrong.

    Args:
        path: a CSV with the columns image and reference, group and name if wanted, files relative to it, an empty
            reference for a scan without vertebra; or a folder with ``images/X`` and ``labels/X.nii.gz``, as for
            training, or, anywhere below it, with ``X_ct.nii.gz`` and ``X_seg-vert_msk.nii.gz`` (VerSe) or with
            ``ct.nii.gz`` beside ``segmentations/vertebrae_L1.nii.gz`` and its like (TotalSegmentator), or beside
            ``bodies.nii.gz`` (bodies), ``levels_z.csv`` (heights of the levels) or both. The columns levels and names
            of a CSV name such a list, and say "no" if its names are doubtful.
    """
    if path.is_dir():
        pairs = _in_folder(path)
    elif path.is_file():
        pairs = _in_table(path)
    else:
        raise UsageError.of_text(f"There is no file or folder {path}: give a CSV of pairs, or a folder of them.")
    if not pairs:
        raise UsageError.of_text(
            f"{path} holds no pair: give a CSV with the columns image and reference, or a folder with {IMAGES}/X and "
            f"{LABELS}/X, with X{VERSE_IMAGE} and X{VERSE_REFERENCE}, or with {TOTAL_IMAGE} beside {TOTAL_FOLDER}."
        )
    seen: set[str] = set()
    for pair in pairs:
        if pair.name in seen:
            raise UsageError.of_text(
                f"Two cases of {path.name} are called {pair.name}: name them apart in the column name."
            )
        seen.add(pair.name)
        if pair.group == ALL:
            raise UsageError.of_text(
                f"A group can't be called {ALL}, which is the sum of all groups: name it in the column group."
            )
        for file in (pair.image, pair.reference, pair.levels):
            if file is not None and not file.exists():
                raise UsageError.of_text(f"Case {pair.name}: there is no {file}; mend the table {path.name}.")
    return pairs


def files_of(pair: ReferencePair) -> list[list[str | int]]:
    """Return path, size and time of change of every file of ``pair``: whether one has changed since."""
    stamps: list[list[str | int]] = []
    for path in (pair.image, pair.reference, pair.levels):
        if path is not None:
            files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
            stamps += [[str(f.absolute()), f.stat().st_size, f.stat().st_mtime_ns] for f in files]
    return stamps


def read_case(pair: ReferencePair, values: Values, parts: Parts, progress: Progress = silent) -> Case:
    """Read a scan and bring its reference onto its grid; CannotMeasure says which case is wrong, and how."""
    try:
        scan = read_scan(pair.image, None, progress)
        if pair.reference is None and pair.levels is not None:
            raise CannotMeasure.of_text("It has a list of levels and no reference to measure outlines against.")
        if pair.reference is None:
            return Case(pair.name, pair.group, scan, np.zeros(scan.geometry.shape, dtype=np.uint8))
        with temporary_folder() as scratch:
            file = pair.reference
            if file.is_dir():
                file = join_masks(file, values, scratch / f"{file.name}.nii.gz")
            segmenter = LabelMapSegmenter(file, values, parts)
            bodies = segmenter(scan)
            _refuse_part(segmenter.read(), scan.geometry)
    except (CannotMeasure, UsageError) as error:
        raise CannotMeasure.of_text(f"Case {pair.name}: {worded(error)}") from error
    return Case(pair.name, pair.group, scan, bodies.labels, bodies.cut)


def _refuse_part(reference: sitk.Image, scan: Geometry) -> None:
    """Refuse a label map that ends above or below before the scan does: what is found there would count as false."""
    corners = scan.to_lps_mm(np.array(list(product(*((0, n - 1) for n in scan.size))), dtype=np.float64))
    slices = np.array([reference.TransformPhysicalPointToContinuousIndex(corner.tolist())[2] for corner in corners])
    slack = 1 + scan.spacing_mm[2] / reference.GetSpacing()[2]
    if slices.min() < -slack or slices.max() > reference.GetSize()[2] - 1 + slack:
        raise CannotMeasure.of_text(
            "The label map ends before the scan does, so that nobody knows what is beyond it: crop the scan to it, or "
            "label the whole scan."
        )


def _in_table(path: Path) -> list[ReferencePair]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError.of_text(f"The table {path} can't be read: give a CSV in UTF-8.") from error
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown or not {"image", "reference"} <= set(columns):
        raise UsageError.of_text(
            f"The table {path.name} has the columns {', '.join(columns)}: it needs image and reference, "
            "may have group, name, levels and names, and no others."
        )
    pairs = []
    for number, row in enumerate(rows, start=2):
        cells: Mapping[str, str] = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if None in row or not cells["image"]:
            raise UsageError.of_text(f"Line {number} of {path.name} does not fit its columns: it needs an image.")
        reference = path.parent / cells["reference"] if cells["reference"] else None
        levels = path.parent / cells["levels"] if cells["levels"] else None
        if cells["names"] not in ("", "yes", "no"):
            raise UsageError.of_text(f"Line {number} of {path.name}: names is yes or no, not {cells['names']!r}.")
        name = cells["name"] or cells["image"]
        group, named = cells["group"] or path.stem, cells["names"] != "no"
        pairs.append(ReferencePair(name, group, path.parent / cells["image"], reference, levels, named))
    return pairs


def _in_folder(folder: Path) -> list[ReferencePair]:
    references: dict[str, Path | None]
    levels: dict[str, Path] = {}
    if (folder / IMAGES).is_dir() and (folder / LABELS).is_dir():
        images = {_stem(file): file for file in sorted((folder / IMAGES).iterdir())}
        references = {_stem(file): file for file in sorted((folder / LABELS).iterdir())}
    else:
        images = {_stem(file, VERSE_IMAGE): file for file in sorted(folder.rglob(f"*{VERSE_IMAGE}"))}
        references = {_stem(file, VERSE_REFERENCE): file for file in sorted(folder.rglob(f"*{VERSE_REFERENCE}"))}
        for image in sorted(folder.rglob(TOTAL_IMAGE)):
            masks, name = image.parent / TOTAL_FOLDER, str(image.parent.relative_to(folder))
            if masks.is_dir():
                images[name], references[name] = image, masks
        levels = {str(file.parent.relative_to(folder)): file for file in sorted(folder.rglob(LEVELS_FILE))}
        for beside in sorted({file.parent for end in (BODIES_FILE, LEVELS_FILE) for file in folder.rglob(end)}):
            name, image, bodies = str(beside.relative_to(folder)), beside / TOTAL_IMAGE, beside / BODIES_FILE
            if image.exists() and name not in references:
                images[name], references[name] = image, bodies if bodies.exists() else None
    for name, reference in references.items():
        if name not in images and reference is not None:
            raise UsageError.of_text(
                f"{folder} holds the reference {reference.name} and no scan for it: add it, or give a CSV."
            )
    return [
        ReferencePair(name, folder.name, images[name], reference, levels.get(name))
        for name, reference in references.items()
    ]


def _stem(file: Path, *endings: str) -> str:
    """Return the name of a file without the first of its endings that fits."""
    fits = [ending for ending in (*endings, *FILE_ENDINGS) if file.name.lower().endswith(ending)]
    return file.name[: -len(max(fits, key=len))] if fits else file.name
