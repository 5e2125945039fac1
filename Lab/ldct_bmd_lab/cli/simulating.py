"""From the options of ``ldct-bmd simulate`` and ``repeatability`` to their CSV, and what they print."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ldct_bmd.anatomy import TARGET_LEVELS
from ldct_bmd.cli.extras import extra
from ldct_bmd.cli.terminal import say
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import Progress
from ldct_bmd.words import text

from ..simulation import PlannedScan, Varied, cohort_plan, repeatability_plan, simulate
from ..simulation.conditions import Field
from ..simulation.one_scan import ScanResult

with extra("validation", "ldct-bmd-lab"):
    from ..agreement import read_readings
    from ..agreement.study import precision_by_level
    from ..agreement.wording import number, with_interval


@dataclass(frozen=True)
class SimulationRequest:
    """What both commands are asked for, as typed."""

    file: Path
    patients: int
    seed: int
    field: str
    exact_masks: bool
    processes: int | None
    overwrite: bool


def simulate_cohort(request: SimulationRequest, progress: Progress) -> tuple[ScanResult, ...]:
    """Scan and measure a virtual cohort, each patient once, and write its CSV."""
    return _run(request, cohort_plan(request.patients, request.seed), progress)


def simulate_repeats(request: SimulationRequest, repeats: int, vary: str, progress: Progress) -> tuple[ScanResult, ...]:
    """Scan and measure each virtual patient several times, and write the CSV."""
    names = [name.strip().lower() for name in vary.split(",") if name.strip()]
    known = {varied.value: varied for varied in Varied}
    for name in names:
        if name not in known:
            raise UsageError.of_text(f"--vary: {name!r} is none of {', '.join(known)}.")
    plan = repeatability_plan(request.patients, repeats, [known[name] for name in names], request.seed)
    return _run(request, plan, progress)


def print_errors(console: Console, results: Sequence[ScanResult], file: Path) -> None:
    """Print how far predictions are from the truth, level by level."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("level")
    for heading in ("scans", "measured", "mean error mg/cm³", "SD", "largest"):
        table.add_column(heading, justify="right")
    for level in TARGET_LEVELS:
        of_level = [one for result in results for one in result.levels if one.level == level]
        errors = [one.predicted - one.reference for one in of_level if one.predicted is not None]
        mean = sum(errors) / len(errors) if errors else None
        spread = None
        if mean is not None and len(errors) > 1:
            spread = (sum((error - mean) ** 2 for error in errors) / (len(errors) - 1)) ** 0.5
        table.add_row(
            level,
            str(len(of_level)),
            str(len(errors)),
            number(mean, 2, signed=True),
            number(spread, 2),
            number(max(errors, key=abs, default=None), 2, signed=True),
        )
    console.print(table)
    uncertain = sum(result.names_certain is False for result in results)
    wrong = [result for result in results if any(one.name_right is False for one in result.levels)]
    silent = sum(result.names_certain is True for result in wrong)
    say(
        console,
        f"Names of the vertebrae: uncertain in {uncertain} of {len(results)} scans, wrong in {len(wrong)} "
        f"(of these called certain: {silent}).",
    )
    say(console, "Simulated scans, not patients.", "bold")
    say(console, text("terminal.research_use"), "bold")
    say(console, f"Written to {file}; next: ldct-bmd validate {file.name} -o DIR")


def print_precision(console: Console, file: Path) -> None:
    """Print RMS-SD, RMS-CV and the least significant change of each level."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("level")
    for heading in ("patients", "scans", "RMS-SD mg/cm³ (95 % CI)", "RMS-CV %", "least significant change mg/cm³", "%"):
        table.add_column(heading, justify="right")
    for row in precision_by_level(read_readings(file)):
        table.add_row(
            row.level,
            str(row.patients),
            str(row.scans),
            with_interval(row.rms_sd, 2),
            number(None if row.rms_cv is None else row.rms_cv.value, 2),
            number(row.change, 2),
            number(row.change_percent, 2),
        )
    console.print(table)


def _run(request: SimulationRequest, plan: Sequence[PlannedScan], progress: Progress) -> tuple[ScanResult, ...]:
    fields = {field.value: field for field in Field}
    if request.field not in fields:
        raise UsageError.of_text(
            f"--field is {', '.join(list(fields)[:-1])} or {list(fields)[-1]}, not {request.field}."
        )
    try:
        return simulate(
            plan,
            request.file,
            fields[request.field],
            exact_masks=request.exact_masks,
            processes=request.processes if request.processes is not None else _processors(),
            overwrite=request.overwrite,
            progress=progress,
        )
    except CannotMeasure as error:
        # No scan of a user's is in question here: what can't be done is the request.
        raise UsageError.of(error.phrase) from error


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
