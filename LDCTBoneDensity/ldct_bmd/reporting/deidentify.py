"""A copy of a record that names neither the patient, nor readers, nor dates, nor the scanner's owner.

What is measured stays as it is: nothing is concluded again. The outline of the spine in the pictures stays too.
"""

import dataclasses
import re
from dataclasses import replace
from typing import Any, TypeVar

from ..calibration import Calibration
from ..calibration.provenance import Scanner
from ..examination import SIGNED, UNSIGNED, Examination, HistoryEntry, Measurement
from ..findings import GENERAL, Finding, FindingCode
from ..quality import FractureReading, LevelOutline, VOIFacts
from ..scan import Patient, ScanDescription, Source
from ..words import TOLD, Phrase

REMOVED = "[removed]"
# HIPAA's safe harbour: all ages over 89 are one.
OLDEST_YEARS = 90.0
_SHORTEST = 3  # letters of a text that is looked for in sentences; shorter ones are in every sentence
# Days, and months as the calibration store's findings name them.
_DATE = re.compile(r"\b(19|20)\d{2}(-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])|-(0[1-9]|1[0-2]))\b")
# Their messages cite the site's calibrations: names, serial numbers, dates and operators' own words.
_CITING_CALIBRATIONS = frozenset(
    {
        FindingCode.CALIBRATION_SCANNER,
        FindingCode.CALIBRATION_DATE,
        FindingCode.NO_MATCHING_CALIBRATION,
        FindingCode.CALIBRATION_DRIFT,
        FindingCode.CALIBRATION_QA_MISSED,
    }
)
Kind = TypeVar("Kind")


def deidentified(examination: Examination) -> Examination:
    """Return the de-identified copy; its signature is gone, its history still says that it was signed."""
    readers = _readers(examination)
    pseudonyms = {reader: f"reader {number}" for number, reader in enumerate(readers, start=1)}
    copy = replace(
        examination,
        scan=_scan(examination.scan),
        measurements=tuple(_measurement(m, pseudonyms) for m in examination.measurements),
        calibration=_calibration(examination.calibration),
        quality=replace(
            examination.quality,
            names_remark=_remark(examination.quality.names_remark, readers),
            vois=tuple(_facts(facts, pseudonyms) for facts in examination.quality.vois),
            outlines=tuple(_outline(one, pseudonyms) for one in examination.quality.outlines),
            fracture_readings=tuple(_reading(one, pseudonyms) for one in examination.quality.fracture_readings),
        ),
        history=tuple(_entry(entry, pseudonyms) for entry in examination.history),
        findings=_findings(examination.findings),
        automatic=None
        if examination.automatic is None
        else replace(examination.automatic, calibration=_calibration(examination.automatic.calibration)),
        calibration_choice=None,
        signature=None,
        signed_text=None,
        voxels_sha256=None,  # whoever has the scan could find the patient by it
        measured_at=None,
        comment=None if examination.comment is None else REMOVED,
    )
    return _scrubbed(copy, _secrets(examination, readers))


def is_signed_copy(examination: Examination) -> bool:
    """Tell whether a de-identified copy is one of a signed record."""
    return bool(examination.history) and examination.history[-1].what == SIGNED


def is_deidentified_copy(examination: Examination) -> bool:
    """Tell whether a record names neither patient nor scan, as such a copy does."""
    source, patient = examination.scan.source, examination.scan.patient
    told = (source.series_uid, source.study_uid, source.file_sha256, source.file_name, source.choice)
    return not any(told) and not patient.patient_id and examination.measured_at is None


def _readers(examination: Examination) -> list[str]:
    """Return the names of all readers, in the order that they first appear."""
    names = [entry.reader for entry in examination.history]
    names += [m.excluded.reader for m in examination.measurements if m.excluded is not None]
    names += [facts.placed_by for facts in examination.quality.vois if facts.placed_by is not None]
    names += [one.confirmed_by for one in examination.quality.outlines if one.confirmed_by is not None]
    names += [reading.reader for reading in examination.quality.fracture_readings]
    return list(dict.fromkeys(names))


def _secrets(examination: Examination, readers: list[str]) -> list[str]:
    """Return the texts that must not stand in any sentence, the longest first."""
    scan, made, patient = examination.scan, examination.scan.acquisition, examination.scan.patient
    calibrations = [examination.calibration]
    if examination.automatic is not None:
        calibrations.append(examination.automatic.calibration)
    texts: list[str | None] = [
        patient.patient_id,
        patient.name,
        *re.split(r"[\^=\s]+", patient.name or ""),
        scan.source.accession_number,
        made.series_description,
        made.station,
        made.device_serial,
        scan.source.file_name,
        examination.comment,
        *readers,
    ]
    texts += [m.excluded.words for m in examination.measurements if m.excluded is not None]
    for calibration in calibrations:
        if not calibration.nominal:
            texts += [calibration.name, calibration.source]
    return sorted({text for text in texts if text and len(text) >= _SHORTEST}, key=len, reverse=True)


def _scan(scan: ScanDescription) -> ScanDescription:
    patient = scan.patient
    age = None if patient.age_years is None else min(patient.age_years, OLDEST_YEARS)
    return replace(
        scan,
        acquisition=replace(
            scan.acquisition,
            station=None,
            device_serial=None,
            contrast_agent=None if scan.acquisition.contrast_agent is None else "given",
            series_description=None,
            study_date=None,
            acquisition_date=None,
        ),
        patient=Patient(sex=patient.sex, age_years=age),
        source=Source(scan.source.kind, modified=scan.source.modified),
    )


def _measurement(measurement: Measurement, pseudonyms: dict[str, str]) -> Measurement:
    excluded = measurement.excluded
    if excluded is None:
        return measurement
    return replace(measurement, excluded=replace(excluded, words=None, reader=pseudonyms[excluded.reader], time=""))


def _facts(facts: VOIFacts, pseudonyms: dict[str, str]) -> VOIFacts:
    return facts if facts.placed_by is None else replace(facts, placed_by=pseudonyms[facts.placed_by])


def _outline(outline: LevelOutline, pseudonyms: dict[str, str]) -> LevelOutline:
    return outline if outline.confirmed_by is None else replace(outline, confirmed_by=pseudonyms[outline.confirmed_by])


def _reading(reading: FractureReading, pseudonyms: dict[str, str]) -> FractureReading:
    return replace(reading, reader=pseudonyms[reading.reader], time="")


def _verdict(value: Any, pseudonyms: dict[str, str]) -> Any:
    """Return what a reader said of a fracture or an outline, as the history holds it, without name and time."""
    if not isinstance(value, dict):
        return value
    names = {key: pseudonyms.get(value[key]) for key in ("reader", "confirmed_by") if value.get(key)}
    return value | names | ({"time": ""} if "time" in value else {})


def _calibration(calibration: Calibration) -> Calibration:
    if calibration.nominal:
        return calibration
    provenance = calibration.provenance
    if provenance is not None:
        scanner = provenance.scanner
        named = None if scanner is None else Scanner(scanner.manufacturer, scanner.model)
        provenance = replace(provenance, scanner=named, date=None, valid_until=None, operator=None, phantom=None)
    return replace(calibration, name="Site calibration", source=REMOVED, provenance=provenance)


def _findings(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings, those that cite the site's calibrations once each and with what their code means."""
    told = [f for f in findings if f.code is not FindingCode.OTHER_SERIES]
    general = [Finding(f.code, f.level, {"case": GENERAL}) if f.code in _CITING_CALIBRATIONS else f for f in told]
    return tuple(dict.fromkeys(general))


def _remark(remark: Phrase, readers: list[str]) -> Phrase:
    named = remark.code == "names.confirmed" or (remark.code == TOLD and any(one in str(remark) for one in readers))
    return Phrase("names.confirmed_by_a_reader") if named else remark


def _entry(entry: HistoryEntry, pseudonyms: dict[str, str]) -> HistoryEntry:
    old, new = entry.old, entry.new
    if entry.what in (SIGNED, UNSIGNED, "calibration_changed"):
        old = new = None
    elif entry.what in ("level_excluded", "level_included"):
        old, new = (_reason_alone(value) for value in (old, new))
    elif entry.what in ("fracture_confirmed", "suspicion_dismissed", "outline_confirmed"):
        old, new = (_verdict(value, pseudonyms) for value in (old, new))
    return replace(entry, old=old, new=new, reader=pseudonyms[entry.reader], time="")


def _reason_alone(exclusion: Any) -> Any:
    return {"reason": exclusion.get("reason")} if isinstance(exclusion, dict) else None


def _scrubbed(value: Kind, secrets: list[str]) -> Kind:
    """Return ``value`` with every secret, and every date, taken out of its texts."""
    if isinstance(value, str) and type(value) is str:
        text: str = value
        for secret in secrets:
            text = text.replace(secret, REMOVED)
        return _DATE.sub(REMOVED, text)  # type: ignore[return-value]
    if isinstance(value, Phrase):
        return replace(value, facts=_scrubbed(value.facts, secrets), text=_scrubbed(value.text, secrets))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _scrubbed(getattr(value, f.name), secrets) for f in dataclasses.fields(value)}
        return replace(value, **fields)
    if isinstance(value, tuple):
        return tuple(_scrubbed(item, secrets) for item in value)  # type: ignore[return-value]
    if isinstance(value, list):
        return [_scrubbed(item, secrets) for item in value]  # type: ignore[return-value]
    if isinstance(value, dict):
        # Which sentence it is comes from no one.
        return {key: item if key == "case" else _scrubbed(item, secrets) for key, item in value.items()}  # type: ignore[return-value]
    return value
