"""What ``ldct-bmd spectra`` does: the table of conversions, and its check on virtual patients."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ldct_bmd.calibration.transfers import TransferTable, shipped_table
from ldct_bmd.cli.calibration_work import check_outputs
from ldct_bmd.cli.extras import extra
from ldct_bmd.cli.terminal import say
from ldct_bmd.ground.atomic import write_text
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.plain import from_plain
from ldct_bmd.quality.contrast_rules import LARGEST_CONTRAST_ERROR_MG_CM3
from ldct_bmd.words import text

from ..physics.cohort import draw_subject, scan_all
from ..physics.contrast import ContrastCheck, check_contrast
from ..physics.table import CHECK_SEED, CHECKED, REFERENCE, Check, check, make_table, summary, table_text

with extra("physics", "ldct-bmd-lab"):
    import spekpy  # noqa: F401
    import xraydb  # noqa: F401


def write_table(file: Path, overwrite: bool) -> None:
    """Make the table and write it."""
    check_outputs([file], overwrite)
    write_text(file, table_text(make_table()))


def check_table(file: Path | None, patients: int) -> list[Check]:
    """Return how well the table, the shipped one if no file is named, does on patients that it was not made with."""
    if patients < 3:
        raise UsageError.of_text("--patients is the number of virtual patients, 3 or more.")
    table = shipped_table()[0] if file is None else from_plain(TransferTable, json.loads(file.read_text("utf-8")))
    subjects = [draw_subject(CHECK_SEED, number) for number in range(patients)]
    return check(scan_all(subjects, (REFERENCE, *CHECKED)), table)


def check_agents(patients: int) -> list[ContrastCheck]:
    """Return how well what contrast agent adds is taken off virtual patients."""
    return check_contrast([draw_subject(CHECK_SEED, number) for number in range(patients)])


def print_agents(console: Console, checks: Sequence[ContrastCheck]) -> None:
    """Print bias and SD of BMD with contrast agent."""
    table = Table(box=box.SIMPLE_HEAD, title="BMD with contrast agent against the same patients without, mg/cm3")
    table.add_column("setting")
    table.add_column("phase")
    for way in ("uncorrected", "corrected"):
        table.add_column(f"{way}: bias", justify="right")
        table.add_column("SD", justify="right")
    for heading in ("stated SE", "in 95 % interval", "with a category"):
        table.add_column(heading, justify="right")
    for one in checks:
        numbers = [
            f"{number:{sign}.1f}"
            for errors in (one.uncorrected, one.corrected)
            for number, sign in ((errors.mean(), "+"), (errors.std(ddof=1), ""))
        ]
        inside = (abs(one.corrected) < 1.96 * one.stated).mean()
        stated = float((one.stated**2).mean() ** 0.5)
        given = (one.stated < LARGEST_CONTRAST_ERROR_MG_CM3).mean()
        table.add_row(one.setting.name, one.phase.value, *numbers, f"{stated:.1f}", f"{inside:.0%}", f"{given:.0%}")
    console.print(table)


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """Print bias and SD of BMD at each setting."""
    table = Table(box=box.SIMPLE_HEAD, title="BMD against 120 kVp with its own phantom scan, mg/cm3")
    table.add_column("setting")
    for way in ("uncorrected", "by the table", "by phantom scans too"):
        table.add_column(f"{way}: bias", justify="right")
        table.add_column("SD", justify="right")
    table.add_column("stated SE", justify="right")
    for row in summary(checks):
        table.add_row(*row)
    console.print(table)
    say(console, "Simulated scans, not patients.", "bold")
    say(console, text("terminal.research_use"), "bold")
