"""Every code of a finding, how much it matters, and what it does to the category."""

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
    """Every code a record may hold: code, severity, effect on the category.

    The codes are a public contract: they are added to, never renamed.
    """

    severity: Severity
    effect: Effect

    def __new__(cls, code: str, severity: Severity, effect: Effect) -> "FindingCode":
        """Make a member that is equal to its code as text."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.severity = severity
        member.effect = effect
        return member

    LABEL_UNCERTAIN = ("label_uncertain", Severity.ERROR, Effect.FORBIDS)
    KVP_MISMATCH = ("kvp_mismatch", Severity.ERROR, Effect.FORBIDS)
    CALIBRATION_MATERIAL = ("calibration_material", Severity.ERROR, Effect.FORBIDS)
    NO_LUMBAR_LEVEL = ("no_lumbar_level", Severity.ERROR, Effect.FORBIDS)
    TOO_FEW_LEVELS = ("too_few_levels", Severity.ERROR, Effect.FORBIDS)
    SINGLE_LUMBAR_LEVEL = ("single_lumbar_level", Severity.WARNING, Effect.LIMITS)
    NOMINAL_CALIBRATION = ("nominal_calibration", Severity.WARNING, Effect.LIMITS)
    RULES_POPULATION = ("rules_population", Severity.WARNING, Effect.LIMITS)
    HU_BELOW_LIMIT = ("hu_below_limit", Severity.WARNING, Effect.NONE)
    KVP_UNKNOWN = ("kvp_unknown", Severity.WARNING, Effect.LIMITS)
    CONTRAST_AGENT = ("contrast_agent", Severity.WARNING, Effect.LIMITS)
    SUSPECTED_FRACTURE = ("suspected_fracture", Severity.WARNING, Effect.LIMITS)
    FRACTURE = ("fracture", Severity.WARNING, Effect.NONE)
    OUTLINE_DOUBTFUL = ("outline_doubtful", Severity.WARNING, Effect.NONE)
    HU_PATTERN = ("hu_pattern", Severity.WARNING, Effect.LIMITS)
    VOI_LEAVES_TRABECULAR_BONE = ("voi_leaves_trabecular_bone", Severity.WARNING, Effect.LIMITS)
    VOI_NOISE = ("voi_noise", Severity.WARNING, Effect.LIMITS)
    VOI_AXES_SWAPPED = ("voi_axes_swapped", Severity.WARNING, Effect.NONE)
    BASIVERTEBRAL_VEIN = ("basivertebral_vein", Severity.INFO, Effect.NONE)
    TARGET_MISSING = ("target_missing", Severity.WARNING, Effect.NONE)
    CUT_BY_EDGE = ("cut_by_edge", Severity.WARNING, Effect.LIMITS)
    NOT_MEASURED = ("not_measured", Severity.WARNING, Effect.NONE)
    THICK_SLICES = ("thick_slices", Severity.WARNING, Effect.LIMITS)
    BEAM_FILTER_MISMATCH = ("beam_filter_mismatch", Severity.ERROR, Effect.FORBIDS)
    BEAM_FILTER_BY_NAME = ("beam_filter_by_name", Severity.WARNING, Effect.LIMITS)
    CALIBRATION_SCANNER = ("calibration_scanner", Severity.WARNING, Effect.LIMITS)
    CALIBRATION_DATE = ("calibration_date", Severity.WARNING, Effect.LIMITS)
    NO_MATCHING_CALIBRATION = ("no_matching_calibration", Severity.WARNING, Effect.LIMITS)
    CALIBRATION_DRIFT = ("calibration_drift", Severity.WARNING, Effect.LIMITS)
    CALIBRATION_QA_MISSED = ("calibration_qa_missed", Severity.INFO, Effect.NONE)
    BLOOD_ENHANCED = ("blood_enhanced", Severity.WARNING, Effect.LIMITS)
    TISSUE_HU = ("tissue_hu", Severity.WARNING, Effect.NONE)
    HU_OFFSET = ("hu_offset", Severity.WARNING, Effect.LIMITS)
    LOSSY_COMPRESSION = ("lossy_compression", Severity.WARNING, Effect.LIMITS)
    VALUES_CUT = ("values_cut", Severity.WARNING, Effect.LIMITS)
    VOXEL_SIZE = ("voxel_size", Severity.WARNING, Effect.LIMITS)
    IMPLAUSIBLE_BMD = ("implausible_bmd", Severity.ERROR, Effect.FORBIDS)
    FILES_PASSED_OVER = ("files_passed_over", Severity.WARNING, Effect.NONE)
    SCAN_MODIFIED = ("scan_modified", Severity.WARNING, Effect.LIMITS)
    CALIBRATION_CARRIED = ("calibration_carried", Severity.WARNING, Effect.LIMITS)
    MATERIAL_CONVERTED = ("material_converted", Severity.WARNING, Effect.LIMITS)
    CONTRAST_UNCERTAIN = ("contrast_uncertain", Severity.ERROR, Effect.FORBIDS)
    CONTRAST_DENIED = ("contrast_denied", Severity.WARNING, Effect.NONE)
    OTHER_SERIES = ("other_series", Severity.INFO, Effect.NONE)
