"""The record as DICOM objects: segmentation, structured report, encapsulated PDF and a picture."""

from .context import Context, Predecessor
from .objects import DICOMObjects, make_objects
from .source import SourceSeries, read_source

__all__ = ["Context", "DICOMObjects", "Predecessor", "SourceSeries", "make_objects", "read_source"]
