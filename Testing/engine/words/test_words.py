"""One catalogue, complete in every language."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from string import Formatter

import pytest

from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.words import (
    ENGLISH,
    LANGUAGES,
    Catalogue,
    Phrase,
    catalogue,
    current_language,
    speak,
    speaking,
    text,
    told,
)
from places import MODULE

WORDS = MODULE / "ldct_bmd" / "words"
OTHERS = [language for language in LANGUAGES if language != ENGLISH]


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


def number_formats(template: str) -> set[tuple[str, str]]:
    parsed = [(field, spec) for _, field, spec, _ in Formatter().parse(template) if field is not None and spec]
    return {(field, spec) for field, spec in parsed if spec != "and" and not spec.startswith(("join:", "plural:"))}


@pytest.mark.parametrize("language", OTHERS)
def test_a_number_is_rounded_alike_in_every_language(language: str) -> None:
    for key in catalogue(ENGLISH):
        english, other = catalogue(ENGLISH).template(key), catalogue(language).template(key)
        assert number_formats(other) == number_formats(english), key


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


def test_fractions_are_written_in_whole_percent_and_items_joined_as_the_text_says() -> None:
    made = Catalogue({"x": "{loss:percent} %: {reasons:join:; }"})
    assert made("x", loss=0.347, reasons=("a", "b")) == "35 %: a; b"


def test_a_number_that_is_added_keeps_its_sign_apart() -> None:
    made = Catalogue({"x": "0.8 x HU {b:term:.1f}"})
    assert [made("x", b=b) for b in (0.3, 0.0, -2.0)] == ["0.8 x HU + 0.3", "0.8 x HU + 0.0", "0.8 x HU − 2.0"]


def test_a_phrase_among_the_facts_is_composed_in_the_same_language_and_by_the_same_face() -> None:
    made = Catalogue({"x": "{why}: {all:and}.", "y": "HU {v:.1f}", "y@cli": "{v:.0f} HU", "and": "{first} and {last}"})
    inner = Phrase("y", {"v": 3.26})
    assert made("x", "cli", why=inner, all=(inner, told("own words"))) == "3 HU: 3 HU and own words."
    assert made("x", why=inner, all=[inner]) == "HU 3.3: HU 3.3."


def test_a_phrase_keeps_its_facts_and_nothing_but_facts_in_a_file() -> None:
    phrase = Phrase(
        "y", {"a": 1, "b": 1.0, "c": True, "d": None, "e": ("T12", Phrase("z")), "f": Phrase("z", {"g": "h"})}
    )
    read = from_plain(Phrase, json.loads(json.dumps(to_plain(phrase))))
    assert read == phrase
    assert [type(fact) for fact in read.facts.values()] == [int, float, bool, type(None), tuple, Phrase]


def test_the_words_that_were_shown_stay_in_whatever_language_is_spoken_later() -> None:
    shown = Phrase("and", {"first": "L1", "last": "L2"}).frozen()
    with speaking("zh"):
        assert str(shown) == "L1 and L2"
        assert str(shown.thawed()) == "L1和L2"
        assert str(told("L1 and L2").thawed()) == "L1 and L2"
    assert str(shown.thawed()) == "L1 and L2"


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


def test_a_thread_speaks_what_the_process_speaks_and_a_block_what_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LDCT_BMD_LANGUAGE", raising=False)
    shown = Phrase("and", {"first": "L1", "last": "L2"})
    with ThreadPoolExecutor(1) as started_before:
        assert started_before.submit(str, shown).result() == "L1 and L2"
        speak("zh", face="panel")
        assert started_before.submit(str, shown).result() == "L1和L2"
        with speaking("en"):
            assert str(shown) == "L1 and L2"
            assert started_before.submit(str, shown).result() == "L1和L2"
    assert str(shown) == "L1和L2"


def test_a_text_that_is_not_there_is_a_defect() -> None:
    with pytest.raises(KeyError):
        text("no such key")
