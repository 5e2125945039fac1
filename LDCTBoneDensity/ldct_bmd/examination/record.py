"""The record of one examination: what was read, found, measured, corrected, by whom and with what."""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from ..anatomy import LEVELS
from ..assessment import Assessment
from ..calibration import BMDError, Calibration
from ..calibration.match import CalibrationChoice
from ..findings import Finding, FindingCode
from ..ground.errors import UsageError
from ..ground.plain import PlainError, from_plain, to_plain
from ..morphometry import HeightLoss
from ..quality import LevelHeights, QualityFacts
from ..scan import CTScan
from ..voi import CylinderVOI
from ..words import Phrase
from .signature import Signature

SCHEMA = "ldct-bmd-examination/1"


@dataclass(frozen=True)
class PatientIdentity:
    """Two identifiers, and what the thresholds' limits depend on; nothing else of the patient is in the record."""

    patient_id: str | None = None
    name: str | None = None
    sex: str | None = None
    age_years: float | None = None


@dataclass(frozen=True)
class OtherSeries:
    """A series in the input that was not measured; UID and description are empty where it is another patient's."""

    series_uid: str
    description: str
    slices: int
    unsuitable: str | None


@dataclass(frozen=True)
class ScanIdentity:
    """Which scan was measured, and how it was made; None where the input does not say.

    The grid is that of the engine (x to the left, y to the back, z to the head, in the order x, y, z). ``choice``,
    ``other_series`` and ``file_name`` tell how the scan was come by, not which it is, and are not compared.
    ``modified``: voxels or grid differ from those of the files that the rest of this comes from.
    """

    kind: str
    series_uid: str | None
    study_uid: str | None
    frame_of_reference_uid: str | None
    accession_number: str | None
    sop_instance_uids: tuple[str, ...]
    file_sha256: str | None
    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float]
    direction: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
    kvp: float | None
    tube_current_ma: float | None
    exposure_mas: float | None
    kernel: str | None
    slice_thickness_mm: float | None
    manufacturer: str | None
    model: str | None
    station: str | None
    device_serial: str | None
    filter_type: str | None
    contrast_agent: str | None
    series_description: str | None
    study_date: str | None
    acquisition_date: str | None
    patient: PatientIdentity
    modified: bool = False
    file_name: str | None = field(default=None, compare=False)
    choice: str = field(default="", compare=False)
    other_series: tuple[OtherSeries, ...] = field(default=(), compare=False)


def identify(scan: CTScan) -> ScanIdentity:
    """Return what the record keeps of ``scan``."""
    source, acquisition, patient = scan.source, scan.acquisition, scan.patient
    is_file = source.kind == "file"
    is_own = [other.patient_id == patient.patient_id for other in source.other_series]
    return ScanIdentity(
        kind=source.kind,
        series_uid=source.series_uid,
        study_uid=source.study_uid,
        frame_of_reference_uid=source.frame_of_reference_uid,
        accession_number=source.accession_number,
        sop_instance_uids=source.sop_instance_uids,
        file_sha256=source.file_sha256,
        size=scan.geometry.size,
        spacing_mm=scan.geometry.spacing_mm,
        origin_lps_mm=scan.geometry.origin_lps_mm,
        direction=scan.geometry.direction,
        kvp=acquisition.kvp,
        tube_current_ma=acquisition.tube_current_ma,
        exposure_mas=acquisition.exposure_mas,
        kernel=acquisition.kernel,
        slice_thickness_mm=acquisition.slice_thickness_mm,
        manufacturer=acquisition.manufacturer,
        model=acquisition.model,
        station=acquisition.station,
        device_serial=acquisition.device_serial,
        filter_type=acquisition.filter_type,
        contrast_agent=acquisition.contrast_agent,
        series_description=acquisition.series_description,
        study_date=acquisition.study_date,
        acquisition_date=acquisition.acquisition_date,
        patient=PatientIdentity(patient.patient_id, patient.name, patient.sex, patient.age_years),
        modified=source.modified,
        file_name=re.split(r"[/\\]", source.path)[-1] if is_file and source.path else None,
        choice=source.choice if all(is_own) else _without_others(source.choice),
        other_series=tuple(
            OtherSeries(
                other.series_uid if own else "", other.description if own else "", other.slices, other.unsuitable
            )
            for other, own in zip(source.other_series, is_own, strict=True)
        ),
    )


def _without_others(choice: str) -> str:
    """Return the sentence about the choice of series without the list of those not chosen."""
    chosen, not_chosen, _ = choice.partition("; not chosen:")
    return f"{chosen}." if not_chosen else choice


@dataclass(frozen=True)
class VertebraRecord:
    """A vertebra that was found; see :class:`ldct_bmd.labeling.Vertebra`."""

    level: str
    centroid_lps_mm: tuple[float, float, float]
    volume_ml: float
    confidence: float
    complete: bool


@dataclass(frozen=True)
class Exclusion:
    """Why a reader left a level out of the assessment, who, and when (ISO 8601)."""

    reason: str
    reader: str
    time: str


@dataclass(frozen=True)
class AutomaticValues:
    """What the software measured before a correction replaced it."""

    level: str
    mean_hu: float
    sd_hu: float
    volume_mm3: float
    bmd_mg_cm3: float
    voi: CylinderVOI


@dataclass(frozen=True)
class Measurement:
    """One measured level: the current values, and the automatic ones where they differ.

    ``bmd_error`` follows from the VOI's noise and the calibration's covariance, and is concluded with the findings.
    """

    level: str
    mean_hu: float
    sd_hu: float
    volume_mm3: float
    bmd_mg_cm3: float
    voi: CylinderVOI
    excluded: Exclusion | None = None
    automatic: AutomaticValues | None = None
    bmd_error: BMDError | None = None


@dataclass(frozen=True)
class Software:
    """What made the record."""

    version: str
    model_name: str
    model_sha256: str | None


@dataclass(frozen=True)
class HistoryEntry:
    """One correction; ``old`` and ``new`` are plain JSON values."""

    what: str
    level: str | None
    old: Any
    new: Any
    reader: str
    time: str


@dataclass(frozen=True)
class FileReference:
    """A file beside the record, by its name and the SHA-256 of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True)
class AutomaticResult:
    """The examination as the software left it, kept from the first correction on; ``levels`` top to bottom."""

    assessment: Assessment
    calibration: Calibration
    levels: tuple[str, ...]
    names_certain: bool
    names_remark: str
    heights: tuple[LevelHeights, ...]


@dataclass(frozen=True)
class Examination:
    """The record. Times of running are not compared; see also :class:`ScanIdentity`.

    ``calibration_choice`` says why a store's calibration was taken; None where the calibration was given.
    ``height_losses`` holds the largest loss of each body from T4 to L4, suspected or not; none in records of before.
    ``measured_at`` is ISO 8601; None where whoever measured did not say. ``comment`` is the reader's own words.

    Raises:
        ValueError: a level is none, or comes twice, or the VOI facts do not match the measurements.
    """

    scan: ScanIdentity
    vertebrae: tuple[VertebraRecord, ...]
    measurements: tuple[Measurement, ...]
    assessment: Assessment
    calibration: Calibration
    findings: tuple[Finding, ...]
    software: Software
    quality: QualityFacts
    timing_s: dict[str, float] = field(default_factory=dict, compare=False)
    history: tuple[HistoryEntry, ...] = ()
    files: tuple[FileReference, ...] = ()
    automatic: AutomaticResult | None = None
    calibration_choice: CalibrationChoice | None = None
    signature: Signature | None = None
    measured_at: str | None = field(default=None, compare=False)
    comment: str | None = None
    height_losses: tuple[HeightLoss, ...] = ()

    def __post_init__(self) -> None:
        for name, levels in (
            ("vertebrae", [v.level for v in self.vertebrae]),
            ("measurements", [m.level for m in self.measurements]),
        ):
            if not set(levels) <= set(LEVELS):
                raise ValueError(f"{name} has a level that does not exist")
            if len(set(levels)) < len(levels):
                raise ValueError(f"{name} has a level twice")
        if {m.level for m in self.measurements} != {facts.level for facts in self.quality.vois}:
            raise ValueError("the facts about VOIs are not those of the measurements")

    def measurement(self, level: str) -> Measurement | None:
        """Return the measurement of ``level``, or None."""
        return next((m for m in self.measurements if m.level == level), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON values, ``schema`` first."""
        values = {"schema": SCHEMA, **to_plain(self)}
        values["findings"] = [
            {"code": f.code.value, "severity": f.severity.value, "level": f.level, "message": f.message}
            for f in self.findings
        ]
        return values

    def to_json(self) -> str:
        """Return the record as JSON text; :meth:`from_json` gives an equal record back."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def comparable(self) -> dict[str, Any]:
        """Return what two runs on one scan share and a signature covers.

        That is without running times, names of files, and what else the input held.
        """
        values = self.to_dict()
        del values["timing_s"], values["measured_at"]
        for name in ("file_name", "choice", "other_series"):
            del values["scan"][name]
        values["findings"] = [f for f in values["findings"] if f["code"] != FindingCode.OTHER_SERIES.value]
        return values

    @classmethod
    def from_json(cls, text: str) -> "Examination":
        """Read a record; UsageError if it is none, or of another version."""
        try:
            values = json.loads(text, parse_float=_finite, parse_constant=_finite)
        except json.JSONDecodeError as error:
            raise UsageError(f"The record is not JSON (line {error.lineno}: {error.msg}).") from error
        except PlainError as error:
            raise UsageError(f"The record can't be read: {error}.") from error
        if not isinstance(values, dict) or not isinstance(values.get("schema"), str):
            raise UsageError("The file is not a record of ldct-bmd: it has no schema.")
        if values["schema"] != SCHEMA:
            raise UsageError(
                f"The record has the schema {values['schema']}, this version reads {SCHEMA}; "
                "measure the scan again, or use the version that wrote it."
            )
        values.pop("schema")
        try:
            values["findings"] = [
                {key: item for key, item in finding.items() if key != "severity"} for finding in values["findings"]
            ]
            return from_plain(cls, values)
        except PlainError as error:
            raise UsageError(f"The record can't be read: {error}.") from error
        except (KeyError, AttributeError, TypeError) as error:
            raise UsageError("The record can't be read: its findings are not a list of objects.") from error
        except ValueError as error:
            raise UsageError(f"The record contradicts itself: {error}.") from error


def _finite(number: str) -> float:
    """Read a number of JSON text; Python would also take NaN, Infinity and 1e999."""
    value = float(number)
    if not math.isfinite(value):
        raise PlainError(Phrase("plain.finite", {"number": number}))
    return value
