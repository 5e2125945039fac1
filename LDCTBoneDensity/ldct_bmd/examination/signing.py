"""Signing a record, taking the signature back, and telling whether a signed record was changed."""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..anatomy import order
from ..findings import Finding, FindingCode, Severity
from ..ground.errors import UsageError
from .record import Examination, FileReference, HistoryEntry
from .signature import KeySignature, Signature
from .upgrade import signed_values

_LARGEST_EXACT = 2**53  # whole numbers up to it are exact in a double
# What the history says was done, apart from the corrections.
SIGNED = "signed"
UNSIGNED = "unsigned"


class SigningKey(Protocol):
    """A site's private key."""

    @property
    def blank(self) -> KeySignature:
        """The signature without its value."""
        ...

    def sign(self, message: bytes) -> KeySignature:
        """Return the signature over ``message``."""
        ...


def canonical_json(examination: Examination) -> bytes:
    """Return the bytes that a signature covers: the whole record as JSON, keys sorted, no blanks, UTF-8.

    Who signed, when and with which key are in it, the hash and the value of the key's signature are not. Entries that
    are null or empty are left out, so that a field which a later version adds with such a default leaves an old
    signature intact.

    Of a record that is not signed, they name the state: the comparable part, without sentences, which follow from facts
    and the language, and without the mask files, which may be written later. The signature on a record of an earlier
    schema covers the text of then.
    """
    if _is_as_signed(examination):
        values = signed_values(json.loads(examination.signed_text or ""))
    else:
        values = _covered(examination)
    text = json.dumps(_without_empty(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A lone surrogate, which JSON can hold and UTF-8 can't, must not stop the check.
    return text.encode("utf-8", errors="surrogatepass")


def record_sha256(examination: Examination) -> str:
    """Return the SHA-256 of :func:`canonical_json`, hexadecimal: it names the state of the record."""
    return hashlib.sha256(canonical_json(examination)).hexdigest()


@dataclass(frozen=True)
class OpenPoints:
    """What stands between a record and its signature.

    Attributes:
        suspected: levels of suspected fractures that no reader has decided.
        errors: the findings that are errors; a reader who signs has to say that they were seen.
    """

    suspected: tuple[str, ...]
    errors: tuple[Finding, ...]


def open_points(examination: Examination) -> OpenPoints:
    """Return what is to be decided and acknowledged before the record is signed."""
    suspected = {f.level for f in examination.findings if f.code is FindingCode.SUSPECTED_FRACTURE and f.level}
    errors = tuple(f for f in examination.findings if f.severity is Severity.ERROR)
    return OpenPoints(tuple(sorted(suspected, key=order)), errors)


def sign(
    examination: Examination,
    reader: str,
    time: str,
    organization: str | None = None,
    key: SigningKey | None = None,
    acknowledged: Collection[str] = (),
) -> Examination:
    """Sign the record as it stands, with the sentences that are shown; it takes no correction until it is unsigned.

    Args:
        time: ISO 8601.
        acknowledged: codes of the errors among the findings that the reader has seen; the history keeps them.

    Raises:
        UsageError: it is signed already, the reader has no name, a suspected fracture is neither confirmed nor
            dismissed, or an error was not acknowledged.
    """
    if examination.signature is not None:
        raise UsageError("signing.signed_already", reader=examination.signature.reader)
    if not reader.strip():
        raise UsageError("signing.no_reader")
    seen = _demand_nothing_open(examination, acknowledged)
    organization = (organization or "").strip() or None
    said = {"organization": organization} | ({"acknowledged": seen} if seen else {})
    entry = HistoryEntry(SIGNED, None, None, said, reader, time)
    lasting = _lasting(_frozen(examination))
    signed = replace(
        lasting,
        history=(*lasting.history, entry),
        signature=Signature(reader, time, "", organization, None if key is None else key.blank),
    )
    message = canonical_json(signed)
    signature = Signature(
        reader,
        time,
        hashlib.sha256(message).hexdigest(),
        organization,
        None if key is None else key.sign(message),
    )
    return replace(signed, signature=signature)


def _demand_nothing_open(examination: Examination, acknowledged: Collection[str]) -> list[str]:
    """Return the codes of the errors, all of them acknowledged; UsageError if something is open."""
    points = open_points(examination)
    if points.suspected:
        raise UsageError("signing.suspected", levels=points.suspected)
    unseen = [finding for finding in points.errors if finding.code.value not in acknowledged]
    if unseen:
        codes = tuple(dict.fromkeys(finding.code.value for finding in unseen))
        raise UsageError("signing.unseen_errors", errors=tuple(f.message for f in unseen), codes=codes)
    return list(dict.fromkeys(finding.code.value for finding in points.errors))


def unsign(examination: Examination, reader: str, time: str) -> Examination:
    """Take the signature off, so that the record can be corrected; the history keeps who signed and who took it off."""
    signature = examination.signature
    if signature is None:
        raise UsageError("signing.not_signed")
    if not reader.strip():
        raise UsageError("signing.no_reader_to_unsign")
    old = {"reader": signature.reader, "time": signature.time, "record_sha256": signature.record_sha256}
    entry = HistoryEntry(UNSIGNED, None, old, None, reader, time)
    unsigned = replace(_thawed(examination), signature=None, signed_text=None)
    return replace(unsigned, history=(*examination.history, entry))


def is_intact(examination: Examination) -> bool:
    """Tell whether a signed record is as it was signed (True for an unsigned one); a key is not looked at."""
    return examination.signature is None or examination.signature.record_sha256 == record_sha256(examination)


def _frozen(examination: Examination) -> Examination:
    """Keep every sentence as it is shown now."""
    return _with_words(examination, lambda words: words.frozen())


def _lasting(examination: Examination) -> Examination:
    """Return the record with its numbers as any program writes them that reads JSON and writes it again.

    JavaScript knows one kind of number: it writes 3.0 as 3 and -0.0 as 0. Where a field is a float the two read alike,
    but what a correction was from and to, and the facts of a sentence, are kept as they are written.
    """
    return Examination.from_json(json.dumps(_as_one_kind(examination.to_dict())))


def _as_one_kind(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_one_kind(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_one_kind(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_EXACT else value


def _thawed(examination: Examination) -> Examination:
    """Let every sentence be composed again whenever it is shown."""
    return _with_words(examination, lambda words: words.thawed())


def _with_words(examination: Examination, changed: Callable[[Any], Any]) -> Examination:
    """Return the record with its findings, assessments and phrases ``changed``."""
    quality, choice, automatic = examination.quality, examination.calibration_choice, examination.automatic
    if choice is not None:
        choice = replace(choice, reason=changed(choice.reason), drift=tuple(changed(one) for one in choice.drift))
    if automatic is not None:
        automatic = replace(
            automatic, assessment=changed(automatic.assessment), names_remark=changed(automatic.names_remark)
        )
    return replace(
        examination,
        findings=tuple(changed(finding) for finding in examination.findings),
        assessment=changed(examination.assessment),
        quality=replace(quality, names_remark=changed(quality.names_remark)),
        calibration_choice=choice,
        automatic=automatic,
    )


def _covered(examination: Examination) -> dict[str, Any]:
    if examination.signature is not None:
        values = replace(examination, signed_text=None).to_dict()
        signature = values["signature"]
        del signature["record_sha256"]
        if signature["key"] is not None:
            del signature["key"]["value"]
    else:
        values = examination.comparable()
        del values["files"]
    # A sentence that is not kept is composed from what is covered, in whatever language.
    for finding in values["findings"]:
        if not finding["frozen"]:
            del finding["message"]
    for concluded in (values, values["automatic"] or {}):
        if "assessment" in concluded and not concluded["assessment"]["frozen"]:
            del concluded["assessment"]["statement"]
    return values


def signed_part(examination: Examination) -> Examination:
    """Return what may be shown of a record: of one that was signed under an earlier schema, what its signature covers.

    A signature of today covers all there is.
    """
    if examination.signed_text is None:
        return examination
    source = replace(examination.scan.source, file_name=None, choice=None, other_series=(), passed_over=())
    return replace(
        examination,
        scan=replace(examination.scan, source=source),
        findings=tuple(one for one in examination.findings if one.code is not FindingCode.OTHER_SERIES),
        timing_s={},
        measured_at=None,
    )


def missing_signature(examination: Examination) -> HistoryEntry | None:
    """Return the history's entry that says the record is signed, if it bears no signature; else None."""
    if examination.signature is not None:
        return None
    said = [entry for entry in examination.history if entry.what in (SIGNED, UNSIGNED)]
    return said[-1] if said and said[-1].what == SIGNED else None


def with_mask_files(examination: Examination, files: tuple[FileReference, ...]) -> Examination:
    """Return the record with its mask files as they were written now; what a signature covers stays as it was signed.

    The digests of the masks tell whether files that were written later hold the same.
    """
    is_covered = examination.signature is not None and examination.signed_text is None
    return examination if is_covered else replace(examination, files=files)


def _is_as_signed(examination: Examination) -> bool:
    """Tell whether the record is still what its text of an earlier schema says, as far as that was covered."""
    if examination.signed_text is None:
        return False
    then = replace(Examination.from_json(examination.signed_text), files=examination.files)
    return signed_part(then) == signed_part(examination)


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and item != [] and item != {}}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
