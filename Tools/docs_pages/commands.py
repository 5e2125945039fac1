"""The reference of the command line, from the commands themselves."""

from collections.abc import Iterator
from typing import Any

import typer.main

from ldct_bmd.cli import app

from .markdown import cell, code, table

_HEAD = """# Command line

This page is made from the commands themselves; `ldct-bmd COMMAND --help` prints the same. Commands marked *lab* come
with the distribution `ldct-bmd-lab`, those marked *web* with `ldct-bmd-web`. What a command returns to the shell is in
[Exit codes](exit-codes.md), what it reads from the environment in [Environment variables](environment.md).

`--language en|zh` may stand anywhere on the line, `--version` prints the version.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command that a user can give, with its whole name, in the order of ``--help``."""
    yield from _below("ldct-bmd", typer.main.get_command(app))


def page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *(_section(name, command) for name, command in commands())])


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child_name, child in children.items():
        if not child.hidden:
            yield from _below(f"{name} {child_name}", child)


def _section(name: str, command: Any) -> str:
    package = command.callback.__module__.partition(".")[0]
    mark = " *(" + package.removeprefix("ldct_bmd_") + ")*" if package != "ldct_bmd" else ""
    usage = " ".join([name, *_usage(command)])
    parts = [f"## {name.removeprefix('ldct-bmd ')}{mark}\n", _help(command), f"```text\n{usage}\n```\n"]
    shown = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    if shown:
        parts.append(table(("", "", "default"), (_row(one) for one in shown)))
    return "\n".join(parts)


def _usage(command: Any) -> Iterator[str]:
    for one in command.params:
        if one.param_type_name == "argument":
            yield _metavar(one)
        elif one.required:
            yield f"{one.opts[0]} {_metavar(one)}"
    yield "[OPTIONS]"


def _help(command: Any) -> str:
    paragraphs = (command.help or "").split("\f")[0].strip()
    return f"{paragraphs}\n"


def _row(one: Any) -> tuple[str, str, str]:
    if one.param_type_name == "argument":
        name = code(_metavar(one))
    else:
        flags = ", ".join([*one.opts, *one.secondary_opts])
        name = code(flags if one.is_flag else f"{flags} {_metavar(one)}")
    words, _, default = (one.help or "").partition("[default:")
    return name, cell(words), cell(default.rstrip("] ") or _default(one))


def _metavar(one: Any) -> str:
    if one.metavar:
        return str(one.metavar)
    if one.param_type_name == "argument":
        return str(one.name).upper()
    # Typer kept the type as click does until it carried its own click.
    kind = one.type.name if hasattr(one, "type") else one.type_descriptor.annotation.__name__
    return {"float": "X", "int": "N", "integer": "N"}.get(kind, str(kind).upper())


def _default(one: Any) -> str:
    if one.required:
        return "required"
    value = one.default() if callable(one.default) else one.default
    if value is None or value is False or value == () or one.param_type_name == "argument":
        return ""
    return "yes" if value is True else f"{value}"
