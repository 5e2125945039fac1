"""Chinese letters in PDF and pictures: with a font of the machine, and without one."""

import io
import re
import warnings
from pathlib import Path

import pypdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen

from helpers_record import examined
from helpers_report import case, with_patient
from ldct_bmd.cli.reporting import remark_on_fonts
from ldct_bmd.reporting import chinese
from ldct_bmd.reporting.overview import overview_png
from ldct_bmd.reporting.page import fonts
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.reporting.page.pdf import _paragraph, to_pdf
from ldct_bmd.reporting.page.pdf_styles import BODY
from ldct_bmd.words import catalogue, speaking

NAME = "Wang^Xiaodong=王^小东"
LETTERS = {ord(letter): f"u{ord(letter):04X}" for key in catalogue("zh") for letter in catalogue("zh").template(key)}


def write_font(path: Path, outlines: str, rights: int = 0) -> None:
    """Write a font whose every letter is a square."""
    letters = {code: name for code, name in LETTERS.items() if code > 0x2E80} | {ord(c): f"n{ord(c)}" for c in "王小东"}
    glyphs = [".notdef", *sorted(set(letters.values()))]
    builder = FontBuilder(1000, isTTF=outlines == "glyf")
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap(letters)
    pen = TTGlyphPen(None) if outlines == "glyf" else T2CharStringPen(1000, None)
    for move, *points in (("moveTo", (0, 0)), ("lineTo", (0, 800)), ("lineTo", (800, 800)), ("lineTo", (800, 0))):
        getattr(pen, move)(*points)
    pen.closePath()
    if outlines == "glyf":
        builder.setupGlyf(dict.fromkeys(glyphs, pen.glyph()))
    else:
        builder.setupCFF("Squares", {}, dict.fromkeys(glyphs, pen.getCharString()), {})
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular", "psName": "Squares"})
    builder.setupOS2(fsType=rights)
    builder.setupPost()
    builder.save(path)


@pytest.fixture(params=["glyf", "CFF"])
def font(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only font of the machine that has Chinese letters."""
    path = tmp_path / ("simhei.ttf" if request.param == "glyf" else "NotoSansSC-Regular.otf")
    write_font(path, request.param)
    machine_has(monkeypatch, path)
    return path


@pytest.fixture
def no_font(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_has(monkeypatch)


def machine_has(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    monkeypatch.setattr(chinese, "findSystemFonts", lambda: [str(path) for path in paths])
    chinese.find_font.cache_clear()
    chinese._families.cache_clear()


@pytest.fixture(autouse=True)
def _look_again():
    yield
    chinese.find_font.cache_clear()
    chinese._families.cache_clear()


def pdf(language: str) -> tuple[str, dict[str, bool]]:
    """The PDF's text, and for each of its fonts whether it is embedded."""
    fonts, text = {}, ""
    made = to_pdf(compose(with_patient(examined(), name=NAME), language=language))
    for page in pypdf.PdfReader(io.BytesIO(made)).pages:
        text += page.extract_text()
        for font in page["/Resources"]["/Font"].values():
            font = font.get_object()
            last = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            descriptor = last.get("/FontDescriptor", {})
            fonts[font["/BaseFont"]] = any(key.startswith("/FontFile") for key in descriptor)
    return re.sub(r"\s+", "", text), fonts


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_chinese_font_of_the_machine_is_embedded(language: str, font: Path) -> None:
    text, fonts = pdf(language)
    assert "王,小东" in text
    assert any("Chinese" in name and embedded for name, embedded in fonts.items())
    assert not any("STSong" in name for name in fonts)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_one_the_viewers_font_is_named(language: str, no_font: None) -> None:
    text, fonts = pdf(language)
    assert "王,小东" in text
    assert any("STSong-Light" in name for name in fonts)


def test_a_font_that_forbids_embedding_is_not_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_font(tmp_path / "simhei.ttf", "glyf", rights=2)
    machine_has(monkeypatch, tmp_path / "simhei.ttf")
    assert any("STSong-Light" in name for name in pdf("zh")[1])


def test_an_english_report_without_chinese_letters_has_no_font_for_them(font: Path) -> None:
    pages = pypdf.PdfReader(io.BytesIO(to_pdf(compose(examined())))).pages
    names = " ".join(one["/BaseFont"] for page in pages for one in page["/Resources"]["/Font"].values())
    assert "DejaVu" in names
    assert "Chinese" not in names
    assert "STSong" not in names


def test_the_overview_speaks_chinese_only_if_it_can_be_drawn(font: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = case()
    pictures = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a letter that it has no glyph of
        for language in ("en", "zh"):
            with speaking(language):
                pictures[language] = overview_png(made.scan, made.column, made.examination)
        assert pictures["en"] != pictures["zh"]
        machine_has(monkeypatch)
        with speaking("zh"):
            assert overview_png(made.scan, made.column, made.examination) == pictures["en"]


def test_chinese_lines_are_broken_between_letters_and_no_line_begins_with_a_mark() -> None:
    lines = chinese.wrapped("最后由 Dr. Reader 于 2024-05-06 修改，尚未签署。" * 3, 20, 9, "……")
    assert all(chinese.columns_of(line) <= 22 for line in lines)
    assert not any(line[0] in "，。" for line in lines)
    assert all(word in " ".join(lines) for word in ("Reader", "2024-05-06"))
    assert chinese.wrapped("骨" * 50, 20, 2, "……") == ["骨" * 10, "骨" * 9 + "……"]


def test_a_long_message_beside_a_level_without_a_picture_is_cut_and_marked() -> None:
    lines = chinese.wrapped("L2 is in view but has no VOI. " * 40, 30, 12, " …")
    assert len(lines) == 12
    assert lines[-1].endswith("…")


@pytest.mark.parametrize("width", range(40, 60, 3))
def test_no_line_of_the_pdf_begins_with_a_mark(width: int, no_font: None) -> None:
    fonts.register()
    folded = _paragraph("骨量减少，仅供参考；标称校准：偏高、偏低。" * 3, BODY)
    folded.wrap(width, 1000)
    lines = [" ".join(line[1]) for line in folded.blPara.lines]
    assert not [line for line in lines if line[0] in "，；：、。"]


def test_a_chinese_report_without_a_font_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(chinese, "_families", lambda: ())
    remark_on_fonts(told.append)
    assert told == []
    with speaking("zh"):
        remark_on_fonts(told.append)
        monkeypatch.setattr(chinese, "_families", lambda: ("DejaVu Sans", "Some Font"))
        remark_on_fonts(told.append)
    assert len(told) == 1
    assert "未找到中文字体" in told[0]
