"""What a reader can give as the reason to leave a level out, in words."""

from ..words import Phrase, told

# As records hold them; "other" is followed by the reader's own words: "other: ...".
_CODES = {
    "fracture": "reason.fracture",
    "surgery or implant": "reason.surgery",
    "tumour": "reason.tumour",
    "sclerosis or degeneration": "reason.sclerosis",
    "cyst": "reason.cyst",
    "outside the scan": "reason.outside",
    "other": "reason.other",
}


def reason_phrase(reason: str) -> Phrase:
    """Return what is said of a reason as a record holds it."""
    kind, colon, own = reason.partition(":")
    if kind not in _CODES:
        return told(reason)
    named = Phrase(_CODES[kind])
    return Phrase("reason.with_words", {"reason": named, "words": own.strip()}) if colon else named
