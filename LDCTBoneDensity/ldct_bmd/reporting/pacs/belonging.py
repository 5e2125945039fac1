"""Whether the DICOM objects of a result folder are those of its record: only such are sent."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from ...examination import Examination, record_sha256
from ...ground.errors import UsageError
from ...words import LANGUAGES
from ..dicom import codes
from ..dicom.context import FORMS, document_digest, object_uid
from ..files import SEG_FILE, SR_FILE
from ..held import read_earlier
from ..signed import refuse_changed
from .outgoing import Outgoing, read_outgoing

_AS_WRITTEN = 1e-4  # of a number in 16 letters


def demand_own(files: Sequence[Path], record: Examination) -> None:
    """Refuse DICOM objects that are not those of the record as it is.

    An object's UID follows from the state of the record, so that one of another state, or of another record, shows.

    Args:
        files: all objects of a result folder.

    Raises:
        UsageError: one can't be read, or is of another patient, study or state than the record; or the record was
            changed after it was signed.
    """
    refuse_changed(record)
    uids_of = _uids(files, record)
    for one in read_outgoing(files):
        _demand_own(one, record, uids_of)
        if one.path.name == SR_FILE and not _says(one.dataset, record):
            raise UsageError("pacs.other_numbers", file=SR_FILE)


def _demand_own(one: Outgoing, record: Examination, uids_of: Callable[[Outgoing], set[str]]) -> None:
    file, dataset = one.path.name, one.dataset
    if not _is_deidentified(record, dataset):
        if _text(dataset, "PatientID") != (record.scan.patient.patient_id or ""):
            raise UsageError("pacs.other_patient", file=file)
        if _text(dataset, "StudyInstanceUID") != (record.scan.source.study_uid or ""):
            raise UsageError("pacs.other_study", file=file)
    if one.uid not in uids_of(one):
        raise UsageError("pacs.other_state", file=file)


def _uids(files: Sequence[Path], record: Examination) -> Callable[[Outgoing], set[str]]:
    """Return what gives the UIDs that an object of the record has, in each language."""
    place = {file.name: file for file in files}
    earlier = read_earlier(place[SR_FILE])
    previous = "" if earlier is None or earlier.replaced is None else earlier.replaced.sop_instance_uid
    series, state = record.scan.source.series_uid or _measured_series(place[SEG_FILE]), record_sha256(record)

    def uids_of(one: Outgoing) -> set[str]:
        what = (one.path.stem, "instance", *document_digest(one.dataset))
        version = _text(one.dataset, "SoftwareVersions")
        return {
            object_uid(
                series, state, record.measured_at, previous, version, *what, language=language, labelmap=labelmap
            )
            for language in LANGUAGES
            for labelmap in FORMS
        }

    return uids_of


def _says(report: Dataset, record: Examination) -> bool:
    """Tell whether the BMD and HU of a structured report are those of the record: whoever edits one keeps its UIDs."""
    mean = record.assessment.mean_bmd_mg_cm3
    bmd = [*(() if mean is None else (mean,)), *(one.bmd_mg_cm3 for one in record.measurements)]
    hu = [value for one in record.measurements for value in (one.mean_hu, one.sd_hu)]
    said = {True: list[float](), False: list[float]()}
    names_of_bmd = {(code.value, code.scheme_designator) for code in codes.BMD.values()}
    name_of_hu = (codes.SOURCE_CT_NUMBER.value, codes.SOURCE_CT_NUMBER.scheme_designator)
    for name, value in _numbers(report):
        if name in names_of_bmd or name == name_of_hu:
            said[name in names_of_bmd].append(value)
    return all(
        len(mine) == len(own) and np.allclose(sorted(mine), sorted(own), rtol=_AS_WRITTEN, atol=_AS_WRITTEN)
        for mine, own in ((said[True], bmd), (said[False], hu))
    )


def _numbers(item: Dataset) -> Iterator[tuple[tuple[str, str], float]]:
    """Return the numbers in a report, each with the code of its name."""
    for inner in item.get("ContentSequence") or ():
        if inner.get("ValueType") == "NUM" and inner.get("MeasuredValueSequence"):
            name = inner.ConceptNameCodeSequence[0]
            code = _text(name, "CodeValue"), _text(name, "CodingSchemeDesignator")
            yield code, float(inner.MeasuredValueSequence[0].NumericValue)
        yield from _numbers(inner)


def _is_deidentified(record: Examination, dataset: Dataset) -> bool:
    """Tell whether record and object name nobody: the object's patient and study are then pseudonyms."""
    scan = record.scan
    return _text(dataset, "PatientIdentityRemoved") == "YES" and not (scan.patient.patient_id or scan.source.study_uid)


def _measured_series(segmentation: Path) -> str:
    """Return the series that a segmentation is of, which a de-identified record does not name."""
    references = read_outgoing((segmentation,))[0].dataset.get("ReferencedSeriesSequence")
    return _text(references[0], "SeriesInstanceUID") if references else ""


def _text(dataset: Dataset, keyword: str) -> str:
    return str(dataset.get(keyword) or "").strip()
