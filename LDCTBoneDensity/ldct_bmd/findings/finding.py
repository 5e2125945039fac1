"""One finding: facts, from which its sentence is composed."""

from dataclasses import dataclass, field, replace

from ..words import TOLD, Fact, text
from .codes import FindingCode, Severity

GENERAL = "general"  # the case of a finding that says no more than what its code means


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        code: what it is, how much it matters and what it does to the category.
        level: None if it concerns the whole scan.
        facts: what the sentence names; if the code has several sentences, ``case`` says which.
        text: the sentence that was shown, if it must stay as it was; None if it is composed.
    """

    code: FindingCode
    level: str | None
    facts: dict[str, Fact] = field(default_factory=dict, hash=False)
    text: str | None = None

    @property
    def severity(self) -> Severity:
        """How much it matters: a property of the code."""
        return self.code.severity

    @property
    def message(self) -> str:
        """The sentence: the one that was shown, else one in the language that is spoken."""
        if self.text is not None:
            return self.text
        case = self.facts.get("case")
        if case == GENERAL:
            return text(f"meaning.{self.code.value}")
        key = f"finding.{self.code.value}"
        return text(key if case is None else f"{key}.{case}", **self.facts, level=self.level)

    def frozen(self) -> "Finding":
        """Return the same finding, whose sentence stays as it is now."""
        return replace(self, text=self.message)

    def thawed(self) -> "Finding":
        """Return the same finding, whose sentence is composed whenever it is shown, if there are facts to do so."""
        return self if self.facts.get("case") == TOLD else replace(self, text=None)


def told_finding(code: FindingCode, level: str | None, message: str) -> Finding:
    """Return a finding of which no more is known than its sentence."""
    return Finding(code, level, {"case": TOLD}, message)
