"""The command line: all commands under one name."""

import gc
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from ..ground.errors import UsageError
from ..words import LANGUAGES, catalogue, is_spoken, speaking
from .calibrating import calibrate
from .commands.measurement import measure, series
from .commands.reports import remake_report, schema, send, sign_record, unsign_record
from .commands.screening import screen, summary, watch, worklist
from .further import add_further_commands
from .helping import add_help
from .terminal import EXIT_PIPE_CLOSED, close_quietly, exit_codes, never_fail_on_a_character, print_defect

LANGUAGE_OPTION = "--language"


class _LanguageAnywhere(TyperGroup):
    """Takes the language wherever it stands on the line, for all commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the line with the language put first."""
        here = args[: args.index("--")] if "--" in args else args
        for place, word in enumerate(here):
            if word.partition("=")[0] == LANGUAGE_OPTION:
                end = place + (1 if "=" in word else 2)
                args = [*args[place:end], *args[:place], *args[end:]]
                break
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_LanguageAnywhere,
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
    never_fail_on_a_character()
    try:
        app()
    except BrokenPipeError:  # by help, or at the last flush
        close_quietly()
        sys.exit(EXIT_PIPE_CLOSED)
    finally:
        gc.freeze()  # else Python looks through all that is held for what to clear away, a quarter of a second


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
    language: Annotated[
        str | None,
        typer.Option(
            LANGUAGE_OPTION,
            metavar="en|zh",
            help="Of all that is said and written.  \\[default: LDCT_BMD_LANGUAGE, else en]",
        ),
    ] = None,
) -> None:
    if language is not None:
        with exit_codes():
            if not is_spoken(language):
                raise UsageError("request.language", language=language, languages=LANGUAGES)
        context.with_resource(speaking(language))


app.command()(measure)
app.command("report")(remake_report)
app.command("sign")(sign_record)
app.command("unsign")(unsign_record)
for command in (send, schema, series, screen, watch, worklist, summary):
    app.command()(command)
app.add_typer(calibrate)
add_further_commands(app)
add_help(app)
