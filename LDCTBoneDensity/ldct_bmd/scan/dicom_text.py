"""Texts of DICOM headers as they were meant."""


def as_meant(text: str) -> str:
    """Return ``text``; where it is UTF-8 whose character set the header does not declare, its letters.

    Such bytes are read as Latin-1, and no real text in Latin-1 is valid UTF-8 unless it is ASCII.
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
