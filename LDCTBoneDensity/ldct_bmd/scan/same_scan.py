"""Whether two descriptions are of one scan: by what identifies its voxels, not by tags that are read with judgement.

A later version may read the beam filter, the contrast agent, or a text of an undeclared character set in another way;
the scan is the same.
"""

from .ct_scan import ScanDescription, Source


def is_same_scan(one: ScanDescription, other: ScanDescription) -> bool:
    """Return whether two descriptions are of the same voxels of the same patient."""
    if one.geometry != other.geometry or one.patient.patient_id != other.patient.patient_id:
        return False
    if _is_identified(one.source) or _is_identified(other.source):
        return _images(one.source) == _images(other.source)
    return _unread(one) == _unread(other)


def is_same_series(one: ScanDescription, other: ScanDescription) -> bool:
    """Return whether two descriptions are of one series or file, of which more images may have arrived in between."""
    if one.source.series_uid or other.source.series_uid:
        return one.source.series_uid == other.source.series_uid
    if one.source.file_sha256 or other.source.file_sha256:
        return one.source.file_sha256 == other.source.file_sha256
    return is_same_scan(one, other)


def _is_identified(source: Source) -> bool:
    return bool(source.series_uid or source.file_sha256 or any(source.sop_instance_uids))


def _images(source: Source) -> tuple[object, ...]:
    return source.kind, source.modified, source.series_uid, source.sop_instance_uids, source.file_sha256


def _unread(scan: ScanDescription) -> tuple[object, ...]:
    """Return what is left to compare without UIDs and hash: what every version reads in one way."""
    made, patient = scan.acquisition, scan.patient
    return (
        scan.source,
        *(patient.sex, patient.age_years),
        *(made.kvp, made.tube_current_ma, made.exposure_mas, made.slice_thickness_mm),
        *(made.kernel, made.manufacturer, made.model),
        *(made.study_date, made.acquisition_date),
    )
