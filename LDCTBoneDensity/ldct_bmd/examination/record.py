"""The record of one examination: what was read, found, measured, corrected, by whom and with what."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from ..anatomy import LEVELS
from ..assessment import Assessment
from ..calibration import BMDError, Calibration
from ..calibration.contrast import ContrastShift, without_contrast
from ..calibration.match import CalibrationChoice
from ..calibration.vessel import VesselDisc
from ..findings import Finding, FindingCode
from ..ground.errors import UsageError
from ..ground.kinds import NOT_PLAIN
from ..ground.plain import PlainError, from_plain, plain_json, to_plain
from ..morphometry import HeightLoss
from ..quality import (
    FractureReading,
    LevelHeights,
    LevelOutline,
    QualityFacts,
    Unmeasured,
    VOIFacts,
    shows_contrast,
)
from ..rules import RuleSet
from ..scan import ScanDescription
from ..segmentation import RuntimeIdentity
from ..voi import CylinderVOI
from ..words import Phrase
from .exclusion import Exclusion
from .shown import plain_assessment, plain_findings, without_composed_sentences
from .signature import Signature
from .upgrade import SCHEMA_1, upgraded

SCHEMA = "ldct-bmd-examination/2"
# How the scan was found, not which it is.
_ABOUT_WHAT_ELSE_THERE_WAS = (FindingCode.OTHER_SERIES.value, FindingCode.FILES_PASSED_OVER.value)
_NOT_COMPARED = ("file_name", "choice", "other_series", "passed_over")


@dataclass(frozen=True)
class VertebraRecord:
    """A vertebra that was found; see :class:`ldct_bmd.labeling.Vertebra`.

    Attributes:
        level: "T12", "L1", ...
        centroid_lps_mm: centre of its body.
        volume_ml: of its body.
        confidence: probability of the name, from 0 to 1.
        complete: whether the whole body is in view.
        mask_sha256: of its body's voxels, see :func:`.digests.mask_sha256`; None in records of before.
    """

    level: str
    centroid_lps_mm: tuple[float, float, float]
    volume_ml: float
    confidence: float
    complete: bool
    mask_sha256: str | None = None


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

    Attributes:
        level: "T12", "L1", ...
        mean_hu: mean over the VOI, border voxels by the part inside.
        sd_hu: standard deviation over the VOI.
        volume_mm3: of the VOI.
        bmd_mg_cm3: unrounded, in mg/cm3 of the calibration's material.
        voi: where it was measured.
        excluded: why a reader left it out of the assessment; None if nobody did.
        automatic: what the software measured, if a correction replaced it.
        bmd_error: standard error in mg/cm3; follows from the VOI's noise and the calibration's covariance, and is
            concluded with the findings.
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
class UnnamedVertebra:
    """A vertebra that a shift of all names took beyond the list, with all that is known of it; a shift back names it.

    Attributes:
        beyond: how many names beyond the list: -1 is the one above its first, 1 the one below its last.
        vertebra: as it was called last, and so are the others.
    """

    beyond: int
    vertebra: VertebraRecord
    measurement: Measurement | None = None
    facts: VOIFacts | None = None
    unmeasured: Unmeasured | None = None
    heights: LevelHeights | None = None
    outline: LevelOutline | None = None
    reading: FractureReading | None = None

    @property
    def key(self) -> str:
        """What its body goes by in place of a level, such as "-1": never shown."""
        return f"{self.beyond:+d}"


@dataclass(frozen=True)
class Software:
    """What made the record; ``runtime`` is what ran the networks, None where none ran, and in records of before."""

    version: str
    model_name: str
    model_sha256: str | None
    runtime: RuntimeIdentity | None = None


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
    """A file next to the record, by its name and the SHA-256 of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True)
class AutomaticResult:
    """The examination as the software left it, kept from the first correction on; ``levels`` top to bottom."""

    assessment: Assessment
    calibration: Calibration
    levels: tuple[str, ...]
    names_certain: bool
    names_remark: Phrase
    heights: tuple[LevelHeights, ...]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that an examination is concluded from, and who made it. Times of running are not compared.

    ``calibration_choice`` says why a store's calibration was taken; None where the calibration was given.
    ``measured_at`` is ISO 8601; None where whoever measured did not say. ``comment`` is the reader's own words.
    ``voxels_sha256`` is of the voxels that were measured, see :func:`.digests.voxels_sha256`; None in records of
    before. ``unnamed`` are the vertebrae that a shift of all names left without one, top to bottom. ``rules`` is
    the rule set that was chosen; None: the ACR's, as in records of before. ``contrast`` is what contrast agent adds
    to the HU of bone, which is taken off every BMD; None where nothing is.

    Raises:
        ValueError: a level does not exist, or comes twice, or the VOI facts do not match the measurements.
    """

    scan: ScanDescription
    vertebrae: tuple[VertebraRecord, ...]
    measurements: tuple[Measurement, ...]
    calibration: Calibration
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
    voxels_sha256: str | None = None
    unnamed: tuple[UnnamedVertebra, ...] = ()
    rules: RuleSet | None = None
    contrast: ContrastShift | None = None

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

    @property
    def line(self) -> Calibration:
        """The calibration less what contrast agent adds: the line from the scan's HU to BMD."""
        return without_contrast(self.calibration, self.contrast)

    @property
    def aorta(self) -> tuple[VesselDisc, ...]:
        """Where the aorta was measured, if it matters: contrast agent is named or seen, whatever a reader says."""
        tissue = self.quality.tissue
        if tissue is None or not shows_contrast(self.scan.acquisition.contrast_agent, tissue):
            return ()
        return tissue.vessel

    def measurement(self, level: str) -> Measurement | None:
        """Return the measurement of ``level``, or None."""
        return next((m for m in self.measurements if m.level == level), None)

    def column(self) -> tuple[str, ...]:
        """Return all vertebrae from top to bottom, each by its level, or by its key if it has no name."""
        above = [one.key for one in self.unnamed if one.beyond < 0]
        below = [one.key for one in self.unnamed if one.beyond > 0]
        return (*above, *(vertebra.level for vertebra in self.vertebrae), *below)


@dataclass(frozen=True, kw_only=True)
class Examination(Evidence):
    """The record: the evidence, and what is concluded from it.

    Attributes:
        assessment: the mean of L1 and L2, its category and statement.
        findings: what was noticed, with its effect on the category.
        height_losses: the largest loss of each body from T4 to L4, suspected or not; none in records of before.
        signed_text: the JSON text of a record that was signed under an earlier schema. Its signature covers that text,
            so while it is signed it is written out again as it was.
    """

    assessment: Assessment
    findings: tuple[Finding, ...]
    height_losses: tuple[HeightLoss, ...] = ()
    signed_text: str | None = field(default=None, compare=False, repr=False, metadata=NOT_PLAIN)

    @property
    def schema(self) -> str:
        """That of the record's file."""
        return SCHEMA if self.signed_text is None else SCHEMA_1

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON values, ``schema`` first."""
        if self.signed_text is not None:
            kept: dict[str, Any] = json.loads(self.signed_text)
            return {**kept, "files": to_plain(self.files)}
        values = {"schema": self.schema, **to_plain(self)}
        values["findings"] = plain_findings(self.findings)
        values["assessment"] = plain_assessment(self.assessment)
        if self.automatic is not None:
            values["automatic"]["assessment"] = plain_assessment(self.automatic.assessment)
        return values

    def sentences(self) -> tuple[str, ...]:
        """Return every sentence that the record says, in the language that is spoken, or as it was signed."""
        choice, automatic = self.calibration_choice, self.automatic
        chosen = () if choice is None else (str(choice.reason), *map(str, choice.drift))
        before = () if automatic is None else (automatic.assessment.statement, str(automatic.names_remark))
        found = (finding.message for finding in self.findings)
        return (self.assessment.statement, *found, str(self.quality.names_remark), *chosen, *before)

    def to_json(self) -> str:
        """Return the record as JSON text; :meth:`from_json` gives an equal record back."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def comparable(self) -> dict[str, Any]:
        """Return what two runs on one scan share.

        That is without running times, names of files, and what else the input held.
        """
        values = replace(self, signed_text=None).to_dict()
        del values["timing_s"], values["measured_at"]
        for name in _NOT_COMPARED:
            del values["scan"]["source"][name]
        values["findings"] = [f for f in values["findings"] if f["code"] not in _ABOUT_WHAT_ELSE_THERE_WAS]
        return values

    @classmethod
    def from_json(cls, text: str) -> "Examination":
        """Read a record of this schema or an earlier one.

        Args:
            text: JSON, as :meth:`to_json` writes it.

        Raises:
            UsageError: it is no record, or one of a later schema.
        """
        try:
            values = plain_json(text)
        except json.JSONDecodeError as error:
            raise UsageError("record.not_json", line=error.lineno, problem=error.msg) from error
        except PlainError as error:
            raise UsageError("record.unreadable", problem=error.phrase) from error
        if not isinstance(values, dict) or not isinstance(values.get("schema"), str):
            raise UsageError("record.no_schema")
        schema = values.pop("schema")
        if schema not in (SCHEMA, SCHEMA_1):
            raise UsageError("record.other_schema", schema=schema, known=(SCHEMA, SCHEMA_1))
        try:
            record = _read(cls, values, schema)
        except PlainError as error:
            raise UsageError("record.unreadable", problem=error.phrase) from error
        except KeyError as error:
            raise UsageError("record.lacks", name=str(error.args[0])) from error
        except (AttributeError, TypeError) as error:
            raise UsageError("record.wrong_part") from error
        except ValueError as error:
            raise UsageError("record.contradicts_itself", problem=str(error)) from error
        return replace(record, signed_text=text) if schema == SCHEMA_1 and record.signature is not None else record


def _read(cls: type[Examination], values: dict[str, Any], schema: str) -> Examination:
    if schema == SCHEMA_1:
        values = upgraded(values)
    record = from_plain(cls, without_composed_sentences(values))
    record.sentences()  # raises if the facts are not those of a sentence
    if schema == SCHEMA and record.signature is not None:
        _check_severities(values, record)
    return record


def _check_severities(values: dict[str, Any], record: Examination) -> None:
    """Raise ValueError if a signed record calls a finding more or less severe than it is shown."""
    for said, finding in zip(values["findings"], record.findings, strict=True):
        if said.get("severity") != finding.severity.value:
            raise ValueError(Phrase("record.severity", {"code": finding.code.value}))
