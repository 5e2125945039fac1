"""How the file of a record holds sentences: beside the facts that count, so that people can read the file.

A finding has its ``message`` and an assessment its ``statement`` in the language that was spoken on writing. On reading
they count only if they are ``frozen``: shown to whoever signed, or of an earlier version that kept no facts.
"""

from collections.abc import Iterable
from typing import Any

from ..assessment import Assessment
from ..findings import Finding
from ..ground.plain import to_plain
from ..words import TOLD


def plain_findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain values, each with its severity and its sentence."""
    return [
        {
            "code": finding.code.value,
            "severity": finding.severity.value,
            "level": finding.level,
            "facts": to_plain(finding.facts),
            "message": finding.message,
            "frozen": finding.text is not None,
        }
        for finding in findings
    ]


def plain_assessment(assessment: Assessment) -> dict[str, Any]:
    """Return an assessment as plain values, with its sentences."""
    values: dict[str, Any] = to_plain(assessment)
    del values["text"]
    return {**values, "statement": assessment.statement, "frozen": assessment.text is not None}


def finding_as_read(values: dict[str, Any]) -> dict[str, Any]:
    """Return what a finding is made of; what follows from its code and facts is left out."""
    kept = {name: item for name, item in values.items() if name != "severity"}
    return _as_read(kept, "message")


def assessment_as_read(values: dict[str, Any]) -> dict[str, Any]:
    """Return what an assessment is made of; a statement that follows from its facts is left out."""
    return _as_read(values, "statement")


def with_told_sentences(values: dict[str, Any]) -> dict[str, Any]:
    """Return the plain values of a record /1, whose sentences came without facts: they stay as they are."""
    quality, choice, automatic = values["quality"], values.get("calibration_choice"), values.get("automatic")
    unmeasured = [{**one, "reason": _told(one["reason"])} for one in quality.get("unmeasured", [])]
    upgraded = {
        **values,
        "findings": [{**one, "facts": {"case": TOLD}, "frozen": True} for one in values["findings"]],
        "assessment": {**values["assessment"], "frozen": True},
        "quality": {**quality, "names_remark": _told(quality["names_remark"]), "unmeasured": unmeasured},
    }
    if choice is not None:
        drift = [_told(sentence) for sentence in choice.get("drift", [])]
        upgraded["calibration_choice"] = {**choice, "reason": _told(choice["reason"]), "drift": drift}
    if automatic is not None:
        assessment = {**automatic["assessment"], "frozen": True}
        remark = _told(automatic["names_remark"])
        upgraded["automatic"] = {**automatic, "assessment": assessment, "names_remark": remark}
    return upgraded


def _told(sentence: str) -> dict[str, Any]:
    return {"code": TOLD, "facts": {}, "text": sentence}


def _as_read(values: dict[str, Any], sentence: str) -> dict[str, Any]:
    kept = {name: item for name, item in values.items() if name not in (sentence, "frozen")}
    if values["frozen"] is True:
        kept["text"] = values[sentence]
    return kept
