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
    """Simulate tube voltages and tin filters, and print how well a calibration of 120 kVp is carried to each."""
    with exit_codes():
        from ..spectra import check_table, print_checks, write_table

        if table is not None:
            write_table(table, overwrite)
        print_checks(output(), check_table(table, patients))
