"""``ldct-bmd spectra``."""

from pathlib import Path
from typing import Annotated

import typer

from ldct_bmd.cli.commands.options import Overwrite
from ldct_bmd.cli.terminal import exit_codes, output


def spectra(
    table: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="JSON", help="Make the engine's table of conversions again, and write it."
        ),
    ] = None,
    patients: Annotated[int, typer.Option(metavar="N", help="Virtual patients to check the table with.")] = 100,
    overwrite: Overwrite = False,
) -> None:
    """Simulate tube voltages, tin filters and contrast agent, and print how well BMD is corrected for each."""
    with exit_codes():
        from ..spectra import check_agents, check_table, print_agents, print_checks, write_table

        if table is not None:
            write_table(table, overwrite)
        checks, agents = check_table(table, patients), check_agents(patients)
        print_agents(output(), agents)
        print_checks(output(), checks)
