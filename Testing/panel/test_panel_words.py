"""Every text of the panel stands in the catalogue, in every language, and is set from there."""

import ast
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from ldct_bmd.words import ENGLISH, LANGUAGES, catalogue, speaking
from places import MODULE

LIB = MODULE / "LDCTBoneDensityLib"
SOURCES = [MODULE / "LDCTBoneDensity.py", *sorted(LIB.rglob("*.py"))]
FILES = sorted((MODULE / "Resources" / "UI").glob("*.ui"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ALIKE = {" mm", " kVp", " mg/cm³", "DICOM PDF"}  # in every language


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """Keys and texts of all that a .ui file shows."""
    for widget in ET.parse(path).iter("widget"):
        for held in (*widget.findall("attribute"), *widget.findall("property")):
            string = held.find("string")
            if string is not None and string.get("notr") != "true":
                yield f"panel.{widget.get('name')}.{held.get('name')}", string.text or ""


SHOWN = [pair for path in FILES for pair in texts_of(path)]


def test_every_text_of_a_ui_file_is_that_of_the_english_catalogue() -> None:
    english = catalogue(ENGLISH)
    assert len(SHOWN) > 150
    assert len({key for key, _ in SHOWN}) == len(SHOWN), "two widgets share a name"
    assert {key: text for key, text in SHOWN if key not in english or english.template(key) != text} == {}


def test_no_text_of_a_widget_is_left_over() -> None:
    assert {key for key in catalogue(ENGLISH) if key.startswith("panel.")} == {key for key, _ in SHOWN}


def test_the_texts_of_widgets_are_chinese_with_the_same_shortcut_keys() -> None:
    chinese = catalogue("zh")
    for key, text in SHOWN:
        assert CHINESE.search(chinese.template(key)) or text in ALIKE, key
        shortcut, same = re.search("&(.)", text), re.search(r"\(&(.)\)", chinese.template(key))
        assert (shortcut and shortcut[1].upper()) == (same and same[1]), key


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_loaded_panel_shows_them(path: Path, language: str) -> None:
    import slicer

    from LDCTBoneDensityLib.common.Labels import loadLabelledUI

    with speaking(language):
        window = loadLabelledUI(str(path))
    widgets = {window.objectName: window, **vars(slicer.util.childWidgetVariables(window))}
    for key, _ in texts_of(path):
        _, name, what = key.split(".")
        widget = widgets[name]
        if what == "title" and not hasattr(widget, "title"):
            tabs = widget.parent().parent()
            shown = tabs.tabText(tabs.indexOf(widget))
        else:
            shown = getattr(widget, what)
        assert shown == catalogue(language).template(key), key


def calls_of_text() -> Iterator[tuple[str, ast.Call]]:
    """Where the panel asks the catalogue for a text by its key."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text":
                yield f"{path.name}:{node.lineno}", node


def test_a_text_is_given_the_facts_that_its_words_name() -> None:
    calls = list(calls_of_text())
    assert len(calls) > 80
    for place, call in calls:
        key = call.args[0]
        if isinstance(key, ast.Constant):
            named = {
                field
                for language in LANGUAGES
                for _, field, _, _ in Formatter().parse(catalogue(language).template(str(key.value)))
                if field is not None
            }
            assert {keyword.arg for keyword in call.keywords} == named, place


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_slicer_side_holds_no_sentence_and_no_other_translation(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RuntimeError":
            skipped |= {id(held) for held in node.args}  # a defect speaks to developers
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Load)), node.lineno
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            assert not re.search(r"[A-Za-z]{2,},? [a-z]{2,} [a-z]{2,}", node.value), node.value
