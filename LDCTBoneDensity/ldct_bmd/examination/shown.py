"""How the file of a record holds sentences: together with the facts that count, so that people can read the file.

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


def without_composed_sentences(values: dict[str, Any]) -> dict[str, Any]:
    """Return the plain values of a record without what follows from codes and facts."""
    read = {**values, "assessment": _as_read(values["assessment"], "statement")}
    read["findings"] = [_as_read(finding, "message") for finding in values["findings"]]
    if values.get("automatic") is not None:
        assessment = _as_read(values["automatic"]["assessment"], "statement")
        read["automatic"] = {**values["automatic"], "assessment": assessment}
    return read


def _as_read(values: dict[str, Any], sentence: str) -> dict[str, Any]:
    kept = {name: item for name, item in values.items() if name not in (sentence, "frozen", "severity")}
    if values["frozen"] is True:
        kept["text"] = values[sentence]
    return kept
