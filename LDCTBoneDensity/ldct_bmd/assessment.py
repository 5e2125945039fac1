"""The mean of L1 and L2, its category, and what may be said about it."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from .anatomy import ASSESSED_LEVELS, order
from .calibration import BMDError
from .findings import Effect, Finding, FindingCode

# ACR-SPR-SSR practice parameter for QCT: K2HPO4-equivalent trabecular BMD, mean of L1 and L2 (Pan et al. 2020 use it).
NORMAL_ABOVE_MG_CM3 = 120.0
OSTEOPOROSIS_BELOW_MG_CM3 = 80.0


class Category(str, Enum):
    """Bone mass by the mean BMD of L1 and L2."""

    NORMAL = "normal"
    OSTEOPENIA = "osteopenia"
    OSTEOPOROSIS = "osteoporosis"


@dataclass(frozen=True)
class Assessment:
    """What the BMD of L1 and L2 says.

    Attributes:
        mean_bmd_mg_cm3: unrounded mean over ``levels``; None where there is no level.
        levels: the lumbar levels that the mean rests on.
        category: "normal", "osteopenia", "osteoporosis", or None where none may be given.
        limited: codes of the findings that limit the category or forbid it, in the order of the enumeration.
        statement: one or two sentences; a fracture that a reader confirmed comes first.
        mean_bmd_error: standard error of the mean; None where there is no mean.
    """

    mean_bmd_mg_cm3: float | None
    levels: tuple[str, ...]
    category: str | None
    limited: tuple[str, ...]
    statement: str
    mean_bmd_error: BMDError | None = None


def categorize(mean_bmd_mg_cm3: float) -> Category:
    """Return the category of an unrounded mean BMD; 80 and 120 themselves are osteopenia.

    Raises:
        ValueError: the BMD is not finite.

    Examples:
        >>> categorize(79.97).value, categorize(80.0).value, categorize(120.01).value
        ('osteoporosis', 'osteopenia', 'normal')
    """
    if not math.isfinite(mean_bmd_mg_cm3):
        raise ValueError(f"a BMD of {mean_bmd_mg_cm3} mg/cm3 has no category")
    if mean_bmd_mg_cm3 < OSTEOPOROSIS_BELOW_MG_CM3:
        return Category.OSTEOPOROSIS
    if mean_bmd_mg_cm3 > NORMAL_ABOVE_MG_CM3:
        return Category.NORMAL
    return Category.OSTEOPENIA


def format_bmd(bmd_mg_cm3: float) -> str:
    """Return the number with one decimal, or with as many as keep it on its side of a threshold.

    Examples:
        >>> format_bmd(104.26), format_bmd(79.97)
        ('104.3', '79.97')
    """
    for decimals in range(1, 7):
        shown = f"{bmd_mg_cm3:.{decimals}f}"
        if categorize(float(shown)) is categorize(bmd_mg_cm3):
            return shown
    return repr(bmd_mg_cm3)


def assessed_levels(measured: Collection[str], excluded: Iterable[str] = ()) -> tuple[str, ...]:
    """Return those of L1 and L2 that are measured and not excluded."""
    out = set(excluded)
    return tuple(level for level in ASSESSED_LEVELS if level in measured and level not in out)


def assess(
    bmd_by_level: Mapping[str, float],
    findings: Iterable[Finding],
    material: str,
    excluded: Mapping[str, str] | None = None,
    unused: Mapping[str, str] | None = None,
) -> Assessment:
    """Assess the measured levels.

    Args:
        bmd_by_level: unrounded BMD of every measured level, excluded ones too.
        findings: all findings about the scan and the levels; their effects decide whether there is a category.
        material: the equivalent material of the BMD, for the statement.
        excluded: a reader's reason by level.
        unused: what speaks against further levels, as "has a doubtful outline".
    """
    findings = tuple(findings)
    left_out = {level: f"{level} {why}" for level, why in (unused or {}).items()}
    left_out |= {level: f"{level} excluded: {reason}" for level, reason in (excluded or {}).items()}
    levels = assessed_levels(bmd_by_level, left_out)
    codes = _codes_that_count(findings, levels)
    mean = sum(bmd_by_level[level] for level in levels) / len(levels) if levels else None
    category = None
    if mean is not None and not any(code.effect is Effect.FORBIDS for code in codes):
        category = categorize(mean).value
    fractured = _levels_of(FindingCode.FRACTURE, findings)
    sentences = []
    if fractured:
        sentences.append(_fracture_sentence(fractured))
    if mean is None:
        sentences.append(_nothing_sentence(bmd_by_level, findings, material, left_out))
    else:
        because = _because(findings, levels)
        sentences.append(_mean_sentence(mean, levels, category, codes, material, left_out, because))
    return Assessment(mean, levels, category, tuple(code.value for code in codes), " ".join(sentences))


def _levels_of(code: FindingCode, findings: Iterable[Finding]) -> list[str]:
    """Return the levels that ``code`` was found at, top to bottom."""
    return sorted({f.level for f in findings if f.code is code and f.level is not None}, key=order)


def _codes_that_count(findings: tuple[Finding, ...], levels: tuple[str, ...]) -> tuple[FindingCode, ...]:
    present = {f.code for f in findings if f.level is None or f.level in levels}
    # How many levels there are is known here at first hand.
    present -= {FindingCode.NO_LUMBAR_LEVEL, FindingCode.SINGLE_LUMBAR_LEVEL}
    if not levels:
        present.add(FindingCode.NO_LUMBAR_LEVEL)
    elif len(levels) < len(ASSESSED_LEVELS):
        present.add(FindingCode.SINGLE_LUMBAR_LEVEL)
    return tuple(code for code in FindingCode if code in present and code.effect is not Effect.NONE)


_RANGE: dict[str, str] = {
    "normal": f"in the normal range (above {NORMAL_ABOVE_MG_CM3:.0f} mg/cm3)",
    "osteopenia": f"in the osteopenia range ({OSTEOPOROSIS_BELOW_MG_CM3:.0f} to {NORMAL_ABOVE_MG_CM3:.0f} mg/cm3)",
    "osteoporosis": f"in the osteoporosis range (below {OSTEOPOROSIS_BELOW_MG_CM3:.0f} mg/cm3)",
}
_BECAUSE: dict[FindingCode, str] = {
    FindingCode.LABEL_UNCERTAIN: "the names of the vertebrae are uncertain",
    FindingCode.KVP_MISMATCH: "the tube voltage of the scan is not that of the calibration",
    FindingCode.CALIBRATION_MATERIAL: "the thresholds do not hold for hydroxyapatite-equivalent BMD",
    FindingCode.SINGLE_LUMBAR_LEVEL: "it rests on one lumbar vertebra",
    FindingCode.NOMINAL_CALIBRATION: "the calibration is nominal",
    FindingCode.KVP_UNKNOWN: "the tube voltage of the scan or of the calibration is not known",
    FindingCode.CONTRAST_AGENT: "a contrast agent was given",
    FindingCode.SUSPECTED_FRACTURE: "a vertebra it rests on may be fractured",
    FindingCode.HU_PATTERN: "the VOI holds HU unlike trabecular bone",
    FindingCode.VOI_LEAVES_TRABECULAR_BONE: "the VOI leaves the trabecular bone",
    FindingCode.VOI_NOISE: "the image noise is high",
    FindingCode.CUT_BY_EDGE: "a vertebra it rests on is cut by the edge of the scan",
    FindingCode.THICK_SLICES: "the slices are thick",
    FindingCode.BEAM_FILTER_MISMATCH: "the beam filter of the scan is not that of the calibration",
    FindingCode.CALIBRATION_SCANNER: "the calibration does not name this scanner, or was made in another way",
    FindingCode.CALIBRATION_DATE: "the calibration is not of the scan's time",
    FindingCode.NO_MATCHING_CALIBRATION: "no calibration of this scanner fits the scan",
    FindingCode.CALIBRATION_DRIFT: "the calibrations of this scanner drift",
    FindingCode.SCAN_MODIFIED: "the scan was changed after it was loaded from its files",
    FindingCode.BLOOD_ENHANCED: "a vessel beside the spine seems to hold contrast agent",
}


def _because(findings: Iterable[Finding], levels: Collection[str]) -> dict[FindingCode, str]:
    """Return what each code gives as a reason where the number rests on ``levels``."""
    suspected = [level for level in _levels_of(FindingCode.SUSPECTED_FRACTURE, findings) if level in levels]
    if not suspected:
        return _BECAUSE
    return _BECAUSE | {FindingCode.SUSPECTED_FRACTURE: f"{listed(suspected)} may be fractured"}


_ABOUT_CATEGORY = (FindingCode.SINGLE_LUMBAR_LEVEL, FindingCode.CALIBRATION_MATERIAL)


def _fracture_sentence(levels: list[str]) -> str:
    plural = "fractures" if len(levels) > 1 else "fracture"
    return (
        f"Vertebral {plural} of {listed(levels)}, confirmed by the reader: a fragility fracture indicates osteoporosis "
        "whatever the BMD."
    )


def _mean_sentence(
    mean: float,
    levels: tuple[str, ...],
    category: str | None,
    codes: tuple[FindingCode, ...],
    material: str,
    left_out: Mapping[str, str],
    because: Mapping[FindingCode, str],
) -> str:
    subject = f"Mean trabecular BMD of {listed(levels)}" if len(levels) > 1 else f"Trabecular BMD of {levels[0]}"
    missing = [_left_out(level, left_out) for level in ASSESSED_LEVELS if level not in levels]
    remark = f" ({', '.join(missing)})" if missing else ""
    sentence = f"{subject}{remark} is {format_bmd(mean)} mg/cm3 ({material} equivalent)"
    if category is None:
        forbids = [code for code in codes if code.effect is Effect.FORBIDS]
        limits = [code for code in codes if code not in forbids]
        return f"{sentence}; no category is given because {_reasons(forbids, because)}{_indicative(limits, because)}."
    return f"{sentence}, {_RANGE[category]}{_indicative(codes, because)}."


def _nothing_sentence(
    bmd_by_level: Mapping[str, float], findings: tuple[Finding, ...], material: str, left_out: Mapping[str, str]
) -> str:
    reasons = ", ".join(_left_out(level, left_out) for level in ASSESSED_LEVELS)
    sentence = f"No category is given because neither L1 nor L2 could be used ({reasons})"
    if "T12" in bmd_by_level and "T12" not in left_out:
        # The counts of lumbar levels and the thresholds' material say nothing about the BMD of T12 itself.
        codes = [code for code in _codes_that_count(findings, ("T12",)) if code not in _ABOUT_CATEGORY]
        sentence += (
            f"; T12, as a reference only, has {bmd_by_level['T12']:.1f} mg/cm3 ({material} equivalent)"
            f"{_indicative(codes, _because(findings, ('T12',)))}"
        )
    return sentence + "."


def _reasons(codes: Iterable[FindingCode], because: Mapping[FindingCode, str]) -> str:
    return listed(because[code] for code in codes)


def _indicative(codes: Collection[FindingCode], because: Mapping[FindingCode, str]) -> str:
    return f"; this is indicative only because {_reasons(codes, because)}" if codes else ""


def _left_out(level: str, left_out: Mapping[str, str]) -> str:
    return left_out.get(level, f"{level} not measured")


def listed(items: Iterable[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    *head, last = list(items)
    return f"{', '.join(head)} and {last}" if head else last
