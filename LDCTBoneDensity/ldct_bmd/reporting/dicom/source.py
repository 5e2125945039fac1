"""The headers of the measured series, read again from the input, for what the new objects share with them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from ...ground.errors import UsageError
from ...ground.progress import Progress, silent
from ...ground.text import visible
from ...scan import ScanDescription
from ...scan.dicom_headers import DAMAGED

_WIDE_SPACE = "\u3000"  # parts Japanese names
_KEYWORDS = (
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "Modality",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "ReferringPhysicianName",
    "InstitutionName",
    "InstanceNumber",
    "Rows",
    "Columns",
    "PixelSpacing",
    "SliceThickness",
    "ImagePositionPatient",
    "ImageOrientationPatient",
)
_GEOMETRY = ("Rows", "Columns", "PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient")
_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
# Value, longest (DICOM PS3.5 table 6.2-1). What identifies the patient or the order is never cut.
_IDENTITY = {"PatientID": 64, "AccessionNumber": 16}
_CUT = {"StudyID": 16, "StudyDescription": 64, "InstitutionName": 64, "IssuerOfPatientID": 64}
_NAMES = ("PatientName", "ReferringPhysicianName")
_NAME_GROUP_LONGEST = 64
UTF8 = "ISO_IR 192"


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """The measured images, in the order that the scan is stored in; their texts cleaned and in Unicode."""

    images: tuple[Dataset, ...]

    @property
    def first(self) -> Dataset:
        """The image that speaks for patient and study."""
        return self.images[0]


def read_source(path: Path, scan: ScanDescription, progress: Progress = silent) -> SourceSeries:
    """Read the headers of the images that the record names, in the folder ``path`` or beside the file ``path``.

    Raises:
        UsageError: they are not all there, or DICOM has no room for the patient ID or the accession number.
    """
    path = Path(path)
    files = sorted(file for file in (path.rglob("*") if path.is_dir() else path.parent.iterdir()) if file.is_file())
    return read_source_files(files, scan, path.name or str(path), progress)


def read_source_files(
    files: Sequence[Path], scan: ScanDescription, place: str, progress: Progress = silent
) -> SourceSeries:
    """Read the headers among ``files``, which lie in what is called ``place``; UsageError as :func:`read_source`."""
    wanted = set(scan.source.sop_instance_uids)
    found: dict[str, Dataset] = {}
    for done, file in enumerate(files):
        progress("read", done / len(files))
        image = _read(file)
        if image is not None and str(image.get("SOPInstanceUID", "")) in wanted:
            found[str(image.SOPInstanceUID)] = image
    missing = len(wanted) - len(found)
    if missing or not wanted:
        raise UsageError(
            f"{place} lacks {missing or 'all'} of the {len(wanted)} images that were measured; "
            "give the scan that the record is of."
        )
    images = list(found.values())
    cleaned = [clean_header(image) for image in images]
    return SourceSeries(tuple(sorted(cleaned, key=_height)))


def _read(file: Path) -> Dataset | None:
    """Return the header of a file; None where it is no DICOM object."""
    try:
        return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(_KEYWORDS), force=True)
    except (*DAMAGED, OSError):
        return None


def clean_header(image: Dataset) -> Dataset:
    """Return what the new objects take from one image's header, in valid DICOM; empty where it is not stated."""
    clean = Dataset()
    clean.SpecificCharacterSet = UTF8
    for keyword in _UIDS:
        setattr(clean, keyword, _text(image, keyword))
    clean.Modality = "CT"
    for keyword in _GEOMETRY:
        if keyword in image:
            setattr(clean, keyword, image[keyword].value)
    for keyword in _NAMES:
        setattr(clean, keyword, _name(_text(image, keyword)))
    for keyword, longest in _IDENTITY.items():
        text = _text(image, keyword)
        if len(text) > longest or _has_control(text) or "\\" in text:
            raise UsageError(
                f"The scan's {keyword} is not valid in DICOM (more than {longest} letters, a backslash or a control "
                "character): no DICOM objects are made, since a PACS could file them under another patient or order."
            )
        setattr(clean, keyword, text)
    for keyword, longest in _CUT.items():
        text = visible(_text(image, keyword), instead=" ", keep=_WIDE_SPACE).replace("\\", "/")[:longest].strip()
        if text or keyword == "StudyID":
            setattr(clean, keyword, text)
    clean.PositionReferenceIndicator = ""
    clean.PatientBirthDate = _matching(r"\d{8}", _text(image, "PatientBirthDate"))
    clean.StudyDate = _matching(r"\d{8}", _text(image, "StudyDate"))
    clean.StudyTime = _matching(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?", _text(image, "StudyTime"))
    clean.PatientSex = _matching("[MFO]", _text(image, "PatientSex").upper())
    clean.InstanceNumber = _matching(r"\d{1,9}", _text(image, "InstanceNumber")) or None
    return clean


def _height(image: Dataset) -> float:
    """Return how far along the slices' normal an image lies, which is the order of the stored grid."""
    along = np.asarray([float(value) for value in image.ImageOrientationPatient]).reshape(2, 3)
    position = np.asarray([float(value) for value in image.ImagePositionPatient])
    return float(np.cross(along[0], along[1]) @ position)


def _text(image: Dataset, keyword: str) -> str:
    value = image.get(keyword)
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        return "\\".join(str(part) for part in value)
    return str(value).strip()


def _name(text: str) -> str:
    """Return a person name whose component groups have at most 64 letters."""
    groups = visible(text, instead=" ", keep=_WIDE_SPACE).replace("\\", " ").split("=")[:3]
    return "=".join("^".join(group[:_NAME_GROUP_LONGEST].split("^")[:5]).strip() for group in groups).rstrip("=")


def _has_control(text: str) -> bool:
    return any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in text)


def _matching(pattern: str, text: str) -> str:
    return text if re.fullmatch(pattern, text) else ""
