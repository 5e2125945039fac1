"""The record as DICOM objects: segmentation, structured report, encapsulated PDF and a picture."""

from .objects import make_objects
from .source import NoDICOMObjects, SourceSeries, read_source, read_source_files

__all__ = [
    "NoDICOMObjects",
    "SourceSeries",
    "make_objects",
    "read_source",
    "read_source_files",
]
