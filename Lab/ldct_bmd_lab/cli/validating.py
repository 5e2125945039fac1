"""What ``ldct-bmd validate`` prints."""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ldct_bmd.cli.extras import extra
from ldct_bmd.cli.terminal import safe, say
from ldct_bmd.words import text

with extra("validation", "ldct-bmd-lab"):
    from ..agreement import Study
    from ..agreement.estimate import Estimate
    from ..agreement.folder import validate
    from ..agreement.wording import number, share, with_interval

__all__ = ["print_study", "validate"]


def print_study(console: Console, study: Study, folder: Path) -> None:
    """Print agreement by level and diagnosis by group."""
    if study.simulated:
        say(console, "Simulated scans, not patients.", "bold")
    agreement = Table(box=box.SIMPLE_HEAD)
    agreement.add_column("level")
    for heading in ("n", "R2", "slope", "bias mg/cm³\n(95 % CI)", "95 % limits\nmg/cm³", "ICC(2,1)"):
        agreement.add_column(heading, justify="right", no_wrap=True)
    for row in study.agreement:
        limits = f"{_value(row.loa_low)} to {_value(row.loa_high)}" if row.loa_low and row.loa_high else "-"
        agreement.add_row(
            safe(row.level),
            str(row.n),
            _value(row.r2, 3),
            _value(row.slope, 3),
            _on_two_lines(with_interval(row.bias, 1, signed=True)),
            limits,
            _value(row.icc, 3),
        )
    console.print(agreement)
    diagnosis = Table(box=box.SIMPLE_HEAD)
    for heading in ("group", "target"):
        diagnosis.add_column(heading)
    for heading in ("n", "sensitivity", "specificity", "AUC of the BMD\n(95 % CI)"):
        diagnosis.add_column(heading, justify="right", no_wrap=True)
    for one in study.diagnoses:
        auc = None if one.auc is None else one.auc.delong
        diagnosis.add_row(
            one.group,
            one.target.replace("_bmd", " BMD"),
            str(one.n),
            _on_two_lines(share(one.sensitivity)),
            _on_two_lines(share(one.specificity)),
            _on_two_lines(with_interval(auc, 3)),
        )
    console.print(diagnosis)
    if study.precision:
        console.print(_precision(study))
    if study.unused_columns:
        say(console, f"Columns that were not used: {', '.join(study.unused_columns)}.", "yellow")
    if study.missing:
        say(console, f"{len(study.missing)} values or rows are missing: missing.csv names them.", "yellow")
    say(console, text("terminal.research_use"), "bold")
    say(console, f"Written to {folder}; open validation.html first.")


def _precision(study: Study) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("repeated scans")
    headings = ("patients", "scans", "RMS-SD mg/cm³\n(95 % CI)", "RMS-CV %", "least significant\nchange mg/cm³")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in study.precision:
        table.add_row(
            safe(row.level),
            str(row.patients),
            str(row.scans),
            _on_two_lines(with_interval(row.rms_sd, 2)),
            _value(row.rms_cv, 2),
            number(row.change, 2),
        )
    return table


def _on_two_lines(words: str) -> str:
    """Return "value (interval)" with the interval below the value, so that 80 columns do not break it."""
    return words.replace(" (", "\n(", 1)


def _value(estimate: Estimate | None, digits: int = 1) -> str:
    return number(None if estimate is None else estimate.value, digits)
