"""Reading a CT scan: DICOM folders, NIfTI, NRRD and MHA files, brought to one frame."""

from .ct_scan import (
    Acquisition,
    ChoiceReason,
    CTScan,
    Geometry,
    OtherSeries,
    Patient,
    ScanDescription,
    SeriesChoice,
    SeriesSummary,
    Source,
)
from .frame import to_source_geometry
from .image_files import scan_of_image
from .reader import list_series, read_scan
from .same_scan import is_same_scan, is_same_series

__all__ = [
    "Acquisition",
    "CTScan",
    "ChoiceReason",
    "Geometry",
    "OtherSeries",
    "Patient",
    "ScanDescription",
    "SeriesChoice",
    "SeriesSummary",
    "Source",
    "is_same_scan",
    "is_same_series",
    "list_series",
    "read_scan",
    "scan_of_image",
    "to_source_geometry",
]
