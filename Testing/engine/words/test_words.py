"""One catalogue, complete in every language."""

import json
import re
from string import Formatter

import pytest

from ldct_bmd.words import ENGLISH, LANGUAGES, Catalogue, catalogue, current_language, speak, text
from ldct_bmd.words import current as current_module
from places import MODULE

WORDS = MODULE / "ldct_bmd" / "words"
OTHERS = [language for language in LANGUAGES if language != ENGLISH]


@pytest.fixture(autouse=True)
def _english_again() -> None:
    current_module._language.set(None)
    current_module._face.set(None)


def facts(template: str) -> set[str]:
    return {field.split(".")[0] for _, field, _, _ in Formatter().parse(template) if field is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_text(language: str) -> None:
    assert set(catalogue(language)) == set(catalogue(ENGLISH))


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_names_the_facts_of_the_english_text_and_no_other(language: str) -> None:
    for key in catalogue(ENGLISH):
        english, other = catalogue(ENGLISH).template(key), catalogue(language).template(key)
        assert facts(other) <= facts(english), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_topics_keys_stand_in_order(language: str) -> None:
    for path in (WORDS / language).glob("*.json"):
        keys = list(json.loads(path.read_text(encoding="utf-8")))
        assert len(keys) == len(set(keys))
        assert (WORDS / ENGLISH / path.name).is_file()


def test_chinese_texts_are_chinese() -> None:
    for key in catalogue("zh"):
        template = catalogue("zh").template(key)
        words = re.sub(r"\{[^}]*\}", "", template)
        if re.search(r"[A-Za-z]{3,} [a-z]{2,} [a-z]{2,}", words):
            assert re.search(r"[\u4e00-\u9fff]", words), key


def test_lists_and_plurals() -> None:
    made = Catalogue({"and": "{first} and {last}", "comma": ", ", "x": "{n:and} {n:plural:is|are} {v:.1f}"})
    assert made("x", n=["L1"], v=2.04) == "L1 is 2.0"
    assert made("x", n=["T12", "L1", "L2"], v=1) == "T12, L1 and L2 are 1.0"


def test_a_face_words_a_remedy_in_its_own_way() -> None:
    made = Catalogue({"x": "Name the file.", "x@cli": "Name the file with --file."})
    assert made("x") == "Name the file."
    assert made("x", "cli") == "Name the file with --file."
    assert made("x", "panel") == "Name the file."


@pytest.mark.parametrize(
    ("asked", "spoken"), [("zh", "zh"), ("zh_CN.UTF-8", "zh"), ("zh-Hans", "zh"), ("de_DE", "en"), ("", "en")]
)
def test_the_language_comes_from_the_environment_or_is_set(
    asked: str, spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDCT_BMD_LANGUAGE", asked)
    assert current_language() == spoken
    monkeypatch.setenv("LDCT_BMD_LANGUAGE", "")
    speak(asked)
    assert current_language() == spoken


def test_a_text_that_is_not_there_is_a_defect() -> None:
    with pytest.raises(KeyError):
        text("no such key")
