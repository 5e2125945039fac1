"""What the commands print on standard output."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..assessment import format_bmd
from ..calibration import BMDError
from ..calibration.described import name_words
from ..examination import Examination, unused_levels
from ..findings import Finding, Severity
from ..scan import ChoiceReason, ScanDescription, SeriesChoice, SeriesSummary
from ..words import catalogue, current_language, text
from ..worklist import Facts, Worklist
from .terminal import safe, say

SEVERITY_STYLE = {Severity.INFO: "dim", Severity.WARNING: "yellow", Severity.ERROR: "red"}


def print_result(console: Console, examination: Examination, folder: Path) -> None:
    """Print which series was measured, the table, the findings, the statement and where the files are."""
    from ..reporting.page.about import age_caveat, mean_line

    words = catalogue(current_language())
    _print_choice(console, examination.scan)
    console.print(_measurement_table(examination))
    if any(m.bmd_error is not None and m.bmd_error.total_mg_cm3 is None for m in examination.measurements):
        say(console, text("result.noise_alone"), "dim")
    calibration, choice = examination.calibration, examination.calibration_choice
    line = text(
        "result.calibration_nominal" if calibration.nominal else "result.calibration",
        name=name_words(calibration),
        slope=calibration.slope,
        intercept=calibration.intercept_mg_cm3,
        material=calibration.material,
    )
    say(console, line, "yellow" if calibration.nominal else "")
    # Where none matched, a finding says so in the same words.
    if choice is not None and choice.matched:
        say(console, str(choice.reason))
    for finding in examination.findings:
        say(console, _finding_line(finding), SEVERITY_STYLE[finding.severity])
    console.print()
    say(console, examination.assessment.statement, "bold")
    for line in filter(None, (mean_line(examination, words), age_caveat(examination.scan.patient, words))):
        say(console, line)
    say(console, text("terminal.research_use"), "bold")
    say(console, text("terminal.written", path=folder))


def print_series(console: Console, series: Sequence[SeriesSummary]) -> None:
    """Print one line per series found in the input; a volume file has none."""
    if not series:
        say(console, text("series_table.none"))
        return
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(text("series_table.uid"), no_wrap=True)  # to be copied whole
    for column in ("description", "slices", "spacing", "coverage", "kernel", "suitable"):
        table.add_column(text(f"series_table.{column}"), overflow="fold")
    for one in series:
        table.add_row(
            safe(one.series_uid),
            safe(f"{one.modality} {one.description}".strip()),
            str(one.slices),
            _number(one.spacing_z_mm, ".2f"),
            _number(one.coverage_z_mm, ".0f"),
            safe(one.kernel or "-"),
            _suitability(one),
        )
    console.print(table)


def print_worklist(console: Console, worklist: Worklist, limit: int) -> None:
    """Print the first ``limit`` rows (0: all), and how many more there are."""
    shown = worklist.rows[: limit or None]
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("urgency", "state", "patient", "date", "mean", "category", "why", "result"):
        table.add_column(text(f"worklist.{column}"), overflow="fold", no_wrap=column == "result")
    for row in shown:
        facts = row.facts
        table.add_row(
            text(f"worklist.urgency.{row.urgency.value}"),
            text(f"worklist.state.{row.state.value}"),
            safe(facts.patient_id or "-"),
            safe(facts.scan_date or "-"),
            "-" if facts.mean_bmd_mg_cm3 is None else format_bmd(facts.mean_bmd_mg_cm3),
            _category(facts),
            safe(_why(facts)),
            safe(row.folder or "-"),
        )
    console.print(table)
    if len(worklist.rows) > len(shown):
        say(console, text("worklist.more", count=len(worklist.rows) - len(shown)))


def _category(facts: Facts) -> str:
    if facts.category is None:
        return "-"
    return text("category.limited" if facts.limited else "category.plain", category=text(f"category.{facts.category}"))


def _why(facts: Facts) -> str:
    if facts.reason is not None:
        return facts.reason
    parts = (
        ("fractures_confirmed", facts.fractures_confirmed),
        ("fractures_to_check", facts.fractures_to_check),
        ("uncertain", facts.uncertain),
    )
    return " ".join(text(f"worklist.why.{name}", levels=levels) for name, levels in parts if levels) or "-"


def _print_choice(console: Console, scan: ScanDescription) -> None:
    source = scan.source
    if source.choice is not None:
        say(console, _chosen(source.choice, scan.acquisition.series_description))
    elif source.file_name is not None:
        say(console, text("choice.file", name=source.file_name))
    for other in source.other_series:
        if other.series_uid:
            named = text("choice.named", name=_label(other.series_uid, other.description), slices=other.slices)
        else:
            named = text("choice.of_another_patient", slices=other.slices)
        key = "choice.not_measured" if other.unsuitable is None else "choice.unsuitable"
        say(console, text(key, series=named, reason=str(other.unsuitable)), "dim")


def _chosen(choice: SeriesChoice, description: str | None) -> str:
    name = _label(choice.address, description)
    if choice.reason in (ChoiceReason.ONLY, ChoiceReason.NAMED, ChoiceReason.LOADED):
        return text(f"choice.chosen.{choice.reason.value}", name=name)
    because = text(f"choice.because.{choice.reason.value}")
    key = "choice.chosen" if choice.patients == 1 else "choice.chosen.patients"
    return text(key, name=name, series=choice.series, patients=choice.patients, because=because)


def _label(series_uid: str, description: str | None) -> str:
    return text("choice.label", description=description, uid=series_uid) if description else series_uid


def _measurement_table(examination: Examination) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(text("result.level"))
    for column in ("bmd", "error", "mean_hu", "sd_hu", "volume"):
        table.add_column(text(f"result.{column}"), justify="right")
    table.add_column(text("result.findings"), overflow="fold")
    unused = unused_levels(examination)
    for measurement in examination.measurements:
        codes = [f.code.value for f in examination.findings if f.level == measurement.level]
        if measurement.excluded is not None:
            codes.insert(0, text("result.excluded", reason=measurement.excluded.text))
        elif measurement.level in unused:
            codes.insert(0, text("result.unused", reason=unused[measurement.level].words))
        level = measurement.level
        table.add_row(
            Text(level if examination.quality.certain(level) else f"{level}?", "bold"),
            format_bmd(measurement.bmd_mg_cm3),
            _standard_error(measurement.bmd_error),
            f"{measurement.mean_hu:.1f}",
            f"{measurement.sd_hu:.1f}",
            f"{measurement.volume_mm3 / 1000:.2f}",
            safe(", ".join(codes)),
        )
    measured = {measurement.level for measurement in examination.measurements}
    for finding in examination.findings:
        if finding.level is not None and finding.level not in measured:
            table.add_row(finding.level, *"-----", safe(finding.code.value))
    return table


def _standard_error(error: BMDError | None) -> str:
    if error is None:
        return "-"
    return f"{error.noise_mg_cm3:.1f}*" if error.total_mg_cm3 is None else f"{error.total_mg_cm3:.1f}"


def _finding_line(finding: Finding) -> str:
    key = "result.finding" if finding.level is None or finding.level in finding.message else "result.finding_at"
    severity = text(f"result.severity.{finding.severity.value}")
    return text(key, severity=severity, level=finding.level, message=finding.message)


def _suitability(series: SeriesSummary) -> Text:
    if series.unsuitable is None:
        return Text(text("series_table.yes"), "green")
    return safe(text("series_table.no", reason=series.unsuitable), "yellow")


def _number(value: float | None, spec: str) -> str:
    return "-" if value is None else format(value, spec)
