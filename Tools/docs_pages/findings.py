"""The reference of findings, from their codes and the catalogue of texts."""

import re

from ldct_bmd.findings import Effect, FindingCode
from ldct_bmd.words import ENGLISH, catalogue

from .markdown import cell, table

_EFFECT = {
    Effect.NONE: "none",
    Effect.LIMITS: "limits it",
    Effect.FORBIDS: "there is none",
}
_HEAD = """# Findings

What the software noticed about a scan, a level or a calibration. Each has a code that never changes, a severity
(*info*, *warning*, *error*) and an effect on the category. A finding about a level counts for the category only if
the category rests on that level. In `measurement.json` a finding holds its facts and the sentence that is composed
from them.

For what they look like and what to do, see [Fractures, outlines and VOIs](../explanation/fractures.md) and
[What is refused or limited](../explanation/refusals.md).
"""
_FACT = re.compile(r"\{(\w+)[^{}]*\}")
_PLURAL = re.compile(r"\{\w+:plural:([^|}]*)\|[^}]*\}")


def page() -> str:
    """Return the page."""
    texts = catalogue(ENGLISH)
    codes = [(f"[`{one.value}`](#{one.value})", one.severity.value, _EFFECT[one.effect]) for one in FindingCode]
    parts = [_HEAD, table(("code", "severity", "category"), codes)]
    for one in FindingCode:
        parts += [f"## {one.value} {{ #{one.value} }}\n", texts(f"meaning.{one.value}") + "\n"]
        said = [key for key in texts if key == f"finding.{one.value}" or key.startswith(f"finding.{one.value}.")]
        sentences = [_sentence(texts.template(key)) for key in said]
        parts += [f"> {sentence}\n" for sentence in sentences if not sentence.startswith("*")]
    return "\n".join(parts)


def _sentence(template: str) -> str:
    """Return a text with the names of its facts in place of the facts."""
    return cell(_FACT.sub(lambda found: f"*{found[1].replace('_', ' ')}*", _PLURAL.sub(r"\1", template)))
