"""The review in a browser stands on the engine alone, and its words are the engine's."""

import ast
import re
from pathlib import Path

import pytest
import typer

import ldct_bmd
import ldct_bmd_web
from ldct_bmd.cli import further
from ldct_bmd.words import catalogue
from ldct_bmd_web.command import register
from ldct_bmd_web.state import page_keys
from places import MODULE, WEB

PACKAGE = WEB / "ldct_bmd_web"
MODULES = sorted(PACKAGE.glob("*.py"))
PAGE = PACKAGE / "page"
OUTSIDE = {"ldct_bmd_lab", "LDCTBoneDensityLib", "slicer", "qt", "vtk", "slicer_standin"}


def imported(path: Path) -> set[str]:
    """First parts of all modules that a file imports from elsewhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_it_imports_neither_lab_nor_slicers_side(path: Path) -> None:
    assert not imported(path) & OUTSIDE


def test_the_engine_never_imports_it() -> None:
    for path in (MODULE / "ldct_bmd").rglob("*.py"):
        assert "ldct_bmd_web" not in path.read_text(encoding="utf-8"), path


def test_all_distributions_have_one_version() -> None:
    assert ldct_bmd_web.__version__ == ldct_bmd.__version__


def test_the_engine_knows_the_names_of_its_commands() -> None:
    app = typer.Typer()
    register(app)
    assert tuple(command.name for command in app.registered_commands) == further.OF_THE_WEB


def test_every_text_that_the_page_names_is_in_the_catalogue() -> None:
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r'data-(?:text|tip|name)="([^"]+)"', html))
    scripts = "".join(path.read_text(encoding="utf-8") for path in PAGE.glob("*.js"))
    named |= set(re.findall(r'say\("([^"]+)"\)', scripts))
    assert named
    assert named <= set(catalogue())
    assert named <= set(page_keys())


def test_the_page_has_no_words_of_its_own() -> None:
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    body = re.sub(r"<[^>]*>", " ", html[html.index("<body>") :])
    assert not re.search("[A-Za-z]{2,}", body)
    for path in PAGE.glob("*.js"):
        code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        assert not re.findall(r'"[A-Za-z]+ [a-z]+ [a-z]+[^"]*"', code), path.name


def test_the_page_runs_no_text_as_code_and_loads_nothing_from_elsewhere() -> None:
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
        assert not re.search(r"https?://|style=\"|\son[a-z]+=\"", text), path.name
