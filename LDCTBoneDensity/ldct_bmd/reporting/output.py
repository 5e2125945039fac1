"""What can be written of an examination, and what it replaces; needs none of the packages that write it."""

from dataclasses import dataclass
from enum import Enum


class Output(str, Enum):
    """One kind of output."""

    RECORD = "record"  # with masks, VOIs and the overview where there are pixels
    HTML = "html"
    PDF = "pdf"
    TABLES = "tables"
    SEG = "seg"
    SR = "sr"
    DICOM_PDF = "dicom_pdf"
    DICOM_OVERVIEW = "dicom_overview"
    LABEL_MAP = "label_map"  # the form of SEG, which is binary without it
    FHIR = "fhir"


# DICOM Supplement 243; pydicom 3.0 has no name for it.
LABEL_MAP_SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"
DICOM_OUTPUTS = frozenset({Output.SEG, Output.SR, Output.DICOM_PDF, Output.DICOM_OVERVIEW})
ON_REQUEST = frozenset({Output.LABEL_MAP, Output.FHIR})
ALL_OUTPUTS = frozenset(Output) - ON_REQUEST
REPORT_OUTPUTS = ALL_OUTPUTS - {Output.RECORD}


@dataclass(frozen=True)
class Predecessor:
    """The structured report that a new one replaces."""

    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class EarlierReport:
    """The structured report of an earlier export, and the one that it replaced."""

    report: Predecessor
    replaced: Predecessor | None = None
