"""All commands of the lab, for the entry point ``ldct_bmd.commands``."""

import typer

from .commands.phantom import demo, phantom
from .commands.physics import spectra
from .commands.simulation import repeatability, simulate
from .commands.training import folds, pack, train
from .commands.validation import evaluate, validate

COMMANDS = (phantom, demo, train, pack, folds, evaluate, validate, simulate, repeatability, spectra)


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    for command in COMMANDS:
        app.command(command.__name__)(command)
