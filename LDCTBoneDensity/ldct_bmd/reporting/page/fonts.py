"""Fonts of the PDF: DejaVu Sans, which comes with matplotlib, and a Chinese font of this machine, both embedded.

Where the machine has no Chinese font, and for Japanese and Korean, the PDF names one of Adobe's standard ones instead,
which every common viewer has or replaces; a letter that no font here has is shown as a box with a question mark.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path

import matplotlib
from reportlab.lib import textsplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import paragraph

from ..chinese import HAN, NOT_FIRST, FontFile, find_font, has_chinese, part_of

REGULAR, BOLD, ITALIC = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique"
CHINESE, JAPANESE, KOREAN = "STSong-Light", "HeiseiKakuGo-W5", "HYGothic-Medium"
MISSING = "\ufffd"
# First and last code point of each script's blocks; Han is Chinese here, whatever the language.
_SCRIPTS = (
    (CHINESE, HAN),
    (JAPANESE, ((0x3040, 0x30FF), (0x31F0, 0x31FF))),
    (KOREAN, ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))),
)


@dataclass(frozen=True)
class _Embedded:
    """The names of a Chinese font that is embedded, and the code points that it has."""

    regular: str = ""
    bold: str = ""
    points: frozenset[int] = frozenset()


_chinese: ContextVar[_Embedded] = ContextVar("chinese", default=_Embedded())  # noqa: B039 - frozen


@cache
def register() -> frozenset[int]:
    """Make the fonts known to ReportLab; return the code points that the embedded one has."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (REGULAR, BOLD, ITALIC):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=ITALIC, boldItalic=BOLD)
    for name in (CHINESE, JAPANESE, KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    # What ReportLab lets no line begin with are Japanese marks.
    for module in (paragraph, textsplit):
        module.ALL_CANNOT_START += NOT_FIRST
    face = pdfmetrics.getFont(REGULAR).face
    return frozenset(face.charToGlyph)


@contextmanager
def chinese(text: str) -> Iterator[None]:
    """Embed, within a block, what ``text`` needs of this machine's Chinese font, if it has one."""
    token = _chinese.set(_embed("".join(sorted(set(text)))) if has_chinese(text) else _Embedded())
    try:
        yield
    finally:
        _chinese.reset(token)


def _embed(letters: str) -> _Embedded:
    regular = find_font()
    name = f"Chinese-{hashlib.sha256(f'{regular} {letters}'.encode()).hexdigest()[:12]}"
    if regular is None or not _made(regular, letters, name):
        return _Embedded()
    points = frozenset(pdfmetrics.getFont(name).face.charToGlyph)
    bold = find_font(bold=True)
    bold_name = f"{name}-Bold"
    return _Embedded(name, bold_name if bold is not None and _made(bold, letters, bold_name) else name, points)


def _made(file: FontFile, letters: str, name: str) -> bool:
    """Make a part of a font known to ReportLab; return whether it may be embedded."""
    if name not in pdfmetrics.getRegisteredFontNames():
        part = part_of(file, letters, name)
        if part is None:
            return False
        pdfmetrics.registerFont(TTFont(name, io.BytesIO(part)))
        pdfmetrics.registerFontFamily(name, normal=name, bold=name, italic=name, boldItalic=name)
    return True


def markup(text: str, bold: bool = False) -> str:
    """Return ``text`` escaped for a ReportLab paragraph, with a font tag around what the usual font lacks."""
    usual = register()
    parts = []
    for font, letters in groupby(text, lambda letter: _font(letter, usual, bold)):
        run = "".join(letters)
        run = MISSING * len(run) if font is None else escape(run, quote=False)
        parts.append(run if font in (None, "") else f'<font name="{font}">{run}</font>')
    return "".join(parts)


def plain(text: str) -> str:
    """Return ``text`` as one font can show it, that of :func:`font_of`, for where there is no markup."""
    if font_of(text):
        return text
    usual = register()
    return "".join(letter if ord(letter) in usual else MISSING for letter in text)


def font_of(text: str) -> str:
    """Return the name of the Chinese font that has all of ``text``, "" where the usual one is to show it."""
    usual, embedded = register(), _chinese.get()
    if not has_chinese(text):
        return ""
    if all(ord(letter) in embedded.points for letter in text):
        return embedded.regular
    return CHINESE if all(_font(letter, usual, False) == CHINESE for letter in text) else ""


def _font(letter: str, usual: frozenset[int], bold: bool) -> str | None:
    """Return the font's name, "" for the usual one, None where no font has the letter."""
    point, embedded = ord(letter), _chinese.get()
    if point in usual:
        return ""
    if point in embedded.points:
        return embedded.bold if bold else embedded.regular
    for font, blocks in _SCRIPTS:
        if any(first <= point <= last for first, last in blocks):
            return font
    return None
