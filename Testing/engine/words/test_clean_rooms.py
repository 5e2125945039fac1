"""No sentence that a user sees is written anywhere but in the catalogue."""

import ast
import re
from collections.abc import Iterator

import pytest

from places import MODULE

ENGINE = MODULE / "ldct_bmd"
# Files that hold sentences, and why.
EXCEPTIONS = {
    "calibration/files.py": "the source that a calibration's identifier covers",
    "calibration/nominal.py": "the source that a calibration's identifier covers",
    "calibration/store.py": "statements of SQL",
    "cli/app.py": "the help of the command line",
    "cli/calibrating.py": "the help of the command line",
    "cli/commands/measurement.py": "the help of the command line",
    "cli/commands/options.py": "the help of the command line",
    "cli/commands/reports.py": "the help of the command line",
    "cli/commands/screening.py": "the help of the command line",
}
FILES = {path.relative_to(ENGINE).as_posix(): path for path in sorted(ENGINE.rglob("*.py"))}
_SENTENCE = re.compile(r"(\S+\s+){2,}\S*[.!?]['\")]*")


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


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_the_engine_holds_a_sentence_that_a_user_sees(name: str) -> None:
    found = sentences(FILES[name].read_text(encoding="utf-8"))
    assert bool(found) == (name in EXCEPTIONS), found


def test_sentences_are_found_wherever_they_stand_but_in_docstrings() -> None:
    source = '''"""It is a module."""
def f(level):
    """It does something."""
    g(f"{level} is cut by the edge.", "No vertebra was "
      "found.", "no sentence", key="a.b.c", two="one two.")
'''
    assert [text for _, text in sentences(source)] == ["x is cut by the edge.", "No vertebra was found."]
