"""The commands that other distributions add: each names a function in the entry-point group ``ldct_bmd.commands``."""

from collections.abc import Callable
from importlib.metadata import entry_points

import typer

from ..ground.errors import UsageError
from .terminal import exit_codes

GROUP = "ldct_bmd.commands"
# Said of a command that is not there. The distributions' own lists are tested against these.
OF_THE_LAB = (
    "phantom",
    "demo",
    "train",
    "pack",
    "folds",
    "evaluate",
    "validate",
    "simulate",
    "repeatability",
    "spectra",
)
OF_THE_WEB = ("review",)


def add_further_commands(app: typer.Typer) -> None:
    """Add to ``app`` the commands of all distributions that are installed, and say of the lab's how to get them."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        point.load()(app)
    there = {command.name for command in app.registered_commands}
    for name in (*OF_THE_LAB, *OF_THE_WEB):
        if name not in there:
            app.command(name, hidden=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
                _missing(name)
            )


def _missing(name: str) -> Callable[[], None]:
    def command() -> None:
        with exit_codes():
            if name in OF_THE_WEB:
                raise UsageError("cli.web_missing", command=name)
            raise UsageError("cli.lab_missing", command=name)

    return command
