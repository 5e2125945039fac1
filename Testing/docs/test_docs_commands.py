"""Every command that README and documentation tell a reader to type is one that the programs take."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers_docs import PAGES, Line, blocks, lines, options, parsed
from places import MODULE, ROOT

ALL = [line for page in PAGES for line in lines(page)]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def _make(line: Line) -> None:
    for target in (word for word in line.words[1:] if "=" not in word):
        assert re.search(rf"^{re.escape(target)}:", MAKEFILE, re.MULTILINE), target


def _pip(line: Line) -> None:
    """Packages of this project with extras that they have, or files of requirements that are there."""
    assert line.words[1] in ("install", "download")
    for word, before in zip(line.words[2:], line.words[1:], strict=False):
        if before == "-r":
            assert (MODULE / "Resources" / word).is_file(), word
        elif word.startswith("."):
            folder, _, extras = word.rstrip("]").partition("[")
            text = (ROOT / folder / "pyproject.toml").read_text(encoding="utf-8")
            for extra in filter(None, extras.split(",")):
                assert re.search(rf"^{extra} = \[", text, re.MULTILINE), extra


def _python(line: Line) -> None:
    assert line.words[1] == "-m" or (ROOT / line.words[1]).is_file()


def _from_the_project(line: Line) -> None:
    assert (ROOT / line.words[1]).exists()


def _slicers_python(line: Line) -> None:
    assert line.words[1:3] == ("-m", "pip")
    _pip(Line(line.page, line.words[2:]))


def _export(line: Line) -> None:
    """A variable that the reference of the environment names."""
    told = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    for word in line.words[1:]:
        assert f"`{word.partition('=')[0]}`" in told, word


def _git(line: Line) -> None:
    assert line.words[1] in ("clone", "config")


# Whether the programs that these start do what they say is in the tests of pages that run, or of a release.
CHECKS: dict[str, Callable[[Line], object]] = {
    "ldct-bmd": lambda line: parsed(line.words),
    "make": _make,
    "pip": _pip,
    "python": _python,
    "python3": _python,
    "PythonSlicer": _slicers_python,
    "cd": _from_the_project,
    "cp": _from_the_project,
    "git": _git,
    "export": _export,
    ".": lambda line: None,
    "openssl": lambda line: None,
}


@pytest.mark.parametrize("line", ALL, ids=str)
def test_a_command_is_taken_as_it_stands(line: Line) -> None:
    CHECKS[line.words[0]](line)


def test_the_parser_refuses_what_the_program_would_refuse() -> None:
    for wrong in (("ldct-bmd", "measure", "X"), ("ldct-bmd", "measure", "X", "-o", "D", "--none")):
        with pytest.raises(Exception, match=r"Missing|No such option"):
            parsed(wrong)
    with pytest.raises(KeyError):
        parsed(("ldct-bmd", "measures"))


FOREIGN = {"--find-links", "--no-index", "--cov"}  # of other programs


def test_every_option_that_a_page_names_exists() -> None:
    known = {*options(), *FOREIGN}
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for quoted in re.findall(r"`([^`\n]+)`", text):
            for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", quoted):
                assert option in known, f"{page.name}: {option}"


def test_every_command_has_a_page_that_shows_it() -> None:
    shown = {line.words[1] for line in ALL if line.words[0] == "ldct-bmd"}
    from docs_pages.commands import commands

    for name, _ in commands():
        if name.split()[1] not in ("demo", "schema"):  # of `make demo`, and of the reference
            assert name.split()[1] in shown, name


def test_the_script_of_the_readme_is_that_of_the_documentation() -> None:
    (own,) = blocks(ROOT / "README.md", "python")
    assert own in blocks(ROOT / "docs" / "howto" / "script.md", "python")


def test_links_of_the_pages_outside_the_site_lead_to_files_and_headings() -> None:
    outside = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md")]
    for page in outside:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if target.startswith(("http", "mailto:")):
                continue
            path, _, anchor = target.partition("#")
            found = page.parent / path if path else page
            assert found.exists(), f"{page.name}: {target}"
            if anchor:
                assert anchor in _anchors(found), f"{page.name}: {target}"


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
