"""The record of one examination, how it is concluded from, and how it is measured into."""

from .conclude import conclude, unused_levels
from .measuring import BodyMask, measure_voi
from .record import (
    SCHEMA,
    AutomaticResult,
    AutomaticValues,
    Examination,
    Exclusion,
    FileReference,
    HistoryEntry,
    Measurement,
    OtherSeries,
    PatientIdentity,
    ScanIdentity,
    Software,
    VertebraRecord,
    identify,
)
from .same_body import is_measured_body
from .signature import KeySignature, Signature
from .signing import SIGNED, UNSIGNED, SigningKey, canonical_json, is_intact, record_sha256, sign, unsign

__all__ = [
    "SCHEMA",
    "SIGNED",
    "UNSIGNED",
    "AutomaticResult",
    "AutomaticValues",
    "BodyMask",
    "Examination",
    "Exclusion",
    "FileReference",
    "HistoryEntry",
    "KeySignature",
    "Measurement",
    "OtherSeries",
    "PatientIdentity",
    "ScanIdentity",
    "Signature",
    "SigningKey",
    "Software",
    "VertebraRecord",
    "canonical_json",
    "conclude",
    "identify",
    "is_intact",
    "is_measured_body",
    "measure_voi",
    "record_sha256",
    "sign",
    "unsign",
    "unused_levels",
]
