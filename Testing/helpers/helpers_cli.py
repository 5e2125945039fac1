"""Running the command line, in this process and in one of its own."""

import os
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from ldct_bmd.cli import app
from places import MODULE

CALIBRATION = ("--slope", "0.8", "--intercept", "0", "--material", "K2HPO4", "--calibration-kvp", "120")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def ready(label_file: Path) -> tuple[str, ...]:
    """The options that take the label map in place of the network."""
    return (
        "--segmentation",
        str(label_file),
        "--segmentation-values",
        "verse",
        "--segmentation-parts",
        "body",
    )


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "ldct_bmd", *map(str, arguments)]


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(MODULE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
