"""No sentence that a user sees is written anywhere but in the catalogue.

``CLEAN`` lists the rooms, and single files of others, that hold none; it grows until it holds the engine.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from places import MODULE

ENGINE = MODULE / "ldct_bmd"
CLEAN = (
    "assessment.py",
    "calibration/choose.py",
    "calibration/drift.py",
    "calibration/match.py",
    "calibration/tissue.py",
    "findings",
    "labeling/judge.py",
    "labeling/label_scan.py",
    "labeling/name.py",
    "pipeline.py",
    "quality",
)
_SENTENCE = re.compile(r"(\S+\s+){2,}\S*[.!?]['\")]*")


def files(room: str) -> list[Path]:
    path = ENGINE / room
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text in the code but docstrings; what a format string sets in is one word."""
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                skipped.add(id(first.value))
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
            yield node.lineno, "".join(str(part) for part in parts)


def sentences(source: str) -> list[tuple[int, str]]:
    """Texts of three or more words that end like a sentence."""
    return [(line, text) for line, text in texts(ast.parse(source)) if _SENTENCE.fullmatch(text.strip())]


@pytest.mark.parametrize(
    "path", [path for room in CLEAN for path in files(room)], ids=lambda p: str(p.relative_to(ENGINE))
)
def test_a_room_holds_no_sentence_that_a_user_sees(path: Path) -> None:
    assert not sentences(path.read_text(encoding="utf-8"))


def test_sentences_are_found_wherever_they_stand_but_in_docstrings() -> None:
    source = '''"""It is a module."""
def f(level):
    """It does something."""
    g(f"{level} is cut by the edge.", "No vertebra was "
      "found.", "no sentence", key="a.b.c", two="one two.")
'''
    assert [text for _, text in sentences(source)] == ["x is cut by the edge.", "No vertebra was found."]
