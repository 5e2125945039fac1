"""The headers of the measured series, read again from the input, for what the new objects share with them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from ...ground.errors import UsageError
from ...ground.files import open_regular
from ...ground.progress import Progress, silent
from ...ground.text import visible
from ...scan import ScanDescription
from ...scan.dicom_headers import DAMAGED
from ...scan.dicom_text import as_meant
from ...words import Phrase

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
_GEOMETRY = ("Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient")
# Type 1 in the new objects: each has a value, and a valid one, or there are no objects.
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPClassUID", "SOPInstanceUID")
# Components with leading zeros break PS3.5 9.1, but archives hold such studies, and the objects must join theirs.
_UID = re.compile(r"(?=.{1,64}$)\d+(\.\d+)+")
# Value, longest (DICOM PS3.5 table 6.2-1). What identifies the patient or the order is never cut.
_IDENTITY = {"PatientID": 64, "AccessionNumber": 16}
_CUT = {"StudyID": 16, "StudyDescription": 64, "InstitutionName": 64, "IssuerOfPatientID": 64}
_NAMES = ("PatientName", "ReferringPhysicianName")
_NAME_GROUP_LONGEST = 64
UTF8 = "ISO_IR 192"
LONGEST_MM = 1000.0  # a thicker slice is a slip of the header


class NoDICOMObjects(UsageError):
    """The scan's headers allow no valid DICOM object; everything else of a report can be made."""


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """The measured images, in the order that the scan is stored in; their texts cleaned and in Unicode."""

    images: tuple[Dataset, ...]

    @property
    def first(self) -> Dataset:
        """The image that speaks for patient and study."""
        return self.images[0]


def read_source(path: Path, scan: ScanDescription, progress: Progress = silent) -> SourceSeries:
    """Read the headers of the images that the record names, in the folder ``path`` or next to the file ``path``.

    Raises:
        UsageError: they are not all there.
        NoDICOMObjects: a UID is missing or invalid, or DICOM has no room for the patient ID or the accession number.
    """
    path = Path(path)
    files = sorted(file for file in (path.rglob("*") if path.is_dir() else path.parent.iterdir()) if file.is_file())
    return read_source_files(files, scan, path.name or str(path), progress)


def read_source_files(
    files: Sequence[Path], scan: ScanDescription, place: str, progress: Progress = silent
) -> SourceSeries:
    """Read the headers among ``files``, which lie in what is called ``place``; errors as :func:`read_source`."""
    wanted = set(scan.source.sop_instance_uids)
    if "" in wanted:
        raise NoDICOMObjects("dicom.no_uid", keyword="SOPInstanceUID")
    found: dict[str, Dataset] = {}
    for done, file in enumerate(files):
        progress("read", done / len(files))
        image = _read(file)
        uid = "" if image is None else _text(image, "SOPInstanceUID")
        if image is not None and uid in wanted:
            found[uid] = image
    missing = len(wanted) - len(found)
    if missing or not wanted:
        lacking = missing or Phrase("dicom.all")
        raise UsageError("dicom.images_missing", place=place, missing=lacking, images=len(wanted))
    images = list(found.values())
    cleaned = sorted((clean_header(image) for image in images), key=_height)
    _state_thickness(cleaned)
    return SourceSeries(tuple(cleaned))


def _read(file: Path) -> Dataset | None:
    """Return the header of a file; None if it is not a DICOM object."""
    try:
        with open_regular(file) as stream:
            return pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=list(_KEYWORDS), force=True)
    except (*DAMAGED, OSError):
        return None


def clean_header(image: Dataset) -> Dataset:
    """Return what the new objects take from one image's header, in valid DICOM; empty where it is not stated.

    Raises:
        NoDICOMObjects: they would have an empty or invalid UID, or another patient ID or accession number.
    """
    clean = Dataset()
    clean.SpecificCharacterSet = UTF8
    for keyword in _UIDS:
        setattr(clean, keyword, _uid(image, keyword))
    clean.Modality = "CT"
    for keyword in _GEOMETRY:
        value = _value(image, keyword)
        if value is not None:
            setattr(clean, keyword, value)
    thickness = _value(image, "SliceThickness")
    is_length = isinstance(thickness, float) and 0.0 < thickness < LONGEST_MM
    clean.SliceThickness = thickness if is_length else None
    for keyword in _NAMES:
        setattr(clean, keyword, _name(_text(image, keyword)))
    for keyword, longest in _IDENTITY.items():
        setattr(clean, keyword, _identifier(image, keyword, longest))
    for keyword, longest in _CUT.items():
        cut = visible(_text(image, keyword), instead=" ", keep=_WIDE_SPACE).replace("\\", "/")[:longest].strip()
        if cut or keyword == "StudyID":
            setattr(clean, keyword, cut)
    clean.PositionReferenceIndicator = ""
    clean.PatientBirthDate = _date(_text(image, "PatientBirthDate"))
    clean.StudyDate = _date(_text(image, "StudyDate"))
    clean.StudyTime = _time(_text(image, "StudyTime"))
    clean.PatientSex = _matching("[MFO]", _text(image, "PatientSex").upper())
    clean.InstanceNumber = _matching(r"\d{1,9}", _text(image, "InstanceNumber")) or None
    return clean


def _uid(image: Dataset, keyword: str) -> str:
    uid = _text(image, keyword)
    if not uid:
        raise NoDICOMObjects("dicom.no_uid", keyword=keyword)
    if not _UID.fullmatch(uid):
        raise NoDICOMObjects("dicom.invalid_uid", keyword=keyword, uid=visible(uid, 80))
    return uid


def _identifier(image: Dataset, keyword: str, longest: int) -> str:
    identifier = _text(image, keyword)
    if len(identifier) > longest or _has_control(identifier) or "\\" in identifier:
        raise NoDICOMObjects("dicom.invalid_identifier", keyword=keyword, longest=longest)
    return identifier


def _state_thickness(images: Sequence[Dataset]) -> None:
    """Give images that state no slice thickness the distance between them: a segmentation must state one."""
    distance = float(np.median(np.diff([_height(image) for image in images]))) if len(images) > 1 else 1.0
    for image in images:
        if image.SliceThickness is None:
            image.SliceThickness = f"{distance:.6g}"


def _height(image: Dataset) -> float:
    """Return how far along the slices' normal an image lies, which is the order of the stored grid."""
    along = np.asarray([float(value) for value in image.ImageOrientationPatient]).reshape(2, 3)
    position = np.asarray([float(value) for value in image.ImagePositionPatient])
    return float(np.cross(along[0], along[1]) @ position)


def _value(image: Dataset, keyword: str) -> Any:
    """Return a tag's value; None where it is not there, or is none that its representation allows."""
    try:
        return image.get(keyword)
    except (*DAMAGED, OverflowError):
        return None


def _text(image: Dataset, keyword: str) -> str:
    value = _value(image, keyword)
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        return "\\".join(as_meant(str(part)) for part in value)
    return as_meant(str(value)).strip()


def _name(text: str) -> str:
    """Return a person name whose component groups have at most 64 letters."""
    groups = visible(text, instead=" ", keep=_WIDE_SPACE).replace("\\", " ").split("=")[:3]
    return "=".join("^".join(group[:_NAME_GROUP_LONGEST].split("^")[:5]).strip() for group in groups).rstrip("=")


def _has_control(text: str) -> bool:
    return any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in text)


def _matching(pattern: str, text: str) -> str:
    return text if re.fullmatch(pattern, text) else ""


def _date(date: str) -> str:
    return date if re.fullmatch(r"\d{8}", date) and _reads_as(date, "%Y%m%d") else ""


def _time(time: str) -> str:
    form = {2: "%H", 4: "%H%M", 6: "%H%M%S"}.get(len(time.partition(".")[0]), "")
    return time if re.fullmatch(r"\d{2,6}(\.\d{1,6})?", time) and _reads_as(time.partition(".")[0], form) else ""


def _reads_as(moment: str, form: str) -> bool:
    try:
        datetime.strptime(moment, form)
    except ValueError:
        return False
    return True
