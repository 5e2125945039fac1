"""A copy of a record that names neither the patient, nor readers, nor dates, nor the scanner's owner.

What is measured stays as it is: nothing is concluded again. The outline of the spine in the pictures stays too.
"""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from ..assessment import Assessment, LeftOut
from ..calibration import Calibration
from ..calibration.provenance import Scanner
from ..examination import SIGNED, UNSIGNED, Examination, Exclusion, ExclusionReason, HistoryEntry, Measurement
from ..findings import GENERAL, Finding, FindingCode
from ..rules import RULE_SETS, RuleSet
from ..scan import Patient, ScanDescription, Source
from ..words import TOLD, Phrase

REMOVED = "[removed]"
# HIPAA's safe harbour: all ages over 89 are one.
OLDEST_YEARS = 90.0
# Letters of a text that is looked for in sentences; shorter ones are in every sentence. Chinese names have two.
_SHORTEST, _SHORTEST_NOT_ASCII = 3, 2
# Days, with or without a time, and months as the calibration store's findings name them.
_DATE = re.compile(
    r"(?<!\d)(19|20)\d{2}(-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(\d{4}|\d{6})?|-(0[1-9]|1[0-2]))(?!\d)"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LETTER = "[A-Za-z\u00c0-\u024f]"
# What holds levels, categories and kinds of corrections: words of the software, which no one's name may tear apart.
_SOFTWARES_OWN = frozenset(
    {"case", "category", "fractured", "level", "levels", "limited", "requested_levels", "suspected", "what"}
)
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
_NAMING = ("reader", "placed_by", "confirmed_by", "contrast_denied_by")  # fields that hold the name of a reader
_REASONS = frozenset(f"exclusion.{reason.value}" for reason in ExclusionReason)
Kind = TypeVar("Kind")


def deidentified(examination: Examination) -> Examination:
    """Return the de-identified copy; its signature is gone, its history still says that it was signed."""
    readers = _readers(examination)
    pseudonyms = {reader: f"reader {number}" for number, reader in enumerate(readers, start=1)}
    copy = replace(
        examination,
        scan=_scan(examination.scan),
        measurements=_anonymous(examination.measurements, pseudonyms),
        calibration=_calibration(examination.calibration),
        quality=replace(
            _anonymous(examination.quality, pseudonyms),
            names_remark=_remark(examination.quality.names_remark, readers),
        ),
        unnamed=_anonymous(examination.unnamed, pseudonyms),
        history=tuple(_entry(entry, pseudonyms) for entry in examination.history),
        assessment=_assessment(examination.assessment),
        findings=_findings(examination.findings),
        automatic=None
        if examination.automatic is None
        else replace(
            examination.automatic,
            assessment=_assessment(examination.automatic.assessment),
            calibration=_calibration(examination.automatic.calibration),
        ),
        calibration_choice=None,
        rules=_rules(examination.rules),
        signature=None,
        signed_text=None,
        voxels_sha256=None,  # whoever has the scan could find the patient by it
        measured_at=None,
        comment=None if examination.comment is None else REMOVED,
    )
    return _scrubbed(copy, _any_of(_secrets(examination, readers)))


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
    parts = (examination.history, examination.measurements, examination.quality, examination.unnamed)
    return list(dict.fromkeys(_named(parts)))


def _named(value: Any) -> Iterator[str]:
    """Give every reader that a value of the record names, except in plain JSON values."""
    if isinstance(value, tuple):
        for item in value:
            yield from _named(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            held = getattr(value, field.name)
            if field.name not in _NAMING:
                yield from _named(held)
            elif held is not None:
                yield held


def _anonymous(value: Kind, pseudonyms: dict[str, str]) -> Kind:
    """Return ``value`` with pseudonyms for readers, without times and without own words on an exclusion."""
    if isinstance(value, tuple):
        return tuple(_anonymous(item, pseudonyms) for item in value)  # type: ignore[return-value]
    if isinstance(value, Phrase):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields: dict[str, Any] = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        for name, held in fields.items():
            if name in _NAMING:
                fields[name] = None if held is None else pseudonyms[held]
            elif name == "time":
                fields[name] = ""
            elif name == "words" and isinstance(value, Exclusion):
                fields[name] = None
            else:
                fields[name] = _anonymous(held, pseudonyms)
        return replace(value, **fields)
    return value


def _measurements(examination: Examination) -> list[Measurement]:
    """Return all measurements, of vertebrae without a name too."""
    unnamed = [one.measurement for one in examination.unnamed if one.measurement is not None]
    return [*examination.measurements, *unnamed]


def _secrets(examination: Examination, readers: list[str]) -> list[str]:
    """Return the texts that must not stand in any sentence, the longest first."""
    scan, made, patient = examination.scan, examination.scan.acquisition, examination.scan.patient
    calibrations = [examination.calibration]
    if examination.automatic is not None:
        calibrations.append(examination.automatic.calibration)
    texts: list[str | None] = [
        patient.patient_id,
        patient.name,
        *_name_parts(patient.name or ""),
        scan.source.accession_number,
        made.series_description,
        made.station,
        made.device_serial,
        scan.source.file_name,
        examination.comment,
        *readers,
    ]
    texts += [m.excluded.words for m in _measurements(examination) if m.excluded is not None]
    texts += [said.get("words") for entry in examination.history for said in (entry.old, entry.new) if _is_said(said)]
    for calibration in calibrations:
        if not calibration.nominal:
            texts += [calibration.name, calibration.source]
    for rules in _own_rules(examination):
        texts += [str(rules.title), rules.source, rules.address]
        texts += [] if rules.hu_limit is None else [rules.hu_limit.source]
    return sorted({text for text in texts if text and _is_told_apart(text)}, key=len, reverse=True)


def _name_parts(name: str) -> list[str]:
    """Return the parts of a person name, and how they are written in one: "Doe^Jane" as DoeJane and JaneDoe too."""
    found = []
    for group in name.split("="):
        parts = [part for part in re.split(r"[\^\s]+", group) if part]
        found += [*parts, "".join(parts), "".join(reversed(parts)), " ".join(parts), " ".join(reversed(parts))]
    return found


def _is_told_apart(text: str) -> bool:
    """Return whether a text is so long that it is not in sentences by chance."""
    return len(text) >= (_SHORTEST if text.isascii() else _SHORTEST_NOT_ASCII)


def _any_of(secrets: list[str]) -> re.Pattern[str]:
    """Return what finds ``secrets``: anywhere as they are written, and in any case if no letter adjoins them."""
    found = []
    for secret in secrets:
        plain = re.escape(secret)
        before = f"(?<!{_LETTER})" if re.match(_LETTER, secret) else ""
        after = f"(?!{_LETTER})" if re.match(_LETTER, secret[-1]) else ""
        found.append(f"{plain}|{before}(?i:{plain}){after}")
    return re.compile("|".join(found) or "(?!)")


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


def _verdict(value: Any, pseudonyms: dict[str, str]) -> Any:
    """Return what a reader said of a fracture or an outline, as the history holds it, without name and time."""
    if not isinstance(value, dict):
        return value
    names = {key: pseudonyms.get(value[key]) for key in _NAMING if value.get(key)}
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


def _own_rules(examination: Examination) -> list[RuleSet]:
    """Return the rule sets of a record that are a site's own."""
    automatic = examination.automatic
    used = [examination.rules, examination.assessment.rules, None if automatic is None else automatic.assessment.rules]
    return [rules for rules in used if rules is not None and rules not in RULE_SETS.values()]


def _rules(rules: RuleSet | None) -> RuleSet | None:
    """Return a rule set without what tells whose it is; its limits stay."""
    if rules is None or rules in RULE_SETS.values():
        return rules
    hu_limit = None if rules.hu_limit is None else replace(rules.hu_limit, source=REMOVED)
    return replace(rules, name="site", title=REMOVED, source=REMOVED, address=None, hu_limit=hu_limit)


def _findings(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings, those that cite calibrations once each and with what their code means, and no file names."""
    return tuple(dict.fromkeys(_finding(f) for f in findings if f.code is not FindingCode.OTHER_SERIES))


def _finding(finding: Finding) -> Finding:
    count = finding.facts.get("count")
    if finding.code is FindingCode.FILES_PASSED_OVER and count is not None:
        return Finding(finding.code, finding.level, {"case": "count", "count": count})
    if finding.code is FindingCode.FILES_PASSED_OVER or finding.code in _CITING_CALIBRATIONS:
        return Finding(finding.code, finding.level, {"case": GENERAL})
    return finding


def _assessment(assessment: Assessment) -> Assessment:
    """Return the assessment without readers' own words; a statement that was shown with some is composed again."""
    left_out = tuple(replace(one, reason=_reason(one)) for one in assessment.left_out)
    without = replace(assessment, left_out=left_out, rules=_rules(assessment.rules))
    return assessment if without == assessment else without.thawed()


def _reason(left_out: LeftOut) -> str | Phrase | None:
    """Return why a reader excluded a level, as one of the reasons to choose from."""
    if left_out.reason is None:
        return None
    code = left_out.reason.code if isinstance(left_out.reason, Phrase) else TOLD
    chosen = f"exclusion.{ExclusionReason.OTHER.value}"
    return Phrase(code if code in _REASONS else chosen)


def _remark(remark: Phrase, readers: list[str]) -> Phrase:
    named = remark.code == "names.confirmed" or (remark.code == TOLD and any(one in str(remark) for one in readers))
    return Phrase("names.confirmed_by_a_reader") if named else remark


def _entry(entry: HistoryEntry, pseudonyms: dict[str, str]) -> HistoryEntry:
    old, new = entry.old, entry.new
    if entry.what in (SIGNED, UNSIGNED, "calibration_changed", "rules_changed"):
        old = new = None
    elif entry.what in ("level_excluded", "level_included"):
        old, new = (_reason_alone(value) for value in (old, new))
    elif entry.what in ("fracture_confirmed", "suspicion_dismissed", "outline_confirmed"):
        old, new = (_verdict(value, pseudonyms) for value in (old, new))
    return replace(_anonymous(entry, pseudonyms), old=old, new=new)


def _reason_alone(exclusion: Any) -> Any:
    return {"reason": exclusion.get("reason")} if isinstance(exclusion, dict) else None


def _is_said(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("words"), str)


def _scrubbed(value: Kind, secrets: re.Pattern[str]) -> Kind:
    """Return ``value`` with every secret, and every date, taken out of its texts."""
    if isinstance(value, str) and type(value) is str:
        return _without(value, secrets)  # type: ignore[return-value]
    if isinstance(value, Phrase):
        return replace(value, facts=_scrubbed(value.facts, secrets), text=_scrubbed(value.text, secrets))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return replace(value, **_scrubbed(fields, secrets))
    if isinstance(value, tuple):
        return tuple(_scrubbed(item, secrets) for item in value)  # type: ignore[return-value]
    if isinstance(value, list):
        return [_scrubbed(item, secrets) for item in value]  # type: ignore[return-value]
    if isinstance(value, dict):
        return {key: item if key in _SOFTWARES_OWN else _scrubbed(item, secrets) for key, item in value.items()}  # type: ignore[return-value]
    return value


def _without(text: str, secrets: re.Pattern[str]) -> str:
    # In a digest both would turn up by chance, and it would no longer be that of its file.
    if _DIGEST.fullmatch(text):
        return REMOVED if secrets.fullmatch(text) else text
    return _DATE.sub(REMOVED, secrets.sub(REMOVED, text))
