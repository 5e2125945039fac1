"""The mean of L1 and L2, its category, and what may be said about it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from .anatomy import ASSESSED_LEVELS, order
from .calibration import BMDError
from .findings import Effect, Finding, FindingCode
from .rules import ACR, Category, RuleSet, rules_of
from .words import Fact, Phrase, text

REFERENCE_LEVEL = "T12"


class NotUsed(str, Enum):
    """Why the mean does not rest on a level."""

    NOT_MEASURED = "not_measured"
    EXCLUDED = "excluded"  # by a reader
    FRACTURED = "fractured"  # as a reader has confirmed
    DOUBTFUL_OUTLINE = "doubtful_outline"

    @property
    def words(self) -> str:
        """The reason as it is said of a level that is measured and that no reader excluded, as "is fractured"."""
        return text(f"not_used.{self.value}")


@dataclass(frozen=True)
class LeftOut:
    """One of L1 and L2 that the mean does not rest on; ``reason``: why a reader excluded it."""

    level: str
    why: NotUsed
    reason: str | Phrase | None = None


@dataclass(frozen=True)
class Reference:
    """T12 if neither L1 nor L2 could be used; ``limited``: codes of the findings that limit its BMD."""

    level: str
    bmd_mg_cm3: float
    limited: tuple[str, ...]


@dataclass(frozen=True)
class Assessment:
    """What the BMD of L1 and L2 says.

    Attributes:
        mean_bmd_mg_cm3: unrounded mean over ``levels``; None if there is no level.
        levels: the lumbar levels that the mean rests on.
        category: of :class:`.rules.Category`, or None if none may be given.
        limited: codes of the findings that limit the category or forbid it, in the order of the enumeration.
        mean_bmd_error: standard error of the mean; None if there is no mean.
        material: the equivalent material of the BMD; None in records of before, of which only ``text`` is known.
        left_out: those of L1 and L2 that the mean does not rest on.
        fractured: levels of the fractures that a reader confirmed, top to bottom.
        suspected: levels that may be fractured, of those that the mean, or else the reference, rests on.
        reference: what is said beside if there is no mean.
        text: the statement that was shown, if it must stay as it was; None if it is composed.
        rules: the rule set that the category is by; None: the ACR's.
        k2hpo4_parts: the least and the most K2HPO4 that a mg of another material may stand for, where the category is
            by that.
    """

    mean_bmd_mg_cm3: float | None
    levels: tuple[str, ...]
    category: str | None
    limited: tuple[str, ...]
    mean_bmd_error: BMDError | None = None
    material: str | None = None
    left_out: tuple[LeftOut, ...] = ()
    fractured: tuple[str, ...] = ()
    suspected: tuple[str, ...] = ()
    reference: Reference | None = None
    text: str | None = None
    rules: RuleSet | None = None
    k2hpo4_parts: tuple[float, float] | None = None

    @property
    def statement(self) -> str:
        """One or two sentences, a confirmed fracture first: those that were shown, else in the language spoken."""
        return composed_statement(self) if self.text is None else self.text

    def frozen(self) -> "Assessment":
        """Return the same assessment, whose statement stays as it is now."""
        return replace(self, text=self.statement)

    def thawed(self) -> "Assessment":
        """Return the same assessment, whose statement is composed whenever it is shown, if there are facts to do so."""
        return self if self.material is None else replace(self, text=None)


def categorize(mean_bmd_mg_cm3: float, rules: RuleSet = ACR) -> Category:
    """Return the category of an unrounded mean BMD; by the ACR's rule set 80 and 120 themselves are osteopenia.

    Args:
        mean_bmd_mg_cm3: of L1 and L2, in mg/cm3 of K2HPO4.
        rules: the limits.

    Raises:
        ValueError: the BMD is not finite.

    Examples:
        >>> categorize(79.97).value, categorize(80.0).value, categorize(120.01).value
        ('osteoporosis', 'osteopenia', 'normal')
    """
    return rules.categorize(mean_bmd_mg_cm3)


def format_bmd(bmd_mg_cm3: float, rules: RuleSet = ACR) -> str:
    """Return the number with one decimal, or with as many as keep it on its side of a rule set's limits.

    Args:
        bmd_mg_cm3: in mg/cm3.
        rules: the limits.

    Examples:
        >>> format_bmd(104.26), format_bmd(79.97)
        ('104.3', '79.97')
    """
    for decimals in range(1, 7):
        shown = f"{bmd_mg_cm3:.{decimals}f}"
        if rules.categorize(float(shown)) is rules.categorize(bmd_mg_cm3):
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
    excluded: Mapping[str, str | Phrase] | None = None,
    unused: Mapping[str, NotUsed] | None = None,
    rules: RuleSet | None = None,
    k2hpo4_parts: tuple[float, float] | None = None,
) -> Assessment:
    """Assess the measured levels.

    Args:
        bmd_by_level: unrounded BMD of every measured level, excluded ones too.
        findings: all findings about the scan and the levels; their effects decide whether there is a category.
        material: the equivalent material of the BMD, for the statement.
        excluded: a reader's reason by level.
        unused: what speaks against further levels.
        rules: the rule set that the category is by; None: the ACR's.
        k2hpo4_parts: see :class:`Assessment`; the findings say whether both have one category.
    """
    findings = tuple(findings)
    out = {level: LeftOut(level, why) for level, why in (unused or {}).items()}
    out |= {level: LeftOut(level, NotUsed.EXCLUDED, reason) for level, reason in (excluded or {}).items()}
    levels = assessed_levels(bmd_by_level, out)
    codes = _codes_that_count(findings, levels, rules_of(rules))
    fractured = _levels_of(FindingCode.FRACTURE, findings)
    mean = sum(bmd_by_level[level] for level in levels) / len(levels) if levels else None
    category = None
    if mean is not None and not any(code.effect is Effect.FORBIDS for code in codes):
        least = 1.0 if k2hpo4_parts is None else k2hpo4_parts[0]
        category = _category(least * mean, rules_of(rules), bool(fractured)).value
    reference = None
    if mean is None and REFERENCE_LEVEL in bmd_by_level and REFERENCE_LEVEL not in out:
        reference = _reference(bmd_by_level[REFERENCE_LEVEL], findings)
    about = levels if reference is None else (reference.level,)
    return Assessment(
        mean,
        levels,
        category,
        tuple(code.value for code in codes),
        material=material,
        left_out=tuple(
            out.get(level, LeftOut(level, NotUsed.NOT_MEASURED)) for level in ASSESSED_LEVELS if level not in levels
        ),
        fractured=fractured,
        suspected=tuple(level for level in _levels_of(FindingCode.SUSPECTED_FRACTURE, findings) if level in about),
        reference=reference,
        rules=rules,
        k2hpo4_parts=None if category is None else k2hpo4_parts,
    )


def _category(mean_bmd_mg_cm3: float, rules: RuleSet, fractured: bool) -> Category:
    category = rules.categorize(mean_bmd_mg_cm3)
    if category is Category.OSTEOPOROSIS and fractured and rules.severe_with_fracture:
        return Category.SEVERE_OSTEOPOROSIS
    return category


def _levels_of(code: FindingCode, findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the levels that ``code`` was found at, top to bottom."""
    return tuple(sorted({f.level for f in findings if f.code is code and f.level is not None}, key=order))


def _codes_that_count(
    findings: tuple[Finding, ...], levels: tuple[str, ...], rules: RuleSet
) -> tuple[FindingCode, ...]:
    present = {f.code for f in findings if f.level is None or f.level in levels}
    # How many levels there are is known here at first hand.
    present -= {FindingCode.NO_LUMBAR_LEVEL, FindingCode.TOO_FEW_LEVELS, FindingCode.SINGLE_LUMBAR_LEVEL}
    if not levels:
        present.add(FindingCode.NO_LUMBAR_LEVEL)
    elif len(levels) < rules.lumbar_levels:
        present.add(FindingCode.TOO_FEW_LEVELS)
    elif len(levels) < len(ASSESSED_LEVELS):
        present.add(FindingCode.SINGLE_LUMBAR_LEVEL)
    return tuple(code for code in FindingCode if code in present and code.effect is not Effect.NONE)


# The counts of lumbar levels, the thresholds' material and their population say nothing about the BMD of T12 itself.
_ABOUT_CATEGORY = (
    FindingCode.SINGLE_LUMBAR_LEVEL,
    FindingCode.TOO_FEW_LEVELS,
    FindingCode.CALIBRATION_MATERIAL,
    FindingCode.MATERIAL_CONVERTED,
    FindingCode.RULES_POPULATION,
)


def _reference(bmd_mg_cm3: float, findings: tuple[Finding, ...]) -> Reference:
    codes = [code for code in _codes_that_count(findings, (REFERENCE_LEVEL,), ACR) if code not in _ABOUT_CATEGORY]
    return Reference(REFERENCE_LEVEL, bmd_mg_cm3, tuple(code.value for code in codes))


def composed_statement(assessment: Assessment) -> str:
    """Return what an assessment says in one or two sentences, a confirmed fracture first."""
    sentence = _nothing(assessment) if assessment.mean_bmd_mg_cm3 is None else _mean(assessment)
    if not assessment.fractured:
        return str(sentence)
    first = Phrase("statement.fracture", {"levels": assessment.fractured})
    return text("statement.sentences", first=first, second=sentence)


def _mean(assessment: Assessment) -> Phrase:
    levels = assessment.levels
    subject = Phrase("statement.subject", {"levels": levels})
    if assessment.left_out:
        subject = Phrase("statement.subject_left_out", {"levels": levels, "left_out": _left_out(assessment)})
    facts: dict[str, Fact] = {
        "subject": subject,
        "bmd": format_bmd(assessment.mean_bmd_mg_cm3 or 0.0, rules_of(assessment.rules)),
        "material": assessment.material,
    }
    codes = [code for code in FindingCode if code.value in assessment.limited]
    if assessment.category is not None:
        facts |= {
            "range": _range(assessment),
            "limits": _indicative(codes, assessment),
        }
        return Phrase("statement.mean", facts)
    forbids = [code for code in codes if code.effect is Effect.FORBIDS]
    facts |= {
        "reasons": _reasons(forbids, assessment),
        "limits": _indicative([code for code in codes if code not in forbids], assessment),
    }
    return Phrase("statement.no_category", facts)


def _range(assessment: Assessment) -> Phrase:
    rules = rules_of(assessment.rules)
    span: dict[str, Fact] = {"below": rules.osteoporosis_below_mg_cm3, "above": rules.normal_above_mg_cm3}
    named = Phrase(f"statement.range.{assessment.category}", span)
    if rules != ACR:
        named = Phrase("statement.range.by", {"range": named, "rules": rules.title})
    if assessment.k2hpo4_parts is None:
        return named
    low, high = (format_bmd(part * (assessment.mean_bmd_mg_cm3 or 0.0), rules) for part in assessment.k2hpo4_parts)
    return Phrase("statement.range.converted", {"low": low, "high": high, "range": named})


def _nothing(assessment: Assessment) -> Phrase:
    reference = assessment.reference
    if reference is None:
        return Phrase("statement.nothing", {"left_out": _left_out(assessment)})
    return Phrase(
        "statement.reference_only",
        {
            "left_out": _left_out(assessment),
            "level": reference.level,
            "bmd_mg_cm3": reference.bmd_mg_cm3,
            "material": assessment.material,
            "limits": _indicative([code for code in FindingCode if code.value in reference.limited], assessment),
        },
    )


def _left_out(assessment: Assessment) -> tuple[Phrase, ...]:
    return tuple(
        Phrase(f"left_out.{one.why.value}", {"level": one.level, "reason": one.reason}) for one in assessment.left_out
    )


def _indicative(codes: Collection[FindingCode], assessment: Assessment) -> str | Phrase:
    return Phrase("statement.limits", {"reasons": _reasons(codes, assessment)}) if codes else ""


def _reasons(codes: Iterable[FindingCode], assessment: Assessment) -> tuple[Phrase, ...]:
    return tuple(
        Phrase("because.suspected_fracture.levels", {"levels": assessment.suspected})
        if code is FindingCode.SUSPECTED_FRACTURE and assessment.suspected
        else Phrase(f"because.{code.value}")
        for code in codes
    )
