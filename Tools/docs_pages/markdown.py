"""Markdown for tables."""

from collections.abc import Iterable, Sequence

Rows = Iterable[Sequence[str]]


def cell(words: str) -> str:
    """Return text that stays in its cell: one line, no bar, no HTML tag, no link."""
    return " ".join(words.split()).replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")


def code(words: str) -> str:
    """Return text as code that stays in its cell."""
    return f"`{' '.join(words.split())}`".replace("|", "\\|")


def table(head: Sequence[str], rows: Rows) -> str:
    """Return a table; cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
