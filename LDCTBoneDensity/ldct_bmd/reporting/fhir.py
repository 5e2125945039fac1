"""The record as FHIR R4B resources in one Bundle, each checked by fhir.resources as it is made.

Codes: UCUM units, and the SNOMED CT and DICOM codes of the DICOM objects. BMD by QCT has no code in LOINC that is not
of another method, so that it is named by text alone. Birth dates are not in a record, and so not here.
"""

import uuid
from typing import Any

from fhir.resources.R4B.bundle import Bundle

from ..anatomy import SNOMED_CODE
from ..calibration import BMDError
from ..examination import Examination, Measurement, record_sha256, unused_levels
from ..ground.text import visible
from ..rules import ACR, rules_of
from ..words import text

SNOMED, DCM, UCUM = (
    "http://snomed.info/sct",
    "http://dicom.nema.org/resources/ontology/DCM",
    "http://unitsofmeasure.org",
)
_CATEGORIES = "http://terminology.hl7.org/CodeSystem/"
_DICOM_UID = "urn:dicom:uid"
# These name a quantity to a machine, and are the same in every language.
BMD_NAME = "Trabecular bone mineral density by QCT"
MEAN_NAME = "Mean trabecular bone mineral density of the lumbar spine by QCT"
REPORT_NAME = "Bone mineral density from chest CT"
DEVICE_NAME = "LDCT Bone Density"
CATEGORY_CODE = {"normal": ("17621005", "Normal"), "osteopenia": ("312894000", "Osteopenia")} | {
    "osteoporosis": ("64859006", "Osteoporosis")
}
LUMBAR_SPINE = ("122496007", "Lumbar spine")
_GENDER = {"F": "female", "M": "male", "O": "other"}
_NAMESPACE = uuid.UUID("2f9a1c52-6a0e-4d59-9b8a-0f5b7f2d6c33")  # any fixed one (RFC 4122, version 5)

Resource = dict[str, Any]


def fhir_json(examination: Examination) -> str:
    """Return the record as a FHIR Bundle (JSON): a DiagnosticReport, an Observation per level and of the mean.

    The same record gives the same text. It is preliminary until it is signed, then final.
    """
    return Bundle.model_validate(_bundle(examination)).model_dump_json(indent=2) + "\n"


def _bundle(examination: Examination) -> Resource:
    levels = [_level(examination, one) for one in examination.measurements]
    report, mean = _report(examination), _mean(examination)
    mean["hasMember"] = [_to(examination, f"level {level}") for level in examination.assessment.levels]
    measured = [_to(examination, f"level {one.level}") for one in examination.measurements]
    report["result"] = [_to(examination, "mean"), *measured]
    named = {"report": report, "patient": _patient(examination), "device": _device(examination), "mean": mean}
    named |= {f"level {one.level}": made for one, made in zip(examination.measurements, levels, strict=True)}
    if examination.scan.source.study_uid:
        named["study"] = _study(examination)
    identifier = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{_uuid(examination, 'bundle')}"}
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": identifier,
        **({} if (moment := _moment(examination)) is None else {"timestamp": moment}),
        "entry": [{"fullUrl": _url(examination, name), "resource": _full(made)} for name, made in named.items()],
    }


def _report(examination: Examination) -> Resource:
    assessment = examination.assessment
    return {
        "resourceType": "DiagnosticReport",
        "identifier": [{"value": record_sha256(examination)}],
        **_shared(examination),
        "category": [_coded(_CATEGORIES + "v2-0074", "RAD", "Radiology")],
        "code": {"text": REPORT_NAME},
        "imagingStudy": [_to(examination, "study")] if examination.scan.source.study_uid else None,
        "conclusion": _clean(assessment.statement),
        "conclusionCode": _concluded(examination),
    }


def _mean(examination: Examination) -> Resource:
    assessment = examination.assessment
    limits = [text("fhir.limited", codes=assessment.limited)] if assessment.limited else []
    return {
        **_observation(examination, MEAN_NAME, assessment.mean_bmd_mg_cm3, assessment.mean_bmd_error),
        "bodySite": _coded(SNOMED, *LUMBAR_SPINE),
        "interpretation": _concluded(examination),
        "note": _notes([*limits, *(finding.message for finding in examination.findings), examination.comment or ""]),
    }


def _concluded(examination: Examination) -> list[Resource] | None:
    """Return the category: as a code only by the ACR's rules with nothing that limits it, which a code can't say."""
    assessment = examination.assessment
    if assessment.category is None:
        return None
    if assessment.limited or assessment.category not in CATEGORY_CODE or rules_of(assessment.rules) != ACR:
        key = "category.limited" if assessment.limited else "category.plain"
        said = text(key, category=text(f"category.{assessment.category}"))
        return [{"text": said}]
    return [_coded(SNOMED, *CATEGORY_CODE[assessment.category])]


def _level(examination: Examination, measurement: Measurement) -> Resource:
    level, unused = measurement.level, unused_levels(examination).get(measurement.level)
    code = SNOMED_CODE[level]
    left_out = [] if measurement.excluded is None else [text("result.excluded", reason=measurement.excluded.text)]
    if measurement.excluded is None and unused is not None:
        left_out = [text("result.unused", reason=unused.words)]
    doubt = [] if examination.quality.certain(level) else [str(examination.quality.names_remark)]
    return {
        **_observation(examination, BMD_NAME, measurement.bmd_mg_cm3, measurement.bmd_error),
        "bodySite": {"text": level} if code is None else _coded(SNOMED, code, f"{level} vertebra"),
        "component": [
            *_error(measurement.bmd_error),
            _component(_coded(DCM, "112031", "Attenuation Coefficient", "mean"), measurement.mean_hu, "[hnsf'U]"),
            _component(_coded(DCM, "112031", "Attenuation Coefficient", "SD"), measurement.sd_hu, "[hnsf'U]"),
            _component(_coded(SNOMED, "118565006", "Volume"), measurement.volume_mm3, "mm3"),
        ],
        "note": _notes([*left_out, *doubt]),
    }


def _observation(examination: Examination, name: str, bmd_mg_cm3: float | None, error: BMDError | None) -> Resource:
    calibration, line = examination.calibration, examination.line
    unknown = {"dataAbsentReason": _coded(_CATEGORIES + "data-absent-reason", "not-performed", "Not Performed")}
    return {
        "resourceType": "Observation",
        **_shared(examination),
        "category": [_coded(_CATEGORIES + "observation-category", "imaging", "Imaging")],
        "code": {"text": f"{name}, {calibration.material} equivalent"},
        **(unknown if bmd_mg_cm3 is None else {"valueQuantity": _quantity(bmd_mg_cm3, "mg/cm3")}),
        "component": _error(error),
        "method": {"text": f"BMD = {line.slope:g} x HU {line.intercept_mg_cm3:+g} mg/cm3"},
        "device": _to(examination, "device"),
        "derivedFrom": [_to(examination, "study")] if examination.scan.source.study_uid else None,
    }


def _error(error: BMDError | None) -> list[Resource]:
    if error is None or error.total_mg_cm3 is None:
        return []
    return [_component({"text": "Standard error"}, error.total_mg_cm3, "mg/cm3")]


def _shared(examination: Examination) -> Resource:
    """Return what report and observations share."""
    date = examination.scan.acquisition.study_date or ""
    is_date = len(date) == 8 and date.isdecimal()
    signature = examination.signature
    signed = signature is not None and signature.reader.strip()
    return {
        "status": "preliminary" if signature is None else "final",
        "subject": _to(examination, "patient"),
        "effectiveDateTime": f"{date[:4]}-{date[4:6]}-{date[6:]}" if is_date else None,
        "issued": _moment(examination),
        "performer": [{"display": _clean(signature.reader)}] if signature is not None and signed else None,
    }


def _patient(examination: Examination) -> Resource:
    patient = examination.scan.patient
    return {
        "resourceType": "Patient",
        "identifier": [{"value": _clean(patient.patient_id)}] if patient.patient_id else None,
        "name": [{"text": _clean(patient.name.replace("^", " "))}] if patient.name else None,
        "gender": _GENDER.get(patient.sex or "", "unknown"),
    }


def _study(examination: Examination) -> Resource:
    source = examination.scan.source
    accession = [{"value": _clean(source.accession_number)}] if source.accession_number else []
    modality = {"system": DCM, "code": "CT", "display": "Computed Tomography"}
    return {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": _DICOM_UID, "value": f"urn:oid:{source.study_uid}"}, *accession],
        "status": "available",
        "subject": _to(examination, "patient"),
        "modality": [modality],
        "series": [{"uid": source.series_uid, "modality": modality}] if source.series_uid else None,
    }


def _device(examination: Examination) -> Resource:
    software = examination.software
    return {
        "resourceType": "Device",
        "deviceName": [{"name": DEVICE_NAME, "type": "model-name"}],
        "version": [
            {"type": {"text": "ldct-bmd"}, "value": software.version},
            {"type": {"text": _clean(software.model_name)}, "value": software.model_sha256 or software.version},
        ],
    }


def _moment(examination: Examination) -> str | None:
    """Return when the record was signed, last corrected or measured, if it says so."""
    moments = [
        None if examination.signature is None else examination.signature.time,
        *(entry.time for entry in reversed(examination.history)),
        examination.measured_at,
    ]
    return next((moment for moment in moments if moment), None)


def _coded(system: str, code: str, display: str, said: str = "") -> Resource:
    return {
        "coding": [{"system": system, "code": code, "display": display}],
        "text": f"{display} ({said})" if said else display,
    }


def _component(code: Resource, value: float, unit: str) -> Resource:
    return {"code": code, "valueQuantity": _quantity(value, unit)}


def _quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": "HU" if unit == "[hnsf'U]" else unit, "system": UCUM, "code": unit}


def _notes(sentences: list[str]) -> list[Resource]:
    return [{"text": _clean(one)} for one in sentences if one.strip()]


def _clean(words: str) -> str:
    return visible(words, instead=" ").strip() or "-"


def _full(resource: Resource) -> Resource:
    """Return the resource without what it does not say: FHIR has no empty values."""
    return {name: value for name, value in resource.items() if value not in (None, [])}


def _to(examination: Examination, name: str) -> Resource:
    return {"reference": _url(examination, name)}


def _url(examination: Examination, name: str) -> str:
    return f"urn:uuid:{_uuid(examination, name)}"


def _uuid(examination: Examination, name: str) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, f"{record_sha256(examination)} {examination.measured_at} {name}")
