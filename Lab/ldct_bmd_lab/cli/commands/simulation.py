"""``ldct-bmd simulate`` and ``repeatability``."""

from pathlib import Path
from typing import Annotated

import typer

from ldct_bmd.cli.commands.options import Overwrite
from ldct_bmd.cli.terminal import exit_codes, output, progress_bar

VirtualPatients = Annotated[int, typer.Option(metavar="N", help="Virtual patients.")]
Seed = Annotated[int, typer.Option(help="Draws the patients and their scans; the same seed, the same file.")]
FieldOfView = Annotated[
    str,
    typer.Option(
        "--field",
        metavar="chest|trunk|spine",
        help="Scan T1-L2 as for screening; T11-L3, faster; or T12-L2 and little else, fastest, for --exact-masks.",
    ),
]
ExactMasks = Annotated[
    bool, typer.Option("--exact-masks", help="Take the true vertebral bodies in place of the networks'.")
]
Processes = Annotated[int | None, typer.Option(metavar="N", help="Scans at a time.  \\[default: one a processor]")]
TableFile = Annotated[Path, typer.Option("--output", "-o", metavar="CSV", help="The file to write, for validate.")]


def simulate(
    table: TableFile,
    patients: VirtualPatients = 374,
    seed: Seed = 0,
    field: FieldOfView = "chest",
    exact_masks: ExactMasks = False,
    processes: Processes = None,
    overwrite: Overwrite = False,
) -> None:
    """Scan virtual patients of known BMD in simulation and measure them; a killed run resumes."""
    with exit_codes():
        from ..simulating import SimulationRequest, print_errors, simulate_cohort

        request = SimulationRequest(table, patients, seed, field, exact_masks, processes, overwrite)
        with progress_bar() as progress:
            results = simulate_cohort(request, progress)
        print_errors(output(), results, table)


def repeatability(
    table: TableFile,
    patients: VirtualPatients = 20,
    repeats: Annotated[int, typer.Option(metavar="N", help="Scans of each patient.")] = 3,
    vary: Annotated[
        str, typer.Option(metavar="WHAT", help="What differs: noise, position, kernel, thickness, dose.")
    ] = "noise,position",
    seed: Seed = 0,
    field: FieldOfView = "chest",
    exact_masks: ExactMasks = False,
    processes: Processes = None,
    overwrite: Overwrite = False,
) -> None:
    """Scan virtual patients again and again in simulation: RMS-SD, RMS-CV and least significant change."""
    with exit_codes():
        from ..simulating import SimulationRequest, print_errors, print_precision, simulate_repeats

        request = SimulationRequest(table, patients, seed, field, exact_masks, processes, overwrite)
        with progress_bar() as progress:
            results = simulate_repeats(request, repeats, vary, progress)
        print_precision(output(), table)
        print_errors(output(), results, table)
