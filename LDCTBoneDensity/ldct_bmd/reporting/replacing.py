"""Whether a result may take the place of the one that a folder holds: never that of another scan, nor a signed one."""

from pathlib import Path

from ..examination import Examination, Signature
from ..ground.errors import UsageError
from ..ground.files import read_text
from ..scan import ScanDescription, is_same_series
from .deidentify import is_deidentified_copy
from .files import RECORD_FILE, check_content


def check_replaceable(
    folder: Path,
    scan: ScanDescription,
    signature: Signature | None = None,
    is_deidentified: bool = False,
    held: Path | None = None,
) -> None:
    """Raise UsageError unless what ``folder`` holds, if anything, is an earlier state of the result that replaces it.

    Args:
        scan: of the new result.
        signature: of the new result; a signed one is replaced only by what bears the same signature.
        is_deidentified: whether the new result is a de-identified copy.
        held: where the content of ``folder`` is, if elsewhere.
    """
    path = (held or folder) / RECORD_FILE
    if not path.is_file():
        return
    check_content(folder, overwrite=True, held=held)
    try:
        old = Examination.from_json(read_text(path))
    except (UsageError, OSError, UnicodeDecodeError) as error:
        raise UsageError("output.record_not_read", folder=folder) from error
    if is_deidentified_copy(old) is not is_deidentified:
        if is_deidentified:
            raise UsageError("output.holds_names", folder=folder)
        raise UsageError("output.holds_deidentified", folder=folder)
    if not is_same_series(old.scan, scan):
        raise UsageError("output.of_other_scan", folder=folder)
    if old.signature is not None and old.signature != signature:
        raise UsageError("output.signed", folder=folder, reader=old.signature.reader)
