"""Signing a record, taking the signature back, and telling whether a signed record was changed."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from ..ground.errors import UsageError
from .record import Examination, HistoryEntry
from .signature import KeySignature, Signature
from .upgrade import signed_values

# What the history says was done, beside the corrections.
SIGNED = "signed"
UNSIGNED = "unsigned"


class SigningKey(Protocol):
    """A site's private key."""

    def sign(self, message: bytes) -> KeySignature:
        """Return the signature over ``message``."""
        ...


def canonical_json(examination: Examination) -> bytes:
    """Return the bytes that a signature covers: the comparable record as JSON, keys sorted, no blanks, UTF-8.

    Who signed and when are in it, the hash and the key's signature are not. Entries that are null or empty are left
    out, so that a field which a later version adds with such a default leaves an old signature intact; a finding's
    severity follows from its code, and a sentence that nobody signed yet from its facts and the language. The files of
    the masks are left out too: they are written after the signature as well as before it, and each body's centroid and
    volume, which are covered, tell a changed mask.

    The signature on a record of an earlier schema covers the text of then.
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


def sign(
    examination: Examination, reader: str, time: str, organization: str | None = None, key: SigningKey | None = None
) -> Examination:
    """Sign the record as it stands, with the sentences that are shown; it takes no correction until it is unsigned.

    ``time`` is ISO 8601, given by the caller. UsageError if it is signed already, or the reader has no name.
    """
    if examination.signature is not None:
        raise UsageError("signing.signed_already", reader=examination.signature.reader)
    if not reader.strip():
        raise UsageError("signing.no_reader")
    organization = (organization or "").strip() or None
    entry = HistoryEntry(SIGNED, None, None, {"organization": organization}, reader, time)
    signed = replace(
        _frozen(examination),
        history=(*examination.history, entry),
        signature=Signature(reader, time, "", organization),
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
    values = examination.comparable()
    del values["files"]
    for finding in values["findings"]:
        del finding["severity"]
        if not finding["frozen"]:
            del finding["message"]
    for concluded in (values, values["automatic"] or {}):
        if "assessment" in concluded and not concluded["assessment"]["frozen"]:
            del concluded["assessment"]["statement"]
    if examination.signature is not None:
        del values["signature"]["record_sha256"], values["signature"]["key"]
    return values


def _is_as_signed(examination: Examination) -> bool:
    """Tell whether the record is still what its text of an earlier schema says, but for the mask files."""
    text = examination.signed_text
    return text is not None and replace(Examination.from_json(text), files=examination.files) == examination


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and item != [] and item != {}}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
