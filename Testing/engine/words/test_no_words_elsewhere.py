"""What a user sees of a report or a command is worded in the catalogue and nowhere else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from places import MODULE

ENGINE = MODULE / "ldct_bmd"
ROOMS = ("reporting/page", "reporting/dicom", "cli/commands")
MODULES = (
    "reporting/calibration_plots.py",
    "reporting/chinese.py",
    "reporting/overview.py",
    "reporting/pictures.py",
    "reporting/priors.py",
    "reporting/tables.py",
    "cli/calibrating.py",
    "cli/calibration_print.py",
    "cli/table.py",
    "cli/terminal.py",
    "calibration/described.py",
    "calibration/make.py",
    "calibration/provenance.py",
)
FILES = sorted(
    [*(path for room in ROOMS for path in (ENGINE / room).glob("*.py")), *(ENGINE / module for module in MODULES)]
)
SENTENCE = re.compile(r"[A-Za-z]{2,},? [a-z]{2,} [a-z]{2,}")
CODES = "reporting/dicom/codes.py"  # of DICOM objects, which archives match
# Refusals have a test of their own; the help of the command line is English; a defect speaks to developers.
NOT_SEEN = {"UsageError", "CannotMeasure", "ValueError", "TypeError", "AssertionError", "Option", "Argument", "Typer"}


def sentences(path: Path) -> Iterator[str]:
    """String literals of a module that read as a sentence, docstrings and what is not seen left out."""

    def walk(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in NOT_SEEN:
                return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SENTENCE.search(node.value):
            yield node.value
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ENGINE)) for path in FILES])
def test_no_sentence_stands_in_the_code(path: Path) -> None:
    if path.relative_to(ENGINE).as_posix() != CODES:
        assert list(sentences(path)) == []


def test_the_page_has_no_words_of_its_own() -> None:
    page = (ENGINE / "reporting" / "page" / "report.html.j2").read_text(encoding="utf-8")
    body = page[page.index("<body>") :]
    words = re.sub(r"<[^>]*>", " ", re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", body, flags=re.DOTALL))
    assert not re.search("[A-Za-z]{2,}", words)


def test_a_sentence_is_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""A docstring of some words."""\nx = f"{y} rods were found here"\nraise ValueError("a bad thing here")\n'
    )
    assert list(sentences(module)) == [" rods were found here"]
