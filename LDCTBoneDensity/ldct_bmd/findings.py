"""Findings: what a reader must know about a scan or a measurement. A finding never changes a number."""

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """How much a finding matters."""

    INFO = "info"  # worth knowing
    WARNING = "warning"  # look before using the number
    ERROR = "error"  # the number, or the category, cannot be used


class Effect(str, Enum):
    """What a finding does to the category; one about a level counts only where the category rests on that level."""

    NONE = "none"
    LIMITS = "limits"  # the category is given, marked as limited
    FORBIDS = "forbids"  # no category is given


class FindingCode(str, Enum):
    """Every code a record may hold: code, severity, effect on the category, meaning.

    The codes are a public contract: they are added to, never renamed.
    """

    severity: Severity
    effect: Effect
    meaning: str

    def __new__(cls, code: str, severity: Severity, effect: Effect, meaning: str) -> "FindingCode":
        """Make a member that is equal to its code as text."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.severity = severity
        member.effect = effect
        member.meaning = meaning
        return member

    LABEL_UNCERTAIN = (
        "label_uncertain",
        Severity.ERROR,
        Effect.FORBIDS,
        "The names of the vertebrae are not certain: no anchor is in view, or more than one naming is likely.",
    )
    KVP_MISMATCH = (
        "kvp_mismatch",
        Severity.ERROR,
        Effect.FORBIDS,
        "The tube voltage of the scan is not that of the calibration; BMD may be wrong by tens of percent.",
    )
    CALIBRATION_MATERIAL = (
        "calibration_material",
        Severity.ERROR,
        Effect.FORBIDS,
        "The calibration is hydroxyapatite-equivalent; the thresholds hold for K2HPO4-equivalent BMD.",
    )
    NO_LUMBAR_LEVEL = (
        "no_lumbar_level",
        Severity.ERROR,
        Effect.FORBIDS,
        "Neither L1 nor L2 is measured and included, so there is no mean to categorise.",
    )
    SINGLE_LUMBAR_LEVEL = (
        "single_lumbar_level",
        Severity.WARNING,
        Effect.LIMITS,
        "The category rests on one of L1 and L2 alone.",
    )
    NOMINAL_CALIBRATION = (
        "nominal_calibration",
        Severity.WARNING,
        Effect.LIMITS,
        "The calibration is the built-in nominal one, not one of this scanner; the category is indicative only.",
    )
    KVP_UNKNOWN = (
        "kvp_unknown",
        Severity.WARNING,
        Effect.LIMITS,
        "The tube voltage of the scan or of the calibration is not known, so it can't be told whether they fit.",
    )
    CONTRAST_AGENT = (
        "contrast_agent",
        Severity.WARNING,
        Effect.LIMITS,
        "A contrast agent was given; it raises the HU of trabecular bone, so BMD may be too high.",
    )
    SUSPECTED_FRACTURE = (
        "suspected_fracture",
        Severity.WARNING,
        Effect.LIMITS,
        "The vertebral body is lower than is usual for its level in this patient: check it for a fracture, whose "
        "compacted bone raises its BMD. It is no diagnosis.",
    )
    FRACTURE = (
        "fracture",
        Severity.WARNING,
        Effect.NONE,
        "A reader has confirmed a vertebral fracture; its level is not used for the category.",
    )
    OUTLINE_DOUBTFUL = (
        "outline_doubtful",
        Severity.WARNING,
        Effect.NONE,
        "The outline of a measured body has a hole, lies far from any edge in the image, or its VOI varies far more "
        "than the others: the level is not used for the category until a reader confirms the outline.",
    )
    HU_PATTERN = (
        "hu_pattern",
        Severity.WARNING,
        Effect.LIMITS,
        "The HU in the VOI are unlike trabecular bone: metal, cement, sclerosis, a lesion, gas or cortical bone.",
    )
    VOI_LEAVES_TRABECULAR_BONE = (
        "voi_leaves_trabecular_bone",
        Severity.WARNING,
        Effect.LIMITS,
        "Part of the VOI lies outside the vertebral body eroded by 2 mm, so it may hold cortical bone or soft tissue.",
    )
    VOI_NOISE = (
        "voi_noise",
        Severity.WARNING,
        Effect.LIMITS,
        "The standard error of the mean HU in the VOI is over the limit.",
    )
    VOI_AXES_SWAPPED = (
        "voi_axes_swapped",
        Severity.WARNING,
        Effect.NONE,
        "The short (antero-posterior) axis of the VOI is longer than the long one, as with osteophytes.",
    )
    BASIVERTEBRAL_VEIN = (
        "basivertebral_vein",
        Severity.INFO,
        Effect.NONE,
        "The VOI seems to hold the basivertebral vein, which lowers its mean HU.",
    )
    TARGET_MISSING = (
        "target_missing",
        Severity.WARNING,
        Effect.NONE,
        "A level that was to be measured is not in view, or was not found.",
    )
    CUT_BY_EDGE = (
        "cut_by_edge",
        Severity.WARNING,
        Effect.LIMITS,
        "A level that was to be measured is cut by the edge of the scan, so the middle of its body is not known.",
    )
    NOT_MEASURED = (
        "not_measured",
        Severity.WARNING,
        Effect.NONE,
        "A level that was to be measured is in view, but its VOI could not be placed or measured.",
    )
    THICK_SLICES = (
        "thick_slices",
        Severity.WARNING,
        Effect.LIMITS,
        "The slices are over 3 mm thick or apart; endplates blur into the VOI and heights are less exact.",
    )
    BEAM_FILTER_MISMATCH = (
        "beam_filter_mismatch",
        Severity.ERROR,
        Effect.FORBIDS,
        "Only one of scan and calibration was made with a tin filter; BMD may be wrong by tens of percent.",
    )
    CALIBRATION_SCANNER = (
        "calibration_scanner",
        Severity.WARNING,
        Effect.LIMITS,
        "The calibration does not name the scan's scanner, or was made with another beam filter or kernel class.",
    )
    CALIBRATION_DATE = (
        "calibration_date",
        Severity.WARNING,
        Effect.LIMITS,
        "The calibration was made after the scan, or was no longer valid when the scan was made.",
    )
    NO_MATCHING_CALIBRATION = (
        "no_matching_calibration",
        Severity.WARNING,
        Effect.LIMITS,
        "The site's store holds no calibration for this scanner and acquisition at the scan's date.",
    )
    CALIBRATION_DRIFT = (
        "calibration_drift",
        Severity.WARNING,
        Effect.LIMITS,
        "The scanner's series of phantom scans jumps or drifts beyond its control limits where this calibration is.",
    )
    CALIBRATION_QA_MISSED = (
        "calibration_qa_missed",
        Severity.INFO,
        Effect.NONE,
        "Months without a phantom scan lie between the first one of this scanner and the scan.",
    )
    BLOOD_ENHANCED = (
        "blood_enhanced",
        Severity.WARNING,
        Effect.LIMITS,
        "A large vessel beside the spine has the HU of contrast agent, though the scan may not say that any was given.",
    )
    TISSUE_HU = (
        "tissue_hu",
        Severity.WARNING,
        Effect.NONE,
        "Air, fat or muscle of the patient have HU outside published ranges: the HU scale may be off.",
    )
    SCAN_MODIFIED = (
        "scan_modified",
        Severity.WARNING,
        Effect.LIMITS,
        "Voxels or place of the scan were changed after it was loaded from its files; such a change may move HU.",
    )
    OTHER_SERIES = (
        "other_series",
        Severity.INFO,
        Effect.NONE,
        "The input holds other series, which were not measured.",
    )


@dataclass(frozen=True)
class Finding:
    """One finding; ``level`` is None where it concerns the whole scan, ``message`` is one sentence."""

    code: FindingCode
    level: str | None
    message: str

    @property
    def severity(self) -> Severity:
        """How much it matters: a property of the code."""
        return self.code.severity
