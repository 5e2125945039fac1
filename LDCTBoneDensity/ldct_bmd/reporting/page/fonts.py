"""Fonts of the PDF: DejaVu Sans, which comes with matplotlib, embedded; Chinese, Japanese and Korean by name.

A font that holds these scripts weighs megabytes. The PDF names one of Adobe's standard ones instead, which every
common viewer has or replaces; a letter that no font here has is shown as a box with a question mark.
"""

from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path

import matplotlib
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD, ITALIC = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique"
CHINESE, JAPANESE, KOREAN = "STSong-Light", "HeiseiKakuGo-W5", "HYGothic-Medium"
MISSING = "\ufffd"
# First and last code point of each script's blocks; Han is Chinese here, whatever the language.
_SCRIPTS = (
    (CHINESE, ((0x2E80, 0x2FFF), (0x3000, 0x303F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))),
    (CHINESE, ((0xFF00, 0xFFEF),)),
    (JAPANESE, ((0x3040, 0x30FF), (0x31F0, 0x31FF))),
    (KOREAN, ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))),
)


@cache
def register() -> frozenset[int]:
    """Make the fonts known to ReportLab; return the code points that the embedded one has."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (REGULAR, BOLD, ITALIC):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=ITALIC, boldItalic=BOLD)
    for name in (CHINESE, JAPANESE, KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    face = pdfmetrics.getFont(REGULAR).face
    return frozenset(face.charToGlyph)


def markup(text: str) -> str:
    """Return ``text`` escaped for a ReportLab paragraph, with a font tag around what the embedded font lacks."""
    embedded = register()
    parts = []
    for font, letters in groupby(text, lambda letter: _font(letter, embedded)):
        run = "".join(letters)
        run = MISSING * len(run) if font is None else escape(run, quote=False)
        parts.append(run if font in (None, "") else f'<font name="{font}">{run}</font>')
    return "".join(parts)


def plain(text: str) -> str:
    """Return ``text`` as the embedded font can show it, for where there is no markup."""
    embedded = register()
    return "".join(letter if ord(letter) in embedded else MISSING for letter in text)


def _font(letter: str, embedded: frozenset[int]) -> str | None:
    """Return the font's name, "" for the embedded one, None where no font has the letter."""
    point = ord(letter)
    if point in embedded:
        return ""
    for font, blocks in _SCRIPTS:
        if any(first <= point <= last for first, last in blocks):
            return font
    return None
