"""The commands that README and documentation tell a reader to type."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer.main

from ldct_bmd.cli import app
from places import DOCS, ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted(DOCS.rglob("*.md")),
]
_BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Line:
    """One command as a page has it."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def blocks(page: Path, language: str = "sh") -> list[str]:
    """The fenced blocks of a language, as a reader copies them."""
    pattern = re.compile(_BLOCK.pattern.replace("```sh", f"```{language}"), _BLOCK.flags)
    return [re.sub(f"(?m)^{indent}", "", body) for indent, body in pattern.findall(page.read_text(encoding="utf-8"))]


def lines(page: Path) -> list[Line]:
    """The commands of a page, in order, without comments."""
    name = page.relative_to(ROOT).as_posix()
    typed = "\n".join(blocks(page)).replace("\\\n", " ").splitlines()
    return [Line(name, tuple(words)) for text in typed if (words := shlex.split(text, comments=True))]


def parsed(words: tuple[str, ...]) -> Any:
    """The context of a command line of ``ldct-bmd`` as its own parser reads it; raises what it says of a wrong one."""
    command, rest = typer.main.get_command(app), list(words[1:])
    while hasattr(command, "commands"):
        if rest[:1] == ["--version"]:
            return command.make_context("ldct-bmd", [], resilient_parsing=True)
        command, rest = command.commands[rest[0]], rest[1:]
    return command.make_context(command.name, rest)


def options() -> Iterator[str]:
    """Every option of every command."""
    yield from ("--help", "--version", "--language")

    def below(command: Any) -> Iterator[str]:
        for one in command.params:
            yield from (*one.opts, *one.secondary_opts)
        for child in getattr(command, "commands", {}).values():
            yield from below(child)

    yield from below(typer.main.get_command(app))
