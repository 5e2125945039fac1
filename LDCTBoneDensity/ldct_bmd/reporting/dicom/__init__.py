"""The record as DICOM objects: segmentation, structured report, encapsulated PDF and a picture."""

from .objects import holds_label_maps, make_objects, read_earlier
from .source import NoDICOMObjects, SourceSeries, read_source, read_source_files

__all__ = [
    "NoDICOMObjects",
    "SourceSeries",
    "holds_label_maps",
    "make_objects",
    "read_earlier",
    "read_source",
    "read_source_files",
]
