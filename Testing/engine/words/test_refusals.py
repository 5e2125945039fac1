"""Every refusal has its words, and they name the facts that it is raised with."""

import ast
import json
import re
from collections.abc import Iterator
from string import Formatter

from ldct_bmd.words import ENGLISH, LANGUAGES, catalogue
from places import LAB, MODULE, ROOT, WEB

WORDS = MODULE / "ldct_bmd" / "words"
SOURCES = {path: path.read_text(encoding="utf-8") for root in (MODULE, LAB, WEB) for path in sorted(root.rglob("*.py"))}


def kinds_of_refusal() -> tuple[str, ...]:
    """Return the names of ``Refusal`` and of all that derive from it."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for source in SOURCES.values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
    }
    kinds = {"Refusal"}
    while further := {name for name, above in bases.items() if above & kinds} - kinds:
        kinds |= further
    return tuple(kinds)


def calls(names: tuple[str, ...]) -> Iterator[tuple[str, ast.Call]]:
    """Return where one of ``names`` is called, and the call."""
    for path, source in SOURCES.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def key_of(node: ast.Call) -> str | None:
    """Return the text that a call begins with, None if it is no literal."""
    first = node.args[0] if node.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def facts_of(node: ast.Call) -> set[str]:
    """Return the names of the facts in ``Phrase(key, {"name": fact})``."""
    facts = node.args[1].keys if len(node.args) > 1 and isinstance(node.args[1], ast.Dict) else []
    return {name.value for name in facts if isinstance(name, ast.Constant)}


def named(key: str) -> set[str]:
    """Return all facts that a text names, as any face words it."""
    faces = [known for known in catalogue() if known.partition("@")[0] == key]
    templates = [catalogue(language).template(face) for language in LANGUAGES for face in faces]
    return {field for one in templates for _, field, _, _ in Formatter().parse(one) if field is not None}


RAISED = list(calls(kinds_of_refusal()))


def test_a_refusal_gives_the_facts_that_its_words_name() -> None:
    for place, node in RAISED:
        code = key_of(node)
        assert code is not None, f"{place} gives no code"
        assert re.fullmatch(r"[a-z]\w*\.[a-z]\w*", code), f"{place}: {code}"
        assert f"refusal.{code}" in catalogue(), f"{place}: {code} has no words"
        assert {keyword.arg for keyword in node.keywords} == named(f"refusal.{code}"), place


def test_a_phrase_gives_the_facts_that_its_words_name() -> None:
    for place, node in calls(("Phrase",)):
        key = key_of(node)
        if key is None:
            continue
        assert key in catalogue(), f"{place}: {key} has no words"
        if len(node.args) == 1 or isinstance(node.args[1], ast.Dict):
            assert facts_of(node) == named(key), place


def test_no_words_of_a_refusal_are_left_over() -> None:
    raised = {f"refusal.{key_of(node)}" for _, node in RAISED}
    known = {key.partition("@")[0] for key in catalogue() if key.startswith("refusal.")}
    assert not known - raised


def test_no_phrase_of_a_refusal_is_left_over() -> None:
    literals = {
        node.value
        for source in SOURCES.values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
    }
    topics = [*(WORDS / ENGLISH).glob("refusals_*.json"), WORDS / ENGLISH / "series.json"]
    phrases = {key.partition("@")[0] for path in topics for key in json.loads(path.read_text(encoding="utf-8"))}
    assert {key for key in phrases if not key.startswith("refusal.")} <= literals


def test_the_engine_names_no_option_of_the_command_line() -> None:
    for language in LANGUAGES:
        for key in catalogue(language):
            if key.startswith("refusal.") and not key.startswith("refusal.cli.") and not key.endswith(("@cli", "@lab")):
                assert not re.search(r"--[a-z]|(^|\s)-o\b", catalogue(language).template(key)), key
