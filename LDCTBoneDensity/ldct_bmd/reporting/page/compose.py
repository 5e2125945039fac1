"""From the record to the report: words are chosen and numbers rounded here, nothing is measured or concluded."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from ...anatomy import ASSESSED_LEVELS, order
from ...assessment import format_bmd
from ...examination import SIGNED, Examination, missing_signature, record_sha256, signed_part, unused_levels
from ...findings import Finding, FindingCode
from ...reference import ReferenceCurve
from ...rules import Category, RuleSet, rules_of
from ...words import Catalogue, catalogue, current_language, speaking
from ..deidentify import is_deidentified_copy, is_signed_copy
from ..priors import Comparison
from ..signed import refuse_changed
from .about import age_caveat, calibration_facts, mean_line, patient_facts, scan_facts, software_facts
from .history import history_table
from .level_table import level_table, shown_level
from .prior_table import prior_table, same_place_table
from .reference_view import reference_view
from .report import BAR_HIGH, BAR_LOW, BarPart, ColourBar, Note, Picture, ReferenceView, Report, State, Table
from .uncertainty_table import uncertainty_table
from .words import time, visible

# Dark to light with rising BMD, so that a grey print keeps the order.
_BAR_COLORS = {
    Category.OSTEOPOROSIS: "#a63a32",
    Category.OSTEOPENIA: "#e3ab4a",
    Category.NORMAL: "#cfe8cf",
    Category.NOT_OSTEOPOROSIS: "#cfe8cf",
}
LONGEST_COMMENT = 4000  # letters
_Section = TypeVar("_Section", bound=Table | ReferenceView)


def compose(
    examination: Examination,
    pictures: Sequence[Picture] = (),
    comparisons: Sequence[Comparison] = (),
    language: str | None = None,
    deidentified: bool = False,
    key_compared: bool = False,
    reference: ReferenceCurve | None = None,
) -> Report:
    """Return the report of a record.

    Args:
        language: that of the report; None: the one that is spoken.
        comparisons: with earlier examinations, as :func:`..priors.compare` makes them.
        deidentified: says so on the report; the record is one that :func:`..deidentify.deidentified` made.
        key_compared: the key that signed the record is the site's; otherwise the report says that nobody looked.
        reference: a population of whose BMD by age and sex the report shows the curve.

    Raises:
        UsageError: the record was changed after it was signed.
    """
    refuse_changed(examination)
    with speaking(language or current_language()):
        return _composed(signed_part(examination), pictures, comparisons, deidentified, key_compared, reference)


def _composed(
    examination: Examination,
    pictures: Sequence[Picture],
    comparisons: Sequence[Comparison],
    deidentified: bool,
    key_compared: bool,
    reference: ReferenceCurve | None,
) -> Report:
    language = current_language()
    say = catalogue(language)
    assessment = examination.assessment
    category = assessment.category
    bar = _bar(examination, say)
    state = _state(examination, say, deidentified, key_compared)
    unsigned = (say("report.not_signed"),) if state.kind == "signed" else ()
    if category is None:
        category_words = say("category.none")
    else:
        kind = "category.limited" if assessment.limited else "category.plain"
        category_words = say(kind, category=say(f"category.{category}"))
    return Report(
        language=language,
        title=say("report.title"),
        research_use=say("report.research_use"),
        copy=say("report.deidentified") if deidentified else "",
        state=state,
        patient=patient_facts(examination.scan.patient, say),
        scan=scan_facts(examination, say),
        alert=_alert(examination, say),
        category=category_words,
        statement=visible(assessment.statement, 4000),
        bar=bar,
        mean_line=mean_line(examination, say),
        warnings=_warnings(examination, say),
        levels_line=_levels_line(examination, say),
        comment=visible(examination.comment or "", LONGEST_COMMENT).strip(),
        levels=level_table(examination, say),
        uncertainty=uncertainty_table(examination, say),
        priors=_noted(prior_table(comparisons, say) if comparisons else None, unsigned),
        same_place=_noted(same_place_table(comparisons, say), unsigned),
        reference=None
        if reference is None
        else _noted(reference_view(examination, reference, comparisons, say), unsigned),
        findings=tuple(
            Note(finding.severity.value, say(f"severity.{finding.severity.value}"), visible(_placed(finding), 1000))
            for finding in examination.findings
        ),
        calibration=calibration_facts(examination, say),
        method=_method(examination, say),
        software=software_facts(examination, say),
        history=history_table(examination, say),
        pictures=tuple(pictures),
        patient_id=visible(examination.scan.patient.patient_id or "", 40),
        record_sha256=record_sha256(examination),
    )


def _noted(section: _Section | None, notes: tuple[str, ...]) -> _Section | None:
    """Return a section with further notes before its own; None of none."""
    if section is None:
        return None
    return replace(section, notes=(*notes, *section.notes))


def _state(examination: Examination, say: Catalogue, deidentified: bool, key_compared: bool) -> State:
    signature = examination.signature
    if signature is not None:
        key = "state.signed.detail_organization" if signature.organization else "state.signed.detail"
        detail = say(
            key,
            reader=visible(signature.reader),
            organization=visible(signature.organization or ""),
            time=time(signature.time),
        )
        if signature.key is not None and not key_compared:
            detail = say("state.signed.key_not_compared", detail=detail)
        return State("signed", say("state.signed"), detail)
    if deidentified and is_signed_copy(examination):
        return State("signed", say("state.signed"), say("state.signed.deidentified"))
    missing = missing_signature(examination)
    if missing is not None and not is_deidentified_copy(examination):
        told = {"reader": visible(missing.reader), "time": time(missing.time)}
        return State("corrected", say("state.signature_missing"), say("state.signature_missing.detail", **told))
    corrections = [entry for entry in examination.history if entry.what != SIGNED]
    if corrections:
        last = corrections[-1]
        detail = say("state.corrected.detail", reader=visible(last.reader), time=time(last.time))
        return State("corrected", say("state.corrected"), detail)
    return State("automatic", say("state.automatic"), say("state.automatic.detail"))


def _bar(examination: Examination, say: Catalogue) -> ColourBar | None:
    assessment = examination.assessment
    mean = assessment.mean_bmd_mg_cm3
    # The scale is one of K2HPO4 equivalents.
    if mean is None or assessment.category is None or assessment.k2hpo4_parts is not None:
        return None
    rules = rules_of(assessment.rules)
    edges = (BAR_LOW, *rules.limits_mg_cm3, BAR_HIGH)
    parts = tuple(
        BarPart(say(f"category.{category.value}"), low, high, _BAR_COLORS[category])
        for category, low, high in zip(rules.categories, edges, edges[1:], strict=False)
    )
    levels = say.listed(assessment.levels)
    return ColourBar(
        low=BAR_LOW,
        high=BAR_HIGH,
        parts=parts,
        ticks=rules.limits_mg_cm3,
        value=mean,
        marker=min(max(mean, BAR_LOW), BAR_HIGH),
        value_text=format_bmd(mean, rules),
        title=say("bar.title", levels=levels),
        description=say(
            "bar.alt", levels=levels, bmd=format_bmd(mean, rules), limits=tuple(f"{one:g}" for one in edges[1:-1])
        ),
    )


def _levels_line(examination: Examination, say: Catalogue) -> tuple[str, ...]:
    used = tuple(shown_level(level, examination, say) for level in examination.assessment.levels)
    lines = [say("use.used", levels=say.listed(used)) if used else say("use.none")]
    unused = unused_levels(examination)
    for measurement in examination.measurements:
        level, excluded = shown_level(measurement.level, examination, say), measurement.excluded
        if excluded is not None:
            values = {"reason": visible(excluded.text), "reader": visible(excluded.reader)}
            lines.append(say("use.excluded", level=level, time=time(excluded.time), **values))
        elif measurement.level in unused:
            lines.append(say("use.unused", level=level, reason=visible(unused[measurement.level].words)))
        elif measurement.level not in ASSESSED_LEVELS:
            lines.append(say("use.reference", level=level))
    measured = {measurement.level for measurement in examination.measurements}
    for level in examination.quality.requested_levels:
        if level not in measured:
            reasons = [finding.message for finding in examination.findings if finding.level == level]
            shown = shown_level(level, examination, say)
            key = "use.missing" if reasons else "use.missing_unknown"
            lines.append(say(key, level=shown, reason=visible(" ".join(reasons))))
    return tuple(lines)


def _placed(finding: Finding) -> str:
    named = finding.level is None or finding.level in finding.message
    return finding.message if named else f"{finding.level}: {finding.message}"


def _alert(examination: Examination, say: Catalogue) -> str:
    fractured = _levels_of(FindingCode.FRACTURE, examination, say)
    return say("alert.fracture", levels=fractured) if fractured else ""


def _levels_of(code: FindingCode, examination: Examination, say: Catalogue) -> str:
    levels = [finding.level for finding in examination.findings if finding.code is code and finding.level is not None]
    return say.listed(tuple(shown_level(level, examination, say) for level in sorted(levels, key=order)))


def _warnings(examination: Examination, say: Catalogue) -> tuple[str, ...]:
    """Return what must stand next to the result, not pages after it."""
    lines = []
    suspected = _levels_of(FindingCode.SUSPECTED_FRACTURE, examination, say)
    if suspected:
        lines.append(say("warning.check_fracture", levels=suspected))
    if examination.scan.patient.age_years is not None:
        lines += filter(None, [age_caveat(examination.scan.patient, say)])
    if examination.calibration.nominal:
        lines.append(say("calibration.nominal"))
    return tuple(lines)


def _rules_line(rules: RuleSet, say: Catalogue) -> str:
    """Return what is called what, by which rule set, and where that was published."""
    limits = {"below": rules.osteoporosis_below_mg_cm3, "above": rules.normal_above_mg_cm3}
    key = "method.category" if rules.normal_above_mg_cm3 is not None else "method.category_one_limit"
    lines = [say(key, source=visible(rules.source), **limits)]
    if rules.severe_with_fracture:
        lines.append(say("method.category_severe"))
    return " ".join(lines)


def _method(examination: Examination, say: Catalogue) -> tuple[str, ...]:
    rules = rules_of(examination.assessment.rules)
    lines = [say("method.voi"), _rules_line(rules, say), say("method.t_score")]
    if examination.scan.patient.age_years is None:
        lines.append(age_caveat(examination.scan.patient, say))
    return (*lines, say("method.screening"), say("method.research"))
