"""The record as DICOM objects: segmentation, structured report, encapsulated PDF and a picture."""

from .context import Context, Predecessor
from .objects import DICOMObjects, EarlierReport, make_objects, read_earlier
from .source import NoDICOMObjects, SourceSeries, read_source, read_source_files

__all__ = [
    "Context",
    "DICOMObjects",
    "EarlierReport",
    "NoDICOMObjects",
    "Predecessor",
    "SourceSeries",
    "make_objects",
    "read_earlier",
    "read_source",
    "read_source_files",
]
