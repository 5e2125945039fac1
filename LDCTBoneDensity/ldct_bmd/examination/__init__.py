"""The record of one examination, how it is concluded from, and how it is measured into."""

from .conclude import conclude, unused_levels
from .exclusion import Exclusion, ExclusionReason, exclusion_text
from .measured_voi import BodyMask, measure_voi
from .record import (
    SCHEMA,
    AutomaticResult,
    AutomaticValues,
    Evidence,
    Examination,
    FileReference,
    HistoryEntry,
    Measurement,
    Software,
    VertebraRecord,
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
    "Evidence",
    "Examination",
    "Exclusion",
    "ExclusionReason",
    "FileReference",
    "HistoryEntry",
    "KeySignature",
    "Measurement",
    "Signature",
    "SigningKey",
    "Software",
    "VertebraRecord",
    "canonical_json",
    "conclude",
    "exclusion_text",
    "is_intact",
    "is_measured_body",
    "measure_voi",
    "record_sha256",
    "sign",
    "unsign",
    "unused_levels",
]
