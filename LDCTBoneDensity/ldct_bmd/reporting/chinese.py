"""A font with Chinese letters, found on this machine: one that came with the software would weigh megabytes."""

import io
import re
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unicodedata import east_asian_width

from matplotlib import rc_context
from matplotlib.font_manager import findSystemFonts, fontManager

from ..words import ENGLISH, speaking, text

# First and last code point of Han, its radicals and strokes, Chinese punctuation, and full-width forms.
HAN = ((0x2E80, 0x2FFF), (0x3000, 0x303F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF))
# Files with simplified Chinese letters, the best first, and which face of a collection has them.
_REGULAR = {
    "NotoSansCJKsc-Regular.otf": 0,
    "NotoSansSC-Regular.otf": 0,
    "NotoSansSC-Regular.ttf": 0,
    "SourceHanSansSC-Regular.otf": 0,
    "SourceHanSansCN-Regular.otf": 0,
    "NotoSansCJK-Regular.ttc": 2,
    "msyh.ttc": 0,
    "Hiragino Sans GB.ttc": 0,
    "STHeiti Light.ttc": 1,
    "wqy-microhei.ttc": 0,
    "wqy-zenhei.ttc": 0,
    "simhei.ttf": 0,
    "DroidSansFallbackFull.ttf": 0,
    "DroidSansFallback.ttf": 0,
    "simsun.ttc": 0,
    "uming.ttc": 0,
    "Arial Unicode.ttf": 0,
}
_BOLD = {
    "NotoSansCJKsc-Regular.otf": "NotoSansCJKsc-Bold.otf",
    "NotoSansSC-Regular.otf": "NotoSansSC-Bold.otf",
    "NotoSansSC-Regular.ttf": "NotoSansSC-Bold.ttf",
    "SourceHanSansSC-Regular.otf": "SourceHanSansSC-Bold.otf",
    "SourceHanSansCN-Regular.otf": "SourceHanSansCN-Bold.otf",
    "NotoSansCJK-Regular.ttc": "NotoSansCJK-Bold.ttc",
    "msyh.ttc": "msyhbd.ttc",
    "STHeiti Light.ttc": "STHeiti Medium.ttc",
}
_NO_EMBEDDING = 0x0002  # in OS/2.fsType: the maker forbids it
_PICTURE_FAMILY = "DejaVu Sans"  # comes with matplotlib
_MISSING = "\ufffd"
NOT_FIRST = "，。；：、！？）》」』”’…"  # never begin a line


@dataclass(frozen=True)
class FontFile:
    """One face of a font file."""

    path: Path
    face: int


def has_chinese(text: str) -> bool:
    """Return whether ``text`` has letters that need a Chinese font."""
    return any(first <= ord(letter) <= last for letter in text for first, last in HAN)


@cache
def find_font(bold: bool = False) -> FontFile | None:
    """Return the best font for Chinese on this machine, or the bold one beside it; None if there is none."""
    found = {Path(path).name.lower(): Path(path) for path in sorted(findSystemFonts())}
    for name, face in _REGULAR.items():
        if name.lower() in found:
            wanted = _BOLD.get(name, "") if bold else name
            return FontFile(found[wanted.lower()], face) if wanted.lower() in found else None
    return None


def part_of(file: FontFile, letters: Iterable[str], name: str) -> bytes | None:
    """Return a small TrueType font ``name`` with those of ``letters`` that ``file`` has; None if it is not allowed.

    ReportLab embeds TrueType outlines only, and most Chinese fonts have others: these are converted.
    """
    # Not above: the overview, which every scan gets, needs none of it.
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.filterPen import DecomposingFilterPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import TTFont

    with TTFont(file.path, fontNumber=file.face, lazy=True) as source:
        if source["OS/2"].fsType & _NO_EMBEDDING:
            return None
        all_letters, glyphs, units = source.getBestCmap(), source.getGlyphSet(), source["head"].unitsPerEm
        chosen = {ord(one): all_letters[ord(one)] for one in sorted(set(letters)) if ord(one) in all_letters}
        outlines, widths = {}, {}
        for glyph in [".notdef", *sorted(set(chosen.values()) - {".notdef"})]:
            pen = TTGlyphPen(None)
            quadratic = Cu2QuPen(pen, max_err=units / 1000, reverse_direction="glyf" not in source)
            glyphs[glyph].draw(DecomposingFilterPen(quadratic, glyphs))
            outlines[glyph], widths[glyph] = pen.glyph(), glyphs[glyph].width
        builder = FontBuilder(units, isTTF=True)
        builder.updateHead(created=0, modified=0)  # the same bytes at any time
        builder.font.recalcTimestamp = False
        builder.setupGlyphOrder(list(outlines))
        builder.setupCharacterMap(chosen)
        builder.setupGlyf(outlines)
        builder.setupHorizontalMetrics({one: (widths[one], getattr(outlines[one], "xMin", 0)) for one in outlines})
        ascent, descent = source["hhea"].ascent, source["hhea"].descent
    builder.setupHorizontalHeader(ascent=ascent, descent=descent)
    builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
    builder.setupOS2(sTypoAscender=ascent, sTypoDescender=descent)
    builder.setupPost()
    stream = io.BytesIO()
    builder.save(stream)
    return stream.getvalue()


@contextmanager
def drawn_words(given: str = "") -> Iterator[None]:
    """Draw, within a block, Chinese too where it is spoken or stands in ``given``; without a font speak English."""
    if not has_chinese(given + text("report.title")):
        yield
    elif families := _families():
        with rc_context({"font.family": list(families)}):
            yield
    else:
        with speaking(ENGLISH):
            yield


def lacks_font() -> bool:
    """Return whether Chinese is spoken and no font of this machine shows it: the PDF leaves it to its viewer."""
    return has_chinese(text("report.title")) and not _families()


def drawable(words: str) -> str:
    """Return ``words`` as a picture can show them: without a Chinese font, a mark for each letter that needs one.

    A dollar is escaped, or matplotlib would read what stands between two as a formula, and fail if it is none.
    """
    words = words.replace("$", r"\$")
    if not has_chinese(words) or _families():
        return words
    return "".join(_MISSING if has_chinese(letter) else letter for letter in words)


def columns_of(words: str) -> int:
    """Return how wide a text is in letters; a Chinese one counts twice."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in words)


def wrapped(words: str, columns: int, most_lines: int, rest: str) -> list[str]:
    """Return ``words`` in lines of ``columns`` letters, Chinese broken between any two; ``rest`` ends what is cut."""
    if not has_chinese(words):
        return textwrap.wrap(words, columns, max_lines=most_lines, placeholder=rest)
    lines = [""]
    for part in re.findall(r"[\x21-\u2e7f]+|.", words):
        if columns_of(lines[-1] + part) > columns and part not in NOT_FIRST:
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    if len(lines) <= most_lines:
        return lines
    kept = lines[:most_lines]
    while kept[-1] and columns_of(kept[-1] + rest) > columns:
        kept[-1] = kept[-1][:-1]
    return [*kept[:-1], kept[-1] + rest]


@cache
def _families() -> tuple[str, ...]:
    """Return the font families of pictures, the Chinese one after the usual one, which has none; () if none is found.

    Matplotlib takes each letter from the first family that has it.
    """
    regular = find_font()
    if regular is None:
        return ()
    for file in (regular, find_font(bold=True)):
        if file is not None:
            fontManager.addfont(file.path)
    entries = [entry for entry in fontManager.ttflist if Path(entry.fname) == regular.path]
    # Before 3.11 matplotlib sees the first face of a collection alone.
    entry = next((one for one in entries if getattr(one, "index", 0) == regular.face), entries[0])
    return (_PICTURE_FAMILY, entry.name)
