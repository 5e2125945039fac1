"""Text from outside, made safe to show: in a page, a table, a DICOM value, a terminal."""

REPLACEMENT = "\ufffd"
_BLANK = "\t\n\r\u00a0\u3000"


def visible(text: str, longest: int | None = None, instead: str = REPLACEMENT, keep: str = "") -> str:
    """Return text with every character that shows nothing or steers (control, bidirectional) replaced.

    Args:
        longest: letters to keep; a longer text ends in an ellipsis.
        keep: blanks that stay as they are; others become spaces.
    """
    cut = longest is not None and len(text) > longest
    shown = "".join(c if c.isprintable() or c in keep else " " if c in _BLANK else instead for c in text[:longest])
    return shown[:-1] + "…" if cut else shown
