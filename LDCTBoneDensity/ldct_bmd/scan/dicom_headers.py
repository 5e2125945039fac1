"""The headers of all DICOM objects under a folder, without their pixels."""

import math
import os
import struct
import zlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from ..ground.errors import CannotMeasure
from ..ground.files import open_regular
from ..ground.progress import Progress, silent
from ..words import Phrase
from .dicom_text import as_meant

# What pydicom and the decoders throw at bytes that they did not expect; RecursionError is a RuntimeError.
DAMAGED = (
    InvalidDicomError,
    BytesLengthException,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_TAGS = (
    "SpecificCharacterSet",
    "ImageType",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyDate",
    "AcquisitionDate",
    "AcquisitionTime",
    "AcquisitionDateTime",
    "AccessionNumber",
    "Modality",
    "Manufacturer",
    "StationName",
    "SeriesDescription",
    "ManufacturerModelName",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "ContrastBolusAgent",
    "ContrastBolusAgentSequence",
    "ContrastBolusIngredient",
    "ContrastBolusVolume",
    "ContrastBolusTotalDose",
    "BodyPartExamined",
    "SliceThickness",
    "KVP",
    "ReconstructionDiameter",
    "DeviceSerialNumber",
    "ProtocolName",
    "XRayTubeCurrent",
    "Exposure",
    "FilterType",
    "FilterMaterial",
    "ConvolutionKernel",
    "GantryDetectorTilt",
    "NominalPercentageOfCardiacPhase",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "AcquisitionNumber",
    "InstanceNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "FrameOfReferenceUID",
    "SliceLocation",
    "TemporalPositionIdentifier",
    "PositionReferenceIndicator",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "PixelSpacing",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
)


@dataclass(frozen=True)
class _Converted:
    """The values of a tag as texts, and as numbers if all are finite ones."""

    texts: tuple[str, ...]
    numbers: NDArray[np.float64] | None

    @property
    def joined(self) -> str:
        return "\\".join(self.texts).strip("\\")


# What a value was converted from: its keyword, bytes and VR, and what else in the header its meaning hangs on.
_Raw = tuple[Hashable, ...]


@dataclass(frozen=True, eq=False)
class SliceHeader:
    """One DICOM object: where it is and what its header says.

    Attributes:
        pixels_at: where in the file the element of the pixels begins, if the file is stored as it was read.
        shared: what was converted for other objects read with it: most tags are the same in all slices.
    """

    path: Path
    tags: Dataset
    pixels_at: int = 0
    shared: dict[_Raw, _Converted] = field(default_factory=dict, repr=False)
    _converted: dict[str, _Converted] = field(default_factory=dict, repr=False)

    def text(self, keyword: str) -> str | None:
        """Return a tag as text, several values joined by a backslash; None where it is missing or empty."""
        return self._values(keyword).joined or None

    def number(self, keyword: str) -> float | None:
        """Return a tag as a finite number; None where it is missing, empty or no number."""
        numbers = self.numbers(keyword, 1)
        return None if numbers is None else float(numbers[0])

    def numbers(self, keyword: str, count: int) -> NDArray[np.float64] | None:
        """Return a tag of ``count`` finite numbers; None where it is anything else."""
        values = self._values(keyword).numbers
        return values if values is not None and len(values) == count else None

    def _values(self, keyword: str) -> _Converted:
        if keyword not in self._converted:
            self._converted[keyword] = self._shared_or_new(keyword)
        return self._converted[keyword]

    def _shared_or_new(self, keyword: str) -> _Converted:
        element = _stored(self.tags, keyword)
        if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
            return _convert(self.tags, keyword)
        key = (keyword, element.value, element.VR, element.is_implicit_VR, element.is_little_endian, self._context)
        if key not in self.shared:
            self.shared[key] = _convert(self.tags, keyword)
        return self.shared[key]

    @cached_property
    def _context(self) -> tuple[str, ...]:
        """How bytes become letters, and whether those of pixel values have a sign."""
        elements = (_stored(self.tags, keyword) for keyword in ("SpecificCharacterSet", "PixelRepresentation"))
        return tuple("" if element is None else str(element.value) for element in elements)

    @cached_property
    def series_uid(self) -> str:
        """SeriesInstanceUID."""
        return self.text("SeriesInstanceUID") or ""

    @cached_property
    def transfer_syntax(self) -> UID:
        """TransferSyntaxUID; empty where the file does not say."""
        return UID(_convert(getattr(self.tags, "file_meta", None) or Dataset(), "TransferSyntaxUID").joined)

    @cached_property
    def matrix(self) -> tuple[int, int] | None:
        """Columns and rows; None if one is missing or no number."""
        columns, rows = self.number("Columns"), self.number("Rows")
        return None if columns is None or rows is None else (int(columns), int(rows))

    @cached_property
    def contrast_meanings(self) -> tuple[str, ...]:
        """The meanings of the codes in ContrastBolusAgentSequence."""
        try:
            items = list(self.tags.get("ContrastBolusAgentSequence") or [])
        except (*DAMAGED, OSError):
            return ()
        return tuple(
            text for item in items if isinstance(item, Dataset) and (text := _convert(item, "CodeMeaning").joined)
        )

    @cached_property
    def instance(self) -> int | None:
        """InstanceNumber."""
        value = self.number("InstanceNumber")
        return None if value is None else int(value)

    @cached_property
    def image_type(self) -> tuple[str, ...]:
        """The values of ImageType in capitals."""
        return tuple(part.strip().upper() for part in (self.text("ImageType") or "").split("\\") if part.strip())

    @cached_property
    def position_lps_mm(self) -> NDArray[np.float64] | None:
        """ImagePositionPatient, the centre of the first pixel."""
        return self.numbers("ImagePositionPatient", 3)

    @cached_property
    def orientation(self) -> NDArray[np.float64] | None:
        """(2, 3): unit LPS vectors along increasing column and along increasing row; None if they are no such pair."""
        values = self.numbers("ImageOrientationPatient", 6)
        if values is None:
            return None
        pair = values.reshape(2, 3)
        lengths = np.linalg.norm(pair, axis=1)
        if np.abs(lengths - 1).max() > 0.01 or abs(pair[0] @ pair[1]) > 0.01:
            return None
        return pair

    @cached_property
    def normal(self) -> NDArray[np.float64] | None:
        """Unit LPS vector across the slice, rows x columns; None without orientation."""
        if self.orientation is None:
            return None
        cross = np.cross(self.orientation[0], self.orientation[1])
        return cross / np.linalg.norm(cross)

    @property
    def name(self) -> str | Phrase:
        """How a sentence names this slice: instance number and file."""
        file = self.path.name
        return file if self.instance is None else Phrase("unfit.instance", {"number": self.instance, "file": file})


def _stored(tags: Dataset, keyword: str) -> DataElement | RawDataElement | None:
    """Return a tag as the file has it, if it was not converted yet; None where it is missing."""
    try:
        return tags.get_item(_tag(keyword))
    except (*DAMAGED, OSError):
        return None


@cache
def _tag(keyword: str) -> BaseTag:
    """Return a tag, which pydicom takes without a look into its dictionary."""
    return Tag(keyword)


def _convert(tags: Dataset, keyword: str) -> _Converted:
    """Convert a tag, the one place that does: pydicom throws all kinds of errors when a value is first asked for."""
    try:
        value = tags.get(keyword)
        parts = [] if value is None else list(value) if _is_sequence(value) else [value]
        texts = tuple(as_meant(str(part)).strip() for part in parts)
    except (*DAMAGED, OSError):  # pydicom's word for a sequence that is cut
        return _Converted((), None)
    return _Converted(texts, _finite(parts))


def _finite(parts: Sequence[Any]) -> NDArray[np.float64] | None:
    try:
        numbers = [float(part) for part in parts]
    except DAMAGED:
        return None
    if not numbers or not all(map(math.isfinite, numbers)):
        return None
    values = np.array(numbers)
    values.setflags(write=False)  # slices share it
    return values


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def read_headers(folder: Path, progress: Progress = silent) -> list[SliceHeader]:
    """Read the header of every DICOM object under ``folder``, in order of path.

    Files that are not DICOM are passed over. The same object twice counts once; CannotMeasure for a damaged or
    unreadable DICOM file and for two different objects under one UID.
    """
    paths = sorted(Path(root) / name for root, _, names in os.walk(folder, onerror=refuse_folder) for name in names)
    return read_header_files(paths, progress)


def refuse_folder(error: OSError) -> NoReturn:
    """Stop at a folder that can't be listed: slices in it would be missing without a word."""
    folder = Path(str(error.filename))
    raise CannotMeasure("scan.folder_not_opened", folder=folder.name or folder, reason=error.strerror) from error


def read_header_files(paths: Sequence[Path], progress: Progress = silent) -> list[SliceHeader]:
    """Do the same as :func:`read_headers` for a list of files."""
    headers = []
    shared: dict[_Raw, _Converted] = {}
    for done, path in enumerate(paths):
        if done % 16 == 0:
            progress("read", 0.1 * done / len(paths))
        header = read_header(path, shared=shared)
        if header is not None:
            headers.append(header)
    return _without_copies(headers)


def read_header(
    path: Path, keywords: Sequence[str] = _TAGS, shared: dict[_Raw, _Converted] | None = None
) -> SliceHeader | None:
    """Read one file's header; None if the file is no DICOM object of a series.

    Args:
        keywords: the tags that are wanted; SOPClassUID and SeriesInstanceUID among them.
        shared: see :class:`SliceHeader`.
    """
    if not path.is_file():  # a dangling link leads nowhere
        return None
    declared = False
    try:
        with open_regular(path) as stream:
            start = stream.read(132)
            declared = start[128:] == b"DICM"
            if not declared and not _may_lack_preamble(start):
                return None
            stream.seek(0)
            wanted = [_tag(keyword) for keyword in keywords]
            tags = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=wanted, force=not declared)
            pixels_at = stream.tell()
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's; pydicom's own have no number
            raise CannotMeasure("scan.file_not_opened", file=path.name, reason=error.strerror) from error
        if not declared:
            return None
        raise CannotMeasure("scan.damaged_dicom", file=path.name) from error
    header = SliceHeader(path, tags, pixels_at, {} if shared is None else shared)
    if header.text("SOPClassUID") is not None and header.series_uid:
        return header
    meta: Dataset = getattr(tags, "file_meta", None) or Dataset()
    if declared and _convert(meta, "MediaStorageSOPClassUID").joined != _MEDIA_DIRECTORY:
        # A slice cut short must not drop out of its series unnoticed.
        raise CannotMeasure("scan.damaged_dicom", file=path.name)
    return None


def _may_lack_preamble(start: bytes) -> bool:
    """Whether a file begins straight with an element of group 2 or 8, as old archives write it."""
    return len(start) == 132 and start[:2] in (b"\x02\x00", b"\x08\x00") and start[3:4] == b"\x00"


def _without_copies(headers: Iterable[SliceHeader]) -> list[SliceHeader]:
    kept: dict[str, SliceHeader] = {}
    for number, header in enumerate(headers):
        uid = header.text("SOPInstanceUID") or f"none {number}"
        first = kept.setdefault(uid, header)
        if first is not header and _differ(first, header):
            raise CannotMeasure("scan.same_uid", first=first.path.name, second=header.path.name)
    return list(kept.values())


def _differ(a: SliceHeader, b: SliceHeader) -> bool:
    keywords = ("SeriesInstanceUID", "PatientID", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient")
    return any(a.text(keyword) != b.text(keyword) for keyword in keywords)
