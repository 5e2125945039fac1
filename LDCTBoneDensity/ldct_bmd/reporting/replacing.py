"""Whether a result may take the place of the one that a folder holds: never that of another scan, nor a signed one."""

from pathlib import Path

from ..examination import Examination, ScanIdentity, Signature
from ..ground.errors import UsageError
from .files import RECORD_FILE, check_output_folder


def check_replaceable(
    folder: Path, scan: ScanIdentity, signature: Signature | None = None, is_deidentified: bool = False
) -> None:
    """Raise UsageError unless what ``folder`` holds, if anything, is an earlier state of the result that replaces it.

    Args:
        scan: of the new result.
        signature: of the new result; a signed one is replaced only by what bears the same signature.
        is_deidentified: whether the new result is a de-identified copy.
    """
    path = folder / RECORD_FILE
    if not path.is_file():
        return
    check_output_folder(folder, overwrite=True)
    try:
        old = Examination.from_json(path.read_text(encoding="utf-8"))
    except (UsageError, OSError, UnicodeDecodeError) as error:
        raise UsageError("output.record_not_read", folder=folder) from error
    if _is_deidentified(old) is not is_deidentified:
        if is_deidentified:
            raise UsageError("output.holds_names", folder=folder)
        raise UsageError("output.holds_deidentified", folder=folder)
    if not (old.scan == scan if is_deidentified else _is_same_scan(old.scan, scan)):
        raise UsageError("output.of_other_scan", folder=folder)
    if old.signature is not None and old.signature != signature:
        raise UsageError("output.signed", folder=folder, reader=old.signature.reader)


def _is_deidentified(examination: Examination) -> bool:
    scan = examination.scan
    told = (scan.series_uid, scan.study_uid, scan.file_sha256, scan.file_name, scan.choice, scan.patient.patient_id)
    return not any(told) and examination.measured_at is None


def _is_same_scan(old: ScanIdentity, new: ScanIdentity) -> bool:
    if old.series_uid or new.series_uid:
        return old.series_uid == new.series_uid
    if old.file_sha256 or new.file_sha256:
        return old.file_sha256 == new.file_sha256
    return old == new
