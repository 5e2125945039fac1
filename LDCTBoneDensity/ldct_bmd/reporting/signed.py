"""Whether a signed record is what was signed: its hash, and its key's signature where it has one."""

from ..examination import Examination, is_intact
from ..ground.errors import UsageError
from .page.words import time, visible


def is_as_signed(examination: Examination) -> bool:
    """Tell whether a record is as it was signed, by its key too if it was signed with one; True if it is unsigned."""
    if not is_intact(examination):
        return False
    if examination.signature is None or examination.signature.key is None:
        return True
    from .keys import SignatureCheck, check_signature  # needs a package that a record without a key does not

    return check_signature(examination) is not SignatureCheck.CHANGED


def refuse_changed(examination: Examination) -> None:
    """Raise UsageError if the record was changed after it was signed."""
    signature = examination.signature
    if signature is not None and not is_as_signed(examination):
        raise UsageError("report.record_changed", reader=visible(signature.reader), time=time(signature.time))
