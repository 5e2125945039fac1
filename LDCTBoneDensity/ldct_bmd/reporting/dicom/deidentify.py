"""The source headers as de-identified objects refer to them."""

import hashlib
import hmac
import os
import secrets
import uuid
from copy import deepcopy

from pydicom.dataset import Dataset

from .source import SourceSeries

# With the same key two exports refer to the same images by the same UIDs, as HMAC-SHA-256 of the true ones.
KEY_VARIABLE = "LDCT_BMD_DEIDENTIFY_KEY"
_UIDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")
_EMPTIED = (
    "PatientBirthDate",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
_DELETED = ("InstitutionName", "StudyDescription", "IssuerOfPatientID")


def deidentified_source(source: SourceSeries, key: bytes | None = None) -> SourceSeries:
    """Return headers that name no patient and whose UIDs lead back to nothing without ``key``.

    Without a key, here or in the environment, a random one is used once and forgotten.
    """
    if key is None:
        stored = os.environ.get(KEY_VARIABLE, "")
        key = stored.encode() if stored else secrets.token_bytes(32)
    pseudonym = "DEID-" + _digest(key, "patient " + source.first.PatientID).hex()[:12].upper()
    return SourceSeries(tuple(_image(image, key, pseudonym) for image in source.images))


def _image(image: Dataset, key: bytes, pseudonym: str) -> Dataset:
    clean = deepcopy(image)
    for keyword in _UIDS:
        if clean.get(keyword):
            number = uuid.UUID(bytes=_digest(key, clean[keyword].value)[:16], version=4).int
            setattr(clean, keyword, f"2.25.{number}")
    clean.PatientName, clean.PatientID = f"{pseudonym}^", pseudonym
    for keyword in _EMPTIED:
        setattr(clean, keyword, "")
    for keyword in _DELETED:
        if keyword in clean:
            delattr(clean, keyword)
    return clean


def _digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
