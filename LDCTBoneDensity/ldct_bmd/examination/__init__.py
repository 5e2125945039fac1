"""The record of one examination, how it is concluded from, and how it is measured into."""

from .conclude import conclude
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

__all__ = [
    "SCHEMA",
    "AutomaticResult",
    "AutomaticValues",
    "BodyMask",
    "Examination",
    "Exclusion",
    "FileReference",
    "HistoryEntry",
    "Measurement",
    "OtherSeries",
    "PatientIdentity",
    "ScanIdentity",
    "Software",
    "VertebraRecord",
    "conclude",
    "identify",
    "measure_voi",
]
