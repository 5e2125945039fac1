"""The command line: all commands under one name."""

import sys
from typing import Annotated

import typer

from .. import __version__
from ..words import catalogue, speaking
from .calibrating import calibrate
from .commands.measurement import measure, series
from .commands.options import Language
from .commands.reports import remake_report, schema, send, sign_record, unsign_record
from .commands.screening import screen
from .further import add_further_commands
from .terminal import exit_codes, print_defect

app = typer.Typer(
    name="ldct-bmd",
    help=f"Bone mineral density of T12, L1 and L2 from chest CT. {catalogue()('terminal.research_use')}",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would print what the scan says of the patient.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    sys.excepthook = print_defect
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ldct-bmd {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    language: Language = None,
) -> None:
    if language is not None:
        with exit_codes(language):
            pass  # a language without texts is refused
        context.with_resource(speaking(language))


app.command()(measure)
app.command("report")(remake_report)
app.command("sign")(sign_record)
app.command("unsign")(unsign_record)
for command in (send, schema, series, screen):
    app.command()(command)
app.add_typer(calibrate)
add_further_commands(app)
