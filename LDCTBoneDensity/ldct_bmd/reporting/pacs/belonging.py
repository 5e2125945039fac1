"""Whether the DICOM objects of a result folder are those of its record: only such are sent."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pydicom.dataset import Dataset

from ...examination import Examination, record_sha256
from ...ground.errors import UsageError
from ...words import LANGUAGES
from ..dicom import read_earlier
from ..dicom.context import FORMS, document_digest, object_uid
from ..outputs import SEG_FILE, SR_FILE
from ..signed import refuse_changed
from .outgoing import Outgoing, read_outgoing


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
