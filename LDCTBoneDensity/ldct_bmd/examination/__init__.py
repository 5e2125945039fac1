"""The record of one examination, how it is concluded from, and how it is measured into."""

from .bodies import Bodies, bodies_in, box_around, label_map, same_voxels, widened
from .conclude import conclude, unused_levels
from .digests import mask_sha256, voxels_sha256
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
    UnnamedVertebra,
    VertebraRecord,
)
from .same_body import is_measured_body
from .signature import KeySignature, Signature
from .signing import (
    SIGNED,
    UNSIGNED,
    OpenPoints,
    SigningKey,
    canonical_json,
    is_intact,
    missing_signature,
    open_points,
    record_sha256,
    sign,
    signed_part,
    unsign,
    with_mask_files,
)

__all__ = [
    "SCHEMA",
    "SIGNED",
    "UNSIGNED",
    "AutomaticResult",
    "AutomaticValues",
    "Bodies",
    "BodyMask",
    "Evidence",
    "Examination",
    "Exclusion",
    "ExclusionReason",
    "FileReference",
    "HistoryEntry",
    "KeySignature",
    "Measurement",
    "OpenPoints",
    "Signature",
    "SigningKey",
    "Software",
    "UnnamedVertebra",
    "VertebraRecord",
    "bodies_in",
    "box_around",
    "canonical_json",
    "conclude",
    "exclusion_text",
    "is_intact",
    "is_measured_body",
    "label_map",
    "mask_sha256",
    "measure_voi",
    "missing_signature",
    "open_points",
    "record_sha256",
    "same_voxels",
    "sign",
    "signed_part",
    "unsign",
    "unused_levels",
    "voxels_sha256",
    "widened",
    "with_mask_files",
]
