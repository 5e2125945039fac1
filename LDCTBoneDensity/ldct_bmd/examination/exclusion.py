"""Why a reader leaves a level out."""

from dataclasses import dataclass
from enum import Enum

from ..words import Phrase


class ExclusionReason(str, Enum):
    """The reasons that a reader may give."""

    FRACTURE = "fracture"
    SURGERY_OR_IMPLANT = "surgery_or_implant"
    TUMOUR = "tumour"
    SCLEROSIS_OR_DEGENERATION = "sclerosis_or_degeneration"
    CYST = "cyst"
    OUTSIDE_SCAN = "outside_scan"
    OTHER = "other"  # in the reader's own words


@dataclass(frozen=True)
class Exclusion:
    """Why a reader left a level out of the assessment, who, and when (ISO 8601).

    ``words`` are the reader's own; None unless the reason is ``OTHER``.
    """

    reason: ExclusionReason
    reader: str
    time: str
    words: str | None = None

    @property
    def phrase(self) -> Phrase:
        """The reason, with the reader's own words."""
        return _phrase(self.reason, self.words)

    @property
    def text(self) -> str:
        """The reason in the language that is spoken."""
        return str(self.phrase)


def exclusion_text(reason: str, words: str | None = None) -> str:
    """Return the reason in the language that is spoken, with the reader's own words."""
    return str(_phrase(ExclusionReason(reason), words))


def _phrase(reason: ExclusionReason, words: str | None) -> Phrase:
    key = f"exclusion.{reason.value}"
    return Phrase(f"{key}.words", {"words": words}) if words else Phrase(key)
