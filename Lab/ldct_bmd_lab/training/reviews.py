"""Signed reviews as annotated scans: what a site's readers corrected teaches its model."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.examination import Examination
from ldct_bmd.examination.signing import is_intact
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.reporting.bodies import read_bodies
from ldct_bmd.reporting.files import RECORD_FILE
from ldct_bmd.scan import CTScan, list_series

from ..evaluation.segmentation.references import ReferencePair


def find_reviews(results: Path, scans: Path, skipped: Callable[[str], object]) -> list[ReferencePair]:
    """Return the signed reviews below ``results``, each with its scan below ``scans``.

    Args:
        results: a folder that holds result folders, at any depth.
        scans: a folder of DICOM files, or of NIfTI, NRRD and MHA files.
        skipped: told of each review that can't be learnt from, in a sentence.

    Raises:
        UsageError: there is no such folder, or no review in it.
    """
    for folder in (results, scans):
        if not folder.is_dir():
            raise UsageError.of_text(f"There is no folder {folder}.")
    records = sorted(results.rglob(RECORD_FILE))
    if not records:
        raise UsageError.of_text(f"{results} holds no result: name the folder that holds the reviewed results.")
    shelf = _Scans(scans)
    pairs = []
    for record in records:
        name = str(record.parent.relative_to(results.parent))
        try:
            pairs.append(shelf.pair(name, record.parent, read_review(record.parent)))
        except (CannotMeasure, UsageError) as error:
            skipped(f"The review {name} is not learnt from: {error}")
    return pairs


def is_review(folder: Path) -> bool:
    """Return whether ``folder`` holds a result."""
    return (folder / RECORD_FILE).is_file()


def read_review(folder: Path) -> Examination:
    """Return the record in ``folder``; CannotMeasure unless it is signed and its names are certain."""
    try:
        examination = Examination.from_json((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CannotMeasure.of_text("its record can't be read.") from error
    if examination.signature is None:
        raise CannotMeasure.of_text("it is not signed: sign it when its vertebrae are right.")
    if not is_intact(examination):
        raise CannotMeasure.of_text("it was changed after it was signed.")
    if not examination.quality.names_certain:
        raise CannotMeasure.of_text("its names are uncertain: confirm them and sign again.")
    return examination


def reviewed_bodies(folder: Path, scan: CTScan) -> NDArray[np.uint8]:
    """Return the bodies (z, y, x) of the review in ``folder`` on the grid of ``scan``, VerSe values.

    Those of uncertain levels are left out.
    """
    try:
        column = read_bodies(folder, read_review(folder), scan)
    except UsageError as error:
        raise CannotMeasure.of(error.phrase) from error
    doubtful = [VERSE_VALUE[v.level] for v in column.vertebrae if not column.certain(v.level)]
    return np.where(np.isin(column.bodies, doubtful), 0, column.bodies).astype(np.uint8)


class _Scans:
    """The scans below a folder, looked up by what a record says of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _series(self) -> set[str]:
        return {summary.series_uid for summary in list_series(self._folder)}

    def pair(self, name: str, review: Path, examination: Examination) -> ReferencePair:
        """Return the review with its scan; CannotMeasure if that is not there."""
        scan = examination.scan
        patient = scan.patient.patient_id
        if scan.source.series_uid is not None and scan.source.series_uid in self._series:
            return ReferencePair(name, "reviews", self._folder, review, series=scan.source.series_uid, patient=patient)
        if scan.source.file_name and scan.source.file_sha256:
            for file in sorted(self._folder.rglob(scan.source.file_name)):
                if hashlib.sha256(file.read_bytes()).hexdigest() == scan.source.file_sha256:
                    return ReferencePair(name, "reviews", file, review, patient=patient)
        raise CannotMeasure.of_text(f"its scan is not below {self._folder.name}.")
