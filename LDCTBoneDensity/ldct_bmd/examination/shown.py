"""How the file of a record holds sentences: beside the facts that count, so that people can read the file.

A finding has its ``message`` and an assessment its ``statement`` in the language that was spoken on writing. On reading
they count only if they are ``frozen``: shown to whoever signed, or of an earlier version that kept no facts.
"""

from collections.abc import Iterable
from typing import Any

from ..assessment import Assessment
from ..findings import Finding
from ..ground.plain import to_plain


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


def _as_read(values: dict[str, Any], sentence: str) -> dict[str, Any]:
    kept = {name: item for name, item in values.items() if name not in (sentence, "frozen")}
    if values["frozen"] is True:
        kept["text"] = values[sentence]
    return kept
