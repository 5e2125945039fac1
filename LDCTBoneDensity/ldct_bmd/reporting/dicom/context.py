"""What all DICOM objects of one export share: patient, study, times and UIDs."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    ExplicitVRLittleEndian,
    SegmentationStorage,
)

from ... import __version__
from ...examination import Examination, record_sha256
from ...ground.errors import UsageError
from ...words import ENGLISH, current_language
from ..output import LABEL_MAP_SEGMENTATION_STORAGE, Predecessor
from . import codes
from .source import UTF8, SourceSeries

MANUFACTURER = "ldct-bmd"
MODEL_NAME = "LDCT Bone Density"
DEVICE_SERIAL = "none"
IMPLEMENTATION_VERSION = "LDCTBMD_1"
# Any fixed UUID: it keeps the names that are hashed here apart from others' (RFC 4122, version 5).
_NAMESPACE = uuid.UUID("b1c0a7a4-54a8-4d0c-9d3b-5e8f2b7c6d10")
_DUMMY_TIME = datetime(2000, 1, 1)  # a date is mandatory, and the true one is not told
_SERIES = {
    "seg": ("SEG", 9901),
    "sr": ("SR", 9902),
    "report": ("DOC", 9903),
    "overview": ("OT", 9904),
    "vois": ("SEG", 9905),
}
FORMS = (False, True)  # of segmentations: binary, label map
_COPIED = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
)


@dataclass(frozen=True, eq=False)
class Context:
    """One export.

    UIDs follow from the record's state, when it was measured, the images, the predecessor, the software's version and
    the language: a re-export of the same record gives the same objects; a correction, a new measurement or another
    language gives new ones.

    Attributes:
        deidentified: says so in every object, and names no reader.
        labelmap: segmentations are label maps (DICOM Supplement 243), not binary.
    """

    examination: Examination
    source: SourceSeries
    predecessor: Predecessor | None = None
    deidentified: bool = False
    labelmap: bool = False

    @cached_property
    def state(self) -> str:
        """The SHA-256 that names the state of the record."""
        return record_sha256(self.examination)

    def uid(self, *what: str) -> str:
        """Return a UID of this export."""
        previous = "" if self.predecessor is None else self.predecessor.sop_instance_uid
        series_uid, measured_at = self.source.first.SeriesInstanceUID, self.examination.measured_at
        language = current_language()
        named = (series_uid, self.state, measured_at, previous, __version__, *what)
        return object_uid(*named, language=language, labelmap=self.labelmap)

    def tracking_uid(self, level: str, what: str) -> str:
        """Return the UID by which a region is known through all corrections of this scan's record."""
        return _uid(self.source.first.SeriesInstanceUID, "tracking", level, what)

    @cached_property
    def when(self) -> datetime:
        """When the record came to its state: signed, last corrected, or measured."""
        if self.deidentified:
            return _DUMMY_TIME
        examination = self.examination
        candidates = [
            None if examination.signature is None else examination.signature.time,
            *(entry.time for entry in reversed(examination.history)),
            examination.measured_at,
        ]
        for text in candidates:
            if text:
                moment = as_datetime(text)
                if moment is not None:
                    return moment
        first = self.source.first
        if first.StudyDate:
            return datetime.strptime(first.StudyDate + (first.StudyTime or "000000")[:6].ljust(6, "0"), "%Y%m%d%H%M%S")
        raise UsageError("dicom.no_time")

    def series(self, kind: str) -> tuple[str, int, str, str]:
        """Return series UID, series number, modality and SOP instance UID of the object ``kind``."""
        modality, number = _SERIES[kind]
        return self.uid(kind, "series"), number, modality, self.uid(kind, "instance")

    def stamp(self, dataset: Dataset) -> None:
        """Replace the times of making by those of the record, and say whether the object is de-identified."""
        date, time = self.when.strftime("%Y%m%d"), self.when.strftime("%H%M%S")
        dataset.InstanceCreationDate, dataset.InstanceCreationTime = date, time
        dataset.SeriesDate, dataset.SeriesTime = date, time
        if "ContentDate" in dataset:
            dataset.ContentDate, dataset.ContentTime = date, time
        for item in dataset.get("ContributingEquipmentSequence", []):
            if "ContributionDateTime" in item:
                item.ContributionDateTime = date + time
        dataset.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION
        if self.deidentified:
            dataset.PatientIdentityRemoved = "YES"
            dataset.DeidentificationMethod = codes.DEIDENTIFICATION
            dataset.LongitudinalTemporalInformationModified = "REMOVED"

    def new_dataset(self, kind: str, sop_class_uid: str, content: bytes = b"") -> Dataset:
        """Return a dataset with file meta, patient, study, series, equipment and SOP common attributes.

        ``content`` is what the object holds together with what follows from the record; other content has another UID.
        """
        series_uid, number, modality, instance_uid = self.series(kind)
        if content:
            instance_uid = self.uid(kind, "instance", hashlib.sha256(content).hexdigest())
        dataset = Dataset()
        dataset.preamble = b"\0" * 128
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.FileMetaInformationVersion = b"\0\1"
        dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class_uid)
        dataset.file_meta.MediaStorageSOPInstanceUID = UID(instance_uid)
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.ImplementationClassUID = UID(_uid("implementation"))
        dataset.SpecificCharacterSet = UTF8
        dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class_uid, instance_uid
        for keyword in _COPIED:
            if keyword in self.source.first:
                setattr(dataset, keyword, self.source.first[keyword].value)
        dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.InstanceNumber = series_uid, number, 1
        dataset.Modality, dataset.SeriesDescription = modality, codes.SERIES_DESCRIPTION[kind]
        dataset.Manufacturer, dataset.ManufacturerModelName = MANUFACTURER, MODEL_NAME
        dataset.SoftwareVersions, dataset.DeviceSerialNumber = __version__, DEVICE_SERIAL
        dataset.ContentDate, dataset.ContentTime = "", ""
        self.stamp(dataset)
        return dataset

    def equipment(self, kind: str) -> dict[str, Any]:
        """Return what highdicom asks of every object: its series and instance, the equipment, codes and letters."""
        series_uid, number, _, instance_uid = self.series(kind)
        return {
            "series_instance_uid": series_uid,
            "series_number": number,
            "series_description": codes.SERIES_DESCRIPTION[kind],
            "sop_instance_uid": instance_uid,
            "instance_number": 1,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": MODEL_NAME,
            "software_versions": __version__,
            "device_serial_number": DEVICE_SERIAL,
            "specific_character_set": UTF8,
            "coding_schemes": [codes.private_scheme()],
        }

    def image_references(self) -> list[Dataset]:
        """Return an item of a reference sequence for each source image."""
        return [_reference(image.SOPClassUID, image.SOPInstanceUID) for image in self.source.images]

    @property
    def segmentation_class(self) -> UID:
        """The SOP class of the segmentations of this export."""
        return UID(LABEL_MAP_SEGMENTATION_STORAGE) if self.labelmap else SegmentationStorage

    def vois_identity(self) -> list[Dataset]:
        """Return what names the VOIs' segmentation of this export, whether or not it is made; empty without VOIs."""
        if not self.examination.measurements:
            return []
        series_uid, _, _, instance_uid = self.series("vois")
        identity = Dataset()
        identity.StudyInstanceUID, identity.SeriesInstanceUID = self.source.first.StudyInstanceUID, series_uid
        identity.SOPClassUID, identity.SOPInstanceUID = self.segmentation_class, instance_uid
        return [identity]

    def report_reference(self) -> Dataset:
        """Return an item of a reference sequence for the structured report of this export."""
        return _reference(Comprehensive3DSRStorage, self.series("sr")[3])


def object_uid(
    series_uid: str,
    state: str,
    measured_at: str | None,
    previous: str,
    version: str,
    *what: str,
    language: str = ENGLISH,
    labelmap: bool = False,
) -> str:
    """Return the UID of what an export of a record holds.

    Args:
        series_uid: of the measured images.
        state: SHA-256 of the record.
        previous: SOP instance UID of the structured report that the export's own replaces; "" where it replaces none.
        version: of the software.
        what: which of the export's UIDs, such as ("sr", "instance").
        language: of the export's text.
        labelmap: segmentations of the export are label maps.
    """
    spoken = () if language == ENGLISH else (language,)
    form = ("labelmap",) if labelmap else ()
    return _uid(series_uid, state, measured_at or "", previous, version, *what, *spoken, *form)


def document_digest(dataset: Dataset) -> tuple[str, ...]:
    """Return what further names an object whose content does not follow from the record; nothing for others."""
    document = dataset.get("EncapsulatedDocument")
    if document is None:
        return ()
    content = bytes(document)[: int(dataset.get("EncapsulatedDocumentLength") or len(document))]
    return (hashlib.sha256(content).hexdigest(),)


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    return item


def code_item(code: Any) -> Dataset:
    """Return an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def as_datetime(text: str) -> datetime | None:
    """Read an ISO 8601 time; None where it is none."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def _uid(*what: str) -> str:
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(what)).int}"
